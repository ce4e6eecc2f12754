"""A norm over the units of a row, as a stage of a straight line."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from nntrain.call import Call
from nntrain.families import Array
from nntrain.training.stages import Stage, order_of


class Affine(NamedTuple):
    """γ and β of a norm, and where their gradients go."""

    gamma: Array
    dgamma: Array
    beta: Array | None
    dbeta: Array | None


def norm(
    x: Array, affine: Affine, eps: float, room: Array, *, centers: bool, learns: bool
) -> Stage:
    """y = γ (x - μ) s + β with s = 1 / √(σ² + ε); where nothing is centred, μ is 0.

    room: like x, and anybody's between two calls.   learns: anything before it does.
    """
    made = _Norm(x, affine, eps, room, centers, learns)
    return Stage(made.y, made.forward, made.backward)


class _Norm:
    """The arithmetic of `layers.standardising_rows`: c = x - μ' is kept, and r, what rounding left
    in its mean, is put right in what is added.

    On the way back y is room, too: whoever takes it has gone back before.
    """

    def __init__(
        self, x: Array, affine: Affine, eps: float, room: Array, centers: bool, learns: bool
    ):
        (rows, width), dtype = x.shape, affine.gamma.dtype
        self.affine, self.room, self.centers, self.learns = affine, room, centers, learns
        self.y = np.empty(x.shape, dtype, order_of(x))
        self.c = np.empty_like(self.y) if centers else x
        self.share, self.weights = np.full(width, 1.0 / width, dtype), np.empty(width, dtype)
        self.ones, self.some = np.ones(rows, dtype), np.empty(width, dtype)
        self.one, self.eps = np.ones((), dtype), np.full((), eps, dtype)
        self.mean, self.r, self.level, self.along, self.b, self.few = np.zeros((6, rows), dtype)
        self.factors, self.summands, self.levels = np.zeros((3, 2, rows), dtype)
        self.lines, self.summands[1] = np.ones((2, width), dtype), 1.0
        self.lay_in_y, self.lay_in_room = _laying(self.y), _laying(room)

    def forward(self, x: Array, call: Call) -> Array:
        y, c, r, s, few = self.y, self.c, self.r, self.factors[0], self.few
        if self.centers:
            x.dot(self.share, self.mean)
            np.subtract(x, self.mean[:, None], c)
            c.dot(self.share, r)
        else:
            c = self.c = x
        np.multiply(c, c, y)
        y.dot(self.share, s)
        np.multiply(r, r, few)
        np.subtract(s, few, s)
        np.add(s, self.eps, s)  # σ² + ε
        np.sqrt(s, s)
        np.divide(self.one, s, s)
        self._take_weights()
        self.lay_in_y(self.factors, self.lines)  # s γ
        np.multiply(y, c, y)
        if self.centers:
            np.multiply(r, s, few)
            np.negative(few, self.summands[0])
            self.lay_in_room(self.summands, self.lines)  # β - r s γ
            np.add(y, self.room, y)
        return y

    def _take_weights(self) -> None:
        self.lines[0] = self.affine.gamma
        if self.affine.beta is not None:
            self.lines[1] = self.affine.beta

    def backward(self, dy: Array) -> Array | None:
        """dx = s (γ dy - mean(γ dy) - x̂ mean(γ dy x̂)) with x̂ = (c - r) s, in the place of dy."""
        _, dgamma, _, dbeta = self.affine
        s, few, product = self.factors[0], self.few, self.room
        np.multiply(dy, self.c, product)
        s.dot(product, dgamma)
        if self.centers:
            np.multiply(s, self.r, few)
            few.dot(dy, self.some)
            np.subtract(dgamma, self.some, dgamma)
        if dbeta is not None:
            self.ones.dot(dy, dbeta)
        return self._by_input(dy) if self.learns else None

    def _by_input(self, dy: Array) -> Array:
        s, b, few, level, along = self.factors[0], self.b, self.few, self.level, self.along
        np.multiply(self.affine.gamma, self.share, self.weights)
        dy.dot(self.weights, level)
        self.room.dot(self.weights, along)
        np.multiply(self.r, level, few)
        np.subtract(along, few, b)
        for _ in range(3):
            np.multiply(b, s, b)  # s³ (along - r level)
        self.lay_in_y(self.factors, self.lines)
        np.multiply(dy, self.y, dy)
        np.multiply(self.c, b[:, None], self.room)
        np.subtract(dy, self.room, dy)
        if self.centers:
            np.multiply(b, self.r, b)
            np.multiply(s, level, few)
            np.subtract(b, few, b)
            np.add(dy, b[:, None], dy)
        return dy


def _laying(out: Array) -> Callable[[Array, Array], object]:
    """`lay(a, b)`: out = a[0] b[0]ᵀ + a[1] b[1]ᵀ, a product that takes half as long as it takes to
    meet an array with a column; where one summand is missing, too (see `_laid_out`)."""
    if out.flags.c_contiguous:
        return lambda a, b: a.T.dot(b, out)
    turned = out.T
    return lambda a, b: b.T.dot(a, turned)
