"""The contract of initializers, over the table."""

from __future__ import annotations

import math

import numpy as np
import pytest

from nntrain.families import Initializer, Shape
from nntrain.initializers import (
    GlorotNormal,
    GlorotUniform,
    HeNormal,
    HeUniform,
    LecunNormal,
    LecunUniform,
    Ones,
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


@every_initializer
def test_it_fills_weights_of_any_type_with_the_same_numbers(initializer: Initializer) -> None:
    narrow, wide = np.empty((4, 3), np.float32), np.empty((4, 3))
    for weight in (narrow, wide):
        weight[...] = initializer(weight.shape, generator(7, "W"))
    np.testing.assert_array_equal(narrow, wide.astype(np.float32))
