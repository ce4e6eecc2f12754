"""Heads: several targets that one network learns, each with a loss of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field
from typing import ClassVar, Self

import numpy as np

import nntrain.losses  # noqa: F401  what heads are made of is registered first
from nntrain.families import Array, Goal, Loss, PositiveFloat, Task, knowing
from nntrain.values import dataclass


@dataclass(frozen=True)
class Heads(Loss):
    """L = Σ over heads of weight · its loss.   prediction (N, ΣC), target (N, K).

    Every target column is a head: a slice of the network's outputs, and one column of the target,
    both in the order of `data.target`.  With weights of 1 this is the plain sum of the losses; it
    is what PyTorch users write by hand, and Keras's `loss` and `loss_weights` as mappings.

    losses: the loss of each target column.
    weights: factors of these losses; a column that is not named has 1.
    """

    losses: Mapping[str, Loss]
    weights: Mapping[str, PositiveFloat] = field(default_factory=dict)

    task: ClassVar[Task] = "heads"
    widths: ClassVar[Mapping[str, int]] = {}  # outputs of each head, once the data is known

    @property
    def goal(self) -> Goal:
        return {name: loss.task for name, loss in self.losses.items()}

    def parts(self) -> tuple[Loss, ...]:
        return tuple(part for loss in self.losses.values() for part in loss.parts())

    def for_outputs(self, widths: Mapping[str, int]) -> Self:
        return knowing(self, widths=widths)

    def __call__(self, prediction: Array, target: Array, weights: Array) -> tuple[float, Array]:
        value, d_prediction = 0.0, np.empty_like(prediction)
        for column, (name, outputs) in enumerate(self._slices()):
            loss, factor = self.losses[name], self.weights.get(name, 1.0)
            own = target[:, column : column + 1]
            if loss.task == "classes":
                own = own[:, 0].astype(np.int64)
            part, d_part = loss(prediction[:, outputs], own, weights)
            value += factor * part
            np.multiply(d_part, factor, out=d_prediction[:, outputs])
        return value, d_prediction

    def link(self, prediction: Array) -> Array:
        """What each head's loss shows, side by side, (N, ΣC)."""
        shown = [self.losses[name].link(prediction[:, part]) for name, part in self._slices()]
        return np.concatenate(shown, axis=1)

    def _slices(self) -> Iterator[tuple[str, slice]]:
        at = 0
        for name, width in self.widths.items():
            yield name, slice(at, at + width)
            at += width
