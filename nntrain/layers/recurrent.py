"""What recurrent layers share: directions, lengths, the last state, and the products of a step.

Inside, time comes first: a step is then one piece of memory.  A kind writes one `Sweep`, the way
from the first step to the last and back; this file hands it the steps in the order in which they
are to be read, and knows which row ends where.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import field

import numpy as np

from nntrain.arrays import Array, Shape
from nntrain.call import Call
from nntrain.families import Backward, Builder, Built, Forward, Initializer, PositiveInt
from nntrain.initializers import GlorotUniform, Orthogonal
from nntrain.values import dataclass

SweepBackward = Callable[[Sequence[Array | None] | Array], Array | None]
Sweep = Callable[[Array, Array | None], tuple[Sequence[Array], SweepBackward]]
"""`sweep(x, start) -> (history, backward)` for steps x (T, N, D + 1), whose last number is 1.

history: each state (T + 1, N, H) before every step and after the last one, the output first, so
history[0][t + 1] is the output of step t.  start (S, N, H), or None for zeros.
`backward(dys) -> dx (T, N, D)` for dys[t], the gradient by the output of step t, None for zero.
"""


@dataclass(frozen=True)
class Recurrent:
    """(T, D) -> (units,), the state after the last step;  (T, units) with return_sequences.

    units: the width H of the state; the output is twice as wide when bidirectional.
    return_sequences: give the state after every step, not only after the last one.
    bidirectional: read the sequence from its end too, with weights of its own; both outputs side
        by side (Schuster & Paliwal 1997; Keras's `Bidirectional` with `merge_mode="concat"`).
    kernel_initializer: the first values of W, which sees the input.
    recurrent_initializer: the first values of U, which sees the state.

    Padding is never read: a row's last state is that of its own last step, the second direction
    begins there, and outputs after it are 0.  Where `call.state` is a dictionary, the first
    direction begins with what it holds and leaves its last state there; nothing flows back into it.
    """

    units: PositiveInt
    return_sequences: bool = False
    bidirectional: bool = False
    kernel_initializer: Initializer = field(default_factory=GlorotUniform)
    recurrent_initializer: Initializer = field(default_factory=Orthogonal)

    @abstractmethod
    def sweep(self, d: int, store: Builder, needs_dx: bool) -> Sweep:
        """Takes the weights for inputs of width `d` from the store."""

    def build(self, shape: Shape, store: Builder) -> Built:
        if len(shape) != 2:
            raise ValueError(f"expected sequences of shape (steps, features), got {shape}")
        needs_dx = store.learns
        path = store.own_path()
        if not self.bidirectional:
            sweeps = [self.sweep(shape[1], store, needs_dx)]
        else:
            sweeps = []
            for direction in ("forward", "backward"):
                with store.at(direction):
                    sweeps.append(self.sweep(shape[1], store, needs_dx))
        width = self.units * len(sweeps)
        forward = _read(sweeps, self.units, path, whole=self.return_sequences)
        return Built(forward, (shape[0], width) if self.return_sequences else (width,))

    def lengths(self, n: Array) -> Array | None:
        return n if self.return_sequences else None


def _read(sweeps: Sequence[Sweep], units: int, path: str, *, whole: bool) -> Forward:
    """Reads with the first sweep from the beginning, and with the second, if any, from the end."""
    width = units * len(sweeps)
    parts = [slice(i * units, (i + 1) * units) for i in range(len(sweeps))]

    def forward(x: Array, call: Call) -> tuple[Array, Backward]:
        rows, steps = x.shape[:2]
        lengths = call.lengths
        padding = None if lengths is None else np.arange(steps) >= lengths[:, None]  # (N, T)
        end = (-1,) if lengths is None else (lengths, np.arange(rows))
        flips = [_as_it_is, _reversal(steps, lengths)][: len(sweeps)]
        read = _time_major(x, padding)
        y = np.empty((rows, steps, width) if whole else (rows, width), x.dtype)
        backs: list[SweepBackward] = []
        for sweep, flip, part in zip(sweeps, flips, parts, strict=True):
            state = None if backs else call.state  # the first direction alone has one
            history, back = sweep(flip(read), state.get(path) if state else None)
            backs.append(back)
            if state is not None:
                state[path] = np.stack([values[end] for values in history])
            h = history[0]
            y[..., part] = flip(h[1:]).swapaxes(0, 1) if whole else h[end]
        if whole and padding is not None:
            y[padding] = 0.0

        def backward(dy: Array) -> Array | None:
            dx = None
            for back, flip, part in zip(backs, flips, parts, strict=True):
                if whole:
                    found = back(flip(_time_major(dy[..., part], padding)[..., :-1]))
                else:
                    found = back(_at_the_end(dy[..., part], steps, lengths))
                if found is not None:
                    dx = flip(found) if dx is None else dx + flip(found)
            return None if dx is None else dx.swapaxes(0, 1)

        return y, backward

    return forward


def _as_it_is(x: Array) -> Array:
    return x


def _reversal(steps: int, lengths: Array | None) -> Callable[[Array], Array]:
    """Turns every row (T, N, …) around, up to its own length; twice is the row as it was."""
    if lengths is None:
        return lambda x: x[::-1]
    t, rows = np.arange(steps)[:, None], np.arange(len(lengths))
    turned = lengths - 1 - t
    places = np.where(turned >= 0, turned, t)
    return lambda x: x[places, rows]


def _time_major(x: Array, padding: Array | None) -> Array:
    """(N, T, D) -> (T, N, D + 1), a 1 behind the numbers for the bias, and 0 where padding is."""
    rows, steps, width = x.shape
    turned = np.empty((steps, rows, width + 1), x.dtype)
    turned[..., :width] = x.swapaxes(0, 1)
    turned[..., width] = 1.0
    if padding is not None:
        turned[padding.T] = 0.0
    return turned


def _at_the_end(dy: Array, steps: int, lengths: Array | None) -> list[Array | None] | Array:
    """The gradient by the last output, at the step to which it belongs."""
    if lengths is None:
        return [*[None] * (steps - 1), dy]
    dys = np.zeros((steps, *dy.shape), dy.dtype)
    real = np.flatnonzero(lengths)
    dys[lengths[real] - 1, real] = dy[real]
    return dys


def by_gate(W: Array, gates: int) -> Array:
    """(D, gates · H) as (gates, D, H), a view."""
    return W.reshape(len(W), gates, -1).swapaxes(0, 1)


def with_bias(W: Array, b: Array, gates: int) -> Array:
    """The weights (gates, D + 1, H) of inputs that end with a 1."""
    return np.concatenate([by_gate(W, gates), b.reshape(gates, 1, -1)], axis=1)


def gradient_of_weights(x: Array, dz: Array) -> Array:
    """xᵀ dz over all steps, (K, G), for x (T, N, K) and dz (T, N, G)."""
    found: Array = x.reshape(-1, x.shape[-1]).T @ dz.reshape(-1, dz.shape[-1])
    return found


def to_inputs(dz: Array, W: Array) -> Array:
    """dx (T, N, D) = dz Wᵀ, for dz (T, N, G) and W (D, G)."""
    steps, rows, width = dz.shape
    dx: Array = dz.reshape(-1, width) @ W.T
    return dx.reshape(steps, rows, len(W))


SMALL = 1_000_000
"""Multiplications in a product that OpenBLAS does without packing (its small-matrix kernel)."""


def block_width(rows: int, k: int, units: int) -> int:
    """How many columns of a matrix (k, units) one product with (rows, k) should take.

    The kernel that does not pack is 1.3 to 1.6 times as fast as the one that does, if its columns
    are few enough for the nearest cache, and enough to fill its registers: 64 before 32.
    """
    for width in (64, 32):
        if units % width == 0 and rows * k * width <= SMALL:
            return width
    return units


class StateProduct:
    """The product of one step, h (N, K) times weights (gates, K, H), in blocks of columns.

    All blocks are one call of `matmul`.  `blocks(z)` shows an array as this call fills it.
    """

    def __init__(self, weights: Array, rows: int):
        gates, k, units = weights.shape
        self.width = block_width(rows, k, units)
        blocks = weights.reshape(gates, k, -1, self.width).swapaxes(1, 2)
        self.weights = np.ascontiguousarray(blocks)  # (gates, H / width, K, width)

    def blocks(self, z: Array) -> Array:
        """(…, N, H) as (…, H / width, N, width), a view."""
        return z.reshape(*z.shape[:-1], -1, self.width).swapaxes(-2, -3)

    def set(self, h: Array, out: Array) -> None:
        """out = h times the weights, for `out` as `blocks` gives it of (gates, N, H)."""
        np.matmul(h, self.weights, out)


class WayBack:
    """dh (N, H) = dz[t] (N, G) times Uᵀ, step by step, for dz (T, N, G) and U (H, G).

    The sum over G is cut in two or four where one product would be too large for the small kernel.
    """

    def __init__(self, U: Array, dz: Array):
        steps, rows, width = dz.shape
        units = len(U)
        cuts = [n for n in (1, 2, 4) if width % n == 0 and _is_small(rows, width // n, units)]
        cut = min(cuts, default=1)
        product = StateProduct(_padded(U).T.reshape(cut, width // cut, units), rows)
        self._parts = np.empty((cut, rows, units), U.dtype)
        self._weights, self._blocks = product.weights, product.blocks(self._parts)
        self._dz = list(dz.reshape(steps, rows, cut, 1, width // cut).transpose(0, 2, 3, 1, 4))
        self._dh = np.empty((rows, units), U.dtype) if cut > 1 else self._parts[0]
        self._is_cut = cut > 1

    def at(self, t: int) -> Array:
        """dh by dz[t]; the next call overwrites it."""
        np.matmul(self._dz[t], self._weights, self._blocks)
        if self._is_cut:
            np.add.reduce(self._parts, axis=0, out=self._dh)
        return self._dh


def _padded(U: Array) -> Array:
    """U with longer lines: columns of lines of 2ⁿ bytes are in each other's way in the cache."""
    room = np.empty((len(U), U.shape[1] + 16), U.dtype)[:, : U.shape[1]]
    room[...] = U
    return room


def _is_small(rows: int, k: int, units: int) -> bool:
    return rows * k * block_width(rows, k, units) <= SMALL


def chunks(steps: int, size: int) -> list[slice]:
    """Pieces of the time axis, the last one first, whose arrays stay in the cache.

    `size`: how many numbers one state of one step has.
    """
    length = max(1, 32_768 // size)
    starts = range(0, steps, length)
    return [slice(at, min(at + length, steps)) for at in reversed(starts)]
