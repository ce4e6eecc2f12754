"""The plateau schedule: its factor is a state of the training."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from nntrain.config import load
from nntrain.data.dataset import Dataset
from nntrain.events import EpochEnded
from nntrain.run.progress import Progress
from nntrain.schedules import Plateau
from nntrain.training.fit import fit
from nntrain.training.patience import Patience, PlateauJudge
from tests.cases import over, reference
from tests.conftest import write_points
from tests.test_groups import begin


def judges_of(folder: Path, *sets: str) -> tuple[PlateauJudge, Patience]:
    loaded = load(write_points(folder), sets)
    experiment = loaded.experiment
    dataset = Dataset.load(experiment.data, loaded.data_path, experiment.loss.task, 0)
    patience = Patience(experiment, dataset)
    return PlateauJudge(experiment, patience), patience


def judge_of(folder: Path, *sets: str) -> PlateauJudge:
    return judges_of(folder, *sets)[0]


def written(spec: dict[str, Any]) -> str:
    return "lr_schedule={" + ", ".join(f"{key}: {value}" for key, value in spec.items()) + "}"


@over("name", reference("pytorch", "plateau"))
def test_the_same_factors_as_pytorch(name: str, tmp_path: Path) -> None:
    entry = reference("pytorch")[name]
    score = "validation_loss" if entry["mode"] == "min" else "validation_accuracy"
    judge = judge_of(tmp_path, written({**entry["spec"], "monitor": score}))
    progress, factors = Progress(), []
    sign = 1.0 if entry["mode"] == "min" else -1.0
    for value in entry["scores"]:
        judge.judge(progress, {score: sign * value})
        factors.append(progress.plateau_factor)
        progress = Progress.from_plain(progress.to_plain(), progress.history)
    assert factors == pytest.approx(entry["factors"], rel=1e-12)
    assert factors[-1] < 0.5


@pytest.mark.parametrize(
    ("sets", "monitor"),
    [
        ((), "validation_loss"),
        (("lr_schedule.monitor=train_loss",), "train_loss"),
        (("early_stopping={monitor: validation_accuracy}",), "validation_accuracy"),
        (("data.split.validation=0",), "train_loss"),
    ],
)
def test_what_it_monitors(tmp_path: Path, sets: tuple[str, ...], monitor: str) -> None:
    assert judge_of(tmp_path, "lr_schedule.type=plateau", *sets).monitor == monitor


def test_other_schedules_have_no_plateaus(tmp_path: Path) -> None:
    judge, progress = judge_of(tmp_path), Progress()
    for _ in range(50):
        judge.judge(progress, {"validation_loss": 1.0})
    assert progress == Progress()


def test_a_score_that_is_none_is_no_better_one(tmp_path: Path) -> None:
    sets = ("lr_schedule={type: plateau, patience: 2, drop: 0.5}", "early_stopping={patience: 3}")
    judge, patience = judges_of(tmp_path, *sets)
    progress = Progress()
    factors, best = [], []
    for score in (math.nan, math.nan, math.nan, 1.0, math.nan, 0.9):
        judge.judge(progress, {"validation_loss": score})
        best.append(patience.judge(progress, {"validation_loss": score}))
        factors.append((progress.plateau_factor, progress.waited))
    assert best == [True, True, True, True, False, True]  # the last one, while nothing tells
    assert factors == [(1.0, 1), (0.5, 2), (0.5, 3), (0.5, 0), (0.5, 1), (0.5, 0)]


def test_the_learning_rate_falls_in_the_epoch_after_and_warms_up_before(tmp_path: Path) -> None:
    """A score that never gets better by 1000 makes a plateau of every two epochs."""
    run = begin(
        write_points(tmp_path), tmp_path / "run", "trainer.max_epochs=7",
        "optimizer.learning_rate=0.08",
        "lr_schedule={type: plateau, drop: 0.5, patience: 2, min_delta: 1000, warmup_epochs: 2}",
    )  # fmt: skip
    rates = [event.row["learning_rate"] for event in fit(run) if isinstance(event, EpochEnded)]
    assert rates == [0.04, 0.08, 0.08, 0.04, 0.04, 0.02, 0.02]


def test_the_schedule_itself_is_constant_after_its_warm_up() -> None:
    factors = [Plateau(warmup_epochs=1.0)(step, 30, 3) for step in range(5)]
    assert factors == [1 / 3, 2 / 3, 1.0, 1.0, 1.0]
