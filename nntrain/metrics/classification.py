"""Metrics of classes that are the mean of one number a row, or of bins of rows.

shown: probabilities (N, C) with target: class (N,); for two classes the probability of the second,
(N, K), with 0 or 1 (N, K): of K > 1 labels every score here is the mean.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from nntrain.families import Array, Metric, PositiveInt, Task
from nntrain.metrics.labels import MeanPerLabel, PerLabel, negative_log
from nntrain.values import dataclass

SMALLEST = 2.0**-23  # the spacing of float32 at 1: predictions are not known better


@dataclass(frozen=True)
class Accuracy(MeanPerLabel, Metric):
    """Share of the rows whose most probable class is the true one.   shown (N, C), target (N,).

    scikit-learn's `accuracy_score`.
    """

    def rows(self, p: Array, true: Array) -> Array:
        right: Array = p.argmax(axis=1) == true
        return right


@dataclass(frozen=True)
class TopK(MeanPerLabel, Metric):
    """Share of the rows whose true class is among the k most probable.   shown (N, C), target (N,).

    Of classes with equal probabilities the later counts as the more probable, as in scikit-learn's
    `top_k_accuracy_score`.  Its name as a score has the number: `top_3`.

    k: how many classes may be named.
    """

    k: PositiveInt = 5

    tasks: ClassVar[frozenset[Task]] = frozenset({"classes"})

    @property
    def name(self) -> str:
        return f"top_{self.k}"

    def rows(self, p: Array, true: Array) -> Array:
        given = p[np.arange(len(true)), true][:, None]
        later = np.arange(p.shape[1]) > true[:, None]
        before = (p > given) | ((p == given) & later)
        within: Array = before.sum(axis=1) < self.k
        return within


@dataclass(frozen=True)
class LogLoss(MeanPerLabel, Metric):
    """mean -log p of the true class.   shown (N, C), target (N,).

    Probabilities are cut to [2⁻²³, 1 - 2⁻²³], as scikit-learn's `log_loss` does with float32.
    """

    higher_is_better: ClassVar[bool] = False

    def rows(self, p: Array, true: Array) -> Array:
        return negative_log(p, true, SMALLEST)


@dataclass(frozen=True)
class Brier(MeanPerLabel, Metric):
    """mean Σ over classes of (p - [true])², halved for two classes.   shown (N, C), target (N,).

    Brier, Monthly Weather Review 78, 1950.  For two classes it is (p - t)², from 0 to 1; for more
    it goes up to 2, as scikit-learn's `brier_score_loss` has it.
    """

    higher_is_better: ClassVar[bool] = False

    def rows(self, p: Array, true: Array) -> Array:
        error = p.copy()
        error[np.arange(len(true)), true] -= 1.0
        rows: Array = np.einsum("nc,nc->n", error, error)
        return rows * 0.5 if p.shape[1] == 2 else rows


@dataclass(frozen=True)
class CalibrationError(PerLabel, Metric):
    """Σ over bins of (share of rows) · |accuracy - mean confidence|.   shown (N, C), target (N,).

    The expected calibration error of Guo et al. 2017 (arXiv:1706.04599, equation 3): confidence is
    the highest probability, bin m holds confidences in ((m - 1) / M, m / M].

    bins: M, equally wide; with another number than 15 it is part of the score's name.
    """

    bins: PositiveInt = 15

    higher_is_better: ClassVar[bool] = False

    @property
    def name(self) -> str:
        return self.kind if self.bins == 15 else f"{self.kind}_{self.bins}"

    def label_sums(self, p: Array, true: Array, weights: Array) -> Array:
        confidence, right = p.max(axis=1), p.argmax(axis=1) == true
        place = np.clip(np.ceil(confidence * self.bins).astype(np.int64) - 1, 0, self.bins - 1)
        rows = (weights, weights * right, weights * confidence)
        return np.stack([np.bincount(place, values, self.bins) for values in rows])  # (3, M)

    def label_score(self, sums: Array) -> float:
        count, right, confidence = sums
        return float(np.abs(right - confidence).sum() / count.sum())
