"""The contract of optimizers, over the table."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest

from nntrain import blocks
from nntrain.blocks import BLOCK
from nntrain.families import Array, Arrays, Group, Optimizer, Segment, Update
from nntrain.families import optimizer as moving
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
from tests.cases import OPTIMIZERS, from_spec, over, reference, single

every_optimizer = over("optimizer", OPTIMIZERS)


def built(
    optimizer: Optimizer, theta: Array, decaying: int | None = None
) -> tuple[Update, Array, dict[str, Array]]:
    """The update of `theta`, its gradient, and its slots."""
    grad = np.zeros_like(theta)
    slots = {name: np.zeros_like(theta) for name in optimizer.slots()}
    segments = cut(len(theta), len(theta) if decaying is None else decaying)
    return optimizer.build(theta, grad, segments, slots), grad, slots


def cut(size: int, decaying: int) -> list[Segment]:
    """Two segments: the first `decaying` weights, which decay, and the others."""
    return [
        Segment(slice(0, decaying)),
        Segment(slice(decaying, size), decays=False),
    ]


def descend(
    optimizer: Optimizer,
    theta: Array,
    slope: Callable[[Array], Array],
    rates: Sequence[float],
    decaying: int = 0,
) -> list[Array]:
    """Where `theta` stands after each step."""
    update, grad, _ = built(optimizer, theta, decaying)
    seen = []
    for step, rate in enumerate(rates, 1):
        grad[...] = slope(theta)
        update(step, rate, 1.0)
        seen.append(theta.copy())
    return seen


@over("name", reference("pytorch", "optimizer"))
@pytest.mark.parametrize(("dtype", "rtol"), [(np.float64, 1e-10), (np.float32, 1e-5)])
def test_the_same_trajectory_as_pytorch(name: str, dtype: type, rtol: float) -> None:
    entry, problem = reference("pytorch")[name], reference("pytorch")["problem"]
    optimizer = from_spec(Optimizer, entry["spec"])
    curvature: Array = np.array(problem["curvature"], dtype)
    minimum: Array = np.array(problem["minimum"], dtype)
    theta: Array = np.array(problem["start"], dtype)
    rates = [
        optimizer.learning_rate * factor for factor in entry.get("factors", problem["factors"])
    ]
    trajectory = descend(
        optimizer, theta, lambda at: curvature * (at - minimum), rates, problem["decaying"]
    )
    assert len(entry["trajectory"]) > 5
    for step, expected in entry["trajectory"].items():
        found = trajectory[int(step) - 1]
        np.testing.assert_allclose(found, expected, rtol=rtol, atol=rtol, err_msg=f"step {step}")


def test_every_kind_but_lion_is_compared_with_pytorch() -> None:
    compared = {entry["spec"]["type"] for entry in reference("pytorch", "optimizer").values()}
    assert {type(optimizer).kind for optimizer in OPTIMIZERS} - compared == {"lion"}


def test_lion_is_what_the_paper_says() -> None:
    """Algorithm 2 of arXiv:2302.06675, with another rate at each step."""
    rng = np.random.default_rng(5)
    slopes, rates = rng.normal(size=(50, 4)), rng.uniform(0.01, 0.1, 50)
    theta, m, b1, b2, decay = np.ones(4), np.zeros(4), 0.8, 0.95, 0.3
    expected = []
    for g, rate in zip(slopes, rates, strict=True):
        c = b1 * m + (1 - b1) * g
        theta = theta - rate * (np.sign(c) + decay * theta)
        m = b2 * m + (1 - b2) * g
        expected.append(theta)
    lion, left = Lion(betas=(b1, b2), weight_decay=decay), iter(slopes)
    found = descend(lion, np.ones(4), lambda _: next(left), rates.tolist(), decaying=4)
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_the_first_step_of_adam_by_hand() -> None:
    theta, slope = np.array([1.0, 1.0]), np.array([0.5, -4.0])
    (found,) = descend(Adam(eps=0.1), theta, lambda _: slope, [0.01])
    np.testing.assert_allclose(found, [1 - 0.01 * 0.5 / 0.6, 1 + 0.01 * 4 / 4.1], rtol=1e-14)


def test_three_steps_of_momentum_by_hand() -> None:
    seen = descend(Sgd(momentum=0.5), np.zeros(1), lambda _: np.ones(1), [0.1, 0.1, 1.0])
    np.testing.assert_allclose(np.ravel(seen), [-0.1, -0.25, -2.0], rtol=1e-14)


BOTTOM: list[Optimizer] = [
    Sgd(learning_rate=0.05),
    Sgd(learning_rate=0.05, momentum=0.9),
    Sgd(learning_rate=0.05, momentum=0.9, nesterov=True),
    Adam(learning_rate=0.05),
    Adam(learning_rate=0.05, betas=(0.8, 0.95), eps=0.01),
    Amsgrad(learning_rate=0.05),
    Adamax(learning_rate=0.05),
    Nadam(learning_rate=0.05),
    Radam(learning_rate=0.1),
    Adagrad(learning_rate=0.5),
    Adadelta(learning_rate=10.0),
    Rmsprop(learning_rate=0.05),
    Rmsprop(learning_rate=0.005, momentum=0.9, centered=True),
    Lion(learning_rate=0.02),
    Rprop(learning_rate=0.05),
]
"""Each kind with a learning rate that suits it."""


@over("optimizer", BOTTOM)
def test_it_reaches_the_bottom_of_a_parabola(optimizer: Optimizer) -> None:
    """The learning rate falls to 0, since steps of a fixed length never come to rest."""
    minimum, curvature = np.array([3.0, -1.0, 0.5]), np.array([1.0, 2.0, 4.0])
    rates = optimizer.learning_rate * np.linspace(1.0, 0.0, 1000)
    seen = descend(optimizer, np.zeros(3), lambda at: curvature * (at - minimum), rates.tolist())
    np.testing.assert_allclose(seen[-1], minimum, atol=1e-4)


def rosenbrock(at: Array) -> Array:
    """The derivative of (1 - x)² + 100 (y - x²)²: a narrow, bent valley towards (1, 1)."""
    x, y = at.tolist()
    return np.array([-2 * (1 - x) - 400 * x * (y - x * x), 200 * (y - x * x)])


VALLEY: list[tuple[Optimizer, int]] = [
    (Sgd(learning_rate=0.0015), 15_000),
    (Sgd(learning_rate=3e-4, momentum=0.9), 15_000),
    (Sgd(learning_rate=3e-4, momentum=0.9, nesterov=True), 15_000),
    (Adam(learning_rate=0.02), 15_000),
    (Amsgrad(learning_rate=0.02), 15_000),
    (Adamax(learning_rate=0.02), 15_000),
    (Nadam(learning_rate=0.02), 15_000),
    (Radam(learning_rate=0.001), 15_000),
    (Adagrad(learning_rate=0.5), 15_000),
    (Adadelta(learning_rate=1.0), 15_000),
    (Rmsprop(learning_rate=0.002), 15_000),
    (Rmsprop(learning_rate=0.0005, momentum=0.9, centered=True), 15_000),
    (Lion(learning_rate=0.001), 15_000),
    (Rprop(learning_rate=0.01), 15_000),
]


@pytest.mark.parametrize(("optimizer", "steps"), VALLEY, ids=lambda case: str(case))
def test_it_gets_through_the_valley_of_rosenbrock(optimizer: Optimizer, steps: int) -> None:
    rates = optimizer.learning_rate * np.linspace(1.0, 0.1, steps)
    seen = descend(optimizer, np.array([-1.2, 1.0]), rosenbrock, rates.tolist())
    np.testing.assert_allclose(seen[-1], [1.0, 1.0], atol=0.01)


def test_the_tables_have_every_kind() -> None:
    kinds = {type(optimizer) for optimizer in OPTIMIZERS}
    assert {type(optimizer) for optimizer in BOTTOM} == kinds
    assert {type(optimizer) for optimizer, _ in VALLEY} == kinds


@every_optimizer
def test_only_the_weights_that_decay_shrink_and_by_the_rate(optimizer: Optimizer) -> None:
    optimizer = replace(optimizer, weight_decay=0.1)
    rates = [0.5, 0.25, 0.125]
    seen = descend(optimizer, np.array([2.0, -2.0, 2.0]), np.zeros_like, rates, decaying=2)
    shrunk = 2.0 * 0.95 * 0.975 * 0.9875
    np.testing.assert_allclose(seen[-1], [shrunk, -shrunk, 2.0], rtol=1e-14)


@every_optimizer
def test_blocks_change_not_a_bit(optimizer: Optimizer, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    start, slope = rng.normal(size=(2, 2 * BLOCK + 17)).astype(np.float32)

    def moved() -> list[Array]:
        half = len(start) // 2
        return descend(optimizer, start.copy(), lambda _: slope, [0.1, 0.05, 0.1], half)

    in_blocks = moved()
    for module in (blocks, moving):
        monkeypatch.setattr(module, "BLOCK", len(start))
    np.testing.assert_array_equal(in_blocks, moved())


@every_optimizer
def test_a_scale_is_that_of_the_gradient(optimizer: Optimizer) -> None:
    thetas = []
    for factor, scale in ((1.0, 0.25), (0.25, 1.0)):
        theta = np.array([1.0, -2.0, 3.0])
        update, grad, _ = built(optimizer, theta)
        for step in (1, 2):
            grad[...] = [4.0 * factor, -1.0 * factor, 0.5 * factor]
            update(step, 0.01, scale)
        thetas.append(theta)
    np.testing.assert_array_equal(thetas[0], thetas[1])


@every_optimizer
def test_a_rate_of_zero_moves_nothing(optimizer: Optimizer) -> None:
    seen = descend(optimizer, np.array([1.0, -2.0]), np.ones_like, [0.0, 0.0])
    np.testing.assert_array_equal(seen[-1], [1.0, -2.0])


@every_optimizer
def test_what_is_to_be_remembered_is_in_the_slots(optimizer: Optimizer) -> None:
    """A new update on copies of weights and slots goes on where the first one stopped."""
    theta = np.array([1.0, -2.0, 3.0])
    update, grad, slots = built(optimizer, theta)
    grad[...] = [0.5, 1.0, -1.0]
    for step in (1, 2):
        update(step, 0.1, 1.0)
    theta_later = theta.copy()
    slots_later = {name: slot.copy() for name, slot in slots.items()}
    update_later = optimizer.build(theta_later, grad, cut(3, 3), slots_later)
    for step in (3, 4):
        update(step, 0.1, 1.0)
        update_later(step, 0.1, 1.0)
    np.testing.assert_array_equal(theta_later, theta)


@every_optimizer
def test_slots_never_rest_at_subnormal_numbers(optimizer: Optimizer) -> None:
    theta = np.ones(4, np.float32)
    update, grad, slots = built(optimizer, theta)
    grad[...] = [1.0, -1.0, 1e-3, 1e-12]
    tiny = np.finfo(np.float32).tiny
    with np.errstate(under="ignore"):
        for step in range(1, 2001):
            update(step, 0.01, 1.0)
            grad[...] = 0.0
            if step > 64 and step % 50 == 0:
                for name, slot in slots.items():
                    assert not ((slot != 0) & (np.abs(slot) < tiny)).any(), f"{name}, step {step}"


@every_optimizer
def test_float32_stays_float32_everywhere(optimizer: Optimizer) -> None:
    theta, grad = single(np.ones(5)), single(np.ones(5))
    slots = {name: single(np.zeros(5)) for name in optimizer.slots()}
    update = optimizer.build(theta, grad, cut(5, 3), slots)
    for step in (1, 2, 64):
        update(step, 0.01, 0.5)
    assert np.isfinite(theta).all()
    assert (theta != 1.0).all()


@every_optimizer
def test_a_step_allocates_nothing(optimizer: Optimizer) -> None:
    """What it makes on the way are a few Python floats; a block would be 131 kB."""
    theta = np.ones(2 * BLOCK + 5, np.float32)
    update, grad, _ = built(replace(optimizer, weight_decay=0.1), theta, len(theta) // 2)
    grad[...] = 0.5
    for step in (62, 63, 64):
        update(step, 0.01, 0.5)
    tracemalloc.start()
    try:
        for step in range(65, 130):  # one of them clears subnormal numbers
            update(step, 0.01, 0.5)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 8_000


def test_nadam_forgets_no_product_of_momenta() -> None:
    """Its factor is the same whichever step was asked for before."""
    nadam = Nadam(momentum_decay=0.00417)  # which no other test asked for
    there = [nadam.constants(step, 0.1) for step in range(1, 30)]
    back = [nadam.constants(step, 0.1) for step in reversed(range(1, 30))]
    assert back[::-1] == there


def test_segments_have_their_own_rate_and_decay() -> None:
    groups = (
        Group(layers=("a",), learning_rate=0.02),
        Group(layers=("b",), weight_decay=0.0),
    )
    sgd = Sgd(learning_rate=0.1, weight_decay=0.5, groups=groups)
    theta, grad = np.ones(6), np.ones(6)
    segments = [
        Segment(slice(0, 1)),
        Segment(slice(1, 2), decays=False),
        Segment(slice(2, 3), group=1),
        Segment(slice(3, 4), group=1, decays=False),
        Segment(slice(4, 5), group=2),
    ]  # and the last weight is frozen
    sgd.build(theta, grad, segments, {})(1, 0.05, 1.0)  # half of the learning rate
    expected = [0.975 - 0.05, 0.95, 0.995 - 0.01, 0.99, 0.95, 1.0]
    np.testing.assert_allclose(theta, expected, rtol=1e-14)


@every_optimizer
def test_what_no_segment_holds_stays(optimizer: Optimizer) -> None:
    theta, grad = np.ones(9), np.ones(9)
    slots = {name: np.zeros_like(theta) for name in optimizer.slots()}
    segments = [Segment(slice(0, 2)), Segment(slice(4, 6)), Segment(slice(6, 7), decays=False)]
    update = optimizer.build(theta, grad, segments, slots)
    for step in (1, 2, 64):
        update(step, 0.01, 1.0)
    still = [2, 3, 7, 8]
    assert (theta[still] == 1.0).all()
    assert (np.delete(theta, still) != 1.0).all()
    assert not any(slot[still].any() for slot in slots.values())


def test_a_kind_may_move_weights_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """As plugins do, also one that begins with what another kind does."""
    monkeypatch.setattr(Optimizer, "kinds", {**Optimizer.kinds})  # it is of this test alone

    class Twice(Adam):
        def move(self, p: Array, g: Array, work: Arrays, state: Arrays, constants: Arrays) -> None:
            before = p.copy()
            super().move(p, g, work, state, constants)
            p += p - before

    slope = np.array([1.0, -2.0, 0.5])
    once, twice = (
        np.array(descend(kind, np.zeros(3), lambda _: slope, [0.1] * 3, 1))
        for kind in (Adam(), Twice())
    )
    np.testing.assert_allclose(twice, 2 * once, rtol=1e-14)
