"""Metrics of classes where the table does not reach: several labels, ties, classes without rows."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import reduce

import numpy as np
import pytest

from nntrain.families import Array, Metric
from nntrain.metrics import (
    F1,
    Accuracy,
    AveragePrecision,
    BalancedAccuracy,
    BitsPerCharacter,
    CalibrationError,
    F1Macro,
    LogLoss,
    Mape,
    Matthews,
    Perplexity,
    Precision,
    PrecisionMacro,
    Recall,
    RecallMacro,
    RocAuc,
    TopK,
)
from nntrain.training.evaluate import steps_as_rows
from tests.cases import METRICS, over


def score(metric: Metric, shown: Array, target: Array, weights: Array | None = None) -> float:
    weights = np.ones(len(target)) if weights is None else weights
    return metric.score(metric.sums(shown, target, weights))


def one_hot(*classes: int, of: int = 3) -> Array:
    return np.eye(of)[list(classes)]


OF_LABELS = [metric for metric in METRICS if "binary" in metric.tasks]


@over("metric", OF_LABELS)
def test_several_labels_have_the_mean_of_their_scores(metric: Metric) -> None:
    rng = np.random.default_rng(3)
    shown, target = rng.uniform(size=(40, 3)), rng.integers(0, 2, (40, 3)).astype(np.float32)
    weights = rng.uniform(0.5, 2.0, 40)
    each = [score(metric, shown[:, [k]], target[:, [k]], weights) for k in range(3)]
    assert len(set(each)) == 3
    assert score(metric, shown, target, weights) == pytest.approx(np.mean(each), rel=1e-12)


@over("metric", OF_LABELS)
def test_two_classes_score_the_same_with_one_output_and_with_two(metric: Metric) -> None:
    rng = np.random.default_rng(4)
    second, target = rng.uniform(size=30), rng.integers(0, 2, 30)
    two = score(metric, np.stack([1 - second, second], axis=1), target)
    one = score(metric, second[:, None], target[:, None].astype(np.float32))
    assert two == pytest.approx(one, rel=1e-12)


def test_names_of_scores() -> None:
    metrics: dict[str, Metric] = {
        "accuracy": Accuracy(),
        "top_3": TopK(k=3),
        "f1": F1(),
        "f1_spam": F1(positive="spam"),
        "f1_macro": F1Macro(),
        "recall_1": Recall(positive="1"),
        "calibration_error": CalibrationError(),
        "calibration_error_10": CalibrationError(bins=10),
    }
    assert [metric.name for metric in metrics.values()] == list(metrics)


def test_the_positive_class_is_found_by_its_name() -> None:
    shown, target = one_hot(0, 0, 1, 2, 2), np.array([0, 1, 1, 2, 0])
    found = {
        name: score(Precision(positive=name).for_classes(("a", "b", "c")), shown, target)
        for name in ("a", "b", "c")
    }
    assert found == {"a": 0.5, "b": 1.0, "c": 0.5}


def test_what_is_known_of_the_data_is_no_part_of_the_kind() -> None:
    known = F1(positive="b").for_classes(("a", "b"))
    assert known == F1(positive="b")
    assert replace(known).classes == ()


def test_the_second_of_two_classes_is_positive_where_none_is_named() -> None:
    shown, target = np.array([[0.9], [0.8], [0.3]]), np.array([[1.0], [0.0], [0.0]])
    assert score(Precision(), shown, target) == 0.5
    assert score(Recall(), shown, target) == 1.0


def test_a_share_of_nothing_is_zero() -> None:
    shown, target = one_hot(0, 0, 1), np.array([0, 2, 0])  # 2 is never chosen, 1 never true
    assert score(Precision(positive="c").for_classes(("a", "b", "c")), shown, target) == 0
    assert score(Recall(positive="b").for_classes(("a", "b", "c")), shown, target) == 0
    assert score(PrecisionMacro(), shown, target) == pytest.approx((1 / 2 + 0 + 0) / 3)


def test_a_class_that_nobody_has_or_was_given_is_left_out() -> None:
    shown, target = one_hot(0, 1, 1, of=5), np.array([0, 1, 0])
    assert score(RecallMacro(), shown, target) == pytest.approx((1 / 2 + 1) / 2)
    assert score(F1Macro(), shown, target) == pytest.approx((2 / 3 + 2 / 3) / 2)


def test_balanced_accuracy_leaves_out_what_is_never_true() -> None:
    shown, target = one_hot(0, 1, 2), np.array([0, 1, 1])
    assert score(BalancedAccuracy(), shown, target) == pytest.approx((1 + 1 / 2) / 2)
    assert score(RecallMacro(), shown, target) == pytest.approx((1 + 1 / 2 + 0) / 3)


@pytest.mark.parametrize("shown", [one_hot(0, 0, 0), one_hot(0, 1, 2)])
def test_no_correlation_where_one_side_never_varies(shown: Array) -> None:
    target = np.array([0, 1, 2]) if len(set(shown.argmax(axis=1))) == 1 else np.array([1, 1, 1])
    assert score(Matthews(), shown, target, np.array([0.1, 0.2, 0.3])) == 0.0


def test_rows_of_equal_score_pass_a_threshold_together() -> None:
    shown = np.full((4, 1), 0.5)
    for target in ([1, 0, 0, 1], [1, 1, 0, 0], [0, 0, 1, 1]):
        true = np.array(target, float)[:, None]
        assert score(RocAuc(), shown, true) == 0.5
        assert score(AveragePrecision(), shown, true) == 0.5


def test_roc_auc_of_one_class_alone_is_not_defined() -> None:
    shown = np.array([[0.2], [0.7]])
    assert math.isnan(score(RocAuc(), shown, np.zeros((2, 1))))
    assert math.isnan(score(RocAuc(), shown, np.ones((2, 1))))
    assert math.isnan(score(AveragePrecision(), shown, np.zeros((2, 1))))
    assert score(AveragePrecision(), shown, np.ones((2, 1))) == 1.0
    assert math.isnan(score(RocAuc(), shown, np.array([[0.0], [1.0]]), np.array([1.0, 0.0])))


def test_rows_without_weight_are_no_thresholds() -> None:
    shown, target = np.array([[0.9], [0.7], [0.4]]), np.array([[0.0], [1.0], [0.0]])
    weights = np.array([0.0, 1.0, 1.0])
    assert score(AveragePrecision(), shown, target, weights) == 1.0
    assert score(RocAuc(), shown, target, weights) == 1.0


def test_a_class_without_rows_is_left_out_of_the_mean_over_classes() -> None:
    rng = np.random.default_rng(5)
    p, target = rng.dirichlet(np.ones(4), 20), rng.integers(0, 3, 20)
    for metric in (RocAuc(), AveragePrecision()):
        each = [score(metric, p[:, [k]], (target[:, None] == k) * 1.0) for k in range(3)]
        assert score(metric, p, target) == pytest.approx(np.mean(each), rel=1e-12)


def test_among_equal_scores_the_later_class_counts_as_higher() -> None:
    shown = np.full((3, 3), 1 / 3)
    hits = [[score(TopK(k=k), shown[:1], np.array([c])) for c in range(3)] for k in (1, 2, 3, 9)]
    assert hits == [[0, 0, 1], [0, 1, 1], [1, 1, 1], [1, 1, 1]]


def test_a_bin_of_confidence_has_its_upper_end() -> None:
    shown = np.array([[0.75], [0.75], [0.76], [1.0]])
    target = np.array([[1.0], [0.0], [1.0], [1.0]])
    by_hand = 2 / 4 * abs(1 / 2 - 0.75) + 2 / 4 * abs(1 - 0.88)
    assert score(CalibrationError(bins=4), shown, target) == pytest.approx(by_hand)


def test_guessing_among_equals() -> None:
    shown, target = np.full((6, 8), 1 / 8), np.arange(6)
    assert score(Perplexity(), shown, target) == pytest.approx(8)
    assert score(BitsPerCharacter(), shown, target) == pytest.approx(3)
    assert score(LogLoss(), shown, target) == pytest.approx(math.log(8))


def test_what_was_called_impossible_costs_all_its_bits_but_is_finite() -> None:
    shown, target = np.array([[1.0 - 2.0**-40, 2.0**-40]]), np.array([1])
    assert score(BitsPerCharacter(), shown, target) == pytest.approx(40)
    assert score(LogLoss(), shown, target) == pytest.approx(23 * math.log(2))
    assert score(LogLoss(), one_hot(0), np.array([0])) == pytest.approx(2.0**-23, rel=1e-6)
    assert math.isfinite(score(Perplexity(), one_hot(0, 0), np.array([1, 1])))


def test_a_target_of_zero_spoils_the_relative_error_and_is_finite() -> None:
    found = score(Mape(), np.array([[1.0], [2.0]]), np.array([[0.0], [2.0]]))
    assert 1e15 < found < math.inf


def test_steps_of_sequences_are_rows() -> None:
    rng = np.random.default_rng(6)
    shown = rng.dirichlet(np.ones(3), (4, 5))  # (N, T, C)
    target = rng.integers(0, 3, (4, 5))
    target[1, 3:] = target[3, 1:] = -1
    weights = np.array([1.0, 2.0, 0.5, 3.0])
    one_by_one = [
        (shown[i, t], target[i, t], weights[i])
        for i in range(4)
        for t in range(5)
        if target[i, t] >= 0
    ]
    rows = steps_as_rows(shown, target, weights)
    for found, wanted in zip(rows, zip(*one_by_one, strict=True), strict=True):
        np.testing.assert_array_equal(found, np.array(wanted))
    metric: Metric = BitsPerCharacter()
    parts = [metric.sums(*steps_as_rows(shown[[i]], target[[i]], weights[[i]])) for i in range(4)]
    assert metric.score(reduce(metric.combine, parts)) == pytest.approx(
        score(metric, *rows), rel=1e-12
    )


def test_steps_of_sequences_of_numbers_are_rows() -> None:
    rng = np.random.default_rng(7)
    shown, target = rng.normal(size=(2, 3, 4, 2))
    target[0, 2:] = target[2, 3] = np.nan
    rows = steps_as_rows(shown, target, np.array([1.0, 2.0, 3.0]))
    known = ~np.isnan(target[:, :, 0])
    np.testing.assert_array_equal(rows.shown, shown[known])
    np.testing.assert_array_equal(rows.target, target[known])
    np.testing.assert_array_equal(rows.weights, [1, 1, 2, 2, 2, 2, 3, 3, 3])


def test_what_one_class_can_score() -> None:
    assert F1().can_score("binary")
    assert not F1().can_score("classes")
    assert F1(positive="a").can_score("classes")
    assert not F1(positive="a").can_score("numbers")
