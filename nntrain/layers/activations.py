"""Activations: what makes a network more than one matrix.

`f'` is written with y = f(x) where that saves a pass, so a backward keeps the output, not the
input, wherever it can.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nntrain.call import Call
from nntrain.families import Activation, Array, Backward, Builder, Built, PositiveFloat, Shape


@dataclass(frozen=True)
class Identity(Activation):
    """y = x."""

    def build(self, shape: Shape, store: Builder) -> Built:
        def forward(x: Array, call: Call) -> tuple[Array, Backward]:
            return x, lambda dy: dy

        return Built(forward, shape)


@dataclass(frozen=True)
class Sigmoid(Activation):
    """y = σ(x) = 1 / (1 + e^-x) = (1 + tanh(x / 2)) / 2;   y' = y (1 - y).

    The second form neither overflows nor needs a case for the sign.
    """

    def build(self, shape: Shape, store: Builder) -> Built:
        def forward(x: Array, call: Call) -> tuple[Array, Backward]:
            y = x * 0.5
            np.tanh(y, out=y)
            y += 1.0
            y *= 0.5

            def backward(dy: Array) -> Array:
                dx = 1.0 - y
                dx *= y
                dx *= dy
                return dx

            return y, backward

        return Built(forward, shape)


@dataclass(frozen=True)
class Tanh(Activation):
    """y = tanh(x);   y' = 1 - y²."""

    def build(self, shape: Shape, store: Builder) -> Built:
        def forward(x: Array, call: Call) -> tuple[Array, Backward]:
            y = np.tanh(x)

            def backward(dy: Array) -> Array:
                dx = y * y
                np.subtract(1.0, dx, out=dx)
                dx *= dy
                return dx

            return y, backward

        return Built(forward, shape)


@dataclass(frozen=True)
class Relu(Activation):
    """y = max(x, 0);   y' = 1 where x > 0, else 0 (also at 0, as PyTorch has it).

    Nair & Hinton 2010, *Rectified linear units improve restricted Boltzmann machines*.
    """

    def build(self, shape: Shape, store: Builder) -> Built:
        def forward(x: Array, call: Call) -> tuple[Array, Backward]:
            y = np.maximum(x, 0.0)

            def backward(dy: Array) -> Array:
                return np.multiply(dy, y > 0.0)

            return y, backward

        return Built(forward, shape)


@dataclass(frozen=True)
class Elu(Activation):
    """y = x where x > 0, else α (e^x - 1);   y' = 1 where x > 0, else y + α.

    Clevert, Unterthiner, Hochreiter 2016, arXiv:1511.07289, eq. 15.
    """

    alpha: PositiveFloat = 1.0

    def build(self, shape: Shape, store: Builder) -> Built:
        alpha = float(self.alpha)

        def forward(x: Array, call: Call) -> tuple[Array, Backward]:
            low = np.minimum(x, 0.0)
            np.expm1(low, out=low)
            low *= alpha  # 0 where x > 0
            y = np.maximum(x, 0.0)
            y += low

            def backward(dy: Array) -> Array:
                slope = low + alpha  # α where x > 0
                slope[y > 0.0] = 1.0
                slope *= dy
                return slope

            return y, backward

        return Built(forward, shape)


@dataclass(frozen=True)
class Softmax(Activation):
    """yᵢ = e^xᵢ / Σⱼ e^xⱼ over the last axis;   dx = y (dy - Σⱼ yⱼ dyⱼ).

    The largest x of each row is subtracted first, so nothing overflows.
    """

    def build(self, shape: Shape, store: Builder) -> Built:
        def forward(x: Array, call: Call) -> tuple[Array, Backward]:
            y = x - x.max(axis=-1, keepdims=True)
            np.exp(y, out=y)
            y /= y.sum(axis=-1, keepdims=True)

            def backward(dy: Array) -> Array:
                dx: Array = dy - (dy * y).sum(axis=-1, keepdims=True)
                dx *= y
                return dx

            return y, backward

        return Built(forward, shape)
