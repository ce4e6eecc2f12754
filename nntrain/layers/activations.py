"""Activations: what makes a network more than one matrix.

Here are those that bend into a range, and those over a row; `rectifiers.py` and `gated.py` have
the others.  `f'` is written with y = f(x) where that saves a pass, so a backward keeps the output,
not the input, wherever it can.
"""

from __future__ import annotations

import numpy as np

from nntrain.arrays import sum_of_each_row
from nntrain.call import Call
from nntrain.families import Activation, Array, Backward, Builder, Built, Shape
from nntrain.values import dataclass


@dataclass(frozen=True)
class Identity(Activation):
    """y = x.

    Keras's `linear`, PyTorch's `Identity`.
    """

    def build(self, shape: Shape, store: Builder) -> Built:
        def forward(x: Array, call: Call) -> tuple[Array, Backward]:
            return x, lambda dy: dy

        return Built(forward, shape)


@dataclass(frozen=True)
class Sigmoid(Activation):
    """y = σ(x) = 1 / (1 + e^-x) = (1 + tanh(x / 2)) / 2;   y' = y (1 - y).

    The second form neither overflows nor needs a case for the sign.

    The same in PyTorch and Keras.
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
    """y = tanh(x);   y' = 1 - y².

    The same in PyTorch and Keras.  LeCun et al. 1998, *Efficient BackProp*, section 4.4.
    """

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
class HardSigmoid(Activation):
    """y = min(max(x + 3, 0), 6) / 6;   y' = 1/6 where -3 < x < 3, else 0.

    PyTorch's and Keras 3's definition.  The older one, min(max(0.2 x + 0.5, 0), 1), is Keras 2's
    (Courbariaux, Bengio, David 2015, arXiv:1511.00363, have 0.5 x + 0.5).
    """

    def build(self, shape: Shape, store: Builder) -> Built:
        def forward(x: Array, call: Call) -> tuple[Array, Backward]:
            y = x + 3.0
            np.clip(y, 0.0, 6.0, out=y)
            y *= 1.0 / 6.0

            def backward(dy: Array) -> Array:
                dx = np.multiply(np.abs(x) < 3.0, 1.0 / 6.0, dtype=dy.dtype)
                dx *= dy
                return dx

            return y, backward

        return Built(forward, shape)


@dataclass(frozen=True)
class Softsign(Activation):
    """y = x / (1 + |x|);   y' = 1 / (1 + |x|)².

    Turian, Bergstra, Bengio 2009; like tanh, with tails that flatten slowly.

    The same in PyTorch and Keras.
    """

    def build(self, shape: Shape, store: Builder) -> Built:
        def forward(x: Array, call: Call) -> tuple[Array, Backward]:
            room = np.abs(x)
            room += 1.0

            def backward(dy: Array) -> Array:
                dx = dy / room
                dx /= room
                return dx

            return x / room, backward

        return Built(forward, shape)


@dataclass(frozen=True)
class Softmax(Activation):
    """yᵢ = e^xᵢ / Σⱼ e^xⱼ over the last axis;   dx = y (dy - Σⱼ yⱼ dyⱼ).

    The largest x of each row is subtracted first, so nothing overflows.

    PyTorch's `Softmax(dim=-1)`; the same in Keras.  Bridle 1990, *Probabilistic interpretation of
    feedforward classification network outputs*.
    """

    def build(self, shape: Shape, store: Builder) -> Built:
        def forward(x: Array, call: Call) -> tuple[Array, Backward]:
            y = x - x.max(axis=-1, keepdims=True)
            np.exp(y, out=y)
            y *= 1.0 / sum_of_each_row(y)

            def backward(dy: Array) -> Array:
                dx: Array = dy - np.vecdot(dy, y)[..., None]
                dx *= y
                return dx

            return y, backward

        return Built(forward, shape)


@dataclass(frozen=True)
class LogSoftmax(Activation):
    """yᵢ = xᵢ - log Σⱼ e^xⱼ over the last axis;   dx = dy - e^y Σⱼ dyⱼ.

    The largest x of each row is subtracted first, so nothing overflows and no logarithm is of 0.

    PyTorch's `LogSoftmax(dim=-1)`; the same in Keras.
    """

    def build(self, shape: Shape, store: Builder) -> Built:
        def forward(x: Array, call: Call) -> tuple[Array, Backward]:
            y = x - x.max(axis=-1, keepdims=True)
            powers = np.exp(y)
            y -= np.log(sum_of_each_row(powers))

            def backward(dy: Array) -> Array:
                dx: Array = np.exp(y)
                dx *= sum_of_each_row(dy)
                np.subtract(dy, dx, out=dx)
                return dx

            return y, backward

        return Built(forward, shape)
