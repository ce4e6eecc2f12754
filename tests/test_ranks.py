"""Several ranks of MPI: they train what one process trains, and end together."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

import pytest

from nntrain.launched import Place, place
from nntrain.run.processes import Processes, processes_as_asked
from nntrain.team import LINE, Team
from tests.cases import over
from tests.conftest import Command
from tests.kill import write_files
from tests.kill_ranks import MPIEXEC, Job, launch
from tests.test_run import same_files

LONG = bool(os.environ.get("NNTRAIN_EXAMPLES"))  # `make test-full`
mpi = pytest.mark.skipif(
    not MPIEXEC or not find_spec("mpi4py"), reason="needs the extra mpi: mpi4py and mpich"
)
SOON = 10.0  # seconds in which a job is over
RARELY = ("--set", "trainer.checkpoint_seconds=1000")
ENDLESS = ("--set", "trainer.max_epochs=1000000", "--set", "early_stopping=null")


@pytest.fixture
def files(tmp_path: Path) -> Path:
    write_files(tmp_path)
    return tmp_path


def rows(run: Path) -> list[dict[str, float]]:
    with (run / "metrics.csv").open(newline="") as file:
        return [{name: float(cell) for name, cell in row.items()} for row in csv.DictReader(file)]


def same_curves(one: Path, other: Path) -> None:
    wanted, found = rows(one), rows(other)
    assert len(wanted) == len(found)
    for a, b in zip(wanted, found, strict=True):
        assert b == pytest.approx(a, abs=1e-5, rel=1e-5)


# what a process is


@over(
    "environment, found",
    [
        ({}, (0, 1)),
        ({"PMI_RANK": "2", "PMI_SIZE": "4"}, (2, 4)),
        ({"OMPI_COMM_WORLD_RANK": "1", "OMPI_COMM_WORLD_SIZE": "2"}, (1, 2)),
        ({"PMIX_RANK": "3", "SLURM_STEP_NUM_TASKS": "8"}, (3, 8)),
        ({"PMI_RANK": "", "PMI_SIZE": "4"}, (0, 1)),
        ({"PMI_RANK": "0", "PMI_SIZE": "some"}, (0, 1)),
        ({"SLURM_PROCID": "1", "SLURM_NTASKS": "4"}, (0, 1)),  # a batch script, not a rank
    ],
)
def test_the_environment_tells_which_rank_this_is(
    environment: dict[str, str], found: tuple[int, int]
) -> None:
    assert place(environment) == Place(*found)


@over("length", (0, 1, 16, 17, 1000))
def test_the_parts_of_a_team_are_the_whole_vector(length: int) -> None:
    team = Team()
    team.size = 3
    parts = team.parts(length)
    assert [part.start for part in parts[1:]] == [part.stop for part in parts[:-1]]
    assert (parts[0].start, parts[-1].stop) == (0, length)
    assert all(part.start % LINE == 0 or part.start == length for part in parts)


def test_a_rank_is_one_process(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from nntrain.cli.loading import load_config, load_data
    from nntrain.errors import ConfigError
    from nntrain.run import processes
    from nntrain.run.model import build_plan

    team = Team()
    team.size = 20
    monkeypatch.setattr(processes, "everyone", lambda: team)
    loaded = load_config(files / "mlp.yaml", [])
    dataset = load_data(loaded)
    plan = build_plan(loaded.experiment, dataset.preprocessor)
    found = processes_as_asked(loaded.experiment, plan, dataset, None)
    assert (found.threads, found.workers, found.ranks) == (1, 1, 20)
    assert "batches of 12 are too few for 20 ranks" in found.notes[0]
    again = processes.processes_again(loaded.experiment, {"threads": 2, "workers": 2})
    assert again == found
    with pytest.raises(ConfigError, match="--threads 2"):
        processes_as_asked(loaded.experiment, plan, dataset, 2)
    loaded = load_config(files / "mlp.yaml", ["trainer.deterministic=true"])
    with pytest.raises(ConfigError, match="got 20 ranks"):
        processes_as_asked(loaded.experiment, plan, dataset, None)
    assert Processes(1, 1).facts()["ranks"] == 1


# what several ranks compute is what one process computes


@mpi
@over("name", ("mlp", "cnn", "lstm"))
def test_losses_are_those_of_one_process(files: Path, nntrain: Command, name: str) -> None:
    words = ("fit", f"{name}.yaml", "-q", *RARELY)
    assert nntrain(*words, "-o", "one").code == 0
    for ranks in (2, 4) if LONG else (2,):
        job = launch(ranks, files, *words, "-o", f"ranks-{ranks}")
        assert job.end() == 0, job.said
        same_curves(files / "one", files / f"ranks-{ranks}")
    manifest = (files / "ranks-2" / "manifest.json").read_text()
    assert '"ranks": 2' in manifest and '"workers": 1' in manifest


@mpi
def test_equal_runs_are_equal_to_the_bit(files: Path) -> None:
    for name in ("a", "b"):
        assert launch(2, files, "fit", "mlp.yaml", "-o", name, "-q", *RARELY).end() == 0
    assert same_files(files / "a", files / "b")


@mpi
def test_random_trainings_and_each_optimizer_are_those_of_one_process(files: Path) -> None:
    words = [sys.executable, "-m", "tests.in_ranks"]
    for ranks in (2, 3, 4) if LONG else (2,):
        job = Job([str(MPIEXEC), "-n", str(ranks), *words], Path(__file__).parent.parent)
        assert job.end(600) == 0, job.said


@mpi
def test_a_run_goes_on_with_any_number_of_ranks(files: Path, nntrain: Command) -> None:
    more = (*RARELY, "--set", "early_stopping=null", "--set", "lr_schedule=null", "-q")
    epochs = "trainer.max_epochs"
    assert nntrain("fit", "mlp.yaml", *more, "--set", f"{epochs}=12", "-o", "whole").code == 0
    words = ("fit", "mlp.yaml", *more, "--set", f"{epochs}=4", "-o", "run")
    assert launch(2, files, *words).end() == 0
    assert nntrain("fit", "--resume", "run", "-q", "--set", f"{epochs}=8").code == 0
    job = launch(4, files, "fit", "--resume", "run", "-q", "--set", f"{epochs}=12")
    assert job.end() == 0, job.said
    same_curves(files / "whole", files / "run")


@mpi
def test_verify_wants_as_many_ranks_as_the_run_had(files: Path, nntrain: Command) -> None:
    assert launch(2, files, "fit", "mlp.yaml", "-o", "two", "-q").end() == 0
    refused = nntrain("runs", "verify", "two")
    assert refused.code == 2
    assert "two was trained by 2 ranks, this is one process" in refused.err
    assert "mpiexec -n 2 nntrain runs verify two" in refused.err
    job = launch(2, files, "runs", "verify", "two")
    assert job.end() == 0, job.said
    assert job.said.count("two came out the same, to the bit") == 1
    assert nntrain("fit", "mlp.yaml", "-o", "one", "-q").code == 0
    job = launch(2, files, "runs", "verify", "one")
    assert job.end() == 2
    assert job.said.count("without mpiexec: nntrain runs verify one") == 1


@mpi
def test_verify_knows_of_other_ranks_on_the_way(files: Path, nntrain: Command) -> None:
    last = "trainer.max_epochs="
    words = ("--set", "early_stopping=null", "-q")
    assert launch(2, files, "fit", "mlp.yaml", "-o", "run", *words, "--set", f"{last}2").end() == 0
    assert nntrain("fit", "--resume", "run", "-q", "--set", f"{last}6").code == 0
    job = launch(2, files, "runs", "verify", "run")
    assert job.end() in (0, 5)
    assert "went_on_with.ranks: 2 then, 1 now" in job.said


# how they end


def begun(job: Job, run: Path) -> None:
    """Wait until it trains."""
    while not (run / "checkpoint.safetensors").exists():
        assert job.process.poll() is None, job.said
        time.sleep(0.01)


@mpi
@over("rank", (0, 1))
def test_a_killed_rank_ends_the_job_and_the_run_goes_on(
    files: Path, nntrain: Command, rank: int
) -> None:
    job = launch(2, files, "fit", "mlp.yaml", "-o", "run", "-q", *ENDLESS)
    begun(job, files / "run")
    os.kill(job.ranks()[rank], signal.SIGKILL)
    assert job.end(SOON) != 0
    assert "signal 9" in job.said  # the launcher says it
    assert job.said.count("error: the ranks were ended before the training") == 1
    assert "or without mpiexec: nntrain fit --resume run\n" in job.said
    assert not job.ranks()
    assert "go on with  nntrain fit --resume run" in nntrain("runs", "show", "run").out
    found = nntrain("fit", "--resume", "run", "-q", "--set", "trainer.max_epochs=1")
    assert found.code == 0, found.err
    assert "go on with" not in nntrain("runs", "show", "run").out


@mpi
def test_trials_in_ranks_that_are_killed_tell_how_to_go_on(files: Path) -> None:
    job = launch(2, files, "fit", "mlp.yaml", "-o", "runs/all", "-q", "--seeds", "2", *ENDLESS)
    begun(job, files / "runs/all/seed-0")
    os.kill(job.ranks()[0], signal.SIGKILL)
    assert job.end(SOON) != 0
    assert job.said.count("nntrain fit --resume runs/all\n") == 1


@mpi
@over("number", (signal.SIGINT, signal.SIGTERM))
def test_a_signal_saves_and_ends_all(files: Path, number: signal.Signals) -> None:
    job = launch(2, files, "fit", "mlp.yaml", "-o", "run", "-q", *ENDLESS)
    begun(job, files / "run")
    job.process.send_signal(number)
    assert job.end(SOON) == 128 + number
    assert job.said.count("go on with: nntrain fit --resume run") == 1


RAISING = """
import os, sys
from nntrain.cli import main
import nntrain.training.step as step
from nntrain.errors import DataError
if os.environ["PMI_RANK"] == "{rank}":
    def make_penalty(*given):
        def add():
            raise {error}
        return add
    step.make_penalty = make_penalty
main()
"""


@mpi
@over(
    "rank, error, code, told, way_on",
    [
        (0, "RuntimeError('no such luck')", 1, "error: a defect of nntrain", 0),
        (1, "MemoryError('full')", 6, "error: rank 1 of 2 on ", 1),
    ],
)
def test_a_rank_that_raises_ends_all_with_its_error(
    files: Path, rank: int, error: str, code: int, told: str, way_on: int
) -> None:
    source = RAISING.format(rank=rank, error=error)
    words = [sys.executable, "-c", source, "fit", "mlp.yaml", "-o", "run", "-q"]
    job = Job([str(MPIEXEC), "-n", "2", *words], files)
    assert job.end(SOON) == code, job.said
    assert told in job.said
    assert (job.said.count("nntrain fit --resume run") > 0) == way_on


@mpi
@over(
    "words, code, told",
    [
        (("fit", "none.yaml"), 2, "there is no file `none.yaml`"),
        (("fit", "mlp.yaml", "--set", "data.path=none.csv"), 3, "there is no such file"),
        (("--version",), 0, "nntrain "),
    ],
)
def test_what_is_said_is_said_once(
    files: Path, words: tuple[str, ...], code: int, told: str
) -> None:
    job = launch(2, files, *words)
    assert (job.end(SOON), job.said.count(told)) == (code, 1)


@mpi
def test_without_the_extra_one_error_says_how_to_get_it(files: Path) -> None:
    source = "import sys; sys.modules['mpi4py'] = None; from nntrain.cli import main; main()"
    words = [sys.executable, "-c", source, "fit", "mlp.yaml"]
    job = Job([str(MPIEXEC), "-n", "3", *words], files)
    assert job.end(SOON) == 6
    assert job.said.count('python -m pip install "nntrain[mpi]"') == 1


@mpi
def test_another_mpi_than_the_launcher_s_is_an_error(
    files: Path, nntrain: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    alien = {"OMPI_COMM_WORLD_RANK": "0", "OMPI_COMM_WORLD_SIZE": "2"}
    words = [sys.executable, "-m", "nntrain", "fit", "mlp.yaml"]
    found = subprocess.run(
        words, env=os.environ | alien, cwd=files, capture_output=True, text=True, check=False
    )
    assert found.returncode == 6
    assert found.stderr.startswith("error: 2 processes were started, but MPI here knows of 1")
