"""Images seen from elsewhere: pixels looked up at other places."""

from __future__ import annotations

import numpy as np

from nntrain.families import Array


def moved(x: Array, down: Array, right: Array) -> Array:
    """Images (N, H, W, C) moved by whole pixels, (N,) each; the edges are repeated."""
    height, width = x.shape[1:3]
    rows = np.clip(np.arange(height) - down[:, None], 0, height - 1)  # (N, H)
    columns = np.clip(np.arange(width) - right[:, None], 0, width - 1)  # (N, W)
    return _pixels(x, rows[:, :, None], columns[:, None, :])


def mapped(x: Array, matrix: Array) -> Array:
    """Images (N, H, W, C) whose pixel at p from the middle is the old one at matrix · p.

    matrix (N, 2, 2), of (down, right).  Between pixels it is bilinear; the edges are repeated.
    """
    height, width = x.shape[1:3]
    down = (np.arange(height) - 0.5 * (height - 1)).astype(x.dtype)[:, None]
    right = (np.arange(width) - 0.5 * (width - 1)).astype(x.dtype)
    a = matrix.astype(x.dtype)[:, :, :, None, None]  # (N, 2, 2, 1, 1)
    rows = a[:, 0, 0] * down + a[:, 0, 1] * right + 0.5 * (height - 1)  # (N, H, W)
    columns = a[:, 1, 0] * down + a[:, 1, 1] * right + 0.5 * (width - 1)
    np.clip(rows, 0, height - 1, out=rows)
    np.clip(columns, 0, width - 1, out=columns)
    top, left = rows.astype(np.int64), columns.astype(np.int64)
    rows -= top
    columns -= left
    bottom, other = np.minimum(top + 1, height - 1), np.minimum(left + 1, width - 1)
    found = _blend(_pixels(x, top, left), _pixels(x, top, other), columns)
    below = _blend(_pixels(x, bottom, left), _pixels(x, bottom, other), columns)
    return _blend(found, below, rows)


def _blend(one: Array, other: Array, share: Array) -> Array:
    """one + share · (other - one), into `one`; share (N, H, W)."""
    other -= one
    other *= share[..., None]
    one += other
    return one


def _pixels(x: Array, rows: Array, columns: Array) -> Array:
    """x[n, rows, columns], (N, H, W, C)."""
    n, height, width, channels = x.shape
    first = np.arange(0, n * height, height)[:, None, None]
    places = (first + rows) * width + columns
    found: Array = x.reshape(-1, channels).take(places, axis=0)
    return found
