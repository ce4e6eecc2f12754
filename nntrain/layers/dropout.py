"""Dropout: units that are missing now and then make the others robust."""

from __future__ import annotations

import math

import numpy as np

from nntrain.call import Call
from nntrain.families import Array, Backward, Builder, Built, Layer, Rate, Shape
from nntrain.values import dataclass


@dataclass(frozen=True)
class Dropout(Layer):
    """y = x · m / (1 - rate), each m is 0 with probability `rate`, else 1.   (…) -> (…)

    rate: the share of the inputs that is left out.

    At inference y = x.  Srivastava et al. 2014, *Dropout: a simple way to prevent neural networks
    from overfitting*, in the inverted form, as in PyTorch and Keras.  The rate is rounded to a
    multiple of 2^-16, and the scale follows the rounded one, so the expectation is exact.
    """

    rate: Rate

    def build(self, shape: Shape, store: Builder) -> Built:
        threshold, scale = threshold_of(self.rate)
        draw = store.random("mask")
        width = int(np.prod(shape))

        def forward(x: Array, call: Call) -> tuple[Array, Backward]:
            if not call.training or threshold == 0:
                return x, lambda dy: dy
            own = math.prod(
                x.shape[1:]
            )  # less than `width` where series are cut to the longest of a batch
            keep = draw(call, len(x), max(own, width))[:, :own] >= threshold
            mask = np.multiply(keep.reshape(x.shape), scale, dtype=x.dtype)
            return x * mask, lambda dy: dy * mask

        return Built(forward, shape)


def threshold_of(rate: float) -> tuple[int, float]:
    """What a random number of 16 bits must reach to stay, and the factor that makes up for it."""
    threshold = min(round(rate * 65536), 65535)
    return threshold, 65536.0 / (65536 - threshold)
