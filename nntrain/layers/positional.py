"""PositionalEncoding: tells attention where a step stands."""

from __future__ import annotations

import numpy as np

from nntrain.call import Call
from nntrain.families import Array, Backward, Builder, Built, Forward, Layer, Shape
from nntrain.initializers import Zeros
from nntrain.values import dataclass


@dataclass(frozen=True)
class PositionalEncoding(Layer):
    """y[t] = x[t] + p[t].   (T, D) -> (T, D)

    p[t, 2i] = sin(t / 10000^(2i/D)) and p[t, 2i+1] = cos(t / 10000^(2i/D)), counted from 0.
    Vaswani et al. 2017, arXiv:1706.03762, section 3.5; of any length, nothing is learned.  PyTorch
    and Keras have no such layer.

    learned: p (T, D) are weights that begin with 0, for as many steps as the training data have;
        later steps get the p of the last one.  Gehring et al. 2017, arXiv:1705.03122.
    """

    learned: bool = False

    def build(self, shape: Shape, store: Builder) -> Built:
        if len(shape) != 2:
            raise ValueError(f"expected sequences of shape (steps, features), got {shape}")
        return Built(_learned(shape, store) if self.learned else _waves(shape[1]), shape)


def _waves(width: int) -> Forward:
    known = np.empty((0, width))

    def forward(x: Array, call: Call) -> tuple[Array, Backward]:
        nonlocal known
        steps = x.shape[1]
        if len(known) < steps or known.dtype != x.dtype:
            known = _encoding(steps, width).astype(x.dtype)
        return x + known[:steps], lambda dy: dy

    return forward


def _encoding(steps: int, width: int) -> Array:
    """p (steps, width), float64."""
    pairs = np.arange(width) // 2
    angles = np.arange(steps)[:, None] / 10_000.0 ** (2.0 * pairs / width)
    return np.where(np.arange(width) % 2 == 0, np.sin(angles), np.cos(angles))


def _learned(shape: Shape, store: Builder) -> Forward:
    needs_dx = store.learns
    p, dp = store.weight("p", shape, Zeros(), decays=False)
    known = shape[0]

    def forward(x: Array, call: Call) -> tuple[Array, Backward]:
        steps = x.shape[1]
        places = np.minimum(np.arange(steps), known - 1)

        def backward(dy: Array) -> Array | None:
            if call.lengths is None:
                total = dy.sum(axis=0)
            else:
                real = np.arange(steps) < call.lengths[:, None]
                total = dy.sum(axis=0, where=real[..., None])
            dp.fill(0.0)
            dp[:steps] = total[:known]
            dp[-1] += total[known:].sum(axis=0)
            return dy if needs_dx else None

        return x + p.take(places, axis=0), backward

    return forward
