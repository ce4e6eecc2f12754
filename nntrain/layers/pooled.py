"""A convolution and the pooling behind it, as one step.

The largest of some numbers is the same before and after all are moved by b and bent by an f that
never falls: max f(z + b) = f(max z + b).  So bias and activation, and their ways back, are left for
what pooling leaves, a quarter for windows of 2 × 2.

Where these windows stand side by side, the products are made in an order that gives each of their
places a piece of its own, and pooling compares whole pieces.  A few images at a time go all the
way, so that what the convolution gives never leaves the cache.

The two layers one after the other are what tests compare this with.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from nntrain.call import Call
from nntrain.families import Array, Backward, Forward
from nntrain.layers.activations import HardSigmoid, Identity, Sigmoid, Softsign, Tanh
from nntrain.layers.convolution import Convolution
from nntrain.layers.correlation import around, correlate, product, product_over_windows, spread
from nntrain.layers.pooling import Largest
from nntrain.layers.rectifiers import Elu, LeakyRelu, Relu, Selu, Softplus
from nntrain.layers.windows import Pair, Windows
from nntrain.values import dataclass

RISING = (Identity, Relu, LeakyRelu, Elu, Selu, Softplus, Sigmoid, Tanh, HardSigmoid, Softsign)
"""Activations that never fall, and take each number by itself."""

MOST = 16  # places of a window: more would be small pieces
KEPT = 1_048_576  # numbers in a layer's columns: more are copied again on the way back, as quickly

Block = tuple[slice, Array]
"""Some images of a batch, and what the windows see of them."""


def pooled(first: Forward, second: Forward) -> Forward | None:
    """`second` after `first` as one forward, if they are such a pair."""
    if not (isinstance(first, Convolution) and isinstance(second, Largest)):
        return None
    tile = second.windows.size
    side_by_side = second.windows == Windows(tile, tile) and 1 < tile[0] * tile[1] <= MOST
    return Pooled(first, tile) if side_by_side and type(first.activation) in RISING else None


@dataclass(frozen=True)
class Pooled:
    """A convolution, and the largest of each tile of what it gives."""

    conv: Convolution
    tile: Pair

    def __call__(self, x: Array, call: Call) -> tuple[Array, Backward]:
        conv, tile = self.conv, self.tile
        seen = conv.mirror.extend(x) if conv.mirror else x
        height, width = conv.windows.count((seen.shape[1], seen.shape[2]))
        pieces = (tile[0] * tile[1], height // tile[0], width // tile[1], conv.W.shape[-1])
        y = np.empty((len(x), *pieces[1:]), x.dtype)
        kernel = conv.W.reshape(-1, conv.W.shape[-1])
        room, won, kept = None, list[list[Array]](), list[Block]()
        keeps = not call.forward_only and conv.windows.numbers(seen.shape) <= KEPT
        for part, columns in conv.windows.columns(seen, tile, lasting=keeps):
            room = np.empty((len(columns), *pieces), x.dtype) if room is None else room
            z = room[: len(columns)]
            product(columns, kernel, z.reshape(*columns.shape[:2], -1))
            won.append(_largest(z, y[part]))
            if keeps:
                kept.append((part, columns))
        y, activation_backward = conv.activate(conv.bias.add(y), call)

        def backward(dy: Array) -> Array | None:
            d: Array = activation_backward(dy)  # type: ignore[assignment]  # W learns
            conv.bias.gradient(d)
            blocks = kept or conv.windows.columns(seen, tile)
            dx = self._back(seen, blocks, d, won)
            return conv.mirror.fold(dx) if conv.mirror and dx is not None else dx

        return y, backward

    def _back(
        self, seen: Array, blocks: Iterable[Block], d: Array, won: Sequence[Sequence[Array]]
    ) -> Array | None:
        """dW, set, and dx, from the gradient by the largest ones."""
        conv, tile = self.conv, self.tile
        kernel = conv.gradient.reshape(-1, conv.gradient.shape[-1])
        kernel.fill(0.0)
        dx = np.empty_like(seen) if conv.needs_dx else None
        image = _Image(conv, (seen.shape[1], seen.shape[2])) if conv.needs_dx else None
        room = None
        for (part, columns), here in zip(blocks, won, strict=True):
            if room is None:
                room = np.empty((len(columns), tile[0] * tile[1], *d.shape[1:]), d.dtype)
            dz = room[: len(columns)]
            _share(d[part], here, dz)
            kernel += product_over_windows(columns, dz.reshape(*columns.shape[:2], -1))
            if image and dx is not None:
                image.spread(dz.reshape(len(dz), *tile, *d.shape[1:]), dx[part])
        return dx


class _Image:
    """dz as an image again, which goes back to what the convolution has seen."""

    def __init__(self, conv: Convolution, seen: Pair):
        self.shape, self.windows = (*conv.windows.count(seen), conv.W.shape[-1]), conv.windows
        W = conv.W.swapaxes(2, 3)
        self.is_dense = conv.windows.stride == (1, 1)
        self.W = np.ascontiguousarray(W[::-1, ::-1]) if self.is_dense else W
        self.frame = around(conv.windows) if self.is_dense else Windows((1, 1))
        self.room = self.image = np.empty(0)

    def spread(self, dz: Array, dx: Array) -> None:
        """dx, set, for dz (N, *tile, H', W', F)."""
        tall, wide, height, width = dz.shape[1:5]
        if len(dz) > len(self.room):
            self._make_room(len(dz), dz)
        for i in range(tall):
            for j in range(wide):
                place = self.image[: len(dz), i : height * tall : tall, j : width * wide : wide]
                np.copyto(place, dz[:, i, j])
        z = self.room[: len(dz)]
        if self.is_dense:
            bare = Windows(self.windows.size, (1, 1), self.windows.dilation)
            correlate(z, self.W, bare, out=dx)
        else:
            dx[...] = spread(z, self.W, self.windows, (dx.shape[1], dx.shape[2]))

    def _make_room(self, n: int, like: Array) -> None:
        """For images whose ends are 0, as are windows that make no whole tile."""
        (top, left), (bottom, right) = self.frame.before, self.frame.after
        height, width, filters = self.shape
        shape = (n, top + height + bottom, left + width + right, filters)
        self.room = np.zeros(shape, like.dtype)
        self.image = self.frame.inside(self.room, (n, *self.shape))


def _largest(z: Array, out: Array) -> list[Array]:
    """out = the largest of the pieces z[:, k]; where each but the first is above all before."""
    best, *others = z.swapaxes(0, 1)
    won = []
    for piece in others:
        won.append(piece > best)
        best = np.maximum(best, piece, out=out)
    return won


def _share(d: Array, won: Sequence[Array], dz: Array) -> None:
    """dz[:, k] = d where piece k is the largest, the first of several, else 0."""
    first, *others = dz.swapaxes(0, 1)
    rest = d
    for here, piece in zip(reversed(won), reversed(others), strict=True):
        np.multiply(rest, here, out=piece)
        rest = np.subtract(rest, piece, out=first)
