"""A norm over the units of a row, as a stage of a straight line.

The arithmetic is that of `layers.standardising_rows`: c = x - μ' is kept, and r, what rounding left
in its mean, is put right in what is added.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

import numpy as np

from nntrain.families import Array
from nntrain.training.stages import Run, Stage, order_of


class Affine(NamedTuple):
    """γ and β of a norm, and where their gradients go."""

    gamma: Array
    dgamma: Array
    beta: Array | None
    dbeta: Array | None


class _Kept(NamedTuple):
    """What the way back needs: c, r and s, of which y = c s γ + (β - r s γ) is made.

    room: like y, and anybody's between two stages.  share: a mean is a product with it.
    """

    y: Array
    c: Array
    r: Array | None
    s: Array
    room: Array
    share: Array


def norm(
    x: Array, affine: Affine, eps: float, room: Array, *, centers: bool, learns: bool
) -> Stage:
    """y = γ (x - μ) s + β with s = 1 / √(σ² + ε); where nothing is centred, μ is 0.

    room: like x, and anybody's between two stages.   learns: anything before it does.
    """
    (rows, width), dtype = x.shape, affine.gamma.dtype
    y = np.empty(x.shape, dtype, order_of(x))
    kept = _Kept(
        y,
        np.empty_like(y) if centers else x,
        np.empty(rows, dtype) if centers else None,
        np.empty(rows, dtype),
        room,
        np.full(width, 1.0 / width, dtype),
    )

    def backward(dy: Array) -> tuple[Sequence[Run], Array | None]:
        runs = _by_weights(dy, kept, affine)
        return ([*runs, *_by_input(dy, kept, affine.gamma)], dy) if learns else (runs, None)

    return Stage(y, _forward(x, kept, affine, eps), backward)


def _forward(x: Array, kept: _Kept, affine: Affine, eps: float) -> list[Run]:
    y, c, r, s, room, share = kept
    few, one, small = np.empty_like(s), np.ones((), s.dtype), np.full((), eps, s.dtype)
    runs = list[Run]()
    if r is not None:
        mean = np.empty_like(s)
        runs += [
            partial(x.dot, share, mean),
            partial(np.subtract, x, mean[:, None], c),
            partial(c.dot, share, r),
        ]
    runs += [partial(np.multiply, c, c, y), partial(y.dot, share, s)]
    if r is not None:
        runs += [partial(np.multiply, r, r, few), partial(np.subtract, s, few, s)]
    runs += [
        partial(np.add, s, small, s),  # σ² + ε
        partial(np.sqrt, s, s),
        partial(np.divide, one, s, s),
        *_lay(s, affine.gamma, None, y),
        partial(np.multiply, y, c, y),
    ]
    if r is not None:
        runs += [
            partial(np.multiply, r, s, few),
            partial(np.negative, few, few),
            *_lay(few, affine.gamma, affine.beta, room),
            partial(np.add, y, room, y),
        ]
    return runs


def _by_weights(dy: Array, kept: _Kept, affine: Affine) -> list[Run]:
    """dγ = Σ dy x̂ with x̂ = (c - r) s, and dβ = Σ dy."""
    few, some = np.empty_like(kept.s), np.empty_like(affine.gamma)
    product, dgamma = kept.room, affine.dgamma
    runs: list[Run] = [
        partial(np.multiply, dy, kept.c, product),
        partial(kept.s.dot, product, dgamma),
    ]
    if kept.r is not None:
        runs += [
            partial(np.multiply, kept.s, kept.r, few),
            partial(few.dot, dy, some),
            partial(np.subtract, dgamma, some, dgamma),
        ]
    if affine.dbeta is not None:
        runs.append(partial(np.ones_like(kept.s).dot, dy, affine.dbeta))
    return runs


def _by_input(dy: Array, kept: _Kept, gamma: Array) -> list[Run]:
    """dx = s (γ dy - mean(γ dy) - x̂ mean(γ dy x̂)), in the place of dy.

    y is room, too: whoever takes it has gone back before.
    """
    y, c, r, s, product, share = kept
    level, along, few = np.empty((3, len(s)), s.dtype)
    weights = np.empty_like(gamma)
    runs: list[Run] = [
        partial(np.multiply, gamma, share, weights),
        partial(dy.dot, weights, level),
        partial(product.dot, weights, along),
    ]
    if r is not None:
        runs += [partial(np.multiply, r, level, few), partial(np.subtract, along, few, along)]
    runs += [
        *[partial(np.multiply, along, s, along)] * 3,  # b = s³ (along - r level)
        *_lay(s, gamma, None, y),
        partial(np.multiply, dy, y, dy),
        partial(np.multiply, c, along[:, None], y),
        partial(np.subtract, dy, y, dy),
    ]
    if r is not None:
        runs += [
            partial(np.multiply, along, r, along),
            partial(np.multiply, s, level, few),
            partial(np.subtract, along, few, along),
            partial(np.add, dy, along[:, None], dy),  # b r - s level
        ]
    return runs


def _lay(a: Array, b: Array, c: Array | None, out: Array) -> list[Run]:
    """out = a bᵀ + cᵀ, for a (M,) and b, c (D,), c being zeros if it is None.

    As a product, which takes half as long as to meet an array with a column; with two summands, as
    NumPy does not hand a product of a column and a row on to BLAS (see `_laid_out`).
    """
    left, right = np.ones((2, len(a)), a.dtype), np.zeros((2, len(b)), b.dtype)
    runs: list[Run] = [partial(np.copyto, left[0], a), partial(np.copyto, right[0], b)]
    if c is not None:
        runs.append(partial(np.copyto, right[1], c))
    if out.flags.c_contiguous:
        return [*runs, partial(left.T.dot, right, out)]
    return [*runs, partial(right.T.dot, left, out.T)]
