"""LSTM: a state that gates protect, so that gradients survive long sequences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field

import numpy as np

from nntrain.families import Array, Builder, Initializer, Layer
from nntrain.initializers import UnitForget
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
class Lstm(Recurrent, Layer):
    """c = f ⊙ c' + i ⊙ g,  h = o ⊙ tanh(c).   (T, D) -> (units,)

    (T, D) -> (T, units) with return_sequences.
    i, f, o = σ(x W + h' U + b) and g = tanh(x W + h' U + b), each with its own columns of
    W (D, 4 units), U (units, 4 units) and b (4 units,), in the order i, f, g, o; h' and c' are the
    states of the step before.  Hochreiter & Schmidhuber 1997, with the forget gate of Gers,
    Schmidhuber & Cummins 2000.  PyTorch has the same order, U and W transposed, and two biases
    that it adds; Keras has the same.

    bias_initializer: the first values of b; left out, 1 for the forget gate, as in Keras.
    """

    bias_initializer: Initializer = field(default_factory=UnitForget)

    def sweep(self, d: int, store: Builder, needs_dx: bool) -> Sweep:
        units = self.units
        W, dW = store.weight("W", (d, 4 * units), self.kernel_initializer)
        U, dU = store.weight("U", (units, 4 * units), self.recurrent_initializer)
        b, db = store.weight("b", (4 * units,), self.bias_initializer, decays=False)

        def sweep(x: Array, start: Array | None) -> tuple[Sequence[Array], SweepBackward]:
            weights = np.concatenate([by_gate(U, 4), with_bias(W, b, 4)], axis=1)[ORDER]
            steps, c, tanh_c = _go(x, start, weights)

            def backward(dys: Sequence[Array | None] | Array) -> Array | None:
                dz = _go_back(dys, steps.h, steps.z, c, tanh_c, U)
                found = steps.gradients(dz)
                dU[...], dW[...], db[...] = found[:units], found[units:-1], found[-1]
                return to_inputs(dz, W) if needs_dx else None

            return [steps.h, c], backward

        return sweep


ORDER = [3, 0, 1, 2]  # forward has o, i, f, g, so that σ is of the first three


class Steps:
    """z[t] = h[t] U + x[t] W + b of all gates, step by step.

    An x that is not wider than h stands beside it, so that [h, x, 1] is one row and one product
    does it all.  A wider one is multiplied with W before the first step, for all steps at once.
    """

    def __init__(self, x: Array, start: Array | None, weights: Array):
        """x (T, N, D + 1), start (N, H), weights (4, H + D + 1, H): those of U, W and b."""
        steps, rows, width = x.shape
        gates, _, units = weights.shape
        self._x = x
        self._joined = width <= units + 1
        self._rows = np.empty((steps + 1, rows, units + width * self._joined), x.dtype)
        self.h = self._rows[..., :units]  # (T + 1, N, H)
        self.h[0] = 0.0 if start is None else start
        self.z = np.empty((gates, steps, rows, units), x.dtype)
        if self._joined:
            self._rows[:-1, :, units:] = x
            self._product = StateProduct(weights, rows)
            self._out = self._product.blocks(self.z)
        else:
            flat = self.z.reshape(gates, steps * rows, units)
            np.matmul(x.reshape(-1, width), weights[:, units:], out=flat)
            self._product = StateProduct(weights[:, :units], rows)
            self._room = np.empty((gates, rows, units), x.dtype)
            self._out = self._product.blocks(self._room)

    def at(self, t: int) -> Array:
        """z[t] (4, N, H), once h[t] is there."""
        z = self.z[:, t]
        if self._joined:
            self._product.set(self._rows[t], self._out[:, t])
        else:
            self._product.set(self.h[t], self._out)
            z += self._room
        return z

    def gradients(self, dz: Array) -> Array:
        """The gradient by the weights (H + D + 1, 4 H), for dz (T, N, 4 H)."""
        if self._joined:
            return gradient_of_weights(self._rows[:-1], dz)
        both = (self.h[:-1], self._x)
        return np.concatenate([gradient_of_weights(rows, dz) for rows in both])


def _go(x: Array, start: Array | None, weights: Array) -> tuple[Steps, Array, Array]:
    """All steps: z (4, T, N, H) after σ and tanh, c (T + 1, N, H), and tanh(c) (T, N, H).

    σ(z) = (1 + tanh(z / 2)) / 2, so with halved weights one tanh serves all four gates.
    """
    weights[:3] *= 0.5
    steps = Steps(x, None if start is None else start[0], weights)
    h = steps.h
    c = np.empty(h.shape, x.dtype)
    c[0] = 0.0 if start is None else start[1]
    tanh_c = np.empty(c[1:].shape, x.dtype)
    room = np.empty(c[0].shape, x.dtype)
    for t in range(len(x)):
        z = steps.at(t)
        np.tanh(z, out=z)
        sigmoids = z[:3]
        sigmoids += 1.0
        sigmoids *= 0.5
        o, i, f, g = z
        np.multiply(i, g, out=room)
        np.multiply(f, c[t], out=c[t + 1])
        c[t + 1] += room
        np.tanh(c[t + 1], out=tanh_c[t])
        np.multiply(o, tanh_c[t], out=h[t + 1])
    return steps, c, tanh_c


def _go_back(
    dys: Sequence[Array | None] | Array, h: Array, gates: Array, c: Array, tanh_c: Array, U: Array
) -> Array:
    """dz (T, N, 4 H), the gradient before σ and tanh of i, f, g, o.

    With h' and c' of the step before, and dc also what comes from the step after:
    dc = dh o (1 - tanh² c);   dz = (dc g, dc c', dc i, dh tanh c) · (σ', σ', tanh', σ').
    What stands behind dh and dc does not depend on them, and is found for many steps at once.
    """
    steps, rows, units = tanh_c.shape
    dz = np.empty((steps, rows, 4 * units), gates.dtype)
    by_gate = dz.reshape(steps, rows, 4, units).swapaxes(1, 2)
    way_back = WayBack(U, dz)
    dc, room = np.zeros((2, rows, units), gates.dtype)
    dh = dc.copy()
    for part in chunks(steps, rows * units):
        slope, through_h = _slopes(h, gates, c, tanh_c, part)
        for t in reversed(range(part.stop - part.start)):
            at = part.start + t
            if (dy := dys[at]) is not None:
                dh += dy
            np.multiply(dh, through_h[t], out=room)
            dc += room
            np.multiply(dc, slope[:3, t], out=by_gate[at, :3])
            np.multiply(dh, slope[3, t], out=by_gate[at, 3])
            dc *= gates[2, at]
            dh = way_back.at(at)
    return dz


def _slopes(h: Array, gates: Array, c: Array, tanh_c: Array, part: slice) -> tuple[Array, Array]:
    """dz by (dc, dc, dc, dh), (4, steps, N, H), and dc by dh, for the steps of `part`.

    σ' = σ - σ², tanh' = 1 - tanh², and h = o tanh c.
    """
    o, i, f, g = gates[:, part]
    h, tanh_c = h[part.start + 1 : part.stop + 1], tanh_c[part]
    slope = np.empty((4, *o.shape), o.dtype)
    of_i, of_f, of_g, of_o = slope
    np.multiply(i, g, out=of_i)
    np.multiply(of_i, g, out=of_g)
    np.subtract(i, of_g, out=of_g)  # i (1 - g²)
    room = of_i * i
    of_i -= room  # g (i - i²)
    np.multiply(f, c[part], out=of_f)
    np.multiply(of_f, f, out=room)
    of_f -= room  # c' (f - f²)
    np.multiply(h, o, out=of_o)
    np.subtract(h, of_o, out=of_o)  # tanh c (o - o²)
    np.multiply(h, tanh_c, out=room)
    np.subtract(o, room, out=room)  # o (1 - tanh² c)
    return slope, room
