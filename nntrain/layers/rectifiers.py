"""Rectifiers: relu, which lets the positive half through, and those that treat the other gently."""

from __future__ import annotations

import numpy as np

from nntrain.call import Call
from nntrain.families import Activation, Array, Backward, Builder, Built, PositiveFloat, Rate, Shape
from nntrain.initializers import Constant
from nntrain.values import dataclass


@dataclass(frozen=True)
class Relu(Activation):
    """y = max(x, 0);   y' = 1 where x > 0, else 0 (also at 0, as PyTorch has it).

    Nair & Hinton 2010, *Rectified linear units improve restricted Boltzmann machines*.
    """

    def build(self, shape: Shape, store: Builder) -> Built:
        def forward(x: Array, call: Call) -> tuple[Array, Backward]:
            y = _positive(x)

            def backward(dy: Array) -> Array:
                return np.multiply(dy, y > 0.0)

            return y, backward

        return Built(forward, shape)


@dataclass(frozen=True)
class Elu(Activation):
    """y = x where x > 0, else α (e^x - 1);   y' = 1 where x > 0, else y + α.

    alpha: α; y does not go below -α.

    Clevert, Unterthiner, Hochreiter 2016, arXiv:1511.07289, eq. 15.

    The same in PyTorch and Keras.
    """

    alpha: PositiveFloat = 1.0

    def build(self, shape: Shape, store: Builder) -> Built:
        alpha = float(self.alpha)

        def forward(x: Array, call: Call) -> tuple[Array, Backward]:
            low = _negative(x)
            np.expm1(low, out=low)
            low *= alpha  # 0 where x > 0
            y = _positive(x)
            y += low

            def backward(dy: Array) -> Array:
                slope = low + alpha  # α where x > 0
                if alpha != 1.0:
                    slope += np.multiply(y > 0.0, 1.0 - alpha, dtype=dy.dtype)
                slope *= dy
                return slope

            return y, backward

        return Built(forward, shape)


@dataclass(frozen=True)
class LeakyRelu(Activation):
    """y = x where x > 0, else negative_slope · x.

    negative_slope: the slope below 0, PyTorch's name and value; Keras has 0.3.

    Maas, Hannun, Ng 2013, *Rectifier nonlinearities improve neural network acoustic models*.
    """

    negative_slope: Rate = 0.01

    def build(self, shape: Shape, store: Builder) -> Built:
        slope = float(self.negative_slope)

        def forward(x: Array, call: Call) -> tuple[Array, Backward]:
            y = x * slope
            np.maximum(y, x, out=y)

            def backward(dy: Array) -> Array:
                dx = np.multiply(y > 0.0, 1.0 - slope, dtype=dy.dtype)
                dx += slope
                dx *= dy
                return dx

            return y, backward

        return Built(forward, shape)


@dataclass(frozen=True)
class Prelu(Activation):
    """y = x where x > 0, else α x, with an α to learn for each channel (the last axis).

    dα = Σ dy min(x, 0) over all but the channels.  α begins with 0.25 and does not decay.

    He et al. 2015, arXiv:1502.01852, eq. 1.  PyTorch's `PReLU(channels)`, whose channels are
    axis 1; Keras begins with 0 and has an α for every place, unless axes are shared.
    """

    def build(self, shape: Shape, store: Builder) -> Built:
        channels = shape[-1] if shape else 1
        needs_dx = store.learns
        alpha, d_alpha = store.weight("alpha", (channels,), Constant(0.25), decays=False)

        def forward(x: Array, call: Call) -> tuple[Array, Backward]:
            low = _negative(x)
            y = low * alpha
            y += _positive(x)

            def backward(dy: Array) -> Array | None:
                np.einsum("nc,nc->c", dy.reshape(-1, channels), low.reshape(-1, channels),
                          out=d_alpha)  # fmt: skip
                if not needs_dx:
                    return None
                dx = (x > 0.0) * (1.0 - alpha)
                dx += alpha
                dx *= dy
                return dx

            return y, backward

        return Built(forward, shape)


@dataclass(frozen=True)
class Selu(Activation):
    """y = λ x where x > 0, else λ α (e^x - 1), with λ = 1.0507…, α = 1.6733….

    The constants make mean 0 and variance 1 a fixed point from layer to layer, given
    `lecun_normal` weights.  Klambauer, Unterthiner, Mayr, Hochreiter 2017, arXiv:1706.02515,
    eq. 2.

    The same in PyTorch and Keras.
    """

    def build(self, shape: Shape, store: Builder) -> Built:
        def forward(x: Array, call: Call) -> tuple[Array, Backward]:
            low = _negative(x)
            np.expm1(low, out=low)
            low *= SELU_SCALE * SELU_ALPHA  # 0 where x > 0
            y = _positive(x)
            y *= SELU_SCALE
            y += low

            def backward(dy: Array) -> Array:
                dx = low + SELU_SCALE * SELU_ALPHA  # λα where x > 0
                dx += np.multiply(y > 0.0, SELU_SCALE - SELU_SCALE * SELU_ALPHA, dtype=dy.dtype)
                dx *= dy
                return dx

            return y, backward

        return Built(forward, shape)


SELU_ALPHA = 1.6732632423543772848170429916717
SELU_SCALE = 1.0507009873554804934193349852946


@dataclass(frozen=True)
class Softplus(Activation):
    """y = log(1 + e^x) = max(x, 0) + log(1 + e^-|x|);   y' = σ(x).

    A relu without a kink.  The second form never overflows.  Dugas et al. 2001, *Incorporating
    second-order functional knowledge for better option pricing*.

    The same in Keras; PyTorch goes on as y = x above x = 20.
    """

    def build(self, shape: Shape, store: Builder) -> Built:
        def forward(x: Array, call: Call) -> tuple[Array, Backward]:
            tail = np.abs(x)
            np.negative(tail, out=tail)
            np.exp(tail, out=tail)
            np.log1p(tail, out=tail)
            y = _positive(x)
            y += tail

            def backward(dy: Array) -> Array:
                dx = np.negative(y)  # σ(x) = 1 - e^-y
                np.expm1(dx, out=dx)
                np.negative(dx, out=dx)
                dx *= dy
                return dx

            return y, backward

        return Built(forward, shape)


def _positive(x: Array) -> Array:
    """max(x, 0): `np.maximum` takes up to four times as long with a number."""
    return np.clip(x, 0.0, np.inf)


def _negative(x: Array) -> Array:
    """min(x, 0)."""
    return np.clip(x, -np.inf, 0.0)
