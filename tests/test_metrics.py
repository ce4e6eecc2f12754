"""The contract of metrics, over the table."""

from __future__ import annotations

from functools import reduce

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nntrain.families import Array, Metric, Task
from nntrain.metrics import R2, Accuracy, Mae, Rmse
from tests.cases import (
    CLASSES,
    LOSSES,
    METRICS,
    example,
    from_spec,
    label,
    over,
    protected,
    reference,
)

LINKS = {loss.task: loss.link for loss in LOSSES}
CASES = [(metric, task) for metric in METRICS for task in sorted(metric.tasks)]


def shown_and_target(task: Task, rows: int, seed: int = 0) -> tuple[Array, Array]:
    """Probabilities or numbers, as people are shown, and what is true."""
    prediction, target = example(task, rows, seed)
    return LINKS[task](prediction).astype(np.float32), target.astype(np.float32)


def score(metric: Metric, shown: Array, target: Array, weights: Array | None = None) -> float:
    weights = np.ones(len(target)) if weights is None else weights
    return metric.score(metric.sums(shown, target, weights))


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{label(case[0])}, {case[1]}")
@settings(max_examples=10, deadline=None, derandomize=True)
@given(
    cuts=st.lists(st.integers(1, 29), max_size=6, unique=True),
    seed=st.integers(0, 1000),
)
def test_no_cut_of_the_rows_changes_the_score(
    case: tuple[Metric, Task], cuts: list[int], seed: int
) -> None:
    metric, task = case
    shown, target = shown_and_target(task, 30, seed)
    weights = np.random.default_rng(seed).uniform(0.1, 2.0, 30).astype(np.float32)
    columns = [np.split(values, sorted(cuts)) for values in (shown, target, weights)]
    sums = [metric.sums(*part) for part in zip(*columns, strict=True)]
    expected = score(metric, shown, target, weights)
    for some in (sums, sums[::-1]):
        assert metric.score(reduce(metric.combine, some)) == pytest.approx(expected, rel=1e-12)


@over("metric", METRICS)
def test_sums_are_float64_and_arguments_are_never_written_into(metric: Metric) -> None:
    for task in metric.tasks:
        shown, target = map(protected, shown_and_target(task, 10))
        weights = protected(np.ones(10, np.float32))
        sums = metric.sums(shown, target, weights)
        metric.combine(protected(sums), protected(sums))
        assert sums.dtype == np.float64
        assert type(metric.score(protected(sums))) is float


@over("metric", METRICS)
def test_a_row_counts_as_often_as_its_weight_says(metric: Metric) -> None:
    for task in sorted(metric.tasks):
        shown, target = shown_and_target(task, 10)
        times = np.arange(10)
        repeated = score(metric, shown.repeat(times, axis=0), target.repeat(times, axis=0))
        weighted = score(metric, shown, target, times.astype(np.float64))
        assert weighted == pytest.approx(repeated, rel=1e-12)


@over("metric", METRICS)
def test_the_truth_has_the_best_score(metric: Metric) -> None:
    for task in sorted(metric.tasks):
        shown, target = shown_and_target(task, 30)
        right = np.eye(4)[target.astype(int)] if task == "classes" else target
        best = score(metric, right, target)
        perfect = 1.0 if metric.higher_is_better or metric.kind == "perplexity" else 0.0
        assert best == pytest.approx(perfect, abs=2e-7)  # log_loss never trusts a 1
        other = score(metric, shown, target)
        assert other < best if metric.higher_is_better else other > best


@over("name", [name for name, entry in reference("sklearn").items() if "score" in entry])
def test_the_same_numbers_as_scikit_learn(name: str) -> None:
    entry = reference("sklearn")[name]
    shown, target, weights = (np.array(entry[key]) for key in ("shown", "target", "weights"))
    metric = from_spec(Metric, entry["spec"]).for_classes(CLASSES)
    assert score(metric, shown, target, weights) == pytest.approx(entry["score"], rel=1e-12)


def test_every_metric_is_compared_with_another_library() -> None:
    scores = [entry for entry in reference("sklearn").values() if "score" in entry]
    compared = {entry["spec"]["type"] for entry in scores}
    assert {metric.kind for metric in METRICS} <= compared


def test_numbers_by_hand() -> None:
    shown, target = np.array([[1.0], [2.0], [6.0]]), np.array([[1.0], [4.0], [1.0]])
    assert score(Mae(), shown, target) == pytest.approx(7 / 3)
    assert score(Rmse(), shown, target) == pytest.approx((29 / 3) ** 0.5)
    assert score(R2(), shown, target) == pytest.approx(1 - 29 / 6)
    probabilities = np.array([[0.2, 0.5, 0.3], [0.6, 0.3, 0.1], [0.1, 0.1, 0.8]])
    assert score(Accuracy(), probabilities, np.array([1, 0, 0])) == pytest.approx(2 / 3)


@pytest.mark.parametrize("rows", [1000, 64])
def test_a_large_mean_costs_r2_no_digits(rows: int) -> None:
    rng = np.random.default_rng(0)
    target = rng.normal(size=(1000, 2))
    shown = target + 0.5 * rng.normal(size=target.shape)
    far = 2.0**30  # leaves 22 bits below the point: means are known to some 1e-7
    target, shown = (np.round(values * 2**20) / 2**20 for values in (target, shown))
    parts = [slice(at, at + rows) for at in range(0, 1000, rows)]
    sums = [R2().sums(shown[p] + far, target[p] + far, np.ones(len(target[p]))) for p in parts]
    found = R2().score(reduce(R2().combine, sums))
    assert found == pytest.approx(score(R2(), shown, target), rel=1e-7)


@pytest.mark.parametrize("value", [0.0, 0.1, 1e6 / 3])
def test_a_target_that_does_not_vary_has_no_r2(value: float) -> None:
    target = np.full((21, 1), value)
    sums = [R2().sums(part + 1.0, part, np.ones(len(part))) for part in np.split(target, [4, 9])]
    assert np.isnan(R2().score(reduce(R2().combine, sums)))


def test_the_mean_of_the_target_has_an_r2_of_zero() -> None:
    target = np.random.default_rng(0).normal(size=(50, 1))
    assert score(R2(), np.full_like(target, target.mean()), target) == pytest.approx(0, abs=1e-12)
