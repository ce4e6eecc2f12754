"""Windows: rows that are steps in time, cut so that a number of them tells what comes next."""

from __future__ import annotations

import numpy as np

from nntrain.data.settings import Window
from nntrain.families import Array


def beginnings(rows: int, window: Window) -> Array:
    """The first row of each window whose target is one of `rows` rows, (M,) int64."""
    return np.arange(0, rows - window.length - window.horizon + 1, window.stride)


def all_beginnings(rows: int, window: Window) -> Array:
    """The same of all windows, also those whose target is yet to come; the newest always is one."""
    newest = rows - window.length
    every = np.arange(0, newest + 1, window.stride)
    return every if not len(every) or every[-1] == newest else np.append(every, newest)


def target_rows(first: Array, window: Window) -> Array:
    """The row that each window foretells, (M,)."""
    return first + (window.length - 1 + window.horizon)


def cut(x: Array, first: Array, window: Window) -> Array:
    """The windows that begin at these rows: x (N, …) -> (M, length, …)."""
    return x[first[:, None] + np.arange(window.length)]
