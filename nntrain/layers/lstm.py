"""LSTM: a state that gates protect, so that gradients survive long sequences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from nntrain.families import Array, Builder, Initializer, Layer
from nntrain.initializers import UnitForget
from nntrain.layers.recurrent import (
    Recurrent,
    StateProduct,
    Sweep,
    SweepBackward,
    by_gate,
    chunks,
    per_gate,
    to_inputs,
    with_bias,
)


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
                dz = _go_back(dys, steps.h, steps.z, c, tanh_c, by_gate(U, 4)[ORDER])
                found = steps.gradients(dz)
                by_gate(dU, 4)[ORDER] = found[:, :units]
                by_gate(dW, 4)[ORDER] = found[:, units:-1]
                db.reshape(4, units)[ORDER] = found[:, -1]
                return to_inputs(dz, by_gate(W, 4)[ORDER]) if needs_dx else None

            return [steps.h, c], backward

        return sweep


ORDER = [3, 0, 1, 2]  # inside: o, i, f, g, so that σ is of the first three, and c sees the last


class Steps:
    """z[t] = h[t] U + x[t] W + b of all gates, step by step.

    A narrow x stands beside h, so that [h, x, 1] is one row and one product does it all.  The
    product of a wide x with W would push U out of the cache at each step: it comes before the
    first one, for all steps at once.
    """

    def __init__(self, x: Array, start: Array | None, weights: Array):
        """x (T, N, D + 1), start (N, H), weights (4, H + D + 1, H): those of U, W and b."""
        steps, rows, width = x.shape
        gates, _, units = weights.shape
        self._x = x
        self._joined = width <= units
        self._rows = np.empty((steps + 1, rows, units + width * self._joined), x.dtype)
        self.h = self._rows[..., :units]  # (T + 1, N, H)
        self.h[0] = 0.0 if start is None else start
        if self._joined:
            self._rows[:-1, :, units:] = x
            self.z = np.empty((steps, gates, rows, units), x.dtype)
        else:
            self.z = x[:, None] @ weights[:, units:]
            weights = weights[:, :units]
        self._product = StateProduct(weights, rows)

    def at(self, t: int) -> Array:
        """z[t] (4, N, H), once h[t] is there."""
        z: Array = self.z[t]
        if self._joined:
            self._product.set(self._rows[t], z)
        else:
            self._product.add(self.h[t], z)
        return z

    def gradients(self, dz: Array) -> Array:
        """The gradient by the weights, for dz (4, T, N, H)."""
        if self._joined:
            return per_gate(self._rows[:-1], dz)
        return np.concatenate([per_gate(self.h[:-1], dz), per_gate(self._x, dz)], axis=1)


def _go(x: Array, start: Array | None, weights: Array) -> tuple[Steps, Array, Array]:
    """All steps: z (T, 4, N, H) after σ and tanh, c (T + 1, N, H), and tanh(c) (T, N, H).

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
    """dz (4, T, N, H), the gradient before σ and tanh.

    With h' and c' of the step before, and dc also what comes from the step after:
    dc = dh o (1 - tanh² c);   dz = (dh tanh c, dc g, dc c', dc i) · (σ', σ', σ', tanh').
    What stands behind dh and dc does not depend on them, and is found for many steps at once.
    """
    steps, rows, units = tanh_c.shape
    product = StateProduct(np.ascontiguousarray(U.swapaxes(1, 2)), rows)
    dz = np.empty((4, steps, rows, units), gates.dtype)
    dh, dc, room = np.zeros((3, rows, units), gates.dtype)
    for part in chunks(steps, rows * units):
        slope, through_h = _slopes(h, gates, c, tanh_c, part)
        for t in reversed(range(part.stop - part.start)):
            at = part.start + t
            if (dy := dys[at]) is not None:
                dh += dy
            np.multiply(dh, through_h[t], out=room)
            dc += room
            np.multiply(dh, slope[t, 0], out=dz[0, at])
            np.multiply(dc, slope[t, 1:], out=dz[1:, at])
            dc *= gates[at, 2]
            product.sum(dz[:, at], out=dh)
    return dz


def _slopes(h: Array, gates: Array, c: Array, tanh_c: Array, part: slice) -> tuple[Array, Array]:
    """dz by (dh, dc, dc, dc), (steps, 4, N, H), and dc by dh, for the steps of `part`."""
    o, i, _, g = gates[part].swapaxes(0, 1)
    slope = 1.0 - gates[part]
    slope[:, :3] *= gates[part, :3]  # σ' = σ (1 - σ)
    slope[:, 3] *= 1.0 + g  # tanh' = 1 - tanh²
    slope[:, 0] *= tanh_c[part]
    slope[:, 1] *= g
    slope[:, 2] *= c[part]
    slope[:, 3] *= i
    through_h = h[part.start + 1 : part.stop + 1] * tanh_c[part]
    np.subtract(o, through_h, out=through_h)  # o (1 - tanh² c), as h = o tanh c
    return slope, through_h
