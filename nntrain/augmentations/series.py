"""Augmentations of series (N, T, C), and noise, which images take too."""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np

from nntrain.families import Array, Augmentation, Draws, PositiveFloat, PositiveInt
from nntrain.families.augmentation import Inputs, Rows
from nntrain.values import dataclass


@dataclass(frozen=True)
class Noise(Augmentation):
    """y = x + N(0, stddev²), each number by itself.   (H, W, C) or (T, C)

    stddev: the standard deviation, in the units that the network sees.

    Bishop 1995.  The layer `gaussian_noise` does the same to columns of a table, or within the
    network.
    """

    inputs: ClassVar[Inputs] = "arrays"
    stddev: PositiveFloat = 0.1

    def __call__(self, rows: Rows, draws: Draws) -> Rows:
        x = rows.x
        noise = draws.normal(math.prod(x.shape[1:]), x.dtype).reshape(x.shape)
        noise *= self.stddev
        noise += x
        return rows._replace(x=_without_padding(noise, rows.lengths))


@dataclass(frozen=True)
class Scale(Augmentation):
    """y = x · s,   s from N(1, stddev²), one number for each channel of a row.   (T, C)

    stddev: the standard deviation of s.

    Um et al. 2017, arXiv:1706.00527, section 3.2, for sensors that sit elsewhere.
    """

    inputs: ClassVar[Inputs] = "series"
    stddev: PositiveFloat = 0.1

    def __call__(self, rows: Rows, draws: Draws) -> Rows:
        s = draws.normal(rows.x.shape[2], rows.x.dtype) * self.stddev
        s += 1.0
        return rows._replace(x=rows.x * s[:, None, :])


@dataclass(frozen=True)
class TimeShift(Augmentation):
    """y[t] = x[t - a],   a a whole number in [-steps, steps].   (T, C)

    steps: the largest shift, either way.

    The ends are repeated, each row's own where rows differ in length.
    """

    inputs: ClassVar[Inputs] = "series"
    steps: PositiveInt = 2

    def __call__(self, rows: Rows, draws: Draws) -> Rows:
        x, lengths = rows.x, rows.lengths
        u = draws.uniform(1)  # (N, 1)
        a = (u * (2 * self.steps + 1)).astype(np.int64) - self.steps
        last = x.shape[1] - 1 if lengths is None else lengths[:, None] - 1
        places = np.clip(np.arange(x.shape[1]) - a, 0, last)  # (N, T)
        places += np.arange(len(x))[:, None] * x.shape[1]
        y = x.reshape(-1, x.shape[2]).take(places, axis=0)
        return rows._replace(x=_without_padding(y, lengths))


def _without_padding(x: Array, lengths: Array | None) -> Array:
    """x (N, T, …), zeros beyond the length of each row; changed in place."""
    if lengths is not None:
        x[np.arange(x.shape[1]) >= lengths[:, None]] = 0.0
    return x
