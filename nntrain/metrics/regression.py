"""Metrics of numbers, in the target's own unit.   shown, target (N, K), the mean over K."""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np

from nntrain.families import Array, Metric, Task
from nntrain.values import dataclass


class Numbers:
    """What the metrics of numbers have in common."""

    tasks: ClassVar[frozenset[Task]] = frozenset({"numbers"})


class MeanOverRows(Numbers):
    """The weighted mean of one number a row and target."""

    higher_is_better: ClassVar[bool] = False

    def sums(self, shown: Array, target: Array, weights: Array) -> Array:
        weights = weights.astype(np.float64)
        rows = self.errors(shown.astype(np.float64), target).mean(axis=1)
        return np.array([weights @ rows, weights.sum()])

    def score(self, sums: Array) -> float:
        return float(sums[0] / sums[1])

    def errors(self, shown: Array, target: Array) -> Array:
        raise NotImplementedError


@dataclass(frozen=True)
class Mae(MeanOverRows, Metric):
    """Mean absolute error, mean |p - t|, in the target's unit.   shown, target (N, K).

    scikit-learn's `mean_absolute_error`.
    """

    def errors(self, shown: Array, target: Array) -> Array:
        error: Array = np.abs(shown - target)
        return error


@dataclass(frozen=True)
class Mse(MeanOverRows, Metric):
    """Mean squared error, mean (p - t)², in the target's unit squared.   shown, target (N, K).

    scikit-learn's `mean_squared_error`.
    """

    def errors(self, shown: Array, target: Array) -> Array:
        error: Array = np.square(shown - target)
        return error


@dataclass(frozen=True)
class Rmse(MeanOverRows, Metric):
    """Root mean squared error, √ mean (p - t)², in the target's unit.   shown, target (N, K).

    Of several targets the root of their mean; scikit-learn's `root_mean_squared_error` has the mean
    of their roots.
    """

    def errors(self, shown: Array, target: Array) -> Array:
        error: Array = np.square(shown - target)
        return error

    def score(self, sums: Array) -> float:
        return math.sqrt(super().score(sums))


@dataclass(frozen=True)
class Mape(MeanOverRows, Metric):
    """Mean |p - t| / |t|: 0.1 is ten per cent.   shown, target (N, K).

    As in scikit-learn a target of 0 counts as 2⁻⁵², so that one such row spoils the score.
    """

    def errors(self, shown: Array, target: Array) -> Array:
        size = np.maximum(np.abs(target.astype(np.float64)), 2.0**-52)
        error: Array = np.abs(shown - target) / size
        return error


def moments(values: Array, weights: Array) -> Array:
    """Weight, weighted mean and sum of squares about it of values (N, K), as (3, K).

    The sums of squares are combined as in Chan, Golub, LeVeque (1983), so that a large mean costs
    no digits.
    """
    count = weights.sum()
    mean = values[0] + weights @ (values - values[0]) / count  # exact where nothing varies
    return np.stack([np.full_like(mean, count), mean, weights @ np.square(values - mean)])


def combined(a: Array, b: Array) -> Array:
    """The moments (3, K) of two sets of rows taken together."""
    count = a[0] + b[0]
    shift = b[1] - a[1]
    mean = a[1] + shift * b[0] / count
    return np.stack([count, mean, a[2] + b[2] + np.square(shift) * a[0] * b[0] / count])


def explained(rest: Array, spread: Array) -> float:
    """1 - rest / spread, the mean over targets (K,); NaN where a target does not vary."""
    with np.errstate(divide="ignore", invalid="ignore"):
        scores = np.where(spread > 0, 1 - rest / spread, np.nan)
    return float(scores.mean())


@dataclass(frozen=True)
class R2(Numbers, Metric):
    """Coefficient of determination, 1 - Σ (p - t)² / Σ (t - mean t)².   shown, target (N, K).

    Several targets: the mean of their scores, as scikit-learn's `r2_score` has it.  A target
    that does not vary has no score: NaN, where scikit-learn has 1 or 0.
    """

    higher_is_better: ClassVar[bool] = True

    def sums(self, shown: Array, target: Array, weights: Array) -> Array:
        weights = weights.astype(np.float64)
        error = weights @ np.square(shown - target.astype(np.float64))
        return np.vstack([moments(target.astype(np.float64), weights), error])  # (4, K)

    def combine(self, a: Array, b: Array) -> Array:
        return np.vstack([combined(a[:3], b[:3]), a[3] + b[3]])

    def score(self, sums: Array) -> float:
        return explained(sums[3], sums[2])


@dataclass(frozen=True)
class ExplainedVariance(Numbers, Metric):
    """1 - Var(t - p) / Var(t): R² that forgives a constant error.   shown, target (N, K).

    Several targets: the mean of their scores.  A target that does not vary has no score: NaN,
    where scikit-learn's `explained_variance_score` has 1 or 0.
    """

    higher_is_better: ClassVar[bool] = True

    def sums(self, shown: Array, target: Array, weights: Array) -> Array:
        weights, t = weights.astype(np.float64), target.astype(np.float64)
        return np.stack([moments(t, weights), moments(t - shown, weights)])  # (2, 3, K)

    def combine(self, a: Array, b: Array) -> Array:
        return np.stack([combined(a[0], b[0]), combined(a[1], b[1])])

    def score(self, sums: Array) -> float:
        return explained(sums[1][2], sums[0][2])
