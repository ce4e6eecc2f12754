"""A run: repeated to the bit, resumed to the bit, refused when damaged."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from nntrain.config import load
from nntrain.data.dataset import Dataset
from nntrain.errors import ConfigError, MachineError
from nntrain.events import EpochEnded, Saved
from nntrain.run.archive import read_archive, write_archive
from nntrain.run.folder import RunFolder
from nntrain.run.run import Run
from nntrain.training.fit import fit
from tests.conftest import CONFIG, Command, write_points

SAME = ("model.safetensors", "metrics.csv", "metrics.jsonl")


def start(config: Path, folder: Path) -> Run:
    loaded = load(config)
    experiment = loaded.experiment
    task = experiment.loss.goal
    dataset = Dataset.load(experiment.data, loaded.data_path, task, experiment.seed)
    return Run.start(loaded, dataset, folder)


def same_files(a: Path, b: Path) -> bool:
    return all((a / name).read_bytes() == (b / name).read_bytes() for name in SAME)


def test_equal_runs_give_equal_bytes_in_two_folders(tmp_path: Path) -> None:
    config = write_points(tmp_path)
    for name in ("one", "two"):
        list(fit(start(config, tmp_path / name)))
    assert same_files(tmp_path / "one", tmp_path / "two")


def test_another_seed_gives_other_bytes(nntrain: Command, points: Path, tmp_path: Path) -> None:
    for seed in ("0", "1"):
        assert nntrain("fit", points, "--set", f"seed={seed}", "-o", tmp_path / seed).code == 0
    one, other = (load_file(tmp_path / s / "model.safetensors") for s in ("0", "1"))
    assert not np.array_equal(one["layers.0.W"], other["layers.0.W"])


def test_equal_runs_from_two_places_give_equal_model_bytes(tmp_path: Path) -> None:
    for name in ("here", "there/deeper"):
        (tmp_path / name).mkdir(parents=True)
        list(fit(start(write_points(tmp_path / name), tmp_path / name / "run")))
    models = [tmp_path / n / "run" / "model.safetensors" for n in ("here", "there/deeper")]
    assert models[0].read_bytes() == models[1].read_bytes()


STOPS = {
    "in the first epoch": 3,
    "at the end of an epoch": 9,
    "in the middle": 31,
    "at the last step": 54,
}

VARIANTS = {
    "adam and dropout": "",
    "momentum, clipping, patience": (
        "optimizer: {type: sgd, momentum: 0.9, nesterov: true, learning_rate: 0.1}\n"
        "lr_schedule: {type: cosine, warmup_epochs: 1}\n"
        "early_stopping: {monitor: validation_accuracy, patience: 3}\n"
    ),
}


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("steps", STOPS.values(), ids=STOPS)
def test_a_resumed_run_ends_with_the_bytes_of_the_whole_one(
    tmp_path: Path, steps: int, variant: str
) -> None:
    text = CONFIG
    if VARIANTS[variant]:
        text = text.replace("optimizer: {type: adam, learning_rate: 0.02}\n", VARIANTS[variant])
    config = write_points(tmp_path, config=text)
    list(fit(start(config, tmp_path / "whole")))

    run = start(config, tmp_path / "stopped")
    done = iter([""] * (steps - 1) + ["interrupted"] * 99)
    events = list(fit(run, stop=lambda: next(done)))
    assert any(isinstance(event, Saved) for event in events)
    assert run.progress.step == steps
    list(fit(Run.resume(RunFolder(tmp_path / "stopped"))))

    assert same_files(tmp_path / "whole", tmp_path / "stopped")


def test_a_killed_run_goes_on_from_its_last_checkpoint(tmp_path: Path) -> None:
    config = write_points(
        tmp_path, config=CONFIG.replace("batch_size: 16", "batch_size: 16, checkpoint_seconds: 0")
    )
    list(fit(start(config, tmp_path / "whole")))
    for event in fit(start(config, tmp_path / "killed")):
        if isinstance(event, EpochEnded) and event.row["epoch"] == 3:
            break  # rows of metrics.csv may now be ahead of the checkpoint
    list(fit(Run.resume(RunFolder(tmp_path / "killed"))))
    assert same_files(tmp_path / "whole", tmp_path / "killed")


def test_a_run_without_a_checkpoint_resumes_at_step_0(tmp_path: Path) -> None:
    config = write_points(tmp_path)
    list(fit(start(config, tmp_path / "whole")))
    next(iter(fit(start(config, tmp_path / "killed"))))
    run = Run.resume(RunFolder(tmp_path / "killed"))
    assert run.progress.step == 0
    list(fit(run))
    assert same_files(tmp_path / "whole", tmp_path / "killed")


def test_watching_and_evaluating_change_nothing(tmp_path: Path) -> None:
    config = write_points(tmp_path)
    list(fit(start(config, tmp_path / "plain")))
    run = start(config, tmp_path / "watched")
    for _ in fit(run):
        run.model.network(run.dataset.parts["train"].x)
    assert same_files(tmp_path / "plain", tmp_path / "watched")


def test_the_checkpoint_and_the_model_open_in_the_safetensors_package(tmp_path: Path) -> None:
    config = write_points(tmp_path)
    run = start(config, tmp_path / "run")
    list(fit(run, stop=lambda: "max_time"))
    checkpoint = load_file(tmp_path / "run" / "checkpoint.safetensors")
    size = run.model.network.store.size
    assert {name for name, vector in checkpoint.items() if vector.size == size} == {
        "theta", "slot.m", "slot.v", "best.theta",
    }  # fmt: skip


def test_every_flipped_byte_of_a_file_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    write_archive(path, "model", {"w": np.arange(12, dtype=np.float32)}, {"fact": 1})
    whole = path.read_bytes()
    arrays, facts = read_archive(path, "model")
    assert facts == {"fact": 1}
    assert np.array_equal(arrays["w"], np.arange(12))
    for at in [*range(8), *range(len(whole) - 48, len(whole))]:
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        with pytest.raises(MachineError):
            read_archive(path, "model")
    for length in (0, 1, 7, 8, 40, len(whole) - 1):
        path.write_bytes(whole[:length])
        with pytest.raises(MachineError, match="damaged"):
            read_archive(path, "model")


def test_a_file_of_another_kind_or_of_the_future_is_refused_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.safetensors"
    write_archive(path, "checkpoint", {"w": np.zeros(1, np.float32)}, {})
    with pytest.raises(MachineError, match="this is a checkpoint file, expected a model file"):
        read_archive(path, "model")
    monkeypatch.setattr("nntrain.run.archive.FORMAT_VERSION", 99)
    write_archive(path, "model", {"w": np.zeros(1, np.float32)}, {})
    monkeypatch.undo()
    with pytest.raises(MachineError, match="a newer nntrain is needed"):
        read_archive(path, "model")
    path.write_text("epoch,loss\n1,0.5\n")
    with pytest.raises(MachineError, match="this is no model file of nntrain"):
        read_archive(path, "model")


def test_changed_or_missing_data_stops_a_resume(
    nntrain: Command, points: Path, tmp_path: Path
) -> None:
    run = start(points, tmp_path / "run")
    list(fit(run, stop=lambda: "interrupted"))
    data = tmp_path / "points.csv"
    text = data.read_text()
    data.write_text(text + "1,1,red,in\n")
    changed = nntrain("fit", "--resume", tmp_path / "run")
    assert changed.code == 3
    assert "the data has changed since this run began" in changed.err
    data.unlink()
    missing = nntrain("fit", "--resume", tmp_path / "run")
    assert missing.code == 3
    assert "the data of this run is not there any more" in missing.err
    data.write_text(text)
    assert nntrain("fit", "--resume", tmp_path / "run").code == 0


def test_a_finished_run_says_so(nntrain: Command, points: Path, tmp_path: Path) -> None:
    assert nntrain("fit", points, "-o", tmp_path / "run").code == 0
    again = nntrain("fit", "--resume", tmp_path / "run", "--json")
    assert again.code == 0
    assert "already finished (completed)" in again.err
    assert json.loads(again.out)["status"] == "completed"


def test_no_file_of_the_run_is_half_written(tmp_path: Path) -> None:
    run = start(write_points(tmp_path), tmp_path / "run")
    list(fit(run))
    assert {f.name for f in (tmp_path / "run").iterdir()} == {
        "config.yaml", "config.resolved.yaml", "layers.csv", "manifest.json", "metrics.csv",
        "metrics.jsonl", "model.safetensors", "summary.json", "checkpoint.safetensors", ".lock",
    }  # fmt: skip


def test_the_best_weights_are_the_model(tmp_path: Path) -> None:
    run = start(write_points(tmp_path), tmp_path / "run")
    rows = [event.row for event in fit(run) if isinstance(event, EpochEnded)]
    best = min(rows, key=lambda row: row["validation_loss"])
    summary = json.loads((tmp_path / "run" / "summary.json").read_text())
    assert summary["best_epoch"] == best["epoch"]
    assert summary["metrics"]["validation_loss"] == pytest.approx(best["validation_loss"])


def test_a_manifest_that_differs_is_said(tmp_path: Path) -> None:
    run = start(write_points(tmp_path), tmp_path / "run")
    list(fit(run, stop=lambda: "interrupted"))
    facts = json.loads(run.folder.manifest.read_text())
    run.folder.manifest.write_text(json.dumps(facts | {"numpy": "1.0"}))
    notes = Run.resume(RunFolder(tmp_path / "run")).notes
    assert notes == [
        "this run began with another numpy: it goes on, but not to the bit as it would have"
    ]
    assert replace(run.progress) == run.progress


def test_a_run_whose_config_was_edited_is_not_resumed(tmp_path: Path) -> None:
    run = start(write_points(tmp_path), tmp_path / "run")
    list(fit(run, stop=lambda: "interrupted"))
    text = run.folder.resolved.read_text()
    run.folder.resolved.write_text(text.replace("learning_rate: 0.02", "learning_rate: 0.5"))
    with pytest.raises(ConfigError, match="was changed since this run began"):
        Run.resume(run.folder)
    run.folder.resolved.write_text(text + "# a comment changes nothing\n")
    Run.resume(run.folder)
