"""How well it is learned."""

from __future__ import annotations

from typing import ClassVar

from nntrain.arrays import Array
from nntrain.families.kind import Family
from nntrain.families.loss import Task


class Metric(Family):
    """A score that batching can not change: rows become `sums`, sums combine, `score` reads them.

    `shown` is what people are shown (`Loss.link`, in the target's own unit).  Sums are float64.
    """

    tasks: ClassVar[frozenset[Task]]
    higher_is_better: ClassVar[bool]

    @property
    def name(self) -> str:
        """What people call the score; a field that makes another score of it is part of it."""
        return self.kind

    def can_score(self, task: Task) -> bool:
        return task in self.tasks

    def for_classes(self, classes: tuple[str, ...]) -> Metric:
        """The same metric once the data is known: the names of the target's classes."""
        return self

    def sums(self, shown: Array, target: Array, weights: Array) -> Array:
        raise NotImplementedError

    def combine(self, a: Array, b: Array) -> Array:
        return a + b

    def score(self, sums: Array) -> float:
        raise NotImplementedError
