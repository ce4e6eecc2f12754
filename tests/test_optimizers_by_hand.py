"""Optimizers where a rule turns: numbers by hand, and names that files carry."""

from __future__ import annotations

import math

import numpy as np
import pytest

from nntrain.families import Array, Group, Optimizer
from nntrain.optimizers import (
    Adadelta,
    Adagrad,
    Adam,
    Adamax,
    Amsgrad,
    Lion,
    Nadam,
    Radam,
    Rmsprop,
    Rprop,
    Sgd,
)
from nntrain.optimizers.nadam import _product
from tests.cases import OPTIMIZERS, over
from tests.test_optimizers import built, descend

SLOTS: list[tuple[Optimizer, tuple[str, ...]]] = [
    (Sgd(), ()),
    (Sgd(momentum=0.9), ("v",)),
    (Adam(), ("m", "v")),
    (Amsgrad(), ("m", "v", "v_max")),
    (Adamax(), ("m", "u")),
    (Nadam(), ("m", "v")),
    (Radam(), ("m", "v")),
    (Adagrad(), ("G",)),
    (Adadelta(), ("E", "D")),
    (Rmsprop(), ("v",)),
    (Rmsprop(momentum=0.9), ("v", "b")),
    (Rmsprop(momentum=0.9, centered=True), ("v", "m", "b")),
    (Lion(), ("m",)),
    (Rprop(), ("delta", "sign")),
]
"""Checkpoints of earlier versions have these names, so they never change."""


@pytest.mark.parametrize(("optimizer", "names"), SLOTS, ids=lambda case: str(case))
def test_slots_keep_their_names(optimizer: Optimizer, names: tuple[str, ...]) -> None:
    assert optimizer.slots() == names


def test_the_names_of_every_kind_are_held() -> None:
    assert {type(each) for each, _ in SLOTS} == {type(each) for each in OPTIMIZERS}


@over("scale", (2.0, 3.0, 0.5, 1.0))
def test_a_step_takes_the_gradient_times_the_scale(scale: float) -> None:
    theta = np.array([1.0, -1.0])
    update, grad, _ = built(Sgd(), theta)
    grad[...] = [4.0, 0.5]
    update(1, 0.25, scale)
    np.testing.assert_array_equal(theta, [1.0 - scale, -1.0 - 0.125 * scale])


def test_small_numbers_leave_the_slots_at_every_64th_step_and_at_no_other() -> None:
    theta = np.zeros(3, np.float32)
    update, _, slots = built(Sgd(momentum=0.99), theta)
    seen = []
    for step in range(1, 130):
        slots["v"][...] = [1e-30, 1e-31, -1e-31]
        update(step, 0.1, 1.0)
        seen.append(np.count_nonzero(slots["v"]))
        assert seen[-1] in (0, 3)
    assert [step for step, left in enumerate(seen, 1) if left == 0] == [64, 128]


def test_nadam_multiplies_its_momenta_from_the_first_step_on() -> None:
    """μₜ = 0.9 (1 - ½ · 0.96^(t/2)), and θ moves by the formula of the docstring."""
    _product.cache_clear()  # nothing that other tests asked for
    b1, b2, rate, slope = 0.9, 0.5, 0.1, 2.0
    mus = [0.9 * (1 - 0.5 * 0.96 ** (t / 2)) for t in range(1, 7)]
    m = v = theta = 0.0
    expected = []
    for t in range(1, 6):
        m, v = b1 * m + (1 - b1) * slope, b2 * v + (1 - b2) * slope**2
        ahead = mus[t] * m / (1 - math.prod(mus[: t + 1]))
        here = (1 - mus[t - 1]) * slope / (1 - math.prod(mus[:t]))
        theta -= rate * (ahead + here) / (math.sqrt(v / (1 - b2**t)) + 0.01)
        expected.append(theta)
    nadam = Nadam(betas=(b1, b2), eps=0.01, momentum_decay=0.5)
    seen = descend(nadam, np.zeros(1), lambda _: np.array([slope]), [rate] * 5)
    np.testing.assert_allclose(np.ravel(seen), expected, rtol=1e-13)


def test_radam_waits_while_the_length_is_five_and_no_more() -> None:
    """With this β₂ ρ∞ is the next number above 5, and ρ is 5 to the bit at the steps 98 to 100."""
    b2 = math.nextafter(2 / 3, 1)
    most = 2 / (1 - b2) - 1
    lengths = [most - 2 * t * b2**t / (1 - b2**t) for t in range(1, 131)]
    at_five = [t for t, length in enumerate(lengths, 1) if length == 5.0]
    assert at_five
    assert lengths[-1] > 5
    radam = Radam(betas=(0.0, b2), eps=1e-12)
    seen = np.ravel(descend(radam, np.zeros(1), lambda _: np.full(1, 3.0), [0.1] * 130))
    moved = -np.diff(seen, prepend=0.0)
    waiting = np.array(lengths) <= 5
    np.testing.assert_allclose(moved[waiting], 0.3, rtol=1e-10)  # η m̂
    np.testing.assert_allclose(moved[~waiting], 0.1, rtol=1e-3)  # η r m̂ / √v̂, r = 1


def test_a_group_of_all_layers_and_one_of_none() -> None:
    assert Group(layers=("layers",)).holds("layers.1.W")
    assert not Group(layers=("",)).holds("layers.1.W")


@over("optimizer", [Lion(betas=(0.0, 0.5)), Rprop(learning_rate=0.25)])
@over("dtype", [np.float32, np.float64])
def test_no_gradient_is_too_small_for_a_sign(optimizer: Optimizer, dtype: type) -> None:
    """η sign(g), all of it down to 1e-22, then less and less of it, and never the other way."""
    slope: Array = np.array([10.0**-k for k in range(38)], dtype)
    for sign in (1.0, -1.0):
        (theta,) = descend(optimizer, np.zeros(38, dtype), lambda _, s=sign: s * slope, [0.25])  # type: ignore[misc]
        moved = -sign * theta
        np.testing.assert_allclose(moved[:23], 0.25, rtol=1e-6)
        assert (np.diff(moved) <= 0).all()
        assert (moved >= 0).all()
