"""Gru: gates without a second state."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field

import numpy as np

from nntrain.arrays import sum_of_rows
from nntrain.families import Array, Builder, Initializer, Layer
from nntrain.initializers import Zeros
from nntrain.layers.recurrent import (
    Recurrent,
    StateProduct,
    Sweep,
    SweepBackward,
    WayBack,
    by_gate,
    chunks,
    gradient_of_weights,
    to_inputs,
    with_bias,
)
from nntrain.values import dataclass


@dataclass(frozen=True)
class Gru(Recurrent, Layer):
    """h = (1 - z) ⊙ n + z ⊙ h',  n = tanh(x W + r ⊙ (h' U + c) + b).   (T, D) -> (units,)

    (T, D) -> (T, units) with return_sequences.

    r, z = σ(x W + h' U + b); r, z and n each have their own columns of W (D, 3 units),
    U (units, 3 units) and b (3 units,), in the order r, z, n; c (units,) is n's second bias, and h'
    the state of the step before.  Cho et al. 2014, arXiv:1406.1078, in the form that multiplies by
    r after the product with U, as cuDNN, PyTorch and Keras's `reset_after=True` do.  PyTorch keeps
    U and W transposed and has second biases for r and z too, which do nothing but add to b;
    Keras's order is z, r, n.

    bias_initializer: the first values of b and c.
    """

    bias_initializer: Initializer = field(default_factory=Zeros)

    def sweep(self, d: int, store: Builder, needs_dx: bool) -> Sweep:
        units = self.units
        W, dW = store.weight("W", (d, 3 * units), self.kernel_initializer)
        U, dU = store.weight("U", (units, 3 * units), self.recurrent_initializer)
        b, db = store.weight("b", (3 * units,), self.bias_initializer, decays=False)
        c, dc = store.weight("c", (units,), self.bias_initializer, decays=False)

        def sweep(x: Array, start: Array | None) -> tuple[Sequence[Array], SweepBackward]:
            h, gates, inner = _go(x, start, with_bias(W, b, 3), by_gate(U, 3).copy(), c)

            def backward(dys: Sequence[Array | None] | Array) -> Array | None:
                dz = _go_back(dys, h, gates, inner, U)
                of_input, of_state = dz[..., units:], dz[..., : 3 * units]
                found = gradient_of_weights(x, of_input)
                dW[...], db[...] = found[:-1], found[-1]
                by_gate(dU, 3)[STATE] = by_gate(gradient_of_weights(h[:-1], of_state), 3)
                sum_of_rows(dz[..., :units].reshape(-1, units), out=dc)
                return to_inputs(of_input, W) if needs_dx else None

            return [h], backward

        return sweep


STATE = [2, 0, 1]  # backward has h' U + c of n first, then r, z and n itself


def _go(x: Array, start: Array | None, W: Array, U: Array, c: Array) -> tuple[Array, Array, Array]:
    """All steps: h (T + 1, N, H), gates r, z, n (3, T, N, H), and inner = h' U + c of n.

    σ(z) = (1 + tanh(z / 2)) / 2, with halved weights.
    """
    steps, rows, width = x.shape
    units = U.shape[-1]
    h = np.empty((steps + 1, rows, units), x.dtype)
    h[0] = 0.0 if start is None else start[0]
    W[:2] *= 0.5
    U[:2] *= 0.5
    product = StateProduct(U, rows)
    gates = (x.reshape(-1, width) @ W).reshape(3, steps, rows, units)
    inner = np.empty((steps, rows, units), x.dtype)
    of_state = np.empty((3, rows, units), x.dtype)
    blocks = product.blocks(of_state)
    room = np.empty((rows, units), x.dtype)
    for t in range(steps):
        product.set(h[t], blocks)
        sigmoids = gates[:2, t]
        sigmoids += of_state[:2]
        np.tanh(sigmoids, out=sigmoids)
        sigmoids += 1.0
        sigmoids *= 0.5
        np.add(of_state[2], c, out=inner[t])
        r, z, n = gates[:, t]
        np.multiply(r, inner[t], out=room)
        n += room
        np.tanh(n, out=n)
        np.subtract(h[t], n, out=room)
        room *= z
        np.add(n, room, out=h[t + 1])
    return h, gates, inner


def _go_back(
    dys: Sequence[Array | None] | Array, h: Array, gates: Array, inner: Array, U: Array
) -> Array:
    """dz (T, N, 4 H): the gradients by h' U + c of n, and before σ and tanh of r, z and n.

    All four are dh times what does not depend on it, found for many steps at once.
    """
    steps, rows, units = inner.shape
    dz = np.empty((steps, rows, 4 * units), h.dtype)
    each = dz.reshape(steps, rows, 4, units).swapaxes(1, 2)
    way_back = WayBack(by_gate(U, 3)[STATE].swapaxes(0, 1).reshape(units, -1), dz[..., : 3 * units])
    dh, room = np.zeros((2, rows, units), h.dtype)
    for part in chunks(steps, rows * units):
        slope = _slopes(h, gates, inner, part)
        for t in reversed(range(part.stop - part.start)):
            at = part.start + t
            if (dy := dys[at]) is not None:
                dh += dy
            np.multiply(dh, slope[:, t], out=each[at])
            np.multiply(dh, gates[1, at], out=room)
            dh = way_back.at(at)
            dh += room
    return dz


def _slopes(h: Array, gates: Array, inner: Array, part: slice) -> Array:
    """The gradients of all four by dh, (4, steps, N, H)."""
    r, z, n = gates[:, part]
    slope = np.empty((4, *r.shape), h.dtype)
    of_inner, of_r, of_z, of_n = slope
    np.subtract(1.0, z, out=of_z)
    np.multiply(n, n, out=of_n)
    np.subtract(1.0, of_n, out=of_n)
    of_n *= of_z  # (1 - z) (1 - n²)
    np.multiply(of_n, r, out=of_inner)
    np.subtract(1.0, r, out=of_r)
    of_r *= of_inner
    of_r *= inner[part]  # of_n · inner · r (1 - r)
    of_z *= z
    of_z *= h[part] - n  # z (1 - z) (h' - n)
    return slope
