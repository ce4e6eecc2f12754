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

        def sweep(x: Array, start: Array | None) -> tuple[Array, SweepBackward]:
            history, gates, tanh_c = _go(x, start, with_bias(W, b, 4)[ORDER], by_gate(U, 4)[ORDER])

            def backward(dys: Sequence[Array | None]) -> Array | None:
                dz = _go_back(dys, history, gates, tanh_c, by_gate(U, 4)[ORDER])
                of_input = per_gate(x, dz)
                by_gate(dW, 4)[ORDER] = of_input[:, :-1]
                db.reshape(4, units)[ORDER] = of_input[:, -1]
                by_gate(dU, 4)[ORDER] = per_gate(history[0, :-1], dz)
                return to_inputs(dz, by_gate(W, 4)[ORDER]) if needs_dx else None

            return history, backward

        return sweep


ORDER = [3, 0, 1, 2]  # inside: o, i, f, g, so that σ is of the first three, and c sees the last


def _go(x: Array, start: Array | None, W: Array, U: Array) -> tuple[Array, Array, Array]:
    """All steps: history (h and c), gates (4, T, N, H) after σ and tanh, and tanh(c) (T, N, H).

    σ(z) = (1 + tanh(z / 2)) / 2, so with halved weights one tanh serves all four gates.
    """
    steps, rows, _ = x.shape
    units = U.shape[-1]
    history = np.empty((2, steps + 1, rows, units), x.dtype)
    history[:, 0] = 0.0 if start is None else start
    h, c = history
    W[:3] *= 0.5
    U[:3] *= 0.5
    product = StateProduct(U, rows)
    gates = x.reshape(-1, x.shape[-1]) @ W
    gates = gates.reshape(4, steps, rows, units)
    tanh_c = np.empty((steps, rows, units), x.dtype)
    room = np.empty((rows, units), x.dtype)
    for t in range(steps):
        z = gates[:, t]
        product.add(h[t], z)
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
    return history, gates, tanh_c


def _go_back(
    dys: Sequence[Array | None], history: Array, gates: Array, tanh_c: Array, U: Array
) -> Array:
    """dz (4, T, N, H), the gradient before σ and tanh.

    With h' and c' of the step before, and dc also what comes from the step after:
    dc = dh o (1 - tanh² c);   dz = (dh tanh c, dc g, dc c', dc i) · (σ', σ', σ', tanh').
    What stands behind dh and dc does not depend on them, and is found for many steps at once.
    """
    steps, rows, units = tanh_c.shape
    product = StateProduct(np.ascontiguousarray(U.swapaxes(1, 2)), rows)
    dz = np.empty_like(gates)
    dh, dc, room = np.zeros((3, rows, units), gates.dtype)
    for part in chunks(steps, rows * units):
        slope, through_h = _slopes(history, gates, tanh_c, part)
        for t in reversed(range(part.stop - part.start)):
            at = part.start + t
            if (dy := dys[at]) is not None:
                dh += dy
            np.multiply(dh, through_h[t], out=room)
            dc += room
            here = dz[:, at]
            np.multiply(dh, slope[0, t], out=here[0])
            np.multiply(dc, slope[1:, t], out=here[1:])
            dc *= gates[2, at]
            product.sum(here, out=dh)
    return dz


def _slopes(history: Array, gates: Array, tanh_c: Array, part: slice) -> tuple[Array, Array]:
    """dz by (dh, dc, dc, dc), and dc by dh, for the steps of `part`."""
    h, c = history
    o, i, _, g = gates[:, part]
    slope = 1.0 - gates[:, part]
    slope[:3] *= gates[:3, part]  # σ' = σ (1 - σ)
    slope[3] *= 1.0 + g  # tanh' = 1 - tanh²
    slope[0] *= tanh_c[part]
    slope[1] *= g
    slope[2] *= c[part]
    slope[3] *= i
    through_h = h[part.start + 1 : part.stop + 1] * tanh_c[part]
    np.subtract(o, through_h, out=through_h)  # o (1 - tanh² c), as h = o tanh c
    return slope, through_h
