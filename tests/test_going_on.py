"""Going on: after damage, longer than planned, from old weights, and after a divergence."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from nntrain.config import load
from nntrain.display.live import LiveView
from nntrain.display.plain import finished, lines
from nntrain.errors import ConfigError, DivergedError, MachineError
from nntrain.events import EpochEnded, Saved, WentBack
from nntrain.run.folder import RunFolder
from nntrain.run.model import read_model
from nntrain.run.run import Run
from nntrain.training import pace
from nntrain.training.fit import fit
from tests.conftest import CONFIG, Command, write_points
from tests.test_display import EVENTS, Terminal
from tests.test_run import same_files, start

OFTEN = CONFIG.replace("batch_size: 16", "batch_size: 16, checkpoint_steps: 4")
STEPS = 20  # where runs are stopped; an epoch has 9


def until(step: int) -> Callable[[], str]:
    words = iter([""] * (step - 1) + ["interrupted"] * 99)
    return lambda: next(words)


def stopped(folder: Path, text: str = OFTEN) -> RunFolder:
    """A run with two checkpoints on the disk."""
    folder.mkdir()
    run = start(write_points(folder, config=text), folder / "run")
    list(fit(run, stop=until(STEPS - 1)))
    return run.folder


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-9])


def flip(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-1] + b"\x55")


@pytest.mark.parametrize("damage", [cut, flip, lambda file: file.write_bytes(b""), Path.unlink])
def test_a_damaged_checkpoint_gives_way_to_the_one_before_it(
    tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    list(fit(start(write_points(tmp_path, config=OFTEN), tmp_path / "whole")))
    folder = stopped(tmp_path / "stopped")
    damage(folder.checkpoint)
    run = Run.resume(folder)
    assert run.progress.step == 16
    assert bool(run.notes) == (damage is not Path.unlink), "a missing one may be a kill's"
    if run.notes:
        assert "damaged" in run.notes[0]
        assert "goes on from the checkpoint before it" in run.notes[0]
    list(fit(run))
    assert same_files(tmp_path / "whole", folder.path)


def test_a_damaged_checkpoint_never_takes_the_place_of_a_whole_one(tmp_path: Path) -> None:
    folder = stopped(tmp_path / "stopped")
    flip(folder.checkpoint)
    whole = folder.previous.read_bytes()
    run = Run.resume(folder)
    run.write_checkpoint()
    assert folder.previous.read_bytes() == whole
    flip(folder.checkpoint)
    assert Run.resume(folder).progress.step == 16
    flip(folder.previous)
    with pytest.raises(MachineError, match=r"checkpoint\.safetensors: the file is damaged"):
        Run.resume(folder)


def test_a_failing_write_leaves_both_checkpoints(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = stopped(tmp_path / "stopped")
    run = Run.resume(folder)
    before = folder.checkpoint.read_bytes(), folder.previous.read_bytes()
    monkeypatch.setattr(os, "fsync", lambda handle: (_ for _ in ()).throw(OSError(5, "I/O error")))
    with pytest.raises(MachineError, match="I/O error"):
        run.write_checkpoint()
    assert (folder.checkpoint.read_bytes(), folder.previous.read_bytes()) == before


def test_checkpoints_by_steps_come_at_these_steps(tmp_path: Path) -> None:
    run = start(write_points(tmp_path, config=OFTEN), tmp_path / "run")
    saved = [event.step for event in fit(run) if isinstance(event, Saved)]
    assert saved == [*range(4, run.progress.step + 1, 4), run.progress.step]


def test_a_checkpoint_that_takes_long_makes_the_next_one_wait(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = CONFIG.replace("batch_size: 16", "batch_size: 16, checkpoint_seconds: 1.0")
    run, now = start(write_points(tmp_path, config=text), tmp_path / "run"), [0.0]
    monkeypatch.setattr(time, "perf_counter", lambda: now[0])
    monkeypatch.setattr(pace, "SHOW_EVERY", 1e9)

    def write() -> None:
        now[0] += 0.5

    monkeypatch.setattr(run, "write_checkpoint", write)
    clock = pace.Pace(run, 1)
    clock.begin_epoch()
    saved = []
    for _ in range(1200):
        now[0] += 0.1
        if clock.is_due():
            saved += [now[0] for _ in clock.events(0.0, 0.1)]
    assert saved == pytest.approx([1.6, 52.2, 102.8], abs=0.15)


@pytest.mark.parametrize("ended", [True, False])
def test_a_longer_training_ends_as_one_that_was_to_be_long(tmp_path: Path, ended: bool) -> None:
    long = CONFIG.replace("max_epochs: 6", "max_epochs: 9")
    list(fit(start(write_points(tmp_path, config=long), tmp_path / "long")))
    run = start(write_points(tmp_path), tmp_path / "run")
    list(fit(run) if ended else fit(run, stop=until(STEPS)))
    again = Run.resume(run.folder, ["trainer.max_epochs=9"])
    assert run.folder.status() == ""
    assert again.notes == ["changed: trainer.max_epochs: 6 -> 9"]
    for event in fit(again):
        if isinstance(event, EpochEnded) and event.row["epoch"] == 7:
            break
    list(fit(Run.resume(run.folder)))  # the change has come to stay
    assert same_files(tmp_path / "long", run.folder.path)


def test_more_patience_ends_as_a_run_that_had_it(tmp_path: Path) -> None:
    text = (
        CONFIG.replace("max_epochs: 6", "max_epochs: 60") + "early_stopping: {patience: PATIENCE}"
    )
    patient = write_points(tmp_path, config=text.replace("PATIENCE", "9"))
    list(fit(start(patient, tmp_path / "patient")))
    run = start(write_points(tmp_path, config=text.replace("PATIENCE", "1")), tmp_path / "run")
    list(fit(run))
    assert run.folder.status() == "early_stopped"
    list(fit(Run.resume(run.folder, ["early_stopping.patience=9"])))
    assert same_files(tmp_path / "patient", run.folder.path)


def test_a_schedule_over_the_whole_training_is_told(tmp_path: Path) -> None:
    run = start(write_points(tmp_path, config=CONFIG + "lr_schedule: cosine"), tmp_path / "run")
    list(fit(run, stop=until(STEPS)))
    notes = Run.resume(run.folder, ["trainer.max_epochs=9"]).notes
    assert notes[1].startswith("the learning rate follows `cosine` over 9 epochs from here on")


def test_other_changes_are_refused_with_what_differs(nntrain: Command, tmp_path: Path) -> None:
    run = start(write_points(tmp_path), tmp_path / "run")
    list(fit(run, stop=until(STEPS)))
    before = run.folder.resolved.read_bytes()
    sets = ["model.layers.0.units=9", "optimizer.learning_rate=0.5", "trainer.max_epochs=9"]
    told = nntrain("fit", "--resume", "run", *(word for s in sets for word in ("--set", s)))
    assert told.code == 2
    assert "  model.layers.0.units: 8 -> 9\n  optimizer.learning_rate: 0.02 -> 0.5\n" in told.err
    assert "max_epochs: 6" not in told.err
    assert "--warm-start" in told.err
    assert run.folder.resolved.read_bytes() == before
    assert nntrain("fit", "--resume", "run", "--set", "trainer.max_epoch=9").code == 2
    assert nntrain("fit", "--resume", "run", "--set", "expect.test_accuracy='>= 0'").code == 0
    assert "expect" in run.folder.resolved.read_text()
    gate = nntrain("fit", "--resume", "run", "--set", "expect.test_accuracy='> 1'")
    assert gate.code == 5, "a finished run is judged anew"


def test_a_warm_start_begins_with_the_best_weights(nntrain: Command, points: Path) -> None:
    assert nntrain("fit", points, "-o", "old", "-q").code == 0
    for source in ("old", "old/model.safetensors"):
        told = nntrain("fit", points, "--warm-start", source, "-o", "new", "--overwrite")
        assert told.code == 0, told.err
        assert "preprocessing" not in told.err
    facts = json.loads(Path("new/manifest.json").read_text())["warm_start"]
    assert len(facts["sha256"]) == 64
    model, dataset = read_model(Path("old/model.safetensors")), load_points(points)
    run = Run.start(load(points), dataset, Path("third"), warm_start=opened("old"))
    assert np.array_equal(run.model.network.store.theta, model.network.store.theta)
    resumed = Run.resume(RunFolder(Path("third")))  # killed before its first checkpoint
    assert np.array_equal(resumed.model.network.store.theta, model.network.store.theta)
    assert np.array_equal(resumed.best["theta"], model.network.store.theta)
    list(fit(resumed))
    assert same_files(Path("new"), Path("third"))


def opened(path: str):  # type: ignore[no-untyped-def]
    from nntrain.run.trained import open_run

    return open_run(path)


def load_points(config: Path):  # type: ignore[no-untyped-def]
    from nntrain.cli.loading import load_data

    return load_data(load(config))


def test_a_warm_start_with_other_layers_names_them(nntrain: Command, points: Path) -> None:
    assert nntrain("fit", points, "-o", "old", "-q").code == 0
    told = nntrain("fit", points, "--warm-start", "old", "--set", "model.layers.0.units=9")
    assert told.code == 2
    assert "layers.0.b: (8,) there, (9,) here" in told.err
    assert not Path("runs").exists()
    assert nntrain("fit", points, "--warm-start", "old", "--smoke").code == 2
    assert nntrain("fit", "--resume", "old", "--warm-start", "old").code == 2


def test_a_warm_start_on_other_data_says_so(nntrain: Command, points: Path) -> None:
    assert nntrain("fit", points, "-o", "old", "-q").code == 0
    told = nntrain("fit", points, "--warm-start", "old", "--seed", "7")
    assert "note: preprocessing (scales, categories, classes) is learned from the data" in told.err


DIVERGES = """\
data:
  path: numbers.csv
  target: y
  split: {validation: 0.2, test: 0}
model: {layers: [{type: dense, units: 3}, {type: dropout, rate: 0.2}, {type: dense, units: auto}]}
loss: mean_squared_error
optimizer: {type: sgd, learning_rate: 4.0}
lr_schedule: {type: constant, warmup_epochs: 20}
on_divergence: {learning_rate_factor: 0.25, max_retries: 3}
averaging: {type: ema, decay: 0.9}
trainer: {max_epochs: 40, batch_size: 8}
"""


def diverging(folder: Path, text: str = DIVERGES) -> Path:
    rng = np.random.default_rng(0)
    lines = [f"{x},{2 * x}" for x in rng.normal(size=60).round(3)]
    (folder / "numbers.csv").write_text("\n".join(["x,y", *lines]) + "\n")
    (folder / "numbers.yaml").write_text(text)
    return folder / "numbers.yaml"


def test_a_divergence_goes_back_and_on_with_a_smaller_learning_rate(tmp_path: Path) -> None:
    run = start(diverging(tmp_path), tmp_path / "run")
    events = list(fit(run))
    back = [event for event in events if isinstance(event, WentBack)]
    assert [event.retry for event in back] == list(range(1, len(back) + 1)) != []
    assert back[-1].factor == 0.25 ** len(back)
    assert back[0].epoch > 0
    rows = [event.row for event in events if isinstance(event, EpochEnded)]
    assert [row["epoch"] for row in rows] != list(range(1, 41)), "epochs that led there are undone"
    assert rows[-1]["learning_rate"] == pytest.approx(4.0 * back[-1].factor)
    lines = run.folder.metrics_csv.read_text().splitlines()
    assert [line.split(",")[0] for line in lines[1:]] == [str(i) for i in range(1, 41)]
    assert json.loads(run.folder.summary.read_text())["retries"] == len(back)


def test_retries_resume_to_the_bit_wherever_the_run_was_stopped(tmp_path: Path) -> None:
    config = diverging(tmp_path)
    whole = start(config, tmp_path / "whole")
    back = []
    for event in fit(whole, stop=lambda: ""):
        if isinstance(event, WentBack):
            back.append(event.step)
    assert back
    for step in sorted({1, back[0] + 1, back[0] + 2, back[-1] + 9, 100}):
        run = start(config, tmp_path / str(step))
        list(fit(run, stop=until(step)))
        list(fit(Run.resume(run.folder)))
        assert same_files(tmp_path / "whole", run.folder.path), step


def test_checkpoints_do_not_change_where_a_divergence_goes_back_to(tmp_path: Path) -> None:
    often = DIVERGES.replace("batch_size: 8", "batch_size: 8, checkpoint_seconds: 0")
    list(fit(start(diverging(tmp_path), tmp_path / "seldom")))
    list(fit(start(diverging(tmp_path, often), tmp_path / "often")))
    tables = [(tmp_path / name / "metrics.csv").read_bytes() for name in ("seldom", "often")]
    assert tables[0] == tables[1]


def test_after_the_last_retry_the_run_ends_as_diverged(nntrain: Command, tmp_path: Path) -> None:
    text = DIVERGES.replace("learning_rate: 4.0", "learning_rate: 1e9")
    config = diverging(tmp_path, text.replace("max_retries: 3", "max_retries: 2"))
    told = nntrain("fit", config, "-o", "run")
    assert told.code == 4
    assert "goes on from the start with 0.25 of the learning rate (retry 1 of 2)" in told.err
    assert "with 0.0625 of the learning rate (retry 2 of 2)" in told.err
    assert told.err.count("error: training diverged") == 1
    assert json.loads(Path("run/summary.json").read_text())["status"] == "diverged"
    assert "retry 2 of 2" in Path("run/train.log").read_text()
    with pytest.raises(DivergedError):
        list(
            fit(
                start(
                    diverging(tmp_path, text.replace("on_divergence", "metadata")), tmp_path / "b"
                )
            )
        )


def test_a_deterministic_run_has_one_thread(nntrain: Command, points: Path) -> None:
    one = ["fit", points, "--set", "trainer.deterministic=true"]
    two = nntrain(*one, "--threads", "2")
    assert two.code == 2
    assert "one thread, got --threads 2" in two.err
    assert not Path("runs").exists()
    assert nntrain(*one, "-q").code == 0
    assert json.loads(Path("runs/points/001/manifest.json").read_text())["deterministic"] is True


def test_fit_pins_the_threads_before_numpy_loads(points: Path, tmp_path: Path) -> None:
    environment = {k: v for k, v in os.environ.items() if not k.endswith("_NUM_THREADS")}
    words = [sys.executable, "-m", "nntrain", "fit", str(points), "-o", "run", "--set",
             "trainer.deterministic=true"]  # fmt: skip
    code = (
        "import sys, os, builtins\nfrom nntrain.cli import main\n"
        "class Watch:\n"
        "    def find_spec(self, name, *rest):\n"
        "        if name == 'numpy': print('threads', os.environ.get('OPENBLAS_NUM_THREADS'))\n"
        f"sys.meta_path.insert(0, Watch())\nsys.argv = {words[2:]!r}\nmain()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=environment, cwd=tmp_path, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.startswith("threads 1\n")
    assert "deterministic" not in done.stderr


def test_overwriting_a_run_leaves_no_old_checkpoint(tmp_path: Path) -> None:
    folder = stopped(tmp_path / "a")
    config = folder.path.parent / "points.yaml"
    assert folder.previous.exists()
    shutil.copy(folder.previous, folder.checkpoint)
    Run.start(load(config), load_points(config), folder.path, overwrite=True)
    assert not folder.previous.exists()
    assert not folder.checkpoint.exists()
    with pytest.raises(ConfigError):
        Run.start(load(config), load_points(config), folder.path, overwrite=False)


def test_what_was_undone_leaves_the_live_table() -> None:
    with LiveView(Terminal()) as live:
        for event in EVENTS[:-1]:
            live.see(event)
        assert [entry.epoch for entry in live.board.entries] == [1, 2, 3]
        live.see(WentBack(1, 9, 1, 1, 2, 0.5, "training diverged in step 30\n  advice"))
        assert [entry.epoch for entry in live.board.entries] == [1]
        assert live.board.best and live.board.best.epoch == 1
    assert lines(WentBack(0, 0, 0, 2, 2, 0.25, "training diverged in step 3\n  advice")) == [
        "training diverged in step 3",
        "  goes on from the start with 0.25 of the learning rate (retry 2 of 2)",
    ]
    summary = {"status": "completed", "epochs": 3, "best_epoch": 2, "seconds": 1.0, "metrics": {}}
    told = finished({**summary, "run": "runs/a/001", "retries": 2})
    assert told[1].endswith("best epoch 2, diverged 2 times on the way")
