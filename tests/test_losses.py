"""The contract of losses, over the table."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nntrain.families import Array, Loss
from nntrain.losses import BinaryCrossEntropy, CrossEntropy, MeanSquaredError, Poisson
from tests.cases import (
    LOSSES,
    assert_same_slope,
    example,
    example_of,
    finite_differences,
    from_spec,
    over,
    protected,
    quick,
    reference,
    single,
)

every_loss = over("loss", LOSSES)


def unequal(rows: int) -> Array:
    """Weights of rows that sum to 1; the first row has none."""
    weights: Array = np.arange(rows, dtype=np.float64)
    weights /= weights.sum()
    return weights


@every_loss
def test_the_derivative_agrees_with_finite_differences(loss: Loss) -> None:
    prediction, target = example_of(loss)
    weights = unequal(len(target))
    _, found = loss(prediction, target, weights)
    assert found.shape == prediction.shape
    expected = finite_differences(lambda: loss(prediction, target, weights)[0], prediction)
    assert_same_slope(found, expected)


@quick
@given(
    loss=st.sampled_from(LOSSES),
    cuts=st.lists(st.integers(0, 12), max_size=4),
    seed=st.integers(0, 1000),
)
def test_parts_whose_weights_sum_to_one_add_up_to_the_whole(
    loss: Loss, cuts: list[int], seed: int
) -> None:
    prediction, target = example_of(loss, rows=12, seed=seed)
    weights = unequal(12)
    value, d_prediction = loss(prediction, target, weights)
    places = sorted(cuts)
    parts = [
        loss(p, t, w)
        for p, t, w in zip(
            *(np.split(values, places) for values in (prediction, target, weights)), strict=True
        )
        if len(t)
    ]
    assert sum(part for part, _ in parts) == pytest.approx(value, rel=1e-12)
    np.testing.assert_allclose(
        np.concatenate([d for _, d in parts]), d_prediction, rtol=1e-12, atol=1e-15
    )


@every_loss
def test_a_row_without_weight_counts_for_nothing(loss: Loss) -> None:
    prediction, target = example_of(loss)
    weights = unequal(len(target))
    value, d_prediction = loss(prediction, target, weights)
    without, d_without = loss(prediction[1:], target[1:], weights[1:])
    assert value == pytest.approx(without, rel=1e-13)
    assert not d_prediction[0].any()
    np.testing.assert_allclose(d_prediction[1:], d_without, rtol=1e-13)


@every_loss
def test_arguments_are_never_written_into(loss: Loss) -> None:
    prediction, target = map(protected, example_of(loss))
    loss(prediction, target, protected(unequal(len(target))))
    loss.link(prediction)  # a write would raise


@every_loss
def test_the_order_in_memory_changes_nothing(loss: Loss) -> None:
    prediction, target = example_of(loss)
    weights = unequal(len(target))
    value, d_prediction = loss(prediction, target, weights)
    found, d_found = loss(np.asfortranarray(prediction), np.asfortranarray(target), weights)
    assert found == pytest.approx(value, rel=1e-14)
    np.testing.assert_allclose(d_found, d_prediction, rtol=1e-13, atol=1e-16)


@every_loss
def test_float32_stays_float32_everywhere(loss: Loss) -> None:
    prediction, target = map(single, example_of(loss))
    value, d_prediction = loss(prediction, target, single(unequal(len(target))))
    assert type(value) is float
    assert d_prediction.dtype == np.float32
    assert loss.link(prediction).dtype == np.float32


@every_loss
@pytest.mark.parametrize("size", [100.0, 1e4])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_extreme_predictions_stay_finite(loss: Loss, size: float, dtype: type) -> None:
    prediction, target = example_of(loss)
    prediction = (np.sign(prediction) * size).astype(dtype)
    with np.errstate(over="raise", divide="raise", invalid="raise"):
        value, d_prediction = loss(prediction, target, unequal(len(target)).astype(dtype))
        shown = loss.link(prediction)
    assert np.isfinite(value)
    assert np.isfinite(d_prediction).all()
    assert np.isfinite(shown).all()


def best(loss: Loss, target: Array) -> Array:
    """The prediction whose loss is the smallest."""
    if loss.task == "classes":
        target = (np.arange(4) == target[:, None]).astype(np.float64)
    if loss.task == "heads":
        kind, number, two = np.split(target, 3, axis=1)
        return np.hstack([1000.0 * (np.arange(4) == kind), number, 1000.0 * (2.0 * two - 1.0)])
    if loss.task != "numbers":
        certain: Array = 1000.0 * (2.0 * target - 1.0)
        return certain
    return np.log(np.maximum(target, 1e-30)) if loss.applies else target


@over("loss", [loss for loss in LOSSES if not getattr(loss, "label_smoothing", 0.0)])
def test_no_prediction_is_better_than_the_right_one(loss: Loss) -> None:
    _, target = example_of(loss)
    right, weights = best(loss, target), unequal(len(target))
    value, d_prediction = loss(right, target, weights)
    if isinstance(loss, Poisson):  # its least is not 0
        value += float(weights @ (target * right - target).mean(axis=1))
    assert value == pytest.approx(0.0, abs=1e-12)
    np.testing.assert_allclose(d_prediction, 0.0, atol=1e-12)


@over("name", reference("pytorch", "loss"))
@pytest.mark.parametrize(("dtype", "rtol"), [(np.float64, 1e-12), (np.float32, 1e-5)])
def test_the_same_numbers_as_pytorch(name: str, dtype: type, rtol: float) -> None:
    entry = reference("pytorch")[name]
    loss = from_spec(Loss, entry["spec"])
    target = np.array(entry["target"])
    value, d_prediction = loss(
        np.array(entry["prediction"], dtype),
        target.astype(dtype) if target.dtype.kind == "f" else target,
        np.array(entry["weights"], dtype),
    )
    assert value == pytest.approx(entry["value"], rel=rtol)
    np.testing.assert_allclose(d_prediction, entry["d_prediction"], rtol=rtol, atol=rtol / 10)


def test_links_show_what_people_expect() -> None:
    numbers, _ = example("numbers")
    logits, _ = example("classes")
    assert MeanSquaredError().link(numbers) is numbers
    np.testing.assert_allclose(CrossEntropy().link(logits).sum(axis=1), 1.0, rtol=1e-15)
    np.testing.assert_allclose(
        BinaryCrossEntropy().link(np.array([[-np.log(3.0), 0.0, np.log(3.0)]])),
        [[0.25, 0.5, 0.75]],
        rtol=1e-15,
    )


def test_the_derivative_is_what_the_link_shows_minus_the_truth() -> None:
    logits, classes = example("classes")
    ones = np.ones(len(classes))
    _, d = CrossEntropy()(logits, classes, ones)
    np.testing.assert_allclose(d, CrossEntropy().link(logits) - np.eye(4)[classes], atol=1e-15)
    logits, yes = example("binary")
    _, d = BinaryCrossEntropy()(logits, yes, ones)
    np.testing.assert_allclose(d, (BinaryCrossEntropy().link(logits) - yes) / 2, atol=1e-15)


def test_a_number_added_to_all_logits_changes_nothing() -> None:
    logits, classes = example("classes")
    weights = unequal(len(classes))
    value, d = CrossEntropy()(logits, classes, weights)
    shifted, d_shifted = CrossEntropy()(logits + 50.0, classes, weights)
    assert shifted == pytest.approx(value, rel=1e-13)
    np.testing.assert_allclose(d_shifted, d, rtol=1e-12, atol=1e-15)
