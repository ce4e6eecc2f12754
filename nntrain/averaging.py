"""Averages of the weights along the way, which often predict better than the last weights."""

from __future__ import annotations

from nntrain.families import Averaging, PositiveInt, Rate
from nntrain.values import dataclass


@dataclass(frozen=True, kw_only=True)
class Ema(Averaging):
    """average = k · average + (1 - k) · θ after each step t,  k = min(decay, (1 + t) / (10 + t)).

    Exponential moving average (Polyak & Juditsky 1992 in the form of Tarvainen & Valpola 2017,
    arXiv:1703.01780).  The ramp of k, TensorFlow's, forgets the first weights sooner.

    decay: the share of the average that is kept at each step.
    warmup: whether k begins small; false: k = decay from the first step on.

    PyTorch's `AveragedModel` with `get_ema_multi_avg_fn` and Keras's `use_ema` have no ramp.
    """

    decay: Rate = 0.999
    warmup: bool = True

    def kept(self, step: int, epoch: int) -> float:
        return min(self.decay, (1 + step) / (10 + step)) if self.warmup else self.decay


@dataclass(frozen=True, kw_only=True)
class Swa(Averaging):
    """average = the mean of θ at the ends of the epochs start_epoch, start_epoch + every, …

    Stochastic weight averaging (Izmailov et al. 2018, arXiv:1803.05407).  Until then it is θ
    itself.  The running statistics of normalising layers are averaged like weights, as PyTorch's
    `AveragedModel(use_buffers=True)` does; the paper measures them anew on the training rows.

    start_epoch: the first epoch whose end counts, from 1.
    every: epochs between two that count.
    """

    start_epoch: PositiveInt
    every: PositiveInt = 1

    def kept(self, step: int, epoch: int) -> float:
        ended, inside = divmod(step, epoch)
        if inside:
            return 1.0
        counted, between = divmod(ended - self.start_epoch, self.every)
        if counted < 0:
            return 0.0
        return 1.0 if between else counted / (counted + 1)
