"""Learning-rate schedules: pure functions of the step, with nothing to save (but `Plateau`).

A schedule is a factor of the optimizer's learning rate.  It is evaluated at every step, not once
an epoch, so short trainings have smooth curves too.
"""

from __future__ import annotations

import math

from nntrain.families import (
    NonNegativeFloat,
    PositiveFloat,
    PositiveInt,
    Rate,
    Schedule,
    Share,
)
from nntrain.values import dataclass


@dataclass(frozen=True, kw_only=True)
class Constant(Schedule):
    """factor = 1."""

    def factor(self, step: int, total: int, epoch: int) -> float:
        return 1.0


@dataclass(frozen=True, kw_only=True)
class Step(Schedule):
    """factor = drop ^ floor(step / (every_epochs · epoch)).   PyTorch's `StepLR`.

    every_epochs: epochs from one drop to the next.
    drop: the factor of each drop.
    """

    every_epochs: PositiveInt = 30
    drop: Share = 0.1

    def factor(self, step: int, total: int, epoch: int) -> float:
        return float(self.drop ** (step // (self.every_epochs * epoch)))


@dataclass(frozen=True, kw_only=True)
class Exponential(Schedule):
    """factor = decay ^ (step / epoch): `decay` once an epoch, spread over its steps.

    decay: the factor of one epoch.

    PyTorch's `ExponentialLR` makes the same decay in one jump at the end of each epoch.
    """

    decay: Share = 0.95

    def factor(self, step: int, total: int, epoch: int) -> float:
        return float(self.decay ** (step / epoch))


@dataclass(frozen=True, kw_only=True)
class Cosine(Schedule):
    """factor = floor + (1 - floor) · (1 + cos(π · step / total)) / 2.

    floor: where it ends, as a share of the learning rate.

    Half a cosine from 1 to `floor` (Loshchilov & Hutter 2017, arXiv:1608.03983, eq. 5, without
    restarts).

    PyTorch's `CosineAnnealingLR` with `T_max=total`; Keras's `CosineDecay` with `alpha=floor`.
    """

    floor: Rate = 0.0

    def factor(self, step: int, total: int, epoch: int) -> float:
        return self.floor + (1 - self.floor) * half_cosine(done(step, total))


def done(step: int, total: int) -> float:
    """The share of the steps that is over; what comes after the end is as the end."""
    return min(step / total, 1.0)


def half_cosine(place: float) -> float:
    """(1 + cos(π · place)) / 2: from 1 at 0 to 0 at 1, flat at both ends."""
    return (1 + math.cos(math.pi * place)) / 2


@dataclass(frozen=True, kw_only=True)
class MultiStep(Schedule):
    """factor = drop ^ (how many of the milestones are over).   PyTorch's `MultiStepLR`.

    milestones: epochs after which the rate drops, such as [30, 60, 80].
    drop: the factor of each drop.
    """

    milestones: tuple[PositiveInt, ...]
    drop: Share = 0.1

    def factor(self, step: int, total: int, epoch: int) -> float:
        over = sum(milestone * epoch <= step for milestone in self.milestones)
        return float(self.drop**over)


@dataclass(frozen=True, kw_only=True)
class InverseTime(Schedule):
    """factor = 1 / (1 + decay · step / epoch).   Keras's `InverseTimeDecay`.

    decay: 1 halves the rate after one epoch, and again after three.
    """

    decay: PositiveFloat = 0.1

    def factor(self, step: int, total: int, epoch: int) -> float:
        return 1.0 / (1.0 + self.decay * step / epoch)


@dataclass(frozen=True, kw_only=True)
class Polynomial(Schedule):
    """factor = floor + (1 - floor) · (1 - step / total) ^ power.

    power: 1 is `linear`; 2 falls fast at first and is flat at the end.
    floor: where it ends, as a share of the learning rate.

    PyTorch's `PolynomialLR` and Keras's `PolynomialDecay`, which both begin with a power of 1.
    """

    power: PositiveFloat = 2.0
    floor: Rate = 0.0

    def factor(self, step: int, total: int, epoch: int) -> float:
        return float(self.floor + (1 - self.floor) * (1 - done(step, total)) ** self.power)


@dataclass(frozen=True, kw_only=True)
class Linear(Schedule):
    """factor = floor + (1 - floor) · (1 - step / total): a straight line.

    floor: where it ends, as a share of the learning rate.

    PyTorch's `LinearLR` with `start_factor=1, end_factor=floor, total_iters=total`.
    """

    floor: Rate = 0.0

    def factor(self, step: int, total: int, epoch: int) -> float:
        return self.floor + (1 - self.floor) * (1 - done(step, total))


@dataclass(frozen=True, kw_only=True)
class CosineRestarts(Schedule):
    """Half cosines from 1 to `floor`, one after the other, each `t_mult` times as long.

    first_epochs: the length of the first, T₀.
    t_mult: 1 for cosines of equal length; 2 doubles each.
    floor: where each ends, as a share of the learning rate.

    SGDR, Loshchilov & Hutter 2017, arXiv:1608.03983, eq. 5.  PyTorch's
    `CosineAnnealingWarmRestarts`.
    """

    first_epochs: PositiveInt = 10
    t_mult: PositiveInt = 2
    floor: Rate = 0.0

    def factor(self, step: int, total: int, epoch: int) -> float:
        length = self.first_epochs * epoch
        if self.t_mult == 1:
            step %= length
        while step >= length:
            step -= length
            length *= self.t_mult
        return self.floor + (1 - self.floor) * half_cosine(step / length)


@dataclass(frozen=True, kw_only=True)
class OneCycle(Schedule):
    """Up from `start` to 1 and down to `end`, each along half a cosine.

    rise: the share of the steps that goes up.
    start, end: shares of the learning rate, which is the highest.

    Smith & Topin 2018, arXiv:1708.07120, in the two phases of PyTorch's `OneCycleLR`, where these
    are `pct_start`, 1 / `div_factor` and 1 / (`div_factor` · `final_div_factor`); momentum stays.
    """

    rise: Rate = 0.3
    start: Share = 0.04
    end: Share = 4e-6

    def factor(self, step: int, total: int, epoch: int) -> float:
        top = max(self.rise * total - 1, 0.0)  # a step, counted from 0, that may be between two
        if step < top:
            return 1 - (1 - self.start) * half_cosine(step / top)
        down = min((step - top) / max(total - 1 - top, 1.0), 1.0)
        return self.end + (1 - self.end) * half_cosine(down)


@dataclass(frozen=True, kw_only=True)
class Cyclic(Schedule):
    """From `floor` up to 1 and back again, in straight lines, once every `cycle_epochs`.

    cycle_epochs: the length of a whole cycle, two of the paper's step sizes.
    floor: where each cycle begins and ends, as a share of the learning rate.

    Smith 2017, arXiv:1506.01186, "triangular".  PyTorch's `CyclicLR`.
    """

    cycle_epochs: PositiveInt = 8
    floor: Share = 0.1

    def factor(self, step: int, total: int, epoch: int) -> float:
        cycle = self.cycle_epochs * epoch
        place = (step % cycle) / cycle
        return self.floor + (1 - self.floor) * (1 - abs(2 * place - 1))


@dataclass(frozen=True, kw_only=True)
class InverseSqrt(Schedule):
    """factor = √(t / (t + step)),   t = timescale_epochs · epoch.

    timescale_epochs: how long the rate stays near the highest; equal to `warmup_epochs` it is
        fairseq's `inverse_sqrt`.

    It needs no end, so training can go on for as long as one likes (Zhai et al. 2022,
    arXiv:2106.04560).

    Neither PyTorch nor Keras has it.
    """

    timescale_epochs: PositiveFloat = 1.0

    def factor(self, step: int, total: int, epoch: int) -> float:
        timescale = self.timescale_epochs * epoch
        return math.sqrt(timescale / (timescale + step))


@dataclass(frozen=True, kw_only=True)
class Noam(Schedule):
    """factor = min(s / w, √(w / s)),   s = step + 1, w = warmup_epochs · epoch.

    warmup_epochs: where the factor is 1.

    Vaswani et al. 2017, arXiv:1706.03762, eq. 3, divided by its highest value √(1 / (d · w)), so
    that `learning_rate` is the highest rate.

    Neither PyTorch nor Keras has it.
    """

    warmup_epochs: NonNegativeFloat = 1.0

    def factor(self, step: int, total: int, epoch: int) -> float:
        warm = math.ceil(min(self.warmup_epochs * epoch, 1e18))
        return math.sqrt(max(warm, 1) / (step + warm + 1))


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
