"""Rows of numbers, each brought to mean 0 and deviation 1, or to size 1, by its own numbers.

NumPy takes twice as long where it multiplies each row with a number of its own, or all rows with
one line, as where two whole arrays meet.  Where both come together they are laid out first, by a
product of matrices, which writes faster than anything reads.
"""

from __future__ import annotations

import numpy as np

from nntrain.families import Array
from nntrain.layers.standardising import Affine, Back


def normalise_rows(
    x: Array, affine: Affine, eps: float, *, centers: bool = True
) -> tuple[Array, Back]:
    """y = γ (x - μ) s + β with s = 1 / √(σ² + ε), for rows x (M, D), and the way back.

    Without `centers` μ is 0, and σ² the mean of x².

    As in `normalise`, c = x - μ' is kept, and r, what rounding left in its mean, is put right in
    what is added: γ (x - μ) s = c (s γ) - r s γ.
    """
    rows, width = x.shape
    share, gamma = np.full(width, 1.0 / width, x.dtype), affine.gamma
    ones, rest = np.ones(rows, x.dtype), np.zeros(rows, x.dtype)
    c = x
    if centers:
        c = x - (x @ share)[:, None]
        rest = c @ share
    s = np.vecdot(c, c)  # σ², then s
    s *= 1.0 / width
    s += eps - rest * rest
    np.sqrt(s, out=s)
    np.divide(1.0, s, out=s)
    y = _laid_out(s, gamma)
    y *= c
    if affine.shifts:
        y += _laid_out(ones, affine.beta, -rest * s, gamma)

    def backward(dy: Array) -> Array | None:
        """dx = s (γ dy - mean(γ dy) - x̂ mean(γ dy x̂)) with x̂ = (c - r) s."""
        product = dy * c
        np.matmul(s, product, out=affine.dgamma)
        if centers:
            affine.dgamma -= (s * rest) @ dy
        if affine.shifts:
            np.matmul(ones, dy, out=affine.dbeta)
        if not affine.needs_dx:
            return None
        weights = share * gamma
        level, along = dy @ weights, product @ weights
        b = s * s * s * (along - rest * level)
        dx = _laid_out(s, gamma)
        dx *= dy
        dx -= np.multiply(c, b[:, None], out=product)
        if centers:
            dx += (b * rest - s * level)[:, None]
        return dx

    return y, backward


def _laid_out(a: Array, b: Array, c: Array | None = None, d: Array | None = None) -> Array:
    """a bᵀ + c dᵀ (M, D), for a, c (M,) and b, d (D,).

    A second product of zeros stands in for one that is not there: NumPy does not hand a product
    of a column and a row on to BLAS, and takes ten times as long.
    """
    if c is None or d is None:
        c, d = np.zeros_like(a), b
    laid: Array = np.array([a, c]).T @ np.array([b, d])
    return laid
