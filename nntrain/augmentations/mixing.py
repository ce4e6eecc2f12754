"""Augmentations that mix each row with another of its batch, and their targets with them."""

from __future__ import annotations

from functools import lru_cache
from typing import ClassVar

import numpy as np

from nntrain.families import Array, Augmentation, Draws, PositiveFloat
from nntrain.families.augmentation import Inputs, Rows
from nntrain.values import dataclass

POINTS = 4096  # of the table that a Beta distribution is drawn by


@dataclass(frozen=True)
class Mixup(Augmentation):
    """y = λ x + (1 - λ) x',   λ from Beta(alpha, alpha), x' another row of the batch.   (…)

    alpha: how far rows are mixed: near 0 hardly, 1 evenly.

    The target is mixed likewise: shares of two classes, or the number between two.  Zhang et al.
    2018, arXiv:1710.09412; every row has a λ of its own, where the authors' code has one for the
    batch.  torchvision has it as `v2.MixUp`, Keras as `MixUp`.
    """

    inputs: ClassVar[Inputs] = "any"
    mixes: ClassVar[bool] = True
    alpha: PositiveFloat = 0.2

    def __call__(self, rows: Rows, draws: Draws) -> Rows:
        u = draws.uniform(2)
        share, partner = beta(u[:, 0], self.alpha), _partners(u[:, 1])
        return rows._replace(
            x=_mixed(rows.x, rows.x[partner], share),
            target=_mixed(rows.target, rows.target[partner], share),
        )


@dataclass(frozen=True)
class Cutmix(Augmentation):
    """y = x, but x', another image of the batch, in a box of about (1 - λ) H W pixels.   (H, W, C)

    alpha: λ is from Beta(alpha, alpha).

    The target is mixed by the pixels that each image has.  Yun et al. 2019, arXiv:1905.04899,
    section 3.1; every image has a box of its own.  torchvision has it as `v2.CutMix`, Keras as
    `CutMix`.
    """

    inputs: ClassVar[Inputs] = "images"
    mixes: ClassVar[bool] = True
    alpha: PositiveFloat = 1.0

    def __call__(self, rows: Rows, draws: Draws) -> Rows:
        x, u = rows.x, draws.uniform(4)
        side, partner = np.sqrt(1.0 - beta(u[:, 0], self.alpha)), _partners(u[:, 1])
        inside = []
        for axis in (0, 1):
            length = x.shape[1 + axis]
            middle = (u[:, 2 + axis] * length).astype(np.int64)
            half = (side * length).astype(np.int64) // 2
            place = np.arange(length) - middle[:, None]
            inside.append((place >= -half[:, None]) & (place < half[:, None]))
        box = inside[0][:, :, None] & inside[1][:, None, :]  # (N, H, W)
        share = 1.0 - box.mean(axis=(1, 2))
        return rows._replace(
            x=np.where(box[..., None], x[partner], x),
            target=_mixed(rows.target, rows.target[partner], share),
        )


def _partners(u: Array) -> Array:
    """A permutation of the rows of a batch, (N,)."""
    return np.argsort(u, kind="stable")


def _mixed(one: Array, other: Array, share: Array) -> Array:
    """share · one + (1 - share) · other; share (N,)."""
    share = share.astype(one.dtype).reshape(-1, *[1] * (one.ndim - 1))
    y = one - other
    y *= share
    y += other
    return y


def beta(u: Array, alpha: float) -> Array:
    """Numbers of Beta(alpha, alpha) for uniform ones in [0, 1): the inverse of its distribution.

    Up to 1/2 it is summed from ∫ t^(α-1) (1 - t)^(α-1) dt, where α < 1 as ∫ (1 - t)^(α-1) ds / α
    with t = s^(1/α), which is smooth; the other half is its mirror image.
    """
    low = np.minimum(u, 1.0 - u)
    below, t = _half_of_beta(alpha)
    found: Array = np.interp(low, below, t)
    return np.where(u < 0.5, found, 1.0 - found)


@lru_cache(maxsize=8)
def _half_of_beta(alpha: float) -> tuple[Array, Array]:
    """The distribution at some points in [0, 1/2], and these points."""
    bend = min(alpha, 1.0)
    t = np.linspace(0.0, 0.5**bend, POINTS) ** (1.0 / bend)
    density = t ** (alpha - bend) * (1.0 - t) ** (alpha - 1.0)
    below = np.concatenate([[0.0], np.cumsum(0.5 * (density[1:] + density[:-1]))])
    return below * (0.5 / below[-1]), t
