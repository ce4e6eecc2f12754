"""Upsampling: larger images from small ones, without anything to learn."""

from __future__ import annotations

from typing import Literal

import numpy as np

from nntrain.call import Call
from nntrain.families import Array, Backward, Builder, Built, Layer, PositiveInt, Shape
from nntrain.layers.signals import image
from nntrain.layers.windows import pair
from nntrain.values import dataclass


@dataclass(frozen=True)
class Upsample2d(Layer):
    """An image made larger.   (H, W, C) -> (H · size, W · size, C)

    size: how many times higher and wider, or one number for both.
    interpolation: `nearest` repeats each point; `bilinear` goes in straight lines from one point
        to the next, the points being the middles of squares, as in Keras and as in PyTorch with
        `align_corners=False`.
    """

    size: PositiveInt | tuple[PositiveInt, PositiveInt] = 2
    interpolation: Literal["nearest", "bilinear"] = "nearest"

    def build(self, shape: Shape, store: Builder) -> Built:
        height, width, channels = image(self.kind, shape)
        down, right = pair(self.size)
        out = (height * down, width * right, channels)
        rows, columns = _lines(height, down), _lines(width, right)

        def nearest(x: Array, call: Call) -> tuple[Array, Backward]:
            y = x.repeat(down, axis=1).repeat(right, axis=2)

            def backward(dy: Array) -> Array:
                apart = dy.reshape(len(x), height, down, width, right, channels)
                dx: Array = apart.sum(axis=(2, 4))
                return dx

            return y, backward

        def bilinear(x: Array, call: Call) -> tuple[Array, Backward]:
            a, b = rows.astype(x.dtype), columns.astype(x.dtype)
            return _stretch(x, a, b), lambda dy: _stretch(dy, a.T, b.T)

        return Built(nearest if self.interpolation == "nearest" else bilinear, out)


def _stretch(x: Array, rows: Array, columns: Array) -> Array:
    """rows (H', H) and columns (W', W) times the images x (N, H, W, C)."""
    n, height, width, channels = x.shape
    tall = (rows @ x.reshape(n, height, width * channels)).reshape(-1, width, channels)
    y: Array = columns @ tall
    return y.reshape(n, len(rows), len(columns), channels)


def _lines(n: int, times: int) -> Array:
    """(n · times, n): each new point as shares of the two old ones that it lies between."""
    places = np.clip((np.arange(n * times) + 0.5) / times - 0.5, 0, n - 1)
    shares: Array = np.maximum(0.0, 1.0 - np.abs(places[:, None] - np.arange(n)))
    return shares
