"""Several losses of one prediction as one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from nntrain.families import Array, Loss, PositiveFloat, Task
from nntrain.values import dataclass


@dataclass(frozen=True)
class WeightedSum(Loss):
    """L = Σⱼ vⱼ Lⱼ: several losses of the same prediction and target.

    losses: two or more that learn the same: classes, or two classes, or numbers.
    weights: vⱼ, one for each loss; left out, all are 1.

    Predictions are shown as the losses show them.  A `class_weight` in one of them counts for all.

    One adds losses by hand in PyTorch and Keras; Keras's `loss_weights` are those of `heads`.
    """

    losses: tuple[Loss, ...]
    weights: tuple[PositiveFloat, ...] | None = None

    @property
    def task(self) -> Task:  # type: ignore[override]
        return self.losses[0].task if self.losses else "numbers"

    def parts(self) -> tuple[Loss, ...]:
        return tuple(part for loss in self.losses for part in loss.parts())

    def __call__(self, prediction: Array, target: Array, weights: Array) -> tuple[float, Array]:
        factors = self.weights or [1.0] * len(self.losses)
        found = [
            loss(prediction, target, weights * float(factor))
            for loss, factor in zip(self._alike(), factors, strict=True)
        ]
        slope = found[0][1]
        for _, more in found[1:]:
            slope = slope + more
        return sum(value for value, _ in found), slope

    def _alike(self) -> tuple[Loss, ...]:
        """The losses with one class weight, which they need themselves for steps of sequences."""
        weights = [getattr(loss, "class_weight", None) for loss in self.losses]
        given = next(filter(None, weights), None)
        if given is None:
            return self.losses
        return tuple(
            replace(loss, class_weight=given)  # type: ignore[type-var]
            if hasattr(loss, "class_weight")
            else loss
            for loss in self.losses
        )

    def link(self, prediction: Array) -> Array:
        return self.losses[0].link(prediction)

    def row_weights(self, target: Array) -> Array | None:
        found = (loss.row_weights(target) for loss in self.losses)
        return next((factors for factors in found if factors is not None), None)

    def settled(self, classes: Sequence[str], counts: Sequence[int]) -> WeightedSum:
        return replace(self, losses=tuple(loss.settled(classes, counts) for loss in self.losses))
