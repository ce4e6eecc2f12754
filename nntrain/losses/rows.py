"""What the losses share: means over the outputs of a row, and softmax."""

from __future__ import annotations

import numpy as np

from nntrain.families import Array

FEW = 16  # classes: of so many, NumPy is several times as fast one after the other


def mean_over_outputs(values: Array, slopes: Array, weights: Array) -> tuple[float, Array]:
    """Σᵢ wᵢ · mean of row i of `values`, and its derivative, made of `slopes` in place.

    Slopes are those of each value, or of each value by a vector.
    """
    rows = len(values)
    outputs = values.size // rows
    value = float(weights @ values.reshape(rows, outputs).sum(axis=1)) / outputs
    flat = slopes.reshape(rows, -1)
    flat *= (weights * (1.0 / outputs))[:, None]
    return value, flat.reshape(slopes.shape)


def softmax(z: Array) -> Array:
    """e^zᵢ / Σⱼ e^zⱼ over the last axis."""
    if z.shape[-1] <= FEW:
        return _of_few(z)
    p: Array = z - z.max(axis=-1, keepdims=True)
    np.exp(p, out=p)
    np.divide(p, p.sum(axis=-1, keepdims=True), out=p)
    return p


def _of_few(z: Array) -> Array:
    p = np.array(z.reshape(-1, z.shape[-1]).T, order="C")
    p -= p.max(axis=0)
    np.exp(p, out=p)
    p /= p.sum(axis=0)
    return np.ascontiguousarray(p.T).reshape(z.shape)
