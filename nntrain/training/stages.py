"""Stages of a straight line: what a layer does to so many rows, in arrays that are made once.

A stage is a list of calls of NumPy that have their arrays, so that next to nothing of Python stands
between one and the next.  Only what differs from batch to batch is looked up, in `Given`.  Arrays
are (rows, units) to look at, and lie in memory one way or the other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
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

FEW = 4096
"""Numbers of a layer up to which calls take longer, so that a bias belongs into the product."""

SMALL = 1_000_000
"""Products of m · k · n numbers up to here are done without packing them first (OpenBLAS)."""

TINY = 50_000
"""Products of fewer take about as long whatever way their arrays lie."""

FEW_ROWS = 64
"""Up to here packing takes so long that small products pay, many for a large one."""


Run = Callable[[], object]
"""A call that has its arrays."""


@dataclass(slots=True)
class Given:
    """What a batch brings: its rows (n, inputs), and what its call knows."""

    x: Array
    call: Call


class Stage(NamedTuple):
    """What is to be run, one after the other.

    y: the array where `forward` leaves what the stage gives.   ones: the same with a column of ones
        behind it, where it has one.
    backward: of the array where dy will be, and which may be written into: what is to be run, and
        where dx is then, None if nothing asks for it.  No `backward` where nothing learns from here
        upwards.
    """

    y: Array
    forward: Sequence[Run]
    backward: Callable[[Array], tuple[Sequence[Run], Array | None]] | None
    ones: Array | None = None


def way_back(stages: Sequence[Stage], d: Array) -> tuple[list[Run], Array | None]:
    """From where the gradient by the last stage's y is, through all of them: what is to be run, and
    where the gradient by what they get is then, None if nothing asks for it."""
    runs, dy = list[Run](), d
    for stage in reversed(stages):
        if stage.backward is None:
            return runs, None
        more, dx = stage.backward(dy)
        runs += more
        if dx is None:
            return runs, None
        dy = dx
    return runs, dy


class Weights(NamedTuple):
    """Those of a dense layer, and where their gradients go.

    stacked: W with b as its last row, and where the gradient of both goes, if they lie so.
    """

    W: Array
    dW: Array  # noqa: N815, as everywhere
    b: Array | None
    db: Array | None
    stacked: tuple[Array, Array] | None = None


class Learned(NamedTuple):
    """What gradients of a dense layer's weights are made of: what enters it, and where dz is."""

    x: Array | Given
    weights: Weights
    dz: Array


def order_of(array: Array) -> Order:
    return "C" if array.strides[1] == array.itemsize else "F"


@dataclass
class Rooms:
    """Where the arrays of stages come from; some they have together, since what is used again at
    once is in the cache."""

    dtype: np.dtype[Any]
    made: dict[tuple[object, ...], Array] = field(default_factory=dict)

    def output(self, rows: int, units: int, order: Order) -> tuple[Array, Array | None]:
        """For what a stage gives; where it is small and lies unit after unit, also the same with a
        column of ones."""
        if order == "C" or rows * units > FEW:
            return np.empty((rows, units), self.dtype, order), None
        wider = np.ones((units + 1, rows), self.dtype)
        return wider[:-1].T, wider.T

    def like(self, x: Array, purpose: str) -> Array:
        """The array like x for this."""
        key = (x.shape, order_of(x), purpose)
        if key not in self.made:
            self.made[key] = np.empty(x.shape, self.dtype, order_of(x))
        return self.made[key]

    def full(self, x: Array, value: float, dtype: Any) -> Array:
        """An array like x of one value, which nobody writes into."""
        key = (x.shape, order_of(x), value, dtype)
        if key not in self.made:
            self.made[key] = np.full_like(x, value, dtype)
        return self.made[key]

    def gradient(self, x: Array, dy: Array) -> Array:
        """For the gradient by x, made of that in dy: of two arrays the other one."""
        one = self.like(x, "one gradient")
        return one if one is not dy else self.like(x, "another gradient")


def order_between(x: Array | None, rows: int, units: int, following: int) -> Order:
    """How the output of a dense layer should lie before another one of `following` units.

    x: what the layer gets; None for the first one, which gives no gradient by it.

    The gradient by this output is a product that, where it is large, takes up to half as long
    again if it has to write row after row.  Small ones are fast if two neighbours lie in different
    ways; where both lie unit after unit, the gradient of the weights between takes twice as long,
    which for tiny ones is less than what a column of ones beside rows takes.
    """
    work = rows * units * following
    if work > SMALL or work < TINY:
        return "F"
    return "C" if x is None or order_of(x) == "F" else "F"


def dense(
    x: Array | Given,
    weights: Weights,
    activation: Activation,
    order: Order,
    rooms: Rooms,
    *,
    learns: bool,
    ones: Array | None = None,
    gives_ones: bool = False,
    later: list[Learned] | None = None,
) -> Stage:
    """y = f(x W + b), in this order.

    x: always the same array, or where that of each batch is.   learns: anything before it does.
    ones: x with a column of ones behind it, which makes b one more row of W.
    gives_ones: the next one wants y so.
    later: what gradients of weights are made of is noted here, and they are not made.
    """
    W, _, b, _, stacked = weights
    like = x.x if isinstance(x, Given) else x
    z, wider = rooms.output(len(like), W.shape[1], order)
    activate, activate_back = activation_of(activation, z, rooms)
    forward: list[Run] = [_product(x, W, z, columns_at_once(like, z))]
    if ones is not None and stacked:
        forward = [_product(ones, stacked[0], z)]
    elif b is not None:
        forward.append(partial(np.add, z, b, z))
    forward += activate
    if gives_ones and wider is None:
        wider = np.ones((len(z), z.shape[1] + 1), z.dtype)
        forward.append(partial(wider[:, :-1].__setitem__, ..., z))

    def backward(dy: Array) -> tuple[Sequence[Run], Array | None]:
        runs = list(activate_back(dy))
        if later is not None:
            later.append(Learned(x, weights, dy))
        elif ones is not None and stacked:
            runs.append(_by_weights(ones, dy, stacked[1]))
        else:
            runs += gradients(Learned(x, weights, dy))
        if not learns:
            return runs, None
        dx = rooms.gradient(like, dy)
        return [*runs, _product(dy, W.T, dx, columns_at_once(dy, dx, back=True))], dx

    return Stage(z, forward, backward, wider)


def gradients(
    learned: Learned, part: Array | None = None, laid: Callable[[Array], Array] = lambda own: own
) -> list[Run]:
    """Those by the weights of a dense layer:  dW = xᵀ dz,  db = Σ dz.

    part: of the vector of all gradients; what does not lie in it is left out, but in whole rows.
    laid: where a piece of that vector is made instead of in it.
    """
    x, (_, dW, _, db, _), dz = learned
    runs, rows = list[Run](), _rows_within(part, dW)
    if rows.start < rows.stop:
        runs.append(_by_weights(x, dz, laid(dW[rows]), rows))
    units = slice(0, 0) if db is None else _rows_within(part, db)
    if db is not None and units.start < units.stop:
        runs.append(partial(np.ones(len(dz), dz.dtype).dot, dz[:, units], laid(db[units])))
    return runs


def _rows_within(part: Array | None, gradient: Array) -> slice:
    """The rows of a gradient that lie in a part of the vector, be it with one number."""
    if part is None:
        return slice(0, len(gradient))
    before, row = part.ctypes.data - gradient.ctypes.data, gradient.strides[0]
    first, end = before // row, -(-(before + part.nbytes) // row)
    return slice(max(0, first), min(len(gradient), end))


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


def _by_weights(x: Array | Given, dz: Array, dW: Array, rows: slice = slice(None)) -> Run:
    """dW = xᵀ dz, for these rows of it."""
    if isinstance(x, Given):
        if len(dW) == x.x.shape[1]:
            return lambda: x.x.T.dot(dz, dW)
        return lambda: x.x[:, rows].T.dot(dz, dW)
    return partial(x[:, rows].T.dot, dz, dW)


def taken(given: Given) -> Stage:
    """The rows of each batch, always in the same array."""
    (rows, width), dtype = given.x.shape, given.x.dtype
    wider = np.ones((rows, width + 1), dtype) if given.x.size <= FEW else None
    x = np.empty((rows, width), dtype) if wider is None else wider[:, :-1]

    def take() -> None:
        x[...] = given.x  # `copyto` asks other libraries first

    return Stage(x, [take], None, wider)


def dropout(
    x: Array, given: Given, rate: float, draw: Draw, rooms: Rooms, *, learns: bool
) -> Stage:
    """y = x · m / (1 - rate).   learns: anything before it does."""
    threshold, scale = threshold_of(rate)
    rows, width = x.shape
    least, factor = np.array(threshold, np.uint16), np.array(scale, x.dtype)
    keep, mask = np.empty(x.shape, np.bool_), np.empty(x.shape, x.dtype)
    y, _ = rooms.output(rows, width, order_of(x))

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


def bend(x: Array, activation: Activation, rooms: Rooms, *, learns: bool) -> Stage:
    """y = f(x), where x is not a dense layer's alone.   learns: anything before it does."""
    y = np.empty(x.shape, rooms.dtype, order_of(x))
    activate, activate_back = activation_of(activation, y, rooms)

    def backward(dy: Array) -> tuple[Sequence[Run], Array]:
        return activate_back(dy), dy

    return Stage(y, [partial(np.copyto, y, x), *activate], backward if learns else None)


Activate = tuple[Sequence[Run], Callable[[Array], Sequence[Run]]]
"""What makes y in the place of z, and what makes dz in the place of an array with dy."""


def activation_of(activation: Activation, z: Array, rooms: Rooms) -> Activate:
    """Those with a form of their own are computed in place, all others by their closures."""
    if type(activation) is Identity:
        return [], lambda dy: []
    if type(activation) is Relu:
        return _relu(z, rooms)
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


def _relu(z: Array, rooms: Rooms) -> Activate:
    """The bits of y, seen as a whole number, are 0 only where a unit is dead: the sign of that is
    0 or 1, and times the bits of dy it clears or keeps them.  Neither makes one type of number of
    another, which would take longer than all else."""
    whole = np.uint32 if z.itemsize == 4 else np.uint64
    zeros, maximum = rooms.full(z, 0.0, z.dtype), np.maximum
    bits, alive = z.view(whole), rooms.like(z, "alive").view(whole)

    def activate() -> None:  # of two arrays: 4 times as fast as with a number
        maximum(z, zeros, out=z)  # and `partial` takes long over a name of an argument

    def back(dy: Array) -> Sequence[Run]:
        dz = dy.view(whole)
        return [partial(np.sign, bits, alive), partial(np.multiply, dz, alive, dz)]

    return [activate], back


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
