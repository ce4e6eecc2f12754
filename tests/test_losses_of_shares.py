"""Losses whose targets are shares of classes, as mixup makes them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from nntrain.losses import BinaryCrossEntropy, CrossEntropy
from tests.cases import reference


@pytest.mark.parametrize("name", ["plain", "weighted", "smoothed"])
@pytest.mark.parametrize("dtype, near", [(np.float64, 1e-12), (np.float32, 1e-5)])
def test_cross_entropy_of_shares_is_that_of_pytorch(name: str, dtype: Any, near: float) -> None:
    entry = reference("pytorch", f"shares {name}")[f"shares {name}"]
    weight = entry["weight"] and dict(zip("abc", entry["weight"], strict=True))
    loss = CrossEntropy(label_smoothing=entry["smoothing"], class_weight=weight)
    z, target = np.array(entry["prediction"], dtype), np.array(entry["target"], dtype)
    factors = loss.row_weights(target)
    weights = np.ones(len(z), dtype) if factors is None else factors.astype(dtype)
    value, slope = loss(z, target, weights)
    assert slope.dtype == dtype
    assert np.isclose(value, entry["value"], rtol=near)
    assert np.allclose(slope, np.array(entry["slope"]), rtol=0, atol=near * 3)


@pytest.mark.parametrize("dtype, near", [(np.float64, 1e-12), (np.float32, 1e-5)])
def test_binary_cross_entropy_of_shares_is_that_of_pytorch(dtype: Any, near: float) -> None:
    entry = reference("pytorch", "shares of two")["shares of two"]
    loss = BinaryCrossEntropy(class_weight=dict(zip("ab", entry["weight"], strict=True)))
    z, target = np.array(entry["prediction"], dtype), np.array(entry["target"], dtype)
    factors = loss.row_weights(target)
    assert factors is not None
    value, slope = loss(z, target, factors.astype(dtype))
    assert slope.dtype == dtype
    assert np.isclose(value, entry["value"], rtol=near)
    assert np.allclose(slope, np.array(entry["slope"]), rtol=0, atol=near * 3)


@pytest.mark.parametrize("weight", [None, {"a": 2.0, "b": 0.5, "c": 1.0}])
def test_shares_of_one_class_are_that_class(weight: dict[str, float] | None) -> None:
    loss = CrossEntropy(label_smoothing=0.1, class_weight=weight)
    z, classes = np.random.default_rng(0).normal(size=(5, 3)), np.array([0, 2, 1, 1, 0])
    shares = np.eye(3)[classes]
    factors = [loss.row_weights(target) for target in (classes, shares)]
    if weight:
        assert np.array_equal(*factors)  # type: ignore[arg-type]
    one, two = (loss(z, target, np.full(5, 0.2)) for target in (classes, shares))
    assert np.isclose(one[0], two[0])
    assert np.allclose(one[1], two[1])


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_the_slope_is_that_of_the_value(smoothing: float) -> None:
    """By central differences, for shares that do and do not sum to 1 a row, and any weights."""
    rng = np.random.default_rng(3)
    loss = CrossEntropy(label_smoothing=smoothing, class_weight={"a": 2.0, "b": 0.5, "c": 1.0})
    z, weights = rng.normal(size=(4, 3)), rng.uniform(0.1, 1.0, 4)
    target = rng.dirichlet(np.ones(3), 4)
    value, slope = loss(z, target, weights)
    assert slope.shape == z.shape
    for place in np.ndindex(z.shape):
        up, down = z.copy(), z.copy()
        up[place] += 1e-6
        down[place] -= 1e-6
        rise = loss(up, target, weights)[0] - loss(down, target, weights)[0]
        assert np.isclose(slope[place], rise / 2e-6, atol=1e-8)
    assert np.isclose(loss(z, target, 2 * weights)[0], 2 * value)


def test_logits_of_any_size_have_a_loss() -> None:
    """As log Σ exp is taken beyond the largest logit of each row."""
    z = np.array([[1000.0, 0.0, -1000.0], [-2000.0, -2001.0, -1999.0]])
    target = np.array([[0.5, 0.25, 0.25], [0.2, 0.3, 0.5]])
    value, slope = CrossEntropy()(z, target, np.ones(2))
    small = np.log(np.exp([-1.0, -2.0, 0.0]).sum())
    by_hand = (0.25 * 1000 + 0.25 * 2000) + small + (0.2 * 1 + 0.3 * 2)
    assert np.isclose(value, by_hand, rtol=1e-12)
    assert np.isfinite(slope).all()
    assert np.allclose(slope.sum(axis=1), 0.0, atol=1e-12)


def test_two_classes_weigh_what_they_say() -> None:
    """Σ -(a (1 - t) log(1 - σ(z)) + b t log σ(z)), whatever a and b are."""
    first, second = 3.0, 0.5
    z, t = np.array([[0.3], [-1.2], [2.0]]), np.array([[0.25], [0.8], [0.5]])
    loss = BinaryCrossEntropy(class_weight={"a": first, "b": second})
    factors = loss.row_weights(t)
    assert factors is not None
    p = 1.0 / (1.0 + np.exp(-z))
    by_hand = -(first * (1 - t) * np.log(1 - p) + second * t * np.log(p)).sum()
    assert np.isclose(loss(z, t, factors)[0], by_hand, rtol=1e-12)
