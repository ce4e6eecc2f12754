"""`nntrain sweep`: trials that are the same each time, go on after a kill, and leave the best."""

from __future__ import annotations

import csv
import json
import math
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import optuna
import pytest

from nntrain.config import load
from nntrain.display.sweep import Lines, _short
from nntrain.events import SettingsTried
from nntrain.run.lock import locked
from nntrain.tuning.halving import may_go_on, rungs
from nntrain.tuning.journal import SystemLock, open_study
from nntrain.tuning.search import SweepFolder
from tests.conftest import CONFIG, Command, write_points
from tests.sweep_kill import COMMAND, SPACE, check, killed, start, table, write

posix = pytest.mark.skipif(os.name == "nt", reason="processes are killed the POSIX way")


def swept(folder: Path, block: str = SPACE, config: str = CONFIG) -> Path:
    return write_points(folder, config=f"{config}{block}")


def test_a_sweep_leaves_its_best(nntrain: Command, tmp_path: Path) -> None:
    config = swept(tmp_path)
    done = nntrain("sweep", config, "--trials", "12", "--json")
    assert done.code == 0
    summary = json.loads(done.out)
    assert summary["sweep"] == "sweeps/points/001"
    assert summary["counts"] == {"completed": 12}  # six epochs are too few to end one early
    assert summary == json.loads(Path(summary["sweep"], "summary.json").read_text())
    scores = [trial["score"] for trial in summary["trials"]]
    best = summary["trials"][scores.index(min(scores))]
    assert summary["best"] == best
    assert summary["metrics"]["validation_loss"] == best["score"]
    assert set(summary["importance"]) < set(load(config).experiment.sweep.space)  # type: ignore[union-attr]
    first = {"optimizer": '{"type": "adam"}', "optimizer.learning_rate": 0.02}
    first |= {"model.layers.0.units": 8, "model.layers.1.rate": 0.1}
    with (tmp_path / summary["sweep"] / "trials.csv").open(newline="") as file:
        row = next(iter(csv.DictReader(file)))
    assert {key: row[key] for key in first} == {key: str(value) for key, value in first.items()}
    again = nntrain("fit", summary["best_config"], "--json", "-q")
    assert json.loads(again.out)["metrics"] == summary["metrics"]
    assert f"# The best of 12 trials: {best['trial']}" in Path(summary["best_config"]).read_text()


def test_the_trials_are_told_in_lines(nntrain: Command, tmp_path: Path) -> None:
    done = nntrain("sweep", swept(tmp_path), "--trials", "3")
    lines = done.err.splitlines()
    head = next(i for i, line in enumerate(lines) if line.startswith("trial "))
    assert lines[head].split()[:4] == ["trial", "status", "validation_loss", "epochs"]
    assert [line[:20] for line in lines[head + 1 : head + 4]] == [
        "trial-001  completed", "trial-002  completed", "trial-003  completed",
    ]  # fmt: skip
    assert "new best optimizer=adam learning_rate=0.02 units=8 rate=0.1" in lines[head + 1]
    assert "\x1b" not in done.err
    assert "next: nntrain fit sweeps/points/001/best.yaml" in done.out
    log = Path("sweeps/points/001/trial-002/train.log").read_text()
    assert "new best: epoch" in log


@pytest.mark.parametrize("method", ["random", "tpe"])
def test_a_sweep_is_the_same_each_time(method: str, nntrain: Command, tmp_path: Path) -> None:
    config = swept(tmp_path, SPACE.replace("method: tpe", f"method: {method}"))
    assert nntrain("sweep", config, "-o", "one", "--trials", "13", "-q").code == 0
    assert nntrain("sweep", config, "-o", "short", "--trials", "5", "-q").code == 0
    assert nntrain("sweep", "--resume", "short", "--trials", "13", "-q").code == 0
    assert table(tmp_path / "one") == table(tmp_path / "short")
    nntrain("sweep", config, "-o", "other", "--trials", "2", "-q", "--seed", "1")
    assert table(tmp_path / "other")[2] != table(tmp_path / "one")[2]


def test_a_grid_ends_by_itself(nntrain: Command, tmp_path: Path) -> None:
    block = """\
sweep:
  method: grid
  monitor: validation_accuracy
  space:
    optimizer.learning_rate: [0.01, 0.1]
    model.layers.0.units: {min: 2, max: 8, step: 3}
"""
    done = nntrain("sweep", swept(tmp_path, block), "--json", "-q", "--trials", "50")
    summary = json.loads(done.out)
    settings = [tuple(trial["settings"].values()) for trial in summary["trials"]]
    assert settings == [(rate, units) for rate in (0.01, 0.1) for units in (2, 5, 8)]
    assert summary["best"]["score"] == max(trial["score"] for trial in summary["trials"])


def test_bad_trials_end_early(nntrain: Command, tmp_path: Path) -> None:
    block = SPACE.replace("min_epochs: 20", "min_epochs: 3")
    config = swept(tmp_path, block, CONFIG.replace("max_epochs: 6", "max_epochs: 40"))
    done = nntrain("sweep", config, "--json", "-q", "--trials", "20")
    trials = json.loads(done.out)["trials"]
    pruned = [trial for trial in trials if trial["status"] == "pruned"]
    assert {trial["epochs"] for trial in pruned} == {3, 9}
    whole = [trial for trial in trials if trial["status"] == "completed"]
    assert all(trial["epochs"] == 40 for trial in whole)
    assert len(whole) < len(pruned)


def test_halving_decides_as_optuna_does() -> None:
    pruner = optuna.pruners.SuccessiveHalvingPruner(min_resource=2, reduction_factor=3)
    study = optuna.create_study(pruner=pruner)
    rng, scores = random.Random(0), list[float]()  # noqa: S311
    for _ in range(60):
        trial, score = study.ask(), round(rng.random(), 1)
        trial.report(score, 2)
        ours = may_go_on(score, scores)
        assert trial.should_prune() is not ours
        study.tell(trial, score if ours else None, state=None if ours else PRUNED)
        scores.append(score)
    assert not may_go_on(math.nan, [])
    assert may_go_on(1.0, [math.nan])
    assert rungs(4, 100) == (4, 12, 36)
    assert rungs(60, 100) == ()


PRUNED = optuna.trial.TrialState.PRUNED


def test_what_goes_wrong_in_a_trial_is_told_and_the_next_one_comes(
    nntrain: Command, tmp_path: Path
) -> None:
    block = """\
sweep:
  method: grid
  pruner: none
  monitor: validation_accuracy
  space:
    optimizer: [adam, {type: sgd, learning_rate: 1.0e+38}]
    trainer.micro_batch_size: [null, 16, 64]
    trainer.batch_size: {values: [32], when: {trainer.micro_batch_size: 16}}
"""
    done = nntrain("sweep", swept(tmp_path, block), "-o", "s", "--json")
    assert done.code == 2  # a micro batch of 64 rows does not go with one of 16
    assert "a batch has only 16 rows" in done.err
    done = nntrain("sweep", swept(tmp_path, block.replace(", 64]", "]")), "-o", "s", "--json")
    assert done.code == 0
    summary = json.loads(done.out)
    assert summary["counts"] == {"completed": 2, "diverged": 2}
    assert "not finite" in summary["trials"][2]["why"]
    assert "diverged" in done.err


def test_data_that_does_not_fit_fails_its_trial_alone(nntrain: Command, tmp_path: Path) -> None:
    block = """\
sweep:
  method: grid
  pruner: none
  space:
    data.features.exclude: [[], [nowhere], [word]]
"""
    summary = json.loads(nntrain("sweep", swept(tmp_path, block), "--json", "-q").out)
    assert [trial["status"] for trial in summary["trials"]] == ["completed", "failed", "completed"]
    assert "nowhere" in summary["trials"][1]["why"]


def test_where_all_diverge_there_is_no_best(nntrain: Command, tmp_path: Path) -> None:
    block = "sweep: {method: grid, space: {optimizer.learning_rate: [1.0e+38, 2.0e+38]}}\n"
    config = swept(tmp_path, block, CONFIG.replace("type: adam", "type: sgd"))
    done = nntrain("sweep", config, "-o", "s")
    assert done.code == 4
    assert "no trial completed: all diverged or failed" in done.err
    assert "there is no best one" in done.out
    assert not (tmp_path / "s" / "best.yaml").exists()


def test_fit_leaves_the_block_alone(nntrain: Command, tmp_path: Path) -> None:
    done = nntrain("fit", swept(tmp_path), "-o", "with")
    assert done.code == 0
    assert "note: `sweep:` is left alone here; nntrain sweep" in done.err
    nntrain("fit", write_points(tmp_path), "-o", "without", "-q")
    with_, without = ((tmp_path / n / "model.safetensors") for n in ("with", "without"))
    assert with_.read_bytes() == without.read_bytes()


@posix
def test_of_sweeps_that_begin_in_one_folder_one_has_it(tmp_path: Path) -> None:
    config, out = swept(tmp_path), tmp_path / "one"
    search = SweepFolder(out)
    out.mkdir()
    with locked(search.deciding):  # both are past the first look at the folder
        both = [
            subprocess.Popen(
                [*COMMAND, config, "-o", out, "--trials", "1"], stderr=subprocess.PIPE, text=True
            )
            for _ in range(2)
        ]
        time.sleep(2.0)
        assert not list(out.glob("*.yaml"))
    said = [process.communicate()[1] for process in both]
    assert sorted(process.returncode for process in both) == [0, 2]
    assert "go on with that sweep" in said[both[0].returncode == 0]
    assert len(table(out)) == 2  # a header, and one trial


def test_wrong_command_lines(nntrain: Command, points: Path) -> None:
    assert "there is no `sweep:` in it" in nntrain("sweep", points).err
    assert "expected either CONFIG or --resume DIR" in nntrain("sweep").err
    both = nntrain("sweep", "--resume", "x", "--seed", "1")
    assert (both.code, "goes on with the config" in both.err) == (2, True)
    assert "is no folder of a sweep" in nntrain("sweep", "--resume", "x").err
    nntrain("fit", points, "-o", "run", "-q")
    assert "the folder of a run, not of a sweep" in nntrain("sweep", "--resume", "run").err
    config = swept(points.parent)
    assert "is not empty" in nntrain("sweep", config, "-o", "run").err
    nntrain("sweep", config, "-o", "s", "--trials", "1", "-q")
    assert "is the folder of a sweep" in nntrain("fit", "--resume", "s").err
    assert "go on with that sweep" in nntrain("sweep", config, "-o", "s").err


def test_without_optuna_the_extra_is_named(
    nntrain: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)
    done = nntrain("sweep", swept(tmp_path))
    assert done.code == 6
    assert 'python -m pip install "nntrain[tune]"' in done.err
    assert nntrain("check", tmp_path / "points.yaml").code == 0


def test_what_was_damaged_since_is_told(nntrain: Command, tmp_path: Path) -> None:
    nntrain("sweep", swept(tmp_path), "-o", "s", "--trials", "2", "-q")
    journal = tmp_path / "s" / "journal.jsonl"
    whole = journal.read_bytes()
    journal.write_bytes(whole[: len(whole) // 2] + b"\0" + whole[len(whole) // 2 + 1 :])
    done = nntrain("sweep", "--resume", "s")
    assert (done.code, "journal.jsonl: the file is damaged" in done.err) == (6, True)
    journal.write_bytes(whole)
    with (tmp_path / "points.csv").open("a") as file:
        file.write("1,1,red,in\n")
    done = nntrain("sweep", "--resume", "s", "--trials", "3")
    assert (done.code, "the data has changed" in done.err) == (3, True)


def test_half_a_line_at_the_end_of_a_journal_is_taken_away(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    study = open_study(path, maximize=False)
    study.tell(study.ask(), 1.0)
    with path.open("ab") as file:
        file.write(b'{"op_code":4,"worker')
    study = open_study(path, maximize=False)
    study.tell(study.ask(), 2.0)
    assert [trial.value for trial in open_study(path, maximize=False).trials] == [1.0, 2.0]


@posix
def test_a_killed_process_holds_no_lock(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    path.touch()
    program = (
        "import sys, time; from pathlib import Path\n"
        "from nntrain.tuning.journal import SystemLock\n"
        "lock = SystemLock(Path(sys.argv[1])); lock.acquire(); print(1, flush=True)\n"
        "time.sleep(60)"
    )
    words = [sys.executable, "-c", program, str(path)]
    with subprocess.Popen(words, stdout=subprocess.PIPE) as holder:
        assert holder.stdout and holder.stdout.readline() == b"1\n"
        began = time.monotonic()
        holder.kill()
        lock = SystemLock(path)
        lock.acquire()  # waits for no grace period
        lock.release()
        assert time.monotonic() - began < 5
    with locked(tmp_path / "other", wait=True), locked(tmp_path / "third", wait=True):
        pass


@posix
def test_a_sweep_that_is_killed_loses_nothing(tmp_path: Path) -> None:
    config = write(tmp_path, 150)
    rng = random.Random(3)  # noqa: S311
    assert killed(config, tmp_path / "out", 2, 12, 1, rng)
    check(tmp_path / "out", 12)
    assert start(config, "-o", tmp_path / "whole", "--trials", "12").wait() == 0
    assert table(tmp_path / "out") == table(tmp_path / "whole")


@posix
def test_two_processes_share_a_sweep(tmp_path: Path) -> None:
    config, out = write(tmp_path, 100), tmp_path / "out"
    first = start(config, "-o", out, "--trials", "16")
    while not (out / "journal.jsonl").exists():
        assert first.poll() is None
        time.sleep(0.01)
    second = start("--resume", out)
    assert (first.wait(), second.wait()) == (0, 0)
    check(out, 16)


@posix
def test_a_signal_stops_it_and_it_goes_on(tmp_path: Path) -> None:
    config, out = write(tmp_path, 100_000), tmp_path / "out"
    words = [sys.executable, "-c", "from nntrain.cli import main; main()", "sweep"]
    with subprocess.Popen(
        [*words, str(config), "-o", str(out), "--trials", "2"], stderr=subprocess.PIPE
    ) as run:
        while not (out / "trial-001" / "checkpoint.safetensors").exists():
            assert run.poll() is None
            time.sleep(0.01)
        run.send_signal(signal.SIGINT)
        assert run.stderr
        told = run.stderr.read().decode()
        assert run.wait() == 130
    assert f"go on with: nntrain sweep --resume {out}" in told
    assert "Traceback" not in told
    summary = json.loads((out / "summary.json").read_text())
    assert (summary["status"], summary["counts"]) == ("interrupted", {"running": 1})


def test_lines_are_narrow_where_there_is_little_room() -> None:
    settings = {"optimizer": {"type": "sgd", "momentum": 0.9}, "model.layers.0.units": 8}
    facts = (settings, "failed", "validation_loss", None, 3, 1.5, "out of\x1b reach", False)
    event = SettingsTried(Path("s", "trial-002"), 2, 9, *facts)
    wide, narrow = (Lines("validation_loss", list(settings), narrow=n) for n in (False, True))
    line, why = wide(event).splitlines()
    assert line.startswith("trial-002  failed                   -       3      1.50 s  ")
    assert line.endswith("  optimizer=sgd{momentum: 0.9} units=8")
    assert why == "  out of· reach"
    assert narrow(event).startswith("trial-002  failed                   -  optimizer=sgd")
    assert wide.head.index("settings") == wide(event).index("optimizer")
    assert narrow.head.index("settings") == narrow(event).index("optimizer")


def test_a_key_is_as_long_as_it_must_be() -> None:
    keys = ["model.layers.0.units", "model.layers.1.units", "model.layers.2.rate", "optimizer"]
    short = _short(keys)
    assert [short(key) for key in keys] == ["layers.0.units", "layers.1.units", "rate", "optimizer"]
