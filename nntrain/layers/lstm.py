"""LSTM: a state that gates protect, so that gradients survive long sequences."""

from __future__ import annotations

from collections.abc import Callable, Sequence
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
            inputs, now, tanh_c = _go(x, start, weights)

            def backward(dys: Sequence[Array | None] | Array) -> Array | None:
                dz = _go_back(dys, inputs.h, now, tanh_c, U)
                found = inputs.gradients(dz)
                dU[...], dW[...], db[...] = found[:units], found[units:-1], found[-1]
                return to_inputs(dz, W) if needs_dx else None

            return [inputs.h, now[:, 4]], backward

        return sweep


ORDER = [3, 0, 1, 2]  # forward has o, i, f, g, so that σ is of the first three


class Inputs:
    """What stands before the weights at each step: h, and the x of all steps.

    An x that is not wider than h stands beside it, so that [h, x, 1] is one row and one product
    does it all.  A wider one is multiplied with W before the first step, for all steps at once.
    """

    def __init__(self, x: Array, start: Array | None, units: int):
        """x (T, N, D + 1), start (N, H)."""
        steps, rows, width = x.shape
        self._x = x
        self._joined = width <= units + 1
        self.rows = np.empty((steps + 1, rows, units + width * self._joined), x.dtype)
        self.h = self.rows[..., :units]  # (T + 1, N, H)
        self.h[0] = 0.0 if start is None else start
        if self._joined:
            self.rows[:-1, :, units:] = x

    def product(self, weights: Array, z: Array) -> tuple[Callable[[Array, Array], object], Array]:
        """`times(rows[t], places[t])` makes z[t] = h[t] U + x[t] W + b, once h[t] is there.

        weights (4, H + D + 1, H), those of U, W and b; z (T, 4, N, H).
        """
        rows, units = z.shape[2:]
        if self._joined:
            product = StateProduct(weights, rows)
            return product.set, product.blocks(z)
        of_x, of_h = StateProduct(weights[:, units:], rows), StateProduct(weights[:, :units], rows)
        of_x.set(self._x[:, None, None], of_x.blocks(z))
        room = np.empty(z.shape[1:], z.dtype)
        blocks = of_h.blocks(room)

        def times(h: Array, z: Array) -> None:
            of_h.set(h, blocks)
            np.add(z, room, z)

        return times, z

    def gradients(self, dz: Array) -> Array:
        """The gradient by the weights (H + D + 1, 4 H), for dz (T, N, 4 H)."""
        if self._joined:
            return gradient_of_weights(self.rows[:-1], dz)
        both = (self.h[:-1], self._x)
        return np.concatenate([gradient_of_weights(rows, dz) for rows in both])


def _go(x: Array, start: Array | None, weights: Array) -> tuple[Inputs, Array, Array]:
    """All steps: now (T + 1, 5, N, H) has o, i, f, g and c' of each, and tanh(c) (T, N, H).

    So (i, f) ⊙ (g, c') is one product, whose halves add up to c.
    σ(z) = (1 + tanh(z / 2)) / 2, so with halved weights one tanh serves all four gates.
    """
    weights[:3] *= 0.5
    steps, rows, _ = x.shape
    units = weights.shape[-1]
    inputs = Inputs(x, None if start is None else start[0], units)
    now = np.empty((steps + 1, 5, rows, units), x.dtype)
    now[0, 4] = 0.0 if start is None else start[1]
    tanh_c = np.empty((steps, rows, units), x.dtype)
    z, (one, half) = now[:-1, :4], np.array((1.0, 0.5), x.dtype)[:, None]
    times, places = inputs.product(weights, z)
    both = np.empty((2, rows, units), x.dtype)
    through_i, through_f = both
    for row, place, gates, sigmoids, i_f, g_c, o, c, h, tanh in zip(
        inputs.rows[:-1], places, z, z[:, :3], z[:, 1:3], now[:-1, 3:], z[:, 0],
        now[1:, 4], inputs.h[1:], tanh_c, strict=True,
    ):  # fmt: skip
        times(row, place)
        np.tanh(gates, gates)
        np.add(sigmoids, one, sigmoids)
        np.multiply(sigmoids, half, sigmoids)
        np.multiply(i_f, g_c, both)
        np.add(through_i, through_f, c)
        np.tanh(c, tanh)
        np.multiply(o, tanh, h)
    return inputs, now, tanh_c


def _go_back(
    dys: Sequence[Array | None] | Array, h: Array, now: Array, tanh_c: Array, U: Array
) -> Array:
    """dz (T, N, 4 H), the gradient before σ and tanh of i, f, g, o.

    With h' and c' of the step before, and dc also what comes from the step after:
    dc = dh o (1 - tanh² c);   dz = (dc g, dc c', dc i, dh tanh c) · (σ', σ', tanh', σ').
    What stands behind dh and dc does not depend on them, and is found for many steps at once.
    """
    steps, rows, units = tanh_c.shape
    dz = np.empty((steps, rows, 4 * units), now.dtype)
    by_gate = dz.reshape(steps, rows, 4, units).swapaxes(1, 2)
    way_back = WayBack(U, dz)
    dh, dc, room = np.zeros((3, rows, units), now.dtype)
    for part in chunks(steps, rows * units):
        slope, through_h = _slopes(h, now, tanh_c, part)
        found = slope.swapaxes(0, 1)  # becomes dz, and is then laid where a product wants it
        each = (through_h, *slope, found, by_gate[part], now[part, 2])
        for t, through, by_i, by_f, by_g, by_o, ready, place, f in zip(
            range(part.stop - 1, part.start - 1, -1), *(a[::-1] for a in each), strict=True
        ):
            if t + 1 < steps:
                dh = way_back.at(t + 1)
            if (dy := dys[t]) is not None:
                dh += dy
            np.multiply(dh, through, room)
            np.add(dc, room, dc)
            np.multiply(dc, by_i, by_i)
            np.multiply(dc, by_f, by_f)
            np.multiply(dc, by_g, by_g)
            np.multiply(dh, by_o, by_o)
            np.copyto(place, ready)
            np.multiply(dc, f, dc)
    return dz


def _slopes(h: Array, now: Array, tanh_c: Array, part: slice) -> tuple[Array, Array]:
    """dz by (dc, dc, dc, dh), (4, steps, N, H), and dc by dh, for the steps of `part`.

    σ' = σ - σ², tanh' = 1 - tanh², and h = o tanh c.
    """
    o, i, f, g, c = now[part].swapaxes(0, 1)
    h, tanh_c = h[part.start + 1 : part.stop + 1], tanh_c[part]
    slope = np.empty((4, *o.shape), o.dtype)
    of_i, of_f, of_g, of_o = slope
    np.multiply(i, g, out=of_i)
    np.multiply(of_i, g, out=of_g)
    np.subtract(i, of_g, out=of_g)  # i (1 - g²)
    room = of_i * i
    of_i -= room  # g (i - i²)
    np.multiply(f, c, out=of_f)
    np.multiply(of_f, f, out=room)
    of_f -= room  # c' (f - f²)
    np.multiply(h, o, out=of_o)
    np.subtract(h, of_o, out=of_o)  # tanh c (o - o²)
    np.multiply(h, tanh_c, out=room)
    np.subtract(o, room, out=room)  # o (1 - tanh² c)
    return slope, room
