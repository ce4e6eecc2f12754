"""Averages of the weights: what they are, and that everything that is kept uses them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from nntrain.averaging import Ema, Swa
from nntrain.events import EpochEnded
from nntrain.families import Array, Averaging
from nntrain.run.model import read_model
from nntrain.training.evaluate import evaluate
from nntrain.training.fit import fit
from tests.cases import AVERAGINGS, over
from tests.conftest import Command, write_points
from tests.test_groups import begin


@over("averaging", AVERAGINGS)
def test_what_is_kept_is_a_share(averaging: Averaging) -> None:
    shares = [averaging.kept(step, 4) for step in range(1, 60)]
    assert all(type(share) is float and 0.0 <= share <= 1.0 for share in shares)
    assert shares == [averaging.kept(step, 4) for step in reversed(range(1, 60))][::-1]


def test_ema_by_hand() -> None:
    assert [Ema(decay=0.9, warmup=False).kept(step, 5) for step in (1, 50)] == [0.9, 0.9]
    shares = [Ema(decay=0.5).kept(step, 5) for step in (1, 2, 8, 100)]
    assert shares == pytest.approx([2 / 11, 3 / 12, 0.5, 0.5])


def test_swa_is_the_mean_of_the_epochs_that_count() -> None:
    """Epochs of 3 steps; the ends of epochs 2, 4, 6 … count."""
    swa, thetas = Swa(start_epoch=2, every=2), np.random.default_rng(0).normal(size=31)
    average, seen = thetas[0], {}
    for step in range(1, 31):
        kept = swa.kept(step, 3)
        average = kept * average + (1 - kept) * thetas[step]
        seen[step] = average
    assert seen[3] == thetas[3]  # before it begins: the weights themselves
    assert seen[6] == thetas[6]
    assert seen[9] == thetas[6]  # epoch 3 does not count
    assert seen[12] == pytest.approx(thetas[[6, 12]].mean(), rel=1e-12)
    assert seen[14] == seen[12]
    assert seen[30] == pytest.approx(thetas[[6, 12, 18, 24, 30]].mean(), rel=1e-12)


@pytest.mark.parametrize(
    ("key", "averaging"),
    [
        ("{type: ema, decay: 0.8}", Ema(decay=0.8)),
        ("{type: swa, start_epoch: 2}", Swa(start_epoch=2)),
    ],
)
def test_the_model_and_the_scores_are_those_of_the_average(
    tmp_path: Path, key: str, averaging: Averaging
) -> None:
    run = begin(
        write_points(tmp_path), tmp_path / "run", f"averaging={key}",
        "early_stopping={monitor: train_loss, patience: 99}",
    )  # fmt: skip
    theta = run.model.network.store.theta
    average, step = theta.astype(np.float64), 0
    at_epochs: list[Array] = []
    raw: list[Array] = []

    def follow() -> str:
        nonlocal average, step
        step += 1
        kept = averaging.kept(step, 9)
        average = kept * average + (1 - kept) * theta
        return ""

    rows = []
    for event in fit(run, stop=follow):
        if isinstance(event, EpochEnded):
            rows.append(event.row)
            at_epochs.append(average.copy())
            raw.append(theta.copy())
            np.testing.assert_allclose(run.average["theta"], average, rtol=1e-4, atol=1e-6)
    best = run.progress.best_epoch - 1
    assert not np.allclose(at_epochs[best], raw[best], rtol=1e-3)
    np.testing.assert_allclose(theta, at_epochs[best], rtol=1e-4, atol=1e-6)  # at the end: the best
    model = read_model(run.folder.model)
    np.testing.assert_array_equal(model.network.store.theta, theta)
    scores = evaluate(model, run.dataset.parts["validation"])
    assert scores["loss"] == rows[best]["validation_loss"]


def test_averaging_does_not_change_the_training(tmp_path: Path) -> None:
    config, losses = write_points(tmp_path), []
    for name, key in (("plain", "null"), ("averaged", "ema")):
        run = begin(config, tmp_path / name, f"averaging={key}")
        losses.append([event.row["train_loss"] for event in fit(run) if hasattr(event, "row")])
    assert losses[0] == losses[1]


def test_smoke_goes_through_an_average_that_begins_late(nntrain: Command, points: Path) -> None:
    done = nntrain(
        "fit", points, "--smoke", "--set", "trainer.max_epochs=100", "--set",
        "averaging={type: swa, start_epoch: 75}",
    )  # fmt: skip
    assert done.code == 0, done.err
