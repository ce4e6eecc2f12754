"""Dense: every output sees every input."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import field
from typing import Literal

import numpy as np

from nntrain.arrays import sum_of_rows
from nntrain.call import Call
from nntrain.families import (
    Activation,
    Array,
    Backward,
    Builder,
    Built,
    Initializer,
    Layer,
    PositiveInt,
    Shape,
)
from nntrain.initializers import HeUniform, Zeros
from nntrain.layers.activations import Identity
from nntrain.values import dataclass

Factors = Callable[[Call], Array | None]
"""`factors(call)`: like W, or None where all connections are as they are."""


@dataclass(frozen=True)
class Dense(Layer):
    """y = f(x W + b).   (…, D) -> (…, units);   W (D, units), b (units,).

    units: the width of the output; `auto` on the last layer takes it from the target.
    activation: f; left out, the identity.
    use_bias: false for y = f(x W), as before a layer that shifts by itself.
    kernel_initializer, bias_initializer: the first values of W and of b.

    dW = xᵀ dz,  db = Σ dz,  dx = dz Wᵀ,  with z = x W + b and the sum over the rows.
    The bias is one more row of W, that of an input which is always 1.
    PyTorch's `Linear` keeps W transposed and draws from U(±1/√D); Keras draws from Glorot.

    Rumelhart, Hinton, Williams 1986, *Learning representations by back-propagating errors*.
    """

    units: PositiveInt | Literal["auto"]
    activation: Activation = field(default_factory=Identity)
    kernel_initializer: Initializer = field(default_factory=HeUniform)
    bias_initializer: Initializer = field(default_factory=Zeros)
    use_bias: bool = True

    def build(self, shape: Shape, store: Builder) -> Built:
        if self.units == "auto":
            raise ValueError("`units: auto` is only known once the target is")
        *places, d = shape
        units = self.units
        needs_dx = store.learns
        W, dW = store.weight("W", (d, units), self.kernel_initializer)
        b = db = None
        if self.use_bias:
            b, db = store.weight("b", (units,), self.bias_initializer, decays=False)
        factors_of = self.factors(W, store)
        activate, shape = self.activation.build((*places, units), store)

        def forward(x: Array, call: Call) -> tuple[Array, Backward]:
            factors = factors_of(call)
            V = W if factors is None else W * factors
            # one product for all places: many small ones take up to 6 times as long
            rows = x.reshape(-1, d)
            z = rows @ V
            if b is not None:
                z += b
            y, activation_backward = activate(z.reshape(*x.shape[:-1], units), call)

            def backward(dy: Array) -> Array | None:
                dz: Array = activation_backward(dy)  # type: ignore[assignment]  # W learns
                flat = dz.reshape(-1, units)
                np.matmul(rows.T, flat, out=dW)
                if factors is not None:
                    np.multiply(dW, factors, out=dW)
                if db is not None:
                    sum_of_rows(flat, out=db)
                return (flat @ V.T).reshape(x.shape) if needs_dx else None

            return y, backward

        return Built(forward, shape)

    def factors(self, W: Array, store: Builder) -> Factors:
        """What every connection is multiplied by: here nothing, see `drop_connect`."""
        return lambda call: None
