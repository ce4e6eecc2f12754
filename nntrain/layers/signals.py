"""What layers for images and for signals ask of their input, and rows of different length.

Images are (height, width, channels), signals (steps, channels), without the batch axis.
"""

from __future__ import annotations

import numpy as np

from nntrain.families import Array, Shape
from nntrain.layers.windows import Windows


def image(kind: str, shape: Shape) -> tuple[int, int, int]:
    """(height, width, channels) of what a layer for images gets."""
    if len(shape) != 3:
        message = f"{kind} needs images (height, width, channels), got {shape}"
        raise ValueError(f"{message}; put a `reshape` before it")
    return shape[0], shape[1], shape[2]


def signal(kind: str, shape: Shape) -> tuple[int, int]:
    """(steps, channels) of what a layer for signals gets."""
    if len(shape) != 2:
        message = f"{kind} needs signals (steps, channels), got {shape}"
        raise ValueError(f"{message}; put a `reshape` before it")
    return shape[0], shape[1]


def padding_of(x: Array, lengths: Array) -> Array:
    """(N, T, 1, …) bool: true beyond the length of a row."""
    beyond: Array = np.arange(x.shape[1]) >= lengths[:, None]
    return beyond.reshape(*beyond.shape, *(1 for _ in x.shape[2:]))


def keep_valid(x: Array, lengths: Array | None, value: float = 0.0, least: int = 0) -> Array:
    """`x` (N, T, …) with `value` beyond the length of each row; itself where all are whole.

    least: where rows have lengths, there are at least so many steps in what is returned.
    """
    if lengths is None:
        return x
    n, steps, *rest = x.shape
    kept = np.full((n, max(steps, least), *rest), value, x.dtype)
    np.copyto(kept[:, :steps], x, where=~padding_of(x, lengths))
    return kept


def valid_steps(n: Array, windows: Windows) -> Array:
    """How many windows along the steps lie in rows of these lengths; none in an empty row."""
    extra = windows.before[1] + windows.after[1] - windows.reach[1]
    steps: Array = (n + extra) // windows.stride[1] + 1
    return np.maximum(steps, 0)
