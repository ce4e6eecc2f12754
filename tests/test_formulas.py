"""Losses, optimizers, schedules, metrics, initializers: their formulas against other sources."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nntrain import families
from nntrain.families import Initializer, Loss, Metric, Optimizer, Schedule
from nntrain.initializers import Ones, Zeros, fans
from nntrain.losses import BinaryCrossEntropy, CrossEntropy
from nntrain.metrics import R2
from nntrain.optimizers import Adam, Sgd
from nntrain.schedules import Constant
from tests.cases import (
    INITIALIZERS,
    LOSSES,
    METRICS,
    OPTIMIZERS,
    SCHEDULES,
    assert_same_slope,
    example,
    finite_differences,
    from_spec,
    over,
    protected,
    quick,
    reference,
    single,
)

# ---------------------------------------------------------------- losses


@over("loss", LOSSES)
def test_the_gradient_of_a_loss_is_that_of_finite_differences(loss: Loss) -> None:
    prediction, target = example(loss.task)
    weights = np.random.default_rng(3).uniform(0.0, 1.0, len(prediction))
    _, d = loss(protected(prediction), protected(target), protected(weights))
    expected = finite_differences(lambda: loss(prediction, target, weights)[0], prediction)
    assert_same_slope(d, expected)


@over("loss", LOSSES)
def test_a_loss_stays_in_float32(loss: Loss) -> None:
    prediction, target = map(single, example(loss.task))
    value, d = loss(prediction, target, single(np.full(len(prediction), 0.1)))
    assert isinstance(value, float)
    assert d.dtype == np.float32
    assert loss.link(prediction).dtype == np.float32


@over("loss", LOSSES)
@quick
@given(cut=st.integers(0, 7), seed=st.integers(0, 99))
def test_a_batch_in_parts_has_the_loss_of_the_whole(loss: Loss, cut: int, seed: int) -> None:
    prediction, target = example(loss.task, seed=seed)
    weights = np.random.default_rng(seed).uniform(0.0, 1.0, len(prediction))
    weights /= weights.sum()
    whole, d = loss(prediction, target, weights)
    parts = [
        loss(prediction[rows], target[rows], weights[rows])
        for rows in (slice(0, cut), slice(cut, None))
        if len(prediction[rows])
    ]
    assert sum(value for value, _ in parts) == pytest.approx(whole, rel=1e-12)
    np.testing.assert_allclose(np.concatenate([part for _, part in parts]), d, rtol=1e-12)


@pytest.mark.parametrize("name", reference("pytorch", "loss "))
def test_a_loss_is_pytorchs(name: str) -> None:
    entry = reference("pytorch", "loss ")[name]
    loss = from_spec(Loss, entry["spec"])
    parts = (np.array(entry[part]) for part in ("prediction", "target", "weights"))
    value, d = loss(*parts)
    assert value == pytest.approx(entry["value"], rel=1e-12)
    np.testing.assert_allclose(d, entry["d_prediction"], rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("size", [1e2, 1e4, 1e30])
def test_extreme_logits_stay_finite(size: float) -> None:
    z = np.array([[size, -size, 0.0]], np.float32)
    for loss, target in ((CrossEntropy(), np.array([1])), (BinaryCrossEntropy(), np.ones((1, 3)))):
        value, d = loss(z, target, np.ones(1, np.float32))
        assert np.isfinite(value)
        assert np.isfinite(d).all()
        assert np.isfinite(loss.link(z)).all()


def test_links_are_probabilities() -> None:
    z = np.random.default_rng(0).normal(size=(6, 4)) * 5
    assert CrossEntropy().link(z).sum(axis=1) == pytest.approx(np.ones(6))
    assert BinaryCrossEntropy().link(np.zeros((1, 1))) == pytest.approx(0.5)
    np.testing.assert_allclose(BinaryCrossEntropy().link(z), 1 / (1 + np.exp(-z)), rtol=1e-9)


# ---------------------------------------------------------------- optimizers


def descend(
    optimizer: Optimizer, slope: Any, start: Any, rates: Any, decaying: int = 0
) -> dict[int, Any]:
    """The weights after each step of a descent; `slope(theta)` is the gradient."""
    theta = np.array(start)
    grad = np.empty_like(theta)
    slots = {name: np.zeros_like(theta) for name in optimizer.slots()}
    update = optimizer.build(theta, grad, decaying, slots)
    seen = {}
    for step, rate in enumerate(rates, 1):
        grad[:] = slope(theta)
        update(step, rate, 1.0)
        seen[step] = theta.copy()
    return seen


@pytest.mark.parametrize(("dtype", "rel"), [(np.float64, 1e-10), (np.float32, 1e-4)])
@pytest.mark.parametrize("name", reference("pytorch", "optimizer "))
def test_an_optimizer_goes_the_way_of_pytorchs(name: str, dtype: Any, rel: float) -> None:
    problem = reference("pytorch")["problem"]
    entry = reference("pytorch", "optimizer ")[name]
    curvature = np.array(problem["curvature"], dtype)
    minimum = np.array(problem["minimum"], dtype)
    optimizer = from_spec(Optimizer, entry["spec"])
    seen = descend(
        optimizer,
        lambda theta: curvature * (theta - minimum),
        np.array(problem["start"], dtype),
        [optimizer.learning_rate * factor for factor in problem["factors"]],
        problem["decaying"],
    )
    for step, expected in entry["trajectory"].items():
        assert seen[int(step)].dtype == dtype
        np.testing.assert_allclose(seen[int(step)], expected, rtol=rel, atol=rel)


def rosenbrock(theta: Any) -> Any:
    x, y = theta
    return np.array([-2 * (1 - x) - 400 * x * (y - x * x), 200 * (y - x * x)])


@pytest.mark.parametrize(
    ("optimizer", "rate", "steps"),
    [(Sgd(), 1e-3, 40_000), (Sgd(momentum=0.9, nesterov=True), 2e-4, 40_000), (Adam(), 0.01, 9000)],
    ids=["sgd", "nesterov", "adam"],
)
def test_the_minimum_of_rosenbrocks_valley_is_found(
    optimizer: Optimizer, rate: float, steps: int
) -> None:
    seen = descend(optimizer, rosenbrock, [-1.2, 1.0], [rate] * steps)
    assert seen[steps] == pytest.approx([1.0, 1.0], abs=1e-2)


@over("optimizer", OPTIMIZERS)
def test_blocks_change_nothing(optimizer: Optimizer, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    start, grads = rng.normal(size=100), rng.normal(size=(5, 100))
    found = []
    for size in (100, 7):
        monkeypatch.setattr(families, "BLOCK", size)
        given_out = iter(grads)
        steps = [0.01] * 5
        found.append(descend(optimizer, lambda _, g=given_out: next(g), start, steps, 60)[5])
    np.testing.assert_array_equal(found[0], found[1])


@over("optimizer", OPTIMIZERS)
def test_scale_scales_the_gradient(optimizer: Optimizer) -> None:
    g = np.random.default_rng(0).normal(size=9)
    found = []
    for scale, grad in ((0.25, g.copy()), (1.0, g * 0.25)):
        theta = np.ones(9)
        slots = {name: np.zeros(9) for name in optimizer.slots()}
        optimizer.build(theta, grad, 5, slots)(1, 0.1, scale)
        found.append(theta)
    np.testing.assert_array_equal(found[0], found[1])


def test_only_the_first_weights_decay() -> None:
    optimizer = Sgd(weight_decay=0.5)
    seen = descend(optimizer, np.zeros_like, [2.0, 2.0, 2.0], [0.1], decaying=2)
    assert seen[1].tolist() == pytest.approx([1.9, 1.9, 2.0])


@pytest.mark.parametrize("optimizer", [Adam(), Sgd(momentum=0.9)], ids=["adam", "sgd"])
def test_slots_of_dead_weights_hold_no_subnormal_numbers(optimizer: Optimizer) -> None:
    theta, grad = np.ones(8, np.float32), np.ones(8, np.float32)
    slots = {name: np.zeros_like(theta) for name in optimizer.slots()}
    update = optimizer.build(theta, grad, 0, slots)
    for step in range(1, 2001):
        update(step, 1e-3, 1.0)
        grad[:] = 0.0
        for slot in slots.values():
            assert not ((slot != 0) & (np.abs(slot) < np.finfo(np.float32).tiny)).any()


# ---------------------------------------------------------------- schedules


@pytest.mark.parametrize("name", reference("pytorch", "schedule "))
def test_a_schedule_is_pytorchs(name: str) -> None:
    entry = reference("pytorch", "schedule ")[name]
    schedule = from_spec(Schedule, entry["spec"])
    total = len(entry["factors"])
    found = [schedule(step, total, entry["epoch"]) for step in range(total)]
    assert found == pytest.approx(entry["factors"], rel=1e-9, abs=1e-12)


@over("schedule", SCHEDULES)
@quick
@given(epoch=st.integers(1, 50), epochs=st.integers(1, 40), share=st.floats(0, 1))
def test_a_schedule_is_a_pure_factor(
    schedule: Schedule, epoch: int, epochs: int, share: float
) -> None:
    total = epoch * epochs
    step = min(int(share * total), total - 1)
    factor = schedule(step, total, epoch)
    assert 0 < factor <= 1
    assert schedule(step, total, epoch) == factor


def test_warm_up_reaches_the_full_rate_at_its_end() -> None:
    schedule = Constant(warmup_epochs=2)
    assert [schedule(s, 100, 2) for s in range(5)] == [0.25, 0.5, 0.75, 1.0, 1.0]


# ---------------------------------------------------------------- metrics


@pytest.mark.parametrize("name", reference("sklearn"))
def test_a_metric_is_scikit_learns(name: str) -> None:
    entry = reference("sklearn")[name]
    metric = from_spec(Metric, entry["spec"])
    parts = (np.array(entry[part]) for part in ("shown", "target", "weights"))
    assert metric.score(metric.sums(*parts)) == pytest.approx(entry["score"], rel=1e-12)


@over("metric", METRICS)
@quick
@given(cut=st.integers(1, 29), seed=st.integers(0, 99))
def test_batching_can_not_change_a_score(metric: Metric, cut: int, seed: int) -> None:
    task = next(iter(sorted(metric.tasks)))
    shown, target = example(task, rows=30, seed=seed)
    if task == "binary":
        shown, target = shown[:, :1], target[:, :1]
    weights = np.random.default_rng(seed).uniform(0.1, 1.0, 30)
    whole = metric.score(metric.sums(shown, target, weights))
    a, b = (metric.sums(shown[r], target[r], weights[r]) for r in (slice(cut), slice(cut, None)))
    assert metric.score(metric.combine(a, b)) == pytest.approx(whole, rel=1e-10)


def test_a_large_mean_costs_r2_no_digits() -> None:
    rng = np.random.default_rng(0)
    target = rng.normal(size=(1000, 1))
    shown = target + 0.1 * rng.normal(size=(1000, 1))
    metric, ones = R2(), np.ones(500)

    def score(offset: float) -> float:
        parts = [
            metric.sums(shown[rows] + offset, target[rows] + offset, ones)
            for rows in (slice(500), slice(500, None))
        ]
        return metric.score(metric.combine(*parts))

    assert score(1e8) == pytest.approx(score(0.0), rel=1e-6)


def test_a_target_that_does_not_vary_has_no_r2() -> None:
    one = np.ones((4, 1))
    assert np.isnan(R2().score(R2().sums(one, one, np.ones(4))))


# ---------------------------------------------------------------- initializers


VARIANCES = {
    "glorot": lambda fan_in, fan_out: 2 / (fan_in + fan_out),
    "he": lambda fan_in, fan_out: 2 / fan_in,
    "lecun": lambda fan_in, fan_out: 1 / fan_in,
}


@over("initializer", [i for i in INITIALIZERS if "_" in i.kind])
@pytest.mark.parametrize("shape", [(300, 200), (3, 3, 40, 50)], ids=str)
def test_an_initializer_has_the_variance_of_its_paper(
    initializer: Initializer, shape: tuple[int, ...]
) -> None:
    values = initializer(shape, np.random.default_rng(0))
    who, form = initializer.kind.split("_")
    variance = VARIANCES[who](*fans(shape))
    assert values.shape == shape
    assert values.var() == pytest.approx(variance, rel=0.05)
    assert abs(values.mean()) < 0.05 * variance**0.5
    if form == "uniform":
        assert np.abs(values).max() <= (3 * variance) ** 0.5
        assert np.abs(values).max() > 0.99 * (3 * variance) ** 0.5
    else:
        assert np.abs(values).max() > 3 * variance**0.5


def test_fans() -> None:
    assert fans((784, 512)) == (784, 512)
    assert fans((3, 3, 16, 32)) == (9 * 16, 9 * 32)
    assert fans((7,)) == (7, 7)


def test_constants() -> None:
    rng = np.random.default_rng(0)
    assert not Zeros()((2, 3), rng).any()
    assert (Ones()((2, 3), rng) == 1).all()
