"""DropConnect: connections that are missing now and then, where dropout leaves out units."""

from __future__ import annotations

from dataclasses import field, replace

import numpy as np

from nntrain.call import Call
from nntrain.families import Array, Builder, Rate
from nntrain.layers.dense import Dense, Factors
from nntrain.layers.dropout import threshold_of
from nntrain.values import dataclass


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

    def factors(self, W: Array, store: Builder) -> Factors:
        threshold, scale = threshold_of(self.rate)
        draw = store.random("mask")

        def mask(call: Call) -> Array | None:
            if not call.training or threshold == 0:
                return None
            keep = draw(replace(call, row=0), *W.shape) >= threshold  # portions share one mask
            dropped: Array = np.multiply(keep, scale, dtype=W.dtype)
            return dropped

        return mask
