"""Metrics of models that say what comes next: how surprised they are by what does.

Unlike `log_loss` they do not forgive probabilities below 2⁻²³: a character that was called nearly
impossible costs all its bits.
"""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np

from nntrain.families import Array, Metric, Task
from nntrain.metrics.labels import MeanPerLabel, negative_log
from nntrain.values import dataclass

SMALLEST = float(np.finfo(np.float32).tiny)


class Surprise(MeanPerLabel):
    """mean -log p of the true class over all steps."""

    tasks: ClassVar[frozenset[Task]] = frozenset({"classes"})
    higher_is_better: ClassVar[bool] = False

    def rows(self, p: Array, true: Array) -> Array:
        return negative_log(p, true, SMALLEST)


@dataclass(frozen=True)
class Perplexity(Surprise, Metric):
    """exp(mean -log p): among how many equally likely classes the model seems to choose, from 1.

    shown (N, C), target (N,); for sequences every step is a row.

    e to the power of `log_loss`, but for the cut.
    """

    def label_score(self, sums: Array) -> float:
        return math.exp(min(super().label_score(sums), 700.0))


@dataclass(frozen=True)
class BitsPerCharacter(Surprise, Metric):
    """mean -log₂ p of the true character: the bits that each would take when compressed.

    shown (N, C), target (N,); for sequences every step is a row.

    `log_loss` / log 2, but for the cut.
    """

    def label_score(self, sums: Array) -> float:
        return super().label_score(sums) / math.log(2.0)
