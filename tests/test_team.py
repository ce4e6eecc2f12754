"""Several processes: they train what one process trains, and end together."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import nntrain.training.together as together
from nntrain.config import Experiment, load
from nntrain.data.dataset import Dataset
from nntrain.data.parts import Part
from nntrain.errors import DivergedError, MachineError
from nntrain.families import Array
from nntrain.optimizers import Lion, Rprop, Sgd
from nntrain.run import processes
from nntrain.run.folder import RunFolder
from nntrain.run.model import Model, build_model, build_network
from nntrain.run.processes import Processes
from nntrain.run.run import Run
from nntrain.sharing import own_pages
from nntrain.team import ALONE, LINE, Team
from nntrain.threads import CAN_FORK
from nntrain.training import backpropagate
from nntrain.training.fit import fit, upcoming
from nntrain.training.meeting import Meeting
from nntrain.training.together import choose, stepping
from nntrain.training.workers import DESK, Local, working
from tests.cases import over
from tests.conftest import Command, write_points
from tests.networks import drawn
from tests.test_random_runs import KINDS, experiments
from tests.test_random_runs import folder as folder  # a fixture
from tests.test_run import same_files

pytestmark = pytest.mark.skipif(not CAN_FORK, reason="only Linux lets processes train together")

STEPS = 6
CONFIG = """\
name: points
data: {path: points.csv, target: kind, split: {validation: 0.2}}
model:
  layers:
    - {type: dense, units: 24, activation: tanh}
    - {type: batch_norm}
    - {type: dropout, rate: 0.2}
    - {type: dense, units: auto}
loss: {type: cross_entropy, class_weight: balanced}
optimizer: {type: adam, learning_rate: 0.02, weight_decay: 0.01}
averaging: {type: ema, decay: 0.9}
regularization: {l1: 1.0e-4, l2: 1.0e-3, max_norm: 2}
trainer: {max_epochs: 4, batch_size: 32, gradient_clip_norm: 1, checkpoint_seconds: 1000}
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return write_points(tmp_path, config=CONFIG)


CHANGES: dict[str, list[tuple[str, str]]] = {
    "nothing": [],
    "rows of other weight": [("target: kind,", "target: kind, weight: w,")],
    "rows that are mixed": [("target: kind,", "target: kind, augmentation: [{type: mixup}],")],
    "portions": [("batch_size: 32", "batch_size: 32, micro_batch_size: 12")],
    "frozen": [("weight_decay", "groups: [{layers: [layers.0], frozen: true}], weight_decay")],
}


def started(config: Path, folder: Path, threads: int | None = 2) -> Run:
    loaded = load(config)
    experiment = loaded.experiment
    goal, seed = experiment.loss.goal, experiment.seed
    dataset = Dataset.load(experiment.data, loaded.data_path, goal, seed)
    return Run.start(loaded, dataset, folder, threads=threads)


def children() -> list[int]:
    """Processes that this one has started."""
    return [int(n) for n in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()]


# what several processes compute is what one computes


def in_double(experiment: Experiment, dataset: Dataset, workers: int) -> Run:
    """A run in float64, where sums in another order differ by nothing that training can widen."""
    known = build_model(experiment, dataset.preprocessor)
    network = build_network(experiment, dataset.preprocessor, np.float64)
    model = Model(experiment, dataset.preprocessor, network, known.loss, ())
    parts = {name: _doubled(part) for name, part in dataset.parts.items()}
    wide = replace(dataset, parts=parts)
    return Run._assemble(RunFolder(Path()), model, wide, Processes(workers, workers))


def _doubled(part: Part) -> Part:
    target = part.target if part.target.dtype.kind == "i" else part.target.astype(np.float64)
    return replace(part, x=part.x.astype(np.float64), target=target)


def trained(run: Run) -> list[Array]:
    """Losses, and all vectors that move, after some steps."""
    losses = []
    with np.errstate(all="ignore"), stepping(run, upcoming) as step:
        for number, batch in zip(range(STEPS), upcoming(run), strict=False):
            losses.append(step(batch, number, 1e-3))
    return [np.array(losses), *(vector.copy() for vector in run._moving().values())]


@over("kind", KINDS)
@drawn(4)
@given(data=st.data())
def test_a_random_training_is_the_same_in_several_processes(
    kind: str, folder: Path, data: st.DataObject
) -> None:
    experiment = data.draw(experiments(kind), label="experiment")
    if isinstance(experiment.optimizer, Lion | Rprop):  # they make much of the sign of nothing
        experiment = replace(experiment, optimizer=Sgd(learning_rate=0.01, momentum=0.9))
    path = folder / str(experiment.data.path)
    dataset = Dataset.load(experiment.data, path, experiment.loss.goal, experiment.seed)
    try:
        wanted = trained(in_double(experiment, dataset, 1))
    except DivergedError:
        assume(False)
    for workers in (2, 3):
        found = trained(in_double(experiment, dataset, workers))
        for one, other in zip(wanted, found, strict=True):
            np.testing.assert_allclose(other, one, rtol=1e-7, atol=1e-9)
    assert not children()


@over("change", CHANGES)
def test_two_processes_train_what_one_trains(tmp_path: Path, change: str) -> None:
    text = CONFIG
    for old, new in CHANGES[change]:
        assert old in text
        text = text.replace(old, new)
    config = write_points(tmp_path, config=text)
    head, *lines = (tmp_path / "points.csv").read_text().split()
    weighed = [f"{head},w", *(f"{line},{i % 3}" for i, line in enumerate(lines))]
    (tmp_path / "points.csv").write_text("\n".join(weighed) + "\n")
    one, two = (started(config, tmp_path / str(n), n) for n in (1, 2))
    for run in (one, two):
        list(fit(run))
    for a, b in zip(one.progress.history, two.progress.history, strict=True):
        assert a == pytest.approx(b, rel=1e-4)
    for name, vector in one.best.items():
        np.testing.assert_allclose(two.best[name], vector, rtol=1e-2, atol=1e-3)
    assert not np.array_equal(two.best["theta"], one.best["theta"])  # there were two


@over("change", CHANGES)
def test_each_process_makes_its_part_of_a_gradient_from_the_rows_of_all(
    tmp_path: Path, change: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Layers in a straight line: gradients of whole batches are not summed, those of others are."""
    text = CONFIG.replace("    - {type: batch_norm}\n", "").replace(
        "batch_size: 32", "batch_size: 24"
    )
    for old, new in CHANGES[change]:
        text = text.replace(old.replace("32", "24"), new.replace("32", "24"))
    config = write_points(tmp_path, config=text)
    head, *lines = (tmp_path / "points.csv").read_text().split()
    weighed = [f"{head},w", *(f"{line},{i % 3 + 1}" for i, line in enumerate(lines))]
    (tmp_path / "points.csv").write_text("\n".join(weighed) + "\n")
    experiment = load(config).experiment
    dataset = Dataset.load(experiment.data, tmp_path / "points.csv", experiment.loss.goal, 0)
    whole, short = divmod(len(dataset.parts["train"].x), 24)
    assert short
    assert whole < STEPS
    wanted = trained(in_double(experiment, dataset, 1))
    sums, real = list[int](), Local.sum_gradients

    def summed(team: Local) -> None:
        sums.append(team.size)
        real(team)

    monkeypatch.setattr(Local, "sum_gradients", summed)
    for workers in (2, 4, 5):
        sums.clear()
        found = trained(in_double(experiment, dataset, workers))
        for one, other in zip(wanted, found, strict=True):
            np.testing.assert_allclose(other, one, rtol=1e-9, atol=1e-12)
        assert len(sums) == (STEPS if change == "portions" or workers == 5 else 1)


def test_so_two_runs_are_equal_to_the_bit_one_of_them_resumed(tmp_path: Path) -> None:
    config = write_points(tmp_path, config=CONFIG.replace("    - {type: batch_norm}\n", ""))
    list(fit(started(config, tmp_path / "whole")))
    words = iter([""] * 4 + ["interrupted"])
    list(fit(started(config, tmp_path / "stopped"), stop=lambda: next(words)))
    list(fit(Run.resume(RunFolder(tmp_path / "stopped"))))
    assert same_files(tmp_path / "whole", tmp_path / "stopped")


def test_equal_runs_are_equal_to_the_bit(config: Path, tmp_path: Path) -> None:
    for name in ("a", "b"):
        list(fit(started(config, tmp_path / name)))
    assert same_files(tmp_path / "a", tmp_path / "b")


@over("step", (1, 5, 9))
def test_stopped_and_resumed_it_ends_with_the_same_bytes(
    config: Path, tmp_path: Path, step: int
) -> None:
    list(fit(started(config, tmp_path / "whole")))
    words = iter([""] * (step - 1) + ["interrupted"])
    list(fit(started(config, tmp_path / "stopped"), stop=lambda: next(words)))
    run = Run.resume(RunFolder(tmp_path / "stopped"))
    assert (run.workers, run.progress.step) == (2, step)
    list(fit(run))
    assert same_files(tmp_path / "whole", tmp_path / "stopped")


def test_it_goes_back_where_it_diverged(tmp_path: Path) -> None:
    text = CONFIG.replace("averaging", "on_divergence: {max_retries: 2}\nmetadata")
    text = text.replace("learning_rate: 0.02", "learning_rate: 1.0e+30")
    text = text.replace("gradient_clip_norm: 1, ", "").replace(", max_norm: 2", "")
    config = write_points(tmp_path, config=text)
    run = started(config, tmp_path / "run")
    with pytest.raises(DivergedError, match="training diverged in step"):
        list(fit(run))
    assert run.progress.retries == 2
    assert not children()


def test_the_vectors_are_the_first_process_s_own_again(config: Path, tmp_path: Path) -> None:
    run = started(config, tmp_path / "run")
    list(fit(run))
    store = run.model.network.store
    before = store.theta.copy(), store.grad.copy()
    process = os.fork()
    if not process:
        store.theta[...], store.grad[...] = 7.0, 7.0
        os._exit(0)
    os.waitpid(process, 0)
    np.testing.assert_array_equal(store.theta, before[0])
    np.testing.assert_array_equal(store.grad, before[1])


# how they end


def after_a_step(run: Run, what: Callable[[], object]) -> None:
    """Train; after the third step something happens."""
    steps = iter(range(10**9))

    def stop() -> str:
        if next(steps) == 2:
            what()
        return ""

    list(fit(run, stop))


def kill_all() -> None:
    for child in children():
        os.kill(child, signal.SIGKILL)


def test_a_killed_process_ends_the_run_with_an_error(config: Path, tmp_path: Path) -> None:
    run = started(config, tmp_path / "run", 3)
    run.write_checkpoint()
    with pytest.raises(MachineError, match=r"training process [23] of 3 was killed by signal 9"):
        after_a_step(run, kill_all)
    assert not children()
    again = Run.resume(RunFolder(tmp_path / "run"))
    list(fit(again))
    list(fit(started(config, tmp_path / "whole", 3)))
    assert same_files(tmp_path / "whole", tmp_path / "run")


def test_the_command_says_how_to_go_on(
    nntrain: Command, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from nntrain.training.pace import Pace

    write, calls = Pace.is_due, iter(range(10**9))

    def due(self: Pace) -> bool:
        if next(calls) == 3:
            os.kill(children()[0], signal.SIGKILL)
        return write(self)

    monkeypatch.setattr(Pace, "is_due", due)
    told = nntrain(
        "fit", config, "--threads", "2", "-o", "run", "--set", "trainer.checkpoint_steps=2"
    )
    assert told.code == 6
    assert "error: training process 2 of 2 was killed by signal 9 (SIGKILL)" in told.err
    assert "later, go on with: nntrain fit --resume run" in told.err
    assert "processes: 2, sharing each batch" in told.err
    monkeypatch.undo()
    assert nntrain("fit", "--resume", str(config.parent / "run"), "-q").code == 0


def raising(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    """Whatever a worker computes fails."""
    first, make = os.getpid(), backpropagate.make_backpropagate

    def made(model: Model) -> Any:
        real = make(model)

        def computed(*given: Any) -> float:
            if os.getpid() != first:
                raise error
            return real(*given)

        return computed

    monkeypatch.setattr("nntrain.training.step.make_backpropagate", made)


def test_a_process_that_fails_tells_why(
    config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    raising(monkeypatch, ZeroDivisionError("é: nothing"))
    with pytest.raises(RuntimeError) as caught:
        list(fit(started(config, tmp_path / "run")))
    assert str(caught.value) == "training process 2 of 2: ZeroDivisionError: é: nothing"
    assert "in computed" in caught.value.__notes__[0]
    assert not children()


def test_a_process_without_memory_is_a_matter_of_the_machine(
    nntrain: Command, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    raising(monkeypatch, MemoryError("no room"))
    told = nntrain("fit", config, "--threads", "2", "-q")
    assert (told.code, told.err.splitlines()[-1]) == (6, "error: there is not enough memory")


FIT = [sys.executable, "-c", "from nntrain.cli import main; main()", "fit"]


@pytest.fixture
def running(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A long training in two processes: the first, and the number of the other."""
    text = CONFIG.replace("max_epochs: 4", "max_epochs: 1000000")
    config = write_points(tmp_path, config=text)
    words = [*FIT, str(config), "--threads", "2", "-o", str(tmp_path / "run")]
    with subprocess.Popen(words, text=True, stderr=subprocess.PIPE) as process:
        assert process.stderr
        for line in process.stderr:
            if line.split()[:1] == ["4"]:  # the fourth epoch is over
                break
        path = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        yield process, int(path.read_text().split()[0])
        process.kill()


def is_gone(process: int, seconds: float = 5.0) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            status = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return True
        if status == "Z":
            return True
        time.sleep(0.02)
    return False


def test_with_the_first_process_all_end(running: tuple[subprocess.Popen[str], int]) -> None:
    process, other = running
    process.kill()
    assert is_gone(other)


@over("number", (signal.SIGINT, signal.SIGTERM))
def test_a_signal_to_all_of_them_ends_in_a_checkpoint(
    running: tuple[subprocess.Popen[str], int], tmp_path: Path, number: signal.Signals
) -> None:
    process, other = running
    for _ in range(2):  # a terminal tells all of them; this one does not heed it
        os.kill(other, number)
        time.sleep(0.01)
    process.send_signal(number)
    assert process.stderr
    assert "go on with: nntrain fit --resume" in process.stderr.read()
    assert process.wait() == 128 + number
    assert is_gone(other)
    assert json.loads((tmp_path / "run/summary.json").read_text())["status"] == "interrupted"


def test_nothing_is_left_behind(config: Path, tmp_path: Path) -> None:
    def held() -> list[list[Path]]:
        return [sorted(Path(place).iterdir()) for place in ("/dev/shm", "/proc/self/fd")]  # noqa: S108

    before = held()
    list(fit(started(config, tmp_path / "run")))
    assert held() == before
    assert not children()


# how many there are


@pytest.fixture
def worth_it(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Every training is worth measuring, and on four processors; what is measured is said."""
    monkeypatch.setattr(processes, "LEAST_STEP", 0.0)
    monkeypatch.setattr(processes, "LEAST_TRAINING", 0.0)
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {0, 1, 2, 3})
    shares = list[float]()
    monkeypatch.setattr(together, "_ratio", lambda one, other: one() or other() or shares.pop(0))
    return shares


@over(
    "shares, wanted",
    [([0.9], 1), ([0.6, 0.55], 2), ([0.6, 0.3], 4)],
)
def test_as_many_as_are_clearly_faster(
    config: Path, tmp_path: Path, worth_it: list[float], shares: list[float], wanted: int
) -> None:
    worth_it += shares
    run = started(config, tmp_path / "run", None)
    before = run.model.network.store.theta.copy()
    assert run.workers is None
    assert choose(run, upcoming) == wanted
    assert not worth_it
    np.testing.assert_array_equal(run.model.network.store.theta, before)


def test_the_choice_is_remembered(config: Path, tmp_path: Path, worth_it: list[float]) -> None:
    worth_it += [0.5, 0.9]
    words = iter(["", "interrupted"])
    list(fit(started(config, tmp_path / "run", None), stop=lambda: next(words)))
    facts = json.loads((tmp_path / "run/manifest.json").read_text())
    assert (facts["threads"], facts["workers"]) == (2, 2)
    run = Run.resume(RunFolder(tmp_path / "run"))
    assert run.workers == 2
    assert not run.notes
    list(fit(run))  # and nothing is measured


def test_verify_trains_in_as_many_processes(nntrain: Command, config: Path) -> None:
    assert nntrain("fit", config, "--threads", "2", "-o", "run", "-q").code == 0
    told = nntrain("runs", "verify", "run", "--json")
    assert told.code == 0
    assert json.loads(told.out)["surroundings"] == []


def test_all_trials_have_as_many_as_the_first(
    nntrain: Command, config: Path, worth_it: list[float]
) -> None:
    worth_it += [0.5, 0.9]
    assert nntrain("fit", config, "--seeds", "2", "-o", "run", "-q").code == 0
    for name in ("seed-0", "seed-1"):
        assert json.loads(Path(f"run/{name}/manifest.json").read_text())["workers"] == 2


def test_little_work_is_for_one_process(config: Path, tmp_path: Path) -> None:
    run = started(config, tmp_path / "run", None)
    assert run.workers == 1


def test_it_is_one_where_the_config_says_deterministic(
    tmp_path: Path, worth_it: list[float]
) -> None:
    text = CONFIG.replace("{max_epochs: 4", "{deterministic: true, max_epochs: 4")
    config = write_points(tmp_path, config=text)
    assert started(config, tmp_path / "run", None).workers == 1


def test_each_needs_two_rows(config: Path, tmp_path: Path) -> None:
    run = started(config, tmp_path / "run", 99)
    assert run.workers == 16
    assert run.notes == ["--threads 99: 16 train, each with two rows or more of a batch"]


def test_where_processes_can_not_be_forked_threads_multiply(
    config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "CAN_FORK", False)
    run = started(config, tmp_path / "run", 2)
    assert run.workers == 1
    assert run.notes == ["only Linux lets processes train together: instead, 2 threads multiply"]
    facts = json.loads((tmp_path / "run/manifest.json").read_text())
    assert (facts["threads"], facts["workers"]) == (2, 1)


def test_where_there_are_no_semaphores_one_process_trains(
    nntrain: Command, config: Path, worth_it: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    def none(size: int) -> Meeting:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("nntrain.training.workers.Meeting", none)
    assert nntrain("fit", config, "-o", "run", "-q").code == 0
    assert json.loads(Path("run/manifest.json").read_text())["workers"] == 1
    told = nntrain("fit", config, "--threads", "2", "-q")
    assert told.code == 6
    assert "error: another process to train with can not be started: No space" in told.err
    assert "--threads 1 does without" in told.err
    assert not worth_it


# a team


@given(length=st.integers(0, 500), size=st.integers(1, 7), rows=st.integers(1, 40))
def test_parts_and_rows_are_all_of_them_once(length: int, size: int, rows: int) -> None:
    numbers, shared, here = np.zeros(length), np.zeros(rows), 0
    for rank in range(size):
        team = Team()
        team.rank, team.size = rank, size
        part = team.part(length)
        assert part.start % LINE == 0 or part.start == length
        numbers[part] += 1
        own, partners = team.share(slice(100, 100 + rows))
        shared[own.start - 100 : own.stop - 100] += 1
        assert own.start == own.stop or own.stop - own.start >= min(rows, 2)
        here += partners is team
    assert (numbers == 1).all()
    assert (shared == 1).all()
    assert here == (size if rows >= 2 * size or size == 1 else 0)


def test_what_is_summed_is_the_same_everywhere() -> None:
    grad, seen = own_pages(5, float), np.arange(2.0 * DESK + 3)

    def work(team: Team) -> None:
        while True:
            team.sum(seen * 10.0**team.rank)
            team.total(1.5, team.rank)

    with working(3, grad, 0, [], work) as team:
        for _ in range(3):
            np.testing.assert_array_equal(team.sum(seen), seen * 111.0)
            assert team.total(1.5, 0) == (4.5, 3.0)
    assert ALONE.total(1.5, 2) == (1.5, 2)


def test_a_worker_killed_by_a_signal_without_a_name_is_told(
    running: tuple[subprocess.Popen[str], int],
) -> None:
    process, other = running
    os.kill(other, signal.SIGRTMIN + 6)
    assert process.stderr
    said = process.stderr.read()
    assert f"was killed by signal {int(signal.SIGRTMIN) + 6}" in said
    assert process.wait() == 6


@pytest.mark.parametrize("error", [MachineError("none"), MemoryError()])
def test_where_no_other_process_lives_one_trains(
    config: Path, tmp_path: Path, worth_it: list[float], monkeypatch: pytest.MonkeyPatch,
    error: Exception,
) -> None:  # fmt: skip
    def fails(*arguments: object) -> Any:
        raise error

    monkeypatch.setattr("nntrain.training.workers.working", fails)
    run = started(config, tmp_path / "run", threads=None)
    assert together.choose(run, upcoming) == 1
