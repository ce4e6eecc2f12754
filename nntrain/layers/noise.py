"""Noise on what goes in makes a network steadier."""

from __future__ import annotations

import math

import numpy as np

from nntrain.call import Call
from nntrain.families import (
    Array,
    Backward,
    Builder,
    Built,
    Draw,
    Layer,
    NonNegativeFloat,
    Shape,
)
from nntrain.values import dataclass


@dataclass(frozen=True)
class GaussianNoise(Layer):
    """y = x + N(0, stddev²) in training, y = x at inference.   (…) -> (…)

    stddev: the standard deviation of the noise.

    Bishop 1995, *Training with noise is equivalent to Tikhonov regularization*; the same in Keras.
    """

    stddev: NonNegativeFloat

    def build(self, shape: Shape, store: Builder) -> Built:
        draw = store.random("noise")
        width, stddev = math.prod(shape), float(self.stddev)

        def forward(x: Array, call: Call) -> tuple[Array, Backward]:
            if not call.training or stddev == 0.0:
                return x, lambda dy: dy
            own = math.prod(x.shape[1:])  # less where series are cut to the longest of a batch
            noise = normal(draw, call, np.empty((len(x), max(own, width)), x.dtype))
            y = noise[:, :own].reshape(x.shape)
            y *= stddev
            y += x
            return y, lambda dy: dy

        return Built(forward, shape)


def normal(draw: Draw, call: Call, out: Array) -> Array:
    """`out` (rows, width), filled with normal numbers by position: mean 0, deviation 1.

    Two uniform numbers of 32 bits give two normal ones, r cos φ and r sin φ with r = √(-2 ln u)
    and φ = 2π v; Box & Muller 1958, *A note on the generation of random normal deviates*.
    """
    rows, width = out.shape
    half = (width + 1) // 2
    words = draw(call, rows, 4 * half).view(np.uint32)  # (rows, 2 half)
    r = _uniform(words[:, :half], out)
    np.log(r, out=r)
    r *= -2.0
    np.sqrt(r, out=r)
    angle = _uniform(words[:, half:], out)
    angle *= 2.0 * math.pi
    np.multiply(r, np.cos(angle), out=out[:, :half])
    np.multiply(r[:, : width - half], np.sin(angle[:, : width - half]), out=out[:, half:])
    return out


def _uniform(words: Array, like: Array) -> Array:
    """Numbers above 0, up to 1, of the type of `like`."""
    u = words.astype(like.dtype)
    u += 0.5
    u *= 2.0**-32
    return u
