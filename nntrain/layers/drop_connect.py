"""DropConnect: connections that are missing now and then, where dropout leaves out units."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from nntrain.arrays import sum_of_rows
from nntrain.call import Call
from nntrain.families import Array, Backward, Builder, Built, Rate, Shape
from nntrain.layers.dense import Dense
from nntrain.layers.dropout import threshold_of


@dataclass(frozen=True)
class DropConnect(Dense):
    """y = f(x (W ∘ M) / (1 - rate) + b).   (…, D) -> (…, units);   W, M (D, units), b (units,).

    A `dense` layer whose connections are left out at random in training: each number of M is 0
    with probability `rate`, else 1.  At inference y = f(x W + b).

    units: the width of the output; `auto` on the last layer takes it from the target.
    activation: f; left out, the identity.
    kernel_initializer, bias_initializer: the first values of W and of b.
    use_bias: false for y = f(x (W ∘ M) / (1 - rate)).
    rate: the share of the connections that is left out; it is rounded as in `dropout`.

    Wan et al. 2013, *Regularization of neural networks using DropConnect*, section 3.  One M
    serves all rows of a step, where the paper draws one for each row, and inference uses the mean
    of W ∘ M, where the paper draws from a normal approximation.

    Neither PyTorch nor Keras has such a layer.
    """

    rate: Rate = field(kw_only=True)

    def build(self, shape: Shape, store: Builder) -> Built:
        if self.units == "auto":
            raise ValueError("`units: auto` is only known once the target is")
        *places, d = shape
        units = self.units
        threshold, scale = threshold_of(self.rate)
        needs_dx = store.learns
        W, dW = store.weight("W", (d, units), self.kernel_initializer)
        b = db = None
        if self.use_bias:
            b, db = store.weight("b", (units,), self.bias_initializer, decays=False)
        draw = store.random("mask")
        activate, shape = self.activation.build((*places, units), store)

        def forward(x: Array, call: Call) -> tuple[Array, Backward]:
            dropping = call.training and threshold > 0
            if dropping:
                # row=0: parts of a batch share one mask
                keep = draw(replace(call, row=0), d, units) >= threshold
                mask = np.multiply(keep, scale, dtype=x.dtype)
                V = W * mask
            else:
                V = W
            rows = x.reshape(-1, d)
            z = rows @ V
            if b is not None:
                z += b
            y, activation_backward = activate(z.reshape(*x.shape[:-1], units), call)

            def backward(dy: Array) -> Array | None:
                dz: Array = activation_backward(dy)  # type: ignore[assignment]  # W learns
                flat = dz.reshape(-1, units)
                np.matmul(rows.T, flat, out=dW)
                if dropping:
                    np.multiply(dW, mask, out=dW)
                if db is not None:
                    sum_of_rows(flat, out=db)
                return (flat @ V.T).reshape(x.shape) if needs_dx else None

            return y, backward

        return Built(forward, shape)
