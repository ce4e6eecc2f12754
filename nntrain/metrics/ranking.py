"""Metrics of the order that probabilities put the rows in.

They need every row at once: the sums are the rows themselves, and combining puts them one behind
the other.  Of C > 2 classes each is judged against the rest; the score is the mean over the
classes for which it is defined, NaN where there is none.
"""

from __future__ import annotations

import math

import numpy as np

from nntrain.families import Array, Metric
from nntrain.metrics.labels import PerLabel
from nntrain.values import dataclass


class ByOrder(PerLabel):
    """Rows of (probabilities…, true class, weight); of two classes the second's probability."""

    def label_sums(self, p: Array, true: Array, weights: Array) -> Array:
        return np.column_stack([p[:, 1:] if p.shape[1] == 2 else p, true, weights])

    def combine(self, a: Array, b: Array) -> Array:
        return np.concatenate([a, b], axis=1)

    def label_score(self, sums: Array) -> float:
        sums = sums[sums[:, -1] > 0]  # a row without weight is no row
        p, true, weights = sums[:, :-2], sums[:, -2], sums[:, -1]
        numbers = [1] if p.shape[1] == 1 else range(p.shape[1])
        scores = [
            self.area(*curve(column, true == number, weights))
            for column, number in zip(p.T, numbers, strict=True)
        ]
        known = [score for score in scores if not math.isnan(score)]
        return float(np.mean(known)) if known else math.nan

    def area(self, found: Array, missed: Array) -> float:
        """The score of one class, from its curve; NaN where it has none."""
        raise NotImplementedError


def curve(scores: Array, positive: Array, weights: Array) -> tuple[Array, Array]:
    """Weight of the true and of the false rows above each threshold, from none to all of them.

    Rows with equal scores pass a threshold together.
    """
    order = np.argsort(-scores, kind="stable")
    last = np.flatnonzero(np.append(np.diff(scores[order]) != 0, True)) if len(order) else order
    right = np.where(positive, weights, 0.0)[order].cumsum()[last]
    wrong = np.where(positive, 0.0, weights)[order].cumsum()[last]
    return np.append(0.0, right), np.append(0.0, wrong)


@dataclass(frozen=True)
class RocAuc(ByOrder, Metric):
    """The probability that a row of the class has a higher score than another; ties count half.

    The area below true over false positives.  Several classes: one against the rest, their mean
    (scikit-learn's `multi_class="ovr"`); a class that no row or every row has is left out.
    """

    def area(self, found: Array, missed: Array) -> float:
        if not found[-1] or not missed[-1]:
            return math.nan
        both = np.diff(missed) @ (found[1:] + found[:-1]) / 2.0
        return float(both / (found[-1] * missed[-1]))


@dataclass(frozen=True)
class AveragePrecision(ByOrder, Metric):
    """Σ over thresholds of (Rₙ - Rₙ₋₁) Pₙ, with precision P and recall R.

    No interpolation between thresholds, as in scikit-learn's `average_precision_score`.  Several
    classes: one against the rest, their mean; a class that no row has is left out.
    """

    def area(self, found: Array, missed: Array) -> float:
        if not found[-1]:
            return math.nan
        precision = found[1:] / (found[1:] + missed[1:])
        return float(np.diff(found) @ precision / found[-1])
