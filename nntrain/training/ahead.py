"""Ahead: what a chain of dense layers gives, where nobody will go back.

For one number of rows all arrays are made once for each thread and filled again, lie where
processors like them, and are passed over in long stretches.  What comes out is what the network
gives, but for the last digits.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from nntrain.call import INFERENCE, Call
from nntrain.families import Activation, Array, Layer, Shape
from nntrain.layers import Dense, Dropout, Identity, Relu
from nntrain.run.model import Model, settled_layers
from nntrain.store import Plan, Store
from nntrain.training.chains import chain_of, weights_of
from nntrain.training.stages import SMALL

LINE = 64  # bytes that processors fetch at once
LONG = 8192  # numbers: NumPy passes over shorter rows in half the speed
FEWEST = 64  # rows of a product that pay for being one of its own
MANY = 2048  # rows in all that pay for making arrays

Forward = Callable[[Array, Call], Array]
"""`forward(x, call) -> y`: what the network gives for some rows, an array of the caller's own."""

Pass = Callable[[Array], Array]


def make_forward(model: Model, rows: int) -> Forward:
    """The network, without the way back, and with the weights that it has now.

    rows: how many will come in all.
    """
    network, layers = model.network, settled_layers(model.experiment, model.preprocessor)
    forward = None if rows < MANY else ahead(layers, model.preprocessor.shape, network.store)
    return forward or (lambda x, call: network(x, call)[0])


def ahead(layers: Sequence[Layer], shape: Shape, store: Store) -> Forward | None:
    """For layers that stand on a store, if they are a chain of dense ones and no weight is of
    anything else; several threads may call it."""
    chain = chain_of(layers, shape)
    is_dense = all(isinstance(placed.layer, Dense | Dropout) for placed in chain)
    if not is_dense or not store.weights or not store.weights.keys() <= {*weights_of(chain)}:
        return None
    own = [
        (store.weights[f"{path}.W"], store.weights.get(f"{path}.b"), layer.activation)
        for path, layer, _ in chain
        if isinstance(layer, Dense)
    ]
    here = threading.local()

    def forward(x: Array, call: Call) -> Array:
        if getattr(here, "rows", None) != len(x):
            here.rows, here.straight = len(x), _straight(own, len(x))
        rows = x.reshape(len(x), -1).astype(store.theta.dtype, copy=False)
        y: Array = here.straight(rows)
        return y

    return forward


def _straight(layers: Sequence[tuple[Array, Array | None, Activation]], rows: int) -> Pass:
    """All layers for so many rows."""
    passes = [_dense(*layer, rows) for layer in layers]

    def straight(x: Array) -> Array:
        for one in passes:
            x = one(x)
        return x.copy()  # the next rows will stand where these do

    return straight


def _dense(W: Array, b: Array | None, activation: Activation, rows: int) -> Pass:
    """f(x W + b), in an array of its own.   relu in place, other activations by their closures."""
    z = _aligned((rows, W.shape[1]), W)
    times = _product(W, z)
    after = list[tuple[Callable[..., Array], Array, Array]]()
    if b is not None:
        after += [(np.add, *some) for some in _stretches(z, b)]
    if type(activation) is Relu:
        after += [(np.maximum, *some) for some in _stretches(z, np.zeros_like(W[0]))]
    plain = type(activation) in (Identity, Relu)
    activate = activation.build(W.shape[1:], Plan()).forward

    def dense(x: Array) -> Array:
        times(x)
        for apply, stretch, row in after:
            apply(stretch, row, out=stretch)
        if plain:
            return z
        y: Array = activate(z, INFERENCE)[0]
        return y.astype(z.dtype, copy=False)  # one of a plugin may come out in double

    return dense


def _product(W: Array, z: Array) -> Callable[[Array], object]:
    """`times(x)`: z = x W.  Where W is small, as many small products, which need no packing."""
    many = max(1, SMALL // W.size).bit_length() - 1
    size = 1 << min(many, len(z).bit_length() - 1)
    if size < FEWEST:
        return lambda x: x.dot(W, z)
    whole = len(z) - len(z) % size
    first, rest, shape = z[:whole].reshape(-1, size, z.shape[1]), z[whole:], (-1, size, len(W))

    def times(x: Array) -> None:
        np.matmul(x[:whole].reshape(shape), W, first)
        if len(rest):
            np.matmul(x[whole:], W, rest)

    return times


def _stretches(z: Array, row: Array) -> Iterator[tuple[Array, Array]]:
    """Views of z, and what each meets for every row of z to meet this one."""
    times = min(-(-LONG // len(row)), len(z))
    rows, whole = _aligned((times * len(row),), row), len(z) - len(z) % times
    rows.reshape(times, -1)[:] = row
    if whole:
        yield z[:whole].reshape(-1, len(rows)), rows
    if whole < len(z):
        rest = z[whole:].reshape(-1)
        yield rest, rows[: len(rest)]


def _aligned(shape: tuple[int, ...], like: Array) -> Array:
    """An array that begins where a line of the cache does."""
    size = int(np.prod(shape)) * like.itemsize
    room = np.empty(size + LINE, np.uint8)
    start = -room.ctypes.data % LINE
    return room[start : start + size].view(like.dtype).reshape(shape)
