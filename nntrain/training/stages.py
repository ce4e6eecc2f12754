"""Stages of a straight line: what a layer does to so many rows, in arrays that are made once.

A stage is a list of calls of NumPy that have their arrays, so that next to nothing of Python stands
between one and the next.  Only what differs from batch to batch is looked up, in `Given`.  Arrays
are (rows, units) to look at, and lie in memory one way or the other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
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


Run = Callable[[], object]
"""A call that has its arrays."""


@dataclass(slots=True)
class Given:
    """What a batch brings: its rows (n, inputs), and what its call knows."""

    x: Array
    call: Call


Empty = Callable[[int, int, Any, Order], Array]
"""`empty(rows, units, dtype, order)`: an array for what a stage makes."""


def empty(rows: int, units: int, dtype: Any, order: Order) -> Array:
    return np.empty((rows, units), dtype, order)


class Weights(NamedTuple):
    """Those of a dense layer, and where their gradients go."""

    W: Array
    dW: Array  # noqa: N815, as everywhere
    b: Array | None
    db: Array | None


class Stage(NamedTuple):
    """What is to be run, one after the other.

    y: the array where `forward` leaves what the stage gives.
    backward: of the array where dy will be, and which may be written into: what is to be run, and
        where dx is then, None if nothing asks for it.  No `backward` where nothing learns from here
        upwards.
    learned: what enters it, and its weights; their gradient is of this and of what is in the array
        of dy after `backward`.
    """

    y: Array
    forward: Sequence[Run]
    backward: Callable[[Array], tuple[Sequence[Run], Array | None]] | None
    learned: tuple[Array | Given, Weights] | None = None


def order_of(array: Array) -> Order:
    return "C" if array.strides[1] == array.itemsize else "F"


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
    x: Array | Given,
    weights: Weights,
    activation: Activation,
    order: Order,
    *,
    learns: bool,
    empty: Empty = empty,
) -> Stage:
    """y = f(x W + b), in this order.

    x: always the same array, or where that of each batch is.   learns: anything before it does.
    """
    W, _, b, _ = weights
    like = x.x if isinstance(x, Given) else x
    z = empty(len(like), W.shape[1], W.dtype, order)
    activate, activate_back = _activation(activation, z)

    def backward(dy: Array) -> tuple[Sequence[Run], Array | None]:
        runs = activate_back(dy)
        if not learns:
            return runs, None
        dx = empty(len(like), like.shape[1], W.dtype, order_of(like))
        return [*runs, _product(dy, W.T, dx, columns_at_once(dy, dx, back=True))], dx

    add: list[Run] = [] if b is None else [partial(np.add, z, b, z)]
    at_once = columns_at_once(like, z)
    runs = [_product(x, W, z, at_once), *add, *activate]
    return Stage(z, runs, backward, (x, weights))


def gradients(
    x: Array | Given, weights: Weights, dz: Array, part: Array | None = None
) -> list[Run]:
    """Those by the weights of a dense layer:  dW = xᵀ dz,  db = Σ dz.

    part: of the vector of all gradients; what does not lie in it is left out, but in whole rows.
    """
    _, dW, _, db = weights
    runs, rows = list[Run](), _rows_within(part, dW)
    if rows.start < rows.stop:
        runs.append(_by_weights(x, dz, dW[rows], rows))
    units = slice(0, 0) if db is None else _rows_within(part, db)
    if db is not None and units.start < units.stop:
        runs.append(partial(np.ones(len(dz), dz.dtype).dot, dz[:, units], db[units]))
    return runs


def _rows_within(part: Array | None, gradient: Array) -> slice:
    """The rows of a gradient that lie in a part of the vector, be it with one number."""
    if part is None:
        return slice(0, len(gradient))
    before, row = part.ctypes.data - gradient.ctypes.data, gradient.strides[0]
    first, end = before // row, -(-(before + part.nbytes) // row)
    return slice(max(0, first), min(len(gradient), end))


def _by_weights(x: Array | Given, dz: Array, dW: Array, rows: slice) -> Run:
    """dW = xᵀ dz, for these rows of it."""
    if isinstance(x, Given):
        if len(dW) == x.x.shape[1]:
            return lambda: x.x.T.dot(dz, dW)
        return lambda: x.x[:, rows].T.dot(dz, dW)
    return partial(x[:, rows].T.dot, dz, dW)


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


def _product(a: Array | Given, b: Array, out: Array, at_once: int = 0) -> Run:
    """out = a b.   at_once: columns of it, where it is cut.

    `dot` begins in half the time of `matmul`, and needs rows.
    """
    turned = out.T
    if isinstance(a, Given):
        if not out.flags.forc:
            return lambda: np.matmul(a.x, b, out)
        if out.flags.c_contiguous:
            return lambda: a.x.dot(b, out)
        return lambda: b.T.dot(a.x.T, turned)
    if at_once:
        return partial(np.matmul, a, _cut(b, at_once), out=_cut(out, at_once))
    if not out.flags.forc:  # some rows of a larger array
        return partial(np.matmul, a, b, out=out)
    return partial(a.dot, b, out) if out.flags.c_contiguous else partial(b.T.dot, a.T, turned)


def _cut(matrix: Array, width: int) -> Array:
    """Views of so many columns each: (n, m) -> (m / width, n, width)."""
    return matrix.reshape(len(matrix), matrix.shape[1] // width, width).transpose(1, 0, 2)


def taken(given: Given) -> Stage:
    """The rows of each batch, always in the same array."""
    x = given.x.copy()
    return Stage(x, [lambda: np.copyto(x, given.x)], None)


def dropout(
    x: Array, given: Given, rate: float, draw: Draw, *, learns: bool, empty: Empty = empty
) -> Stage:
    """y = x · m / (1 - rate).   learns: anything before it does."""
    threshold, scale = threshold_of(rate)
    rows, width = x.shape
    least, factor = np.array(threshold, np.uint16), np.array(scale, x.dtype)
    keep, mask = np.empty(x.shape, np.bool_), np.empty(x.shape, x.dtype)
    y = empty(rows, width, x.dtype, order_of(x))

    def choose() -> None:
        np.greater_equal(draw(given.call, rows, width), least, keep)

    def backward(dy: Array) -> tuple[Sequence[Run], Array]:
        return [partial(np.multiply, dy, mask, dy)], dy

    runs: list[Run] = [
        choose,
        partial(np.multiply, keep, factor, mask),
        partial(np.multiply, x, mask, y),
    ]
    return Stage(y, runs, backward if learns else None)


Activate = tuple[Sequence[Run], Callable[[Array], Sequence[Run]]]
"""What makes y in the place of z, and what makes dz in the place of an array with dy."""


def _activation(activation: Activation, z: Array) -> Activate:
    """Those with a form of their own are computed in place, all others by their closures."""
    if type(activation) is Identity:
        return [], lambda dy: []
    if type(activation) is Relu:
        return _relu(z)
    if type(activation) is Sigmoid:
        return _sigmoid(z)
    if type(activation) is Tanh:
        return _tanh(z)
    built, kept, before = activation.build(z.shape[1:], Plan()).forward, list[Backward](), z.copy()

    def activate() -> None:
        np.copyto(before, z)  # which the way back may need
        y, backward = built(before, Call(training=True))
        kept[:] = [backward]
        np.copyto(z, y)  # one of a plugin may come out in double

    def back(dy: Array) -> Sequence[Run]:
        def run() -> None:
            dz = kept[0](dy)
            np.copyto(dy, dz)  # type: ignore[arg-type]  # z learns

        return [run]

    return [activate], back


def _relu(z: Array) -> Activate:
    """Where y > 0 its bits are those of a positive whole number, else of 0: their minimum with 1
    says whether a unit is alive, and times the bits of dy it keeps or clears them.  Neither makes
    one type of number of another, which would take longer than all else."""
    whole = np.int32 if z.itemsize == 4 else np.int64
    zeros, ones, alive = np.zeros_like(z), np.ones_like(z, whole), np.empty_like(z, whole)
    bits = z.view(whole)

    def back(dy: Array) -> Sequence[Run]:
        dz = dy.view(whole)
        return [partial(np.minimum, bits, ones, out=alive), partial(np.multiply, dz, alive, dz)]

    # of two arrays: 4 times as fast as with a number
    return [partial(np.maximum, z, zeros, out=z)], back


def _tanh(z: Array) -> Activate:
    slope, one = np.empty_like(z), np.ones((), z.dtype)

    def back(dy: Array) -> Sequence[Run]:
        return [
            partial(np.multiply, z, z, slope),
            partial(np.subtract, one, slope, slope),
            partial(np.multiply, dy, slope, dy),
        ]

    return [partial(np.tanh, z, z)], back


def _sigmoid(z: Array) -> Activate:
    slope, one, half = np.empty_like(z), np.ones((), z.dtype), np.full((), 0.5, z.dtype)
    activate = [
        partial(np.multiply, z, half, z),
        partial(np.tanh, z, z),
        partial(np.add, z, one, z),
        partial(np.multiply, z, half, z),
    ]

    def back(dy: Array) -> Sequence[Run]:
        return [
            partial(np.subtract, one, z, slope),
            partial(np.multiply, slope, z, slope),
            partial(np.multiply, dy, slope, dy),
        ]

    return activate, back
