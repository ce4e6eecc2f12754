"""Losses of numbers that are counts or shares: the likelihood of a distribution."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from nntrain.families import Array, Loss, Rate, Task
from nntrain.losses.rows import mean_over_outputs, softmax
from nntrain.values import dataclass

_LARGEST = 40.0  # e^40 = 2e17: no count is larger, and its square is still a float32


@dataclass(frozen=True)
class Poisson(Loss):
    """L = Σᵢ wᵢ · mean over outputs of e^z - t z.   prediction: log rates z; target: counts t ≥ 0.

    The negative log-likelihood of Poisson's distribution of rate e^z, without log t!, which does
    not depend on z.  Counts are not scaled.  Above z = 40 it goes on as a line, so that nothing
    overflows.  PyTorch's `PoissonNLLLoss`; Keras takes e^z instead of z.
    """

    task: ClassVar[Task] = "numbers"
    applies: ClassVar[str] = "exp"
    unscaled: ClassVar[str] = "counts"

    def __call__(self, prediction: Array, target: Array, weights: Array) -> tuple[float, Array]:
        low = np.minimum(prediction, _LARGEST)
        rate = np.exp(low)
        np.subtract(prediction, low, out=low)
        low += 1.0  # 1, and more where z > 40
        low *= rate
        low -= target * prediction
        rate -= target
        return mean_over_outputs(low, rate, weights)

    def link(self, prediction: Array) -> Array:
        """e^z: the expected count."""
        rate: Array = np.exp(np.minimum(prediction, _LARGEST))
        return rate

    def check_target(self, target: Array) -> tuple[int, str] | None:
        return _first(target < 0.0, target, "expected counts of 0 or more")


@dataclass(frozen=True)
class KlDivergence(Loss):
    """L = Σᵢ wᵢ · Σₖ tₖ (log tₖ - log softmax(z)ₖ).   prediction: scores z (N, K), K > 1.

    label_smoothing: s; the target is (1 - s) t + s / K.

    target: a distribution over K outcomes in K columns, each row ≥ 0 with the sum 1, and not
    scaled; `predict` shows softmax(z).  What would say the same for a single outcome is
    `cross_entropy`.  PyTorch's `KLDivLoss(reduction="batchmean")` of `log_softmax`.
    """

    task: ClassVar[Task] = "numbers"
    applies: ClassVar[str] = "softmax"
    unscaled: ClassVar[str] = "shares"
    least_targets: ClassVar[int] = 2
    label_smoothing: Rate = 0.0

    def __call__(self, prediction: Array, target: Array, weights: Array) -> tuple[float, Array]:
        width = prediction.shape[-1]
        if self.label_smoothing:
            target = target * (1.0 - self.label_smoothing) + self.label_smoothing / width
        log_p = prediction - prediction.max(axis=-1, keepdims=True)
        p = np.exp(log_p)
        total = p.sum(axis=-1, keepdims=True)
        log_p -= np.log(total)
        p /= total
        p *= target.sum(axis=-1, keepdims=True)
        p -= target
        log_t = np.log(target, out=np.zeros_like(target), where=target > 0.0)  # 0 log 0 = 0
        log_t -= log_p
        log_t *= target
        return mean_over_outputs(log_t, p, weights * float(width))

    def link(self, prediction: Array) -> Array:
        """softmax: the share of each outcome, (N, K)."""
        return softmax(prediction)

    def check_target(self, target: Array) -> tuple[int, str] | None:
        sums = target.sum(axis=-1, keepdims=True)
        odd = (target < 0.0) | (np.abs(sums - 1.0) > 1e-3)
        return _first(odd, target, "expected shares of 0 or more with the sum 1")


def _first(odd: Array, target: Array, rule: str) -> tuple[int, str] | None:
    """The first row of (N, K) with something odd, and what is wrong with it."""
    rows = np.flatnonzero(odd.reshape(len(odd), -1).any(axis=1))
    if not len(rows):
        return None
    found = ", ".join(f"{value:g}" for value in target[rows[0]].reshape(-1).tolist()[:8])
    return int(rows[0]), f"the target is {found}, {rule}"
