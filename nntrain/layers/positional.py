"""PositionalEncoding: tells attention where a step stands."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nntrain.call import Call
from nntrain.families import Array, Backward, Builder, Built, Layer, Shape


@dataclass(frozen=True)
class PositionalEncoding(Layer):
    """y[t] = x[t] + p[t].   (T, D) -> (T, D)

    p[t, 2i] = sin(t / 10000^(2i/D)) and p[t, 2i+1] = cos(t / 10000^(2i/D)), counted from 0.
    Vaswani et al. 2017, arXiv:1706.03762, section 3.5; of any length, nothing is learned.  PyTorch
    and Keras have no such layer.
    """

    def build(self, shape: Shape, store: Builder) -> Built:
        if len(shape) != 2:
            raise ValueError(f"expected sequences of shape (steps, features), got {shape}")
        width = shape[1]
        known = np.empty((0, width))

        def forward(x: Array, call: Call) -> tuple[Array, Backward]:
            nonlocal known
            steps = x.shape[1]
            if len(known) < steps or known.dtype != x.dtype:
                known = _encoding(steps, width).astype(x.dtype)
            return x + known[:steps], lambda dy: dy

        return Built(forward, shape)


def _encoding(steps: int, width: int) -> Array:
    """p (steps, width), float64."""
    pairs = np.arange(width) // 2
    angles = np.arange(steps)[:, None] / 10_000.0 ** (2.0 * pairs / width)
    return np.where(np.arange(width) % 2 == 0, np.sin(angles), np.cos(angles))
