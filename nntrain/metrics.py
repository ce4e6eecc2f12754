"""Metrics: what people judge a network by.  Rows become sums; sums combine; a score reads them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from nntrain.families import Array, Metric, Task


@dataclass(frozen=True)
class Accuracy(Metric):
    """Share of the rows whose most probable class is the true one.

    shown: probabilities (N, C), or (N, 1) of the second of two classes; target: class (N,) or
    (N, 1).
    """

    tasks: ClassVar[frozenset[Task]] = frozenset({"classes", "binary"})
    higher_is_better: ClassVar[bool] = True

    def sums(self, shown: Array, target: Array, weights: Array) -> Array:
        chosen = shown.argmax(axis=1) if shown.shape[1] > 1 else shown[:, 0] > 0.5
        right = chosen == target.reshape(len(target))
        weights = weights.astype(np.float64)
        return np.array([np.sum(weights, where=right), np.sum(weights)])

    def score(self, sums: Array) -> float:
        return float(sums[0] / sums[1])


@dataclass(frozen=True)
class Mae(Metric):
    """Mean absolute error, mean |p - t|, in the target's unit.   shown, target (N, K)."""

    tasks: ClassVar[frozenset[Task]] = frozenset({"numbers"})
    higher_is_better: ClassVar[bool] = False

    def sums(self, shown: Array, target: Array, weights: Array) -> Array:
        weights = weights.astype(np.float64)
        error = np.abs(shown.astype(np.float64) - target).mean(axis=1)
        return np.array([weights @ error, weights.sum()])

    def score(self, sums: Array) -> float:
        return float(sums[0] / sums[1])


@dataclass(frozen=True)
class Rmse(Metric):
    """Root mean squared error, √ mean (p - t)², in the target's unit.   shown, target (N, K)."""

    tasks: ClassVar[frozenset[Task]] = frozenset({"numbers"})
    higher_is_better: ClassVar[bool] = False

    def sums(self, shown: Array, target: Array, weights: Array) -> Array:
        weights = weights.astype(np.float64)
        error = np.square(shown.astype(np.float64) - target).mean(axis=1)
        return np.array([weights @ error, weights.sum()])

    def score(self, sums: Array) -> float:
        return float(np.sqrt(sums[0] / sums[1]))


@dataclass(frozen=True)
class R2(Metric):
    """Coefficient of determination, 1 - Σ (p - t)² / Σ (t - mean t)².   shown, target (N, K).

    Several targets: the mean of their scores, as scikit-learn's `r2_score` has it.  A target
    that does not vary has no score: NaN.  The sums of squares are combined as in Chan, Golub,
    LeVeque (1983), so that a large mean costs no digits.
    """

    tasks: ClassVar[frozenset[Task]] = frozenset({"numbers"})
    higher_is_better: ClassVar[bool] = True

    def sums(self, shown: Array, target: Array, weights: Array) -> Array:
        weights = weights.astype(np.float64)
        t = target.astype(np.float64)  # (N, K)
        count = weights.sum()
        mean = t[0] + weights @ (t - t[0]) / count  # exactly t[0] where t does not vary
        spread = weights @ np.square(t - mean)
        error = weights @ np.square(shown - t)
        return np.stack([np.full_like(mean, count), mean, spread, error])  # (4, K)

    def combine(self, a: Array, b: Array) -> Array:
        count = a[0] + b[0]
        shift = b[1] - a[1]
        mean = a[1] + shift * b[0] / count
        spread = a[2] + b[2] + np.square(shift) * a[0] * b[0] / count
        return np.stack([count, mean, spread, a[3] + b[3]])

    def score(self, sums: Array) -> float:
        with np.errstate(divide="ignore", invalid="ignore"):
            scores = np.where(sums[2] > 0, 1 - sums[3] / sums[2], np.nan)
        return float(scores.mean())
