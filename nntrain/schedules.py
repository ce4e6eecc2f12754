"""Learning-rate schedules: pure functions of the step, with nothing to save (but `Plateau`).

A schedule is a factor of the optimizer's learning rate.  It is evaluated at every step, not once
an epoch, so short trainings have smooth curves too.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from nntrain.families import NonNegativeFloat, PositiveInt, Rate, Schedule, Share


@dataclass(frozen=True, kw_only=True)
class Constant(Schedule):
    """factor = 1."""

    def factor(self, step: int, total: int, epoch: int) -> float:
        return 1.0


@dataclass(frozen=True, kw_only=True)
class Step(Schedule):
    """factor = drop ^ floor(step / (every_epochs · epoch)).   PyTorch's `StepLR`."""

    every_epochs: PositiveInt = 30
    drop: Share = 0.1

    def factor(self, step: int, total: int, epoch: int) -> float:
        return float(self.drop ** (step // (self.every_epochs * epoch)))


@dataclass(frozen=True, kw_only=True)
class Exponential(Schedule):
    """factor = decay ^ (step / epoch): `decay` once an epoch, spread over its steps.

    PyTorch's `ExponentialLR` makes the same decay in one jump at the end of each epoch.
    """

    decay: Share = 0.95

    def factor(self, step: int, total: int, epoch: int) -> float:
        return float(self.decay ** (step / epoch))


@dataclass(frozen=True, kw_only=True)
class Cosine(Schedule):
    """factor = floor + (1 - floor) · (1 + cos(π · step / total)) / 2.

    Half a cosine from 1 to `floor` (Loshchilov & Hutter 2017, arXiv:1608.03983, eq. 5, without
    restarts).
    """

    floor: Rate = 0.0

    def factor(self, step: int, total: int, epoch: int) -> float:
        return self.floor + (1 - self.floor) * (1 + math.cos(math.pi * step / total)) / 2


@dataclass(frozen=True, kw_only=True)
class Plateau(Schedule):
    """factor = drop ^ k, where k counts the plateaus: `patience` epochs without a better score.

    What has happened so far is kept by the training, and is in its checkpoints; with warm-up the
    two factors are multiplied.

    drop: what the learning rate is multiplied by at each plateau.
    patience: epochs without a better score that make a plateau.
    monitor: the score; null: what `early_stopping` monitors, else `validation_loss`, else
        `train_loss`.
    min_delta: by how much a score must be better to count.
    floor: the smallest factor.

    PyTorch's `ReduceLROnPlateau` waits for one epoch more, and its `threshold` is by default a
    share of the score; Keras's is as this one.
    """

    drop: Share = 0.1
    patience: PositiveInt = 10
    monitor: str | None = None
    min_delta: NonNegativeFloat = 0.0
    floor: Rate = 0.0

    def factor(self, step: int, total: int, epoch: int) -> float:
        return 1.0
