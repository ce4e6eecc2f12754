"""What is learned: losses, and their tasks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal

from nntrain.arrays import Array
from nntrain.families.kind import Family

Task = Literal["classes", "binary", "numbers", "heads"]
"""What a loss learns: one of several classes, one of two, numbers; or each target its own task."""

Goal = Task | Mapping[str, Task]
"""The task, or the task of each target column where they are `heads` of one network."""


class Loss(Family):
    """`loss(prediction, target, weights) -> (float, d_prediction)`: the weighted *sum*.

    `weights` (N,) sum to 1 over the whole batch, so short batches, accumulated ones and batches
    shared by processes are exact.  `link(prediction)` is what people are shown: probabilities
    where the loss takes logits.

    task: what it learns.
    applies: the function that `link` is, where it is one.
    unscaled: what it takes targets for, where these must not be scaled.
    least_targets: how many target columns it needs.
    takes_shares: it also learns shares of classes, such as mixed rows have.
    """

    task: ClassVar[Task]
    applies: ClassVar[str] = ""
    unscaled: ClassVar[str] = ""
    least_targets: ClassVar[int] = 1
    takes_shares: ClassVar[bool] = False

    def __call__(self, prediction: Array, target: Array, weights: Array) -> tuple[float, Array]:
        raise NotImplementedError

    def link(self, prediction: Array) -> Array:
        return prediction

    def parts(self) -> tuple[Loss, ...]:
        """The losses that it is a sum of."""
        return (self,)

    def row_weights(self, target: Array) -> Array | None:
        """Factors of the rows, (N,), by their class; None where all count the same.

        Whoever calls the loss multiplies its weights by them, and divides by their sum.
        """
        return None

    def settled(self, classes: Sequence[str], counts: Sequence[int]) -> Loss:
        """The same loss, once the classes and their training rows are known."""
        return self

    def check_target(self, target: Array) -> tuple[int, str] | None:
        """The first row of (N, K) that the loss can not learn, and why."""
        return None

    @property
    def goal(self) -> Goal:
        """What the data has to provide."""
        return self.task

    def for_outputs(self, widths: Mapping[str, int]) -> Loss:
        """The same loss once the data is known: how many outputs each target column takes."""
        return self
