"""What metrics of classes have in common: one label at a time, and the mean over several.

Two classes are one label with the probabilities (1 - p, p).  With several labels a row the score
is the mean of the labels' scores, each taken by itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import numpy as np

from nntrain.families import Array, Task


def labels(shown: Array, target: Array) -> Iterator[tuple[Array, Array]]:
    """For each label the probabilities of its classes (N, C), float64, and the true one (N,).

    shown: (N, C) with target (N,); or, for two classes, (N, K) of the second with target (N, K).
    """
    if target.ndim == 1:
        yield shown.astype(np.float64), target.astype(np.int64)
        return
    for p, true in zip(shown.T.astype(np.float64), target.T, strict=True):
        yield np.stack([1.0 - p, p], axis=1), true.astype(np.int64)


class PerLabel:
    """Sums (L, …), one for each label, and the mean of their scores."""

    tasks: ClassVar[frozenset[Task]] = frozenset({"classes", "binary"})
    higher_is_better: ClassVar[bool] = True

    def sums(self, shown: Array, target: Array, weights: Array) -> Array:
        weights = weights.astype(np.float64)
        return np.stack([self.label_sums(p, true, weights) for p, true in labels(shown, target)])

    def score(self, sums: Array) -> float:
        return float(np.mean([self.label_score(one) for one in sums]))

    def label_sums(self, p: Array, true: Array, weights: Array) -> Array:
        raise NotImplementedError

    def label_score(self, sums: Array) -> float:
        raise NotImplementedError


class MeanPerLabel(PerLabel):
    """The weighted mean of one number a row."""

    def label_sums(self, p: Array, true: Array, weights: Array) -> Array:
        return np.array([weights @ self.rows(p, true), weights.sum()])

    def label_score(self, sums: Array) -> float:
        return float(sums[0] / sums[1])

    def rows(self, p: Array, true: Array) -> Array:
        """What each row contributes, (N,)."""
        raise NotImplementedError


def negative_log(p: Array, true: Array, floor: float) -> Array:
    """-log of the probability that each row's true class was given, (N,); `floor` stands for 0."""
    given = p[np.arange(len(true)), true]
    surprise: Array = -np.log(np.clip(given, floor, 1.0 - floor))
    return surprise
