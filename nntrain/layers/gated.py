"""Gated activations: y = x · g(x), an input that is its own gate; smooth, and not monotonic."""

from __future__ import annotations

import math

import numpy as np

from nntrain.call import Call
from nntrain.families import Activation, Array, Backward, Builder, Built, Shape
from nntrain.layers.erf import erfcx
from nntrain.values import dataclass


@dataclass(frozen=True)
class Silu(Activation):
    """y = x σ(x);   y' = σ(x) + y (1 - σ(x)).   Also called swish.

    Elfwing, Uchibe, Doya 2018, arXiv:1702.03118; Ramachandran, Zoph, Le 2017, arXiv:1710.05941.

    PyTorch's `SiLU`; Keras's `silu`, also called `swish` there.
    """

    def build(self, shape: Shape, store: Builder) -> Built:
        def forward(x: Array, call: Call) -> tuple[Array, Backward]:
            gate = x * 0.5  # σ(x) = (1 + tanh(x / 2)) / 2
            np.tanh(gate, out=gate)
            gate += 1.0
            gate *= 0.5
            y = x * gate

            def backward(dy: Array) -> Array:
                dx = 1.0 - gate
                dx *= y
                dx += gate
                dx *= dy
                return dx

            return y, backward

        return Built(forward, shape)


@dataclass(frozen=True)
class Mish(Activation):
    """y = x tanh(log(1 + e^x)).   Misra 2019, arXiv:1908.08681.

    With e = e^x and n = e (e + 2), tanh(log(1 + e)) = n / (n + 2), one exponential in all;
    y' = n / (n + 2) + 4 x e (1 + e) / (n + 2)².  Above x = 30 the gate is 1 to the last digit.

    The same in PyTorch and Keras.
    """

    def build(self, shape: Shape, store: Builder) -> Built:
        def forward(x: Array, call: Call) -> tuple[Array, Backward]:
            e = np.clip(
                x, -np.inf, 30.0
            )  # `np.minimum` takes up to four times as long with a number
            np.exp(e, out=e)
            n = e + 2.0
            n *= e
            gate = n + 2.0
            np.divide(n, gate, out=gate)

            def backward(dy: Array) -> Array:
                below = n + 2.0
                dx = e + 1.0
                dx *= e
                dx *= 4.0
                dx /= below
                dx /= below
                dx *= x
                dx += gate
                dx *= dy
                return dx

            return x * gate, backward

        return Built(forward, shape)


@dataclass(frozen=True)
class Gelu(Activation):
    """y = x Φ(x), with Φ the distribution of N(0, 1);   y' = Φ(x) + x φ(x).

    approximate: true for y = x (1 + tanh(√(2/π) (x + 0.044715 x³))) / 2, which GPT-2 was trained
        with; it differs by up to 0.0005.

    Hendrycks & Gimpel 2016, arXiv:1606.08415, section 2.

    The same in PyTorch (`approximate="tanh"`) and Keras (`approximate=True`).
    """

    approximate: bool = False

    def build(self, shape: Shape, store: Builder) -> Built:
        return Built(_tanh_gelu if self.approximate else _exact_gelu, shape)


def _exact_gelu(x: Array, call: Call) -> tuple[Array, Backward]:
    bell = np.square(x)
    bell *= -0.5
    np.exp(bell, out=bell)  # e^(-x²/2) = √(2π) φ(x)
    z = np.abs(x)
    z *= math.sqrt(0.5)
    gate = erfcx(z)
    gate *= bell
    gate *= 0.5  # 1 - Φ(|x|)
    gate -= x > 0.0
    np.abs(gate, out=gate)  # Φ(x)

    def backward(dy: Array) -> Array:
        dx = bell * x
        dx *= 1.0 / math.sqrt(2.0 * math.pi)
        dx += gate
        dx *= dy
        return dx

    return x * gate, backward


def _tanh_gelu(x: Array, call: Call) -> tuple[Array, Backward]:
    scale = math.sqrt(2.0 / math.pi)
    square = np.square(x)
    gate = square * (0.044715 * scale)
    gate += scale
    gate *= x
    np.tanh(gate, out=gate)
    gate += 1.0
    gate *= 0.5

    def backward(dy: Array) -> Array:
        slope = square * (6.0 * 0.044715 * scale)  # twice that of what tanh is taken of
        slope += 2.0 * scale
        slope *= x
        slope *= gate
        slope *= 1.0 - gate
        slope += gate
        slope *= dy
        return slope

    return x * gate, backward
