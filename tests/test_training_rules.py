"""What can not be true together in a config of a training, each told at its place."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from nntrain.config import load
from nntrain.data.dataset import Dataset
from nntrain.errors import ConfigError
from nntrain.families import to_plain
from nntrain.layers import Dense
from nntrain.run.run import Run
from tests.conftest import Command
from tests.test_accumulation import RunningMean

WRONG = {
    "optimizer.groups=[{layers: [], frozen: true}]": (
        "optimizer.groups.0.layers", "expected at least one layer",
    ),
    "optimizer.groups=[{layers: [layers.0], frozen: true, learning_rate: 1}]": (
        "optimizer.groups.0.learning_rate", "frozen, so `learning_rate` does nothing",
    ),
    "optimizer.groups=[{layers: [layers.0], weight_decay: 0, frozen: true}]": (
        "optimizer.groups.0.weight_decay", "frozen, so `weight_decay` does nothing",
    ),
    "optimizer.groups=[{layers: [layers.0]}]": (
        "optimizer.groups.0", "does not differ from the other weights",
    ),
    "optimizer.groups=[{layers: [layers.0], learning_rate: 0}]": (
        "optimizer.groups.0.learning_rate", "expected a number above 0 or null, got 0",
    ),
    "optimizer={type: rprop, step_sizes: [2, 1]}": (
        "optimizer.step_sizes", "the smallest step comes first",
    ),
    "optimizer={type: rprop, etas: [0.5, 0.9]}": (
        "optimizer.etas.1", "expected a number above 1, got 0.9",
    ),
    "trainer={gradient_clip_norm: 1, gradient_clip_value: 1}": (
        "trainer.gradient_clip_value", "clipped by `gradient_clip_norm` already",
    ),
    "trainer={batch_size: 16, micro_batch_size: 17}": (
        "trainer.micro_batch_size", "a batch has only 16 rows",
    ),
    "averaging={type: swa, start_epoch: 7}": (
        "averaging.start_epoch", "training ends before, after epoch 6",
    ),
    "averaging={type: ema, decay: 1.0}": ("averaging.decay", "got 1.0"),
    "lr_schedule={type: plateau, monitor: validation_rmse}": (
        "lr_schedule.monitor", "there is no score `validation_rmse` to monitor",
    ),
    "trainer.gradient_noise={gamma: 0.5}": (
        "trainer.gradient_noise", "the key `eta` is missing",
    ),
}  # fmt: skip


@pytest.mark.parametrize("setting", WRONG)
def test_it_is_refused_where_it_stands(points: Path, setting: str) -> None:
    path, message = WRONG[setting]
    with pytest.raises(ConfigError) as caught:
        load(points, [setting])
    (problem,) = caught.value.problems
    assert problem.path == path
    assert message in problem.message
    assert problem.line


def test_a_plateau_that_monitors_rows_that_are_not_there(points: Path) -> None:
    sets = ["data.split.validation=0", "lr_schedule={type: plateau, monitor: validation_loss}"]
    with pytest.raises(ConfigError, match="needs validation rows"):
        load(points, sets)


@pytest.mark.parametrize(
    "setting",
    [
        "trainer={batch_size: 16, micro_batch_size: 16}",
        "averaging={type: swa, start_epoch: 6}",
        "lr_schedule={type: plateau, monitor: validation_accuracy}",
        "optimizer.groups=[{layers: [layers.0], weight_decay: 0}]",
        "regularization={l1: 0.1, max_norm: 3}",
    ],
)
def test_what_is_just_right_passes(points: Path, setting: str) -> None:
    load(points, [setting])


def test_every_training_key_works_from_the_command_line(nntrain: Command, points: Path) -> None:
    sets = [
        "optimizer.groups=[{layers: [layers.0], learning_rate: 0.01}]",
        "regularization={l1: 1e-5, l2: 1e-4, max_norm: 3}",
        "averaging=ema", "lr_schedule=plateau", "trainer.micro_batch_size=5",
        "trainer.gradient_clip_value=1", "trainer.gradient_noise.eta=1e-6",
    ]  # fmt: skip
    done = nntrain("fit", points, *(word for key in sets for word in ("--set", key)))
    assert done.code == 0, done.err
    assert nntrain("eval").code == 0


def test_portions_with_running_statistics_are_said(points: Path, tmp_path: Path) -> None:
    loaded = load(points, ["trainer.micro_batch_size=5"])
    experiment = loaded.experiment
    dataset = Dataset.load(experiment.data, loaded.data_path, "classes", 0)
    plain = Run.start(loaded, dataset, tmp_path / "plain")
    assert plain.notes == []
    model = replace(experiment.model, layers=(RunningMean(), Dense("auto")))
    changed = replace(loaded, experiment=replace(experiment, model=model))
    assert to_plain(model)["layers"][0] == {"type": "running_mean"}
    (note,) = Run.start(changed, dataset, tmp_path / "run").notes
    assert "micro_batch_size" in note
