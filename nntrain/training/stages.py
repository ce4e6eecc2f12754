"""Stages of a straight line: what a layer does to so many rows, in arrays that are made once.

What a stage gives is an array of its own, which its next call fills anew; it may write into the
gradient that it gets.  Arrays are (rows, units) to look at, and lie in memory one way or the other.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import numpy as np

from nntrain.call import Call
from nntrain.families import Activation, Array, Backward, Draw
from nntrain.layers import Identity, Relu, Sigmoid, Tanh
from nntrain.layers.dropout import threshold_of
from nntrain.store import Plan

Order = Literal["C", "F"]
"""C: row after row.  F: unit after unit."""

SMALL = 1_000_000
"""Products of m · k · n numbers up to here are done without packing them first (OpenBLAS)."""

FEW_ROWS = 64
"""Up to here packing takes so long that small products pay, many for a large one."""


class Stage(NamedTuple):
    """`forward(x, call) -> y`, always the same array, and `backward(dy) -> dx`.

    No `backward` where nothing learns from here upwards; the last of all gives None.
    """

    y: Array
    forward: Callable[[Array, Call], Array]
    backward: Callable[[Any], Any] | None


class Weights(NamedTuple):
    """Those of a dense layer, and where their gradients go."""

    W: Array
    dW: Array  # noqa: N815, as everywhere
    b: Array | None
    db: Array | None


def order_of(array: Array) -> Order:
    return "C" if array.flags.c_contiguous else "F"


def order_between(x: Array | None, rows: int, units: int, following: int) -> Order:
    """How the output of a dense layer should lie before another one of `following` units.

    x: what the layer gets; None for the first one, which gives no gradient by it.

    The gradient by this output is a product that, where it is large, takes up to half as long
    again if it has to write row after row.  Small ones are fast if two neighbours lie in different
    ways; where both lie unit after unit, the gradient of the weights between takes twice as long.
    """
    if rows * units * following > SMALL:
        return "F"
    return "C" if x is None or order_of(x) == "F" else "F"


def dense(
    x: Array, weights: Weights, activation: Activation, order: Order, *, learns: bool
) -> Stage:
    """y = f(x W + b), in this order.   learns: anything before it does."""
    W, dW, b, db = weights
    z = np.empty((len(x), W.shape[1]), W.dtype, order)
    dx = np.empty(x.shape if learns else (0, len(W)), W.dtype, order_of(x))
    times_W = _product(W, z, columns_at_once(x, z))
    times_W_turned = _product(W.T, dx, learns * columns_at_once(z, dx, back=True))
    activate, activate_back = _activation(activation, z)
    sum_rows, kept = np.ones(len(x), W.dtype).dot, [x]

    def forward(x: Array, call: Call) -> Array:
        kept[0] = x
        times_W(x)
        if b is not None:
            np.add(z, b, z)
        return activate()

    def backward(dy: Array) -> Array | None:
        dz = activate_back(dy)
        kept[0].T.dot(dz, dW)
        if db is not None:
            sum_rows(dz, db)
        if not learns:
            return None
        times_W_turned(dz)
        return dx

    return Stage(z, forward, backward)


def columns_at_once(x: Array, out: Array, *, back: bool = False) -> int:
    """How many columns of x W, or on the way back of x Wᵀ, a product makes; 0: all of them.

    One that is cut into small ones, of up to `SMALL` each, is not packed, which pays for few rows:
    by a sixth to a half on processors with AVX-512.  It depends on how x, W and out lie.
    """
    rows, inner = x.shape
    if back:
        width = 16
    elif order_of(x) == "C":
        return 0
    else:
        width = 8 if order_of(out) == "C" else 32
    units, whole = out.shape[1], rows * inner * out.shape[1]
    fits = units % width == 0 and rows * inner * width <= SMALL
    return width if rows <= FEW_ROWS and fits and whole > SMALL else 0


def _product(W: Array, out: Array, at_once: int) -> Callable[[Array], object]:
    """`times(x)`: out = x W.   at_once: columns of it, where it is cut.

    `dot` begins in half the time of `matmul`, and needs rows.
    """
    if at_once:
        pieces, places = _cut(W, at_once), _cut(out, at_once)
        return lambda x: np.matmul(x, pieces, out=places)
    if out.flags.c_contiguous:
        return lambda x: x.dot(W, out)
    W_turned, turned = W.T, out.T
    return lambda x: W_turned.dot(x.T, turned)


def _cut(matrix: Array, width: int) -> Array:
    """Views of so many columns each: (n, m) -> (m / width, n, width)."""
    return matrix.reshape(len(matrix), matrix.shape[1] // width, width).transpose(1, 0, 2)


def dropout(x: Array, rate: float, draw: Draw, *, learns: bool) -> Stage:
    """y = x · m / (1 - rate).   learns: anything before it does."""
    threshold, scale = threshold_of(rate)
    rows, width = x.shape
    least, factor = np.array(threshold, np.uint16), np.array(scale, x.dtype)
    keep, mask, y = np.empty(x.shape, np.bool_), np.empty(x.shape, x.dtype), np.empty_like(x)

    def forward(x: Array, call: Call) -> Array:
        np.greater_equal(draw(call, rows, width), least, keep)
        np.multiply(keep, factor, mask)
        return np.multiply(x, mask, y)

    def backward(dy: Array) -> Array:
        return np.multiply(dy, mask, dy)

    return Stage(y, forward, backward if learns else None)


Activate = tuple[Callable[[], Array], Callable[[Array], Array]]
"""`activate() -> y`, of the z that is known, and `activate_back(dy) -> dz`."""


def _activation(activation: Activation, z: Array) -> Activate:
    """Those with a form of their own are computed in place, all others by their closures."""
    if type(activation) is Identity:
        return lambda: z, lambda dy: dy
    if type(activation) is Relu:
        return _relu(z)
    if type(activation) is Sigmoid:
        return _sigmoid(z)
    if type(activation) is Tanh:
        return _tanh(z)
    built, kept = activation.build(z.shape[1:], Plan()).forward, list[Backward]()

    def activate() -> Array:
        y, backward = built(z, Call(training=True))
        kept[:] = [backward]
        return y.astype(z.dtype, copy=False)  # one of a plugin may come out in double

    def back(dy: Array) -> Array:
        dz: Array = kept[0](dy)  # type: ignore[assignment]  # z learns
        return dz.astype(z.dtype, copy=False)

    return activate, back


def _relu(z: Array) -> Activate:
    """Where y > 0 its bits are those of a positive whole number, else of 0: their minimum with 1
    says whether a unit is alive, and times the bits of dy it keeps or clears them.  Neither makes
    one type of number of another, which would take longer than all else."""
    whole = np.int32 if z.itemsize == 4 else np.int64
    zeros, ones, alive = np.zeros_like(z), np.ones_like(z, whole), np.empty_like(z, whole)
    bits = z.view(whole)

    def activate() -> Array:
        return np.maximum(z, zeros, out=z)  # of two arrays: 4 times as fast as with a number

    def back(dy: Array) -> Array:
        np.minimum(bits, ones, out=alive)
        dz = dy.view(whole)
        np.multiply(dz, alive, dz)
        return dy

    return activate, back


def _tanh(z: Array) -> Activate:
    slope, one = np.empty_like(z), np.ones((), z.dtype)

    def activate() -> Array:
        return np.tanh(z, z)

    def back(dy: Array) -> Array:
        np.multiply(z, z, slope)
        np.subtract(one, slope, slope)
        return np.multiply(dy, slope, dy)

    return activate, back


def _sigmoid(z: Array) -> Activate:
    slope, one, half = np.empty_like(z), np.ones((), z.dtype), np.full((), 0.5, z.dtype)

    def activate() -> Array:
        np.multiply(z, half, z)
        np.tanh(z, z)
        np.add(z, one, z)
        return np.multiply(z, half, z)

    def back(dy: Array) -> Array:
        np.subtract(one, z, slope)
        np.multiply(slope, z, slope)
        return np.multiply(dy, slope, dy)

    return activate, back
