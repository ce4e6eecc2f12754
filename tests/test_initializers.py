"""The contract of initializers, over the table."""

from __future__ import annotations

import math

import numpy as np
import pytest

from nntrain.families import Initializer, Shape
from nntrain.initializers import (
    Constant,
    GlorotNormal,
    GlorotUniform,
    HeNormal,
    HeUniform,
    LecunNormal,
    LecunUniform,
    Normal,
    Ones,
    Orthogonal,
    TruncatedNormal,
    Uniform,
    Zeros,
    fans,
)
from nntrain.rng import generator
from tests.cases import INITIALIZERS, over

every_initializer = over("initializer", INITIALIZERS)
SHAPES: list[Shape] = [(300, 100), (3, 5, 40, 60)]  # a matrix; a receptive field of 3 · 5


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((), (1, 1)),
        ((7,), (7, 7)),
        ((3, 5), (3, 5)),
        ((2, 3, 5), (6, 10)),
        ((3, 3, 16, 32), (144, 288)),
    ],
)
def test_fans_count_what_is_summed_over(shape: Shape, expected: tuple[int, int]) -> None:
    assert fans(shape) == expected


@every_initializer
@pytest.mark.parametrize("shape", [(), (3,), (3, 4), (2, 3, 4, 5)])
def test_the_shape_is_the_one_asked_for(initializer: Initializer, shape: Shape) -> None:
    assert np.shape(initializer(shape, generator(0))) == shape


@every_initializer
def test_equal_generators_give_equal_numbers(initializer: Initializer) -> None:
    one, same = (initializer((4, 3), generator(7, "W")) for _ in range(2))
    np.testing.assert_array_equal(one, same)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize(
    ("initializer", "numerator", "both_fans"),
    [
        (GlorotUniform(), 2.0, True),
        (GlorotNormal(), 2.0, True),
        (HeUniform(), 2.0, False),
        (HeNormal(), 2.0, False),
        (LecunUniform(), 1.0, False),
        (LecunNormal(), 1.0, False),
    ],
    ids=lambda value: value.kind if isinstance(value, Initializer) else "",
)
def test_mean_variance_and_bounds(
    initializer: Initializer, numerator: float, both_fans: bool, shape: Shape
) -> None:
    field = math.prod(shape[:-2])
    fan_in, fan_out = field * shape[-2], field * shape[-1]
    variance = numerator / (fan_in + fan_out if both_fans else fan_in)
    values = initializer(shape, generator(0, "W"))

    spread = math.sqrt(variance)
    assert abs(values.mean()) < 5 * spread / math.sqrt(values.size)
    assert values.var() == pytest.approx(variance, rel=5 * math.sqrt(2 / values.size))
    furthest = np.abs(values).max() / spread
    if initializer.kind.endswith("uniform"):
        assert 0.99 * math.sqrt(3) < furthest <= math.sqrt(3)
    else:
        assert 3.5 < furthest < 6


def test_the_constant_ones() -> None:
    assert (Zeros()((3, 4), generator(0)) == 0).all()
    assert (Ones()((3, 4), generator(0)) == 1).all()
    assert (Constant(-0.5)((3, 4), generator(0)) == -0.5).all()


@pytest.mark.parametrize(
    ("initializer", "mean", "deviation", "furthest"),
    [
        (Uniform(), 0.0, 0.1 / math.sqrt(12), 0.05),
        (Uniform(low=2.0, high=5.0), 3.5, 3 / math.sqrt(12), 1.5),
        (Normal(mean=-3.0, stddev=0.5), -3.0, 0.5, 0.5 * 5),
        (TruncatedNormal(), 0.0, 0.05 * 0.8796, 0.05 * 2),
        (TruncatedNormal(mean=7.0, stddev=2.0), 7.0, 2 * 0.8796, 2 * 2),
    ],
    ids=str,
)
def test_what_was_asked_for(
    initializer: Initializer, mean: float, deviation: float, furthest: float
) -> None:
    values = initializer((300, 200), generator(0, "W"))
    assert values.mean() == pytest.approx(mean, abs=5 * deviation / math.sqrt(values.size))
    assert values.std() == pytest.approx(deviation, rel=0.01)
    assert 0.9 * furthest < np.abs(values - mean).max() <= furthest


def test_the_variance_of_a_truncated_normal_is_what_its_docstring_says() -> None:
    density, inside = math.exp(-2) / math.sqrt(2 * math.pi), math.erf(math.sqrt(2))
    assert 1 - 2 * 2 * density / inside == pytest.approx(0.774, abs=5e-4)


@pytest.mark.parametrize("shape", [(5, 5), (9, 4), (4, 9), (3, 3, 2, 7), (3, 2, 30)], ids=str)
def test_orthogonal_columns_or_rows(shape: Shape) -> None:
    W = Orthogonal(gain=1.5)(shape, generator(0)).reshape(-1, shape[-1])
    products = W.T @ W if W.shape[0] >= W.shape[1] else W @ W.T
    np.testing.assert_allclose(products, 2.25 * np.eye(len(products)), atol=1e-13)


def test_orthogonal_matrices_have_no_preferred_sign() -> None:
    draws = [Orthogonal()((2, 2), generator(seed)) for seed in range(400)]
    assert abs(np.mean([W[0, 0] > 0 for W in draws]) - 0.5) < 0.1
    assert abs(np.mean([W[1, 1] > 0 for W in draws]) - 0.5) < 0.1
    assert abs(np.mean([np.linalg.det(W) for W in draws])) < 0.2


@every_initializer
def test_it_fills_weights_of_any_type_with_the_same_numbers(initializer: Initializer) -> None:
    narrow, wide = np.empty((4, 3), np.float32), np.empty((4, 3))
    for weight in (narrow, wide):
        weight[...] = initializer(weight.shape, generator(7, "W"))
    np.testing.assert_array_equal(narrow, wide.astype(np.float32))
