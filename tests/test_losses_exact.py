"""Losses of a few numbers that can be checked with a pencil, and what holds of every shape."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from nntrain.families import Array, Loss
from nntrain.losses import (
    BinaryCrossEntropy,
    CosineSimilarity,
    CrossEntropy,
    EuclideanDistance,
    Focal,
    Hinge,
    Huber,
    KlDivergence,
    LogCosh,
    MeanAbsoluteError,
    MeanSquaredError,
    Poisson,
    Quantile,
    WeightedSum,
)
from tests.cases import LOSSES, example_of, over, single

LN2, LN3, LN4 = math.log(2), math.log(3), math.log(4)
MISSED = math.log(4 / 3)  # -log p of a class with the share 3/4
CLASS_LOSSES: list[Loss] = [CrossEntropy(), Focal(), Hinge()]
NAMES = ("a", "b", "c", "d")

# loss, prediction and target of one row, the loss, its derivative by the prediction
ON_PAPER: list[tuple[Loss, list[float], Any, float, list[float]]] = [
    (MeanSquaredError(), [1, 2], [3, 5], 6.5, [-2, -3]),
    (MeanAbsoluteError(), [1, 2, 7], [3, -5, 7], 3, [-1 / 3, 1 / 3, 0]),
    (Huber(), [0.5, -3], [0, 0], 1.3125, [0.25, -0.5]),
    (Huber(delta=2), [-1, 3], [0, 0], 2.25, [-0.5, 1]),
    (LogCosh(), [LN2, 0], [0, LN4], math.log(1.25 * 2.125) / 2, [0.3, -15 / 34]),
    (Quantile(), [1, 7], [3, 3], 1.5, [-0.25, 0.25]),
    (Quantile(q=0.9), [1, 7, 2], [3, 3, 2], 2.2 / 3, [-0.3, 0.1 / 3, 0]),
    (EuclideanDistance(), [4, 6], [1, 2], 5, [0.6, 0.8]),
    (CosineSimilarity(), [3, 4], [0, 2], 0.2, [0.096, -0.072]),
    (Poisson(), [0, LN3], [2, 1], (4 - LN3) / 2, [-0.5, 1]),
    (Poisson(), [42], [0], 3 * math.exp(40), [math.exp(40)]),
    (KlDivergence(), [0, LN3], [0.5, 0.5], LN2 - LN3 / 2, [-0.25, 0.25]),
    (KlDivergence(), [0, LN3], [1.5, 0.5], 2 * LN2 + LN3, [-1, 1]),
    (KlDivergence(), [0, LN3], [0, 1], MISSED, [0.25, -0.25]),
    (KlDivergence(label_smoothing=0.5), [0, 0], [0, 1], 0.75 * LN3 - LN2, [0.25, -0.25]),
    (CrossEntropy(), [0, LN3], 1, MISSED, [0.25, -0.25]),
    (CrossEntropy(label_smoothing=0.2), [0, LN3], 1, LN4 - 0.9 * LN3, [0.15, -0.15]),
    (BinaryCrossEntropy(), [LN3], [1], MISSED, [-0.25]),
    (BinaryCrossEntropy(), [LN3], [0], LN4, [0.75]),
    (BinaryCrossEntropy(label_smoothing=0.2), [LN3], [1], LN4 - 0.9 * LN3, [-0.15]),
    (Focal(), [0, LN3], 1, MISSED / 16, [(MISSED * 0.5 + 1 / 12) * 3 / 16,
                                         (MISSED * 0.5 + 1 / 12) * -3 / 16]),
    (Focal(gamma=1), [LN3, 0], 1, LN4 * 0.75, [(LN4 + 3) * 3 / 16, (LN4 + 3) * -3 / 16]),
    (Hinge(), [0, 0.25, 2], 1, 3.5 / 3, [1 / 3, -2 / 3, 1 / 3]),
    (Hinge(margin=0.5), [0, 0.5, 2], 1, 2 / 3, [0, -1 / 3, 1 / 3]),
    (Hinge(squared=True), [0, 0.25, 2], 1, 8.125 / 3, [0.5, -7 / 3, 5.5 / 3]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("loss", "prediction", "target", "value", "slope"),
    ON_PAPER,
    ids=lambda x: getattr(x, "kind", ""),
)
def test_the_numbers_on_paper(
    loss: Loss, prediction: list[float], target: Any, value: float, slope: list[float]
) -> None:
    z, t = np.array([prediction, prediction], float), np.array([target, target])
    found, d = loss(z, t if loss.task == "classes" else t.astype(float), np.array([0.25, 0.5]))
    assert found == pytest.approx(0.75 * value, rel=1e-14)
    np.testing.assert_allclose(d, [0.25 * np.array(slope), 0.5 * np.array(slope)], rtol=1e-13)


def test_a_sum_counts_each_loss_once_unless_weights_say_otherwise() -> None:
    p, t, w = np.array([[0.5, -3.0]]), np.zeros((1, 2)), np.ones(1)
    value, d = WeightedSum((Huber(), MeanAbsoluteError()))(p, t, w)
    assert value == pytest.approx(1.3125 + 1.75, rel=1e-15)
    np.testing.assert_allclose(d, [[0.25 + 0.5, -0.5 - 0.5]], rtol=1e-15)
    value, d = WeightedSum((Huber(), MeanAbsoluteError()), (2.0, 4.0))(p, t, w)
    assert value == pytest.approx(2.625 + 7.0, rel=1e-15)
    np.testing.assert_allclose(d, [[0.5 + 2.0, -1.0 - 2.0]], rtol=1e-15)


@pytest.mark.parametrize("weights", [(1.0,), (1.0, 1.0, 1.0)])
def test_a_sum_needs_a_weight_for_each_loss(weights: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="zip"):
        WeightedSum((Huber(), Huber()), weights)(np.ones((1, 1)), np.ones((1, 1)), np.ones(1))


def test_a_sum_shows_what_its_first_loss_shows() -> None:
    z = np.array([[0.0, LN3]])
    np.testing.assert_allclose(
        WeightedSum((CrossEntropy(), MeanSquaredError())).link(z), [[0.25, 0.75]]
    )
    assert WeightedSum((MeanSquaredError(), CrossEntropy())).link(z) is z


@over("loss", [CrossEntropy(), CrossEntropy(label_smoothing=0.2), Focal(), KlDivergence()])
@pytest.mark.parametrize("apart", [2000.0, -2000.0])
def test_rows_far_apart_do_not_disturb_each_other(loss: Loss, apart: float) -> None:
    z = np.array([[0.0, LN3], [apart, apart + LN3]])
    t = np.array([1, 1]) if loss.task == "classes" else np.array([[0.5, 0.5], [0.5, 0.5]])
    with np.errstate(all="raise"):
        value, d = loss(z, t, np.array([0.5, 0.5]))
        alone, d_alone = loss(z[:1], t[:1], np.ones(1))
        shown = loss.link(z)
    assert value == pytest.approx(alone, rel=1e-12)
    np.testing.assert_allclose(d, np.vstack([d_alone, d_alone]) / 2, rtol=1e-11)
    np.testing.assert_allclose(shown, [[0.25, 0.75], [0.25, 0.75]], rtol=1e-11)


@over("loss", [loss for loss in LOSSES if loss.task == "numbers"])
def test_sequences_count_as_the_mean_of_their_steps(loss: Loss) -> None:
    prediction, target = example_of(loss, rows=8)
    value, d = loss(prediction, target, np.repeat([0.05, 0.2], 4))
    shape = (2, 4, 3)
    found, d_found = loss(prediction.reshape(shape), target.reshape(shape), np.array([0.2, 0.8]))
    assert found == pytest.approx(value, rel=1e-13)
    assert d_found.shape == shape
    np.testing.assert_allclose(d_found.reshape(8, 3), d, rtol=1e-12)


@over("loss", CLASS_LOSSES)
@pytest.mark.parametrize("class_weight", [None, {"b": 3.0}])
def test_sequences_of_classes_stay_float32(loss: Loss, class_weight: Any) -> None:
    prediction, target = example_of(loss, rows=6)
    weighted = replace(loss, class_weight=class_weight).settled(NAMES, ())  # type: ignore[type-var]
    steps, classes = prediction.reshape(2, 3, 4), target.reshape(2, 3)
    value, d = weighted(single(steps), classes, single(np.array([0.25, 0.75])))
    expected, d_expected = weighted(steps, classes, np.array([0.25, 0.75]))
    assert d.dtype == np.float32
    assert value == pytest.approx(expected, rel=1e-6)
    np.testing.assert_allclose(d.view(np.ndarray), d_expected, rtol=1e-5, atol=1e-7)


@over("loss", [*CLASS_LOSSES, BinaryCrossEntropy()])
def test_balanced_weights_of_every_loss_and_of_a_sum(loss: Loss) -> None:
    names, counts = (NAMES[:2], (1, 3)) if loss.task == "binary" else (NAMES, (6, 2, 3, 1))
    expected = [2.0, 2 / 3] if loss.task == "binary" else [0.5, 1.5, 1.0, 3.0]
    target = np.arange(len(names))
    target = target[:, None].astype(float) if loss.task == "binary" else target
    balanced = replace(loss, class_weight="balanced")  # type: ignore[type-var]
    for each in (balanced, WeightedSum((balanced, loss)), WeightedSum((loss, balanced))):
        factors = each.settled(names, counts).row_weights(target)
        assert factors is not None
        np.testing.assert_allclose(factors, expected, rtol=1e-15)


@pytest.mark.parametrize("first", [True, False])
def test_a_class_weight_in_a_sum_counts_for_every_step_of_all_losses(first: bool) -> None:
    prediction, target = example_of(CrossEntropy(), rows=6)
    steps, classes, weights = prediction.reshape(2, 3, 4), target.reshape(2, 3), np.ones(2) / 2
    given = dict(zip(NAMES, (0.5, 4.0, 1.0, 2.0), strict=True))
    weighted, plain = CrossEntropy(class_weight=given), Hinge()
    losses = (weighted, plain) if first else (plain, weighted)
    value, d = WeightedSum(losses, (2.0, 3.0)).settled(NAMES, ())(steps, classes, weights)
    factors = np.array([0.5, 4.0, 1.0, 2.0])[classes]
    rows = (factors / factors.sum(axis=1, keepdims=True) / 2).reshape(-1)
    for loss, weight in zip((CrossEntropy(), Hinge()), (2, 3) if first else (3, 2), strict=True):
        part, d_part = loss(prediction, target, rows)
        value -= weight * part
        d = d - weight * d_part.reshape(d.shape)
    assert value == pytest.approx(0.0, abs=1e-14)
    np.testing.assert_allclose(d, 0.0, atol=1e-15)


def with_strange_memory(ufunc: np.ufunc) -> Callable[..., Any]:
    """The function, with numbers that are none wherever its result would be left unwritten."""

    def call(*operands: Any, out: Array | None = None, where: Any = True) -> Any:
        if out is None and where is not True:
            out = np.full(np.broadcast_shapes(*map(np.shape, operands)), np.nan)
        return ufunc(*operands, out=out, where=where)

    return call


def test_what_is_not_computed_is_not_what_the_memory_held(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(np, "divide", with_strange_memory(np.divide))
    monkeypatch.setattr(np, "log", with_strange_memory(np.log))
    weights, zeros = np.array([0.5, 0.5]), np.zeros((2, 3))
    points = np.array([[1.0, 2.0, 2.0], [0.0, 0.0, 0.0]])
    assert EuclideanDistance()(points, zeros, weights)[0] == 1.5
    np.testing.assert_allclose(EuclideanDistance()(points, zeros, weights)[1][1], 0.0)
    assert CosineSimilarity()(points, zeros, weights)[0] == 1.0
    np.testing.assert_allclose(CosineSimilarity()(zeros, points, weights)[1], 0.0)
    certain = np.array([[1000.0, 0.0, 0.0], [1000.0, 0.0, 0.0]])
    for loss in CLASS_LOSSES:
        nothing = np.full((2, 2), -1)  # a row without a step that counts
        value, d = loss(np.ones((2, 2, 3)), nothing, weights)
        assert value == 0.0
        np.testing.assert_array_equal(d, np.zeros((2, 2, 3)))
        value, d = loss(certain, np.zeros(2, int), weights)
        assert value == 0.0
        np.testing.assert_array_equal(d, zeros)
    shares = np.array([[1.0, 0.0, 0.0], [1.0, 0.0, 0.0]])
    assert KlDivergence()(certain, shares, weights)[0] == 0.0


class TestTargets:
    """What losses of counts and shares say of targets that they can not learn."""

    def test_what_can_be_learned(self) -> None:
        assert Poisson().check_target(np.array([[0.0, 2.0]])) is None
        assert KlDivergence().check_target(np.array([[0.0, 1.0], [0.25, 0.7504]])) is None
        assert MeanSquaredError().check_target(np.array([[-1.0]])) is None

    def test_the_first_row_is_told(self) -> None:
        shares = np.full((4, 2), 0.5)
        shares[1], shares[3] = [-0.5, 1.5], [0.0, 0.0]
        expected = "the target is -0.5, 1.5, expected shares of 0 or more with the sum 1"
        assert KlDivergence().check_target(shares) == (1, expected)
        assert KlDivergence().check_target(shares[2:]) == (1, expected.replace("-0.5, 1.5", "0, 0"))
        assert KlDivergence().check_target(np.array([[0.5, 0.5], [0.5, 0.498]])) is not None
        assert KlDivergence().check_target(np.array([[0.5, 0.502]])) is not None

    def test_of_many_numbers_the_first_eight_are_told(self) -> None:
        found = Poisson().check_target(np.arange(-3.0, 7.0).reshape(1, 10))
        assert found == (0, "the target is -3, -2, -1, 0, 1, 2, 3, 4, expected counts of 0 or more")

    def test_of_sequences_each_step_is_looked_at(self) -> None:
        shares = np.full((3, 4, 2), 0.5)
        assert KlDivergence().check_target(shares) is None
        shares[2, 3] = [0.75, 0.5]
        text = "the target is 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.75, 0.5, expected shares"
        found = KlDivergence().check_target(shares)
        assert found is not None
        assert found[0] == 2
        assert found[1].startswith(text)
