"""Global pooling: each channel becomes one number, so that images and signals become rows."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from nntrain.call import Call
from nntrain.families import Array, Backward, Builder, Built, Layer, Shape
from nntrain.layers.signals import image, keep_valid, signal
from nntrain.values import dataclass

Back = Callable[[Array], Array]
LOWEST = -np.inf


@dataclass(frozen=True)
class GlobalMaxPool2d(Layer):
    """y = the largest x of each channel.   (H, W, C) -> (C,)

    Keras's `GlobalMaxPooling2D`, PyTorch's `AdaptiveMaxPool2d(1)`.
    """

    def build(self, shape: Shape, store: Builder) -> Built:
        channels = image(self.kind, shape)[2]

        def forward(x: Array, call: Call) -> tuple[Array, Backward]:
            y, back = _largest(x.reshape(len(x), -1, channels))
            return y, lambda dy: back(dy).reshape(x.shape)

        return Built(forward, (channels,))


@dataclass(frozen=True)
class GlobalMaxPool1d(Layer):
    """y = the largest x of each channel, over the steps of a row.   (T, C) -> (C,)

    Keras's `GlobalMaxPooling1D`, which knows no masks; PyTorch's `AdaptiveMaxPool1d(1)`, which
    knows no lengths.
    """

    def lengths(self, n: Array) -> None:
        return None

    def build(self, shape: Shape, store: Builder) -> Built:
        channels = signal(self.kind, shape)[1]

        def forward(x: Array, call: Call) -> tuple[Array, Backward]:
            if call.lengths is None:
                return _largest(x)
            y, back = _largest(keep_valid(x, call.lengths, LOWEST))
            filled = call.lengths[:, None] > 0
            np.copyto(y, 0.0, where=~filled)  # a row without steps
            return y, lambda dy: back(dy * filled)

        return Built(forward, (channels,))


@dataclass(frozen=True)
class GlobalAveragePool2d(Layer):
    """y = the mean of each channel.   (H, W, C) -> (C,)

    Lin, Chen, Yan 2013, *Network in network*, arXiv:1312.4400, section 3.2.

    Keras's `GlobalAveragePooling2D`, PyTorch's `AdaptiveAvgPool2d(1)`.
    """

    def build(self, shape: Shape, store: Builder) -> Built:
        height, width, channels = image(self.kind, shape)
        share = 1.0 / (height * width)

        def forward(x: Array, call: Call) -> tuple[Array, Backward]:
            y: Array = x.reshape(len(x), -1, channels).sum(axis=1)
            y *= share

            def backward(dy: Array) -> Array:
                dx = np.empty_like(x)
                dx[...] = (dy * share)[:, None, None]
                return dx

            return y, backward

        return Built(forward, (channels,))


@dataclass(frozen=True)
class GlobalAveragePool1d(Layer):
    """y = the mean of each channel, over the steps of a row.   (T, C) -> (C,)

    Keras's `GlobalAveragePooling1D`; PyTorch's `AdaptiveAvgPool1d(1)`, which knows no lengths.
    """

    def lengths(self, n: Array) -> None:
        return None

    def build(self, shape: Shape, store: Builder) -> Built:
        channels = signal(self.kind, shape)[1]

        def forward(x: Array, call: Call) -> tuple[Array, Backward]:
            lengths = call.lengths
            steps = np.full(len(x), x.shape[1]) if lengths is None else np.maximum(lengths, 1)
            share = (1.0 / steps).astype(x.dtype)[:, None]
            y: Array = keep_valid(x, lengths).sum(axis=1)
            y *= share

            def backward(dy: Array) -> Array:
                dx = np.empty_like(x)
                dx[...] = (dy * share)[:, None]
                return keep_valid(dx, lengths)

            return y, backward

        return Built(forward, (channels,))


def _largest(x: Array) -> tuple[Array, Back]:
    """The largest of each channel of x (N, S, C); the first of several gets the gradient."""
    winner = x.argmax(axis=1)[:, None]
    y = np.take_along_axis(x, winner, axis=1)[:, 0]

    def backward(dy: Array) -> Array:
        dx = np.zeros_like(x)
        np.put_along_axis(dx, winner, dy[:, None], axis=1)
        return dx

    return y, backward
