"""What follows from the step alone: the learning rate, and what an average keeps."""

from __future__ import annotations

import math

from nntrain.families.kind import Family, NonNegativeFloat
from nntrain.values import dataclass


@dataclass(frozen=True, kw_only=True)
class Schedule(Family):
    """A pure function of the step: `schedule(step, total, epoch) -> factor` of the learning rate.

    `step` counts from 0, `total` is the number of steps of the whole training, `epoch` the number
    of steps in one epoch.  All schedules share the warm-up, after which `factor` gets the steps
    that are left: (step + 1) / warm for step < warm = warmup_epochs · epoch
    (Goyal et al. 2017, arXiv:1706.02677, section 2.2).

    warmup_epochs: epochs, or a share of one, in which the rate first rises to its highest.
    """

    warmup_epochs: NonNegativeFloat = 0.0

    def __call__(self, step: int, total: int, epoch: int) -> float:
        warm = math.ceil(min(self.warmup_epochs * epoch, 1e18))
        if step < warm:
            return (step + 1) / warm
        return self.factor(step - warm, max(total - warm, 1), epoch)

    def factor(self, step: int, total: int, epoch: int) -> float:
        raise NotImplementedError


class Averaging(Family):
    """Weights averaged along the way: average = k · average + (1 - k) · θ.

    k = `kept(step, epoch)` is a pure function; `step` counts the updates from 1, `epoch` is the
    number of steps in one epoch.  The average begins as the first weights.  Running statistics
    are averaged as weights are.  Validation, the best epoch and the model use the average.
    """

    def kept(self, step: int, epoch: int) -> float:
        """The share of the average that stays after this step; 1 leaves it as it is."""
        raise NotImplementedError
