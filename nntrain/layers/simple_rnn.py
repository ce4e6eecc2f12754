"""SimpleRnn: a state that is one dense layer of the input and of itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field

import numpy as np

from nntrain.families import Array, Builder, Initializer, Layer
from nntrain.initializers import Zeros
from nntrain.layers.recurrent import (
    Recurrent,
    StateProduct,
    Sweep,
    SweepBackward,
    WayBack,
    gradient_of_weights,
    to_inputs,
    with_bias,
)
from nntrain.values import dataclass


@dataclass(frozen=True)
class SimpleRnn(Recurrent, Layer):
    """h = tanh(x W + h' U + b).   (T, D) -> (units,);   W (D, units), U (units, units).

    (T, D) -> (T, units) with return_sequences.
    h' is the state of the step before; Elman 1990, *Finding structure in time*.  PyTorch's `RNN`
    keeps W and U transposed and has two biases, which it adds; Keras has the same as here.

    bias_initializer: the first values of b.
    """

    bias_initializer: Initializer = field(default_factory=Zeros)

    def sweep(self, d: int, store: Builder, needs_dx: bool) -> Sweep:
        units = self.units
        W, dW = store.weight("W", (d, units), self.kernel_initializer)
        U, dU = store.weight("U", (units, units), self.recurrent_initializer)
        b, db = store.weight("b", (units,), self.bias_initializer, decays=False)

        def sweep(x: Array, start: Array | None) -> tuple[Sequence[Array], SweepBackward]:
            h = _go(x, start, with_bias(W, b, 1), U)

            def backward(dys: Sequence[Array | None] | Array) -> Array | None:
                dz = _go_back(dys, h, U)
                of_input = gradient_of_weights(x, dz)
                dW[...], db[...] = of_input[:-1], of_input[-1]
                dU[...] = gradient_of_weights(h[:-1], dz)
                return to_inputs(dz, W) if needs_dx else None

            return [h], backward

        return sweep


def _go(x: Array, start: Array | None, W: Array, U: Array) -> Array:
    """The states h (T + 1, N, H), the first of them `start`."""
    steps, rows, width = x.shape
    h = np.empty((steps + 1, rows, U.shape[-1]), x.dtype)
    h[0] = 0.0 if start is None else start[0]
    np.matmul(x.reshape(-1, width), W[0], out=h[1:].reshape(steps * rows, -1))
    product = StateProduct(U[None], rows)
    room = np.empty((1, *h[0].shape), x.dtype)
    blocks = product.blocks(room)
    for t in range(steps):
        product.set(h[t], blocks)
        h[t + 1] += room[0]
        np.tanh(h[t + 1], out=h[t + 1])
    return h


def _go_back(dys: Sequence[Array | None] | Array, h: Array, U: Array) -> Array:
    """dz (T, N, H) = dh (1 - h²), dh being what comes from above and from the step after."""
    slope = h[1:] * h[1:]
    np.subtract(1.0, slope, out=slope)
    dz = slope
    way_back = WayBack(U, dz)
    dh = np.zeros_like(h[0])
    for t in reversed(range(len(dz))):
        if (dy := dys[t]) is not None:
            dh += dy
        dz[t] *= dh
        dh = way_back.at(t)
    return dz
