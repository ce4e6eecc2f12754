"""Transforms: numbers bent before they are scaled, and the way back."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from nntrain.data.table import Table
from nntrain.families import Array
from nntrain.room import each
from nntrain.wording import quoted

Function = Callable[[Array], Array]
HIGHEST = 709.0  # e^709 is a finite number of 64 bits, e^710 is none


class Transform(NamedTuple):
    """u = forward(v) for v above `low` (or at it, where `closed`), and v = inverse(u).

    The inverse of a prediction below all that `forward` gives is `low`.
    """

    forward: Function
    inverse: Function
    low: float = -np.inf
    closed: bool = True


def _same(v: Array) -> Array:
    return v


def _exp(u: Array) -> Array:
    return np.exp(np.minimum(u, HIGHEST))


def _expm1(u: Array) -> Array:
    return np.expm1(np.minimum(u, HIGHEST))


def _square(u: Array) -> Array:
    return np.square(np.maximum(u, 0.0))


TRANSFORMS = {
    "none": Transform(_same, _same),
    "log": Transform(np.log, _exp, 0.0, closed=False),
    "log1p": Transform(np.log1p, _expm1, -1.0, closed=False),
    "sqrt": Transform(np.sqrt, _square, 0.0),
}


def transformed(values: Array, how: str, name: str, table: Table) -> Array:
    """The values (N, …) of a column bent, NaN where they are; what can not be is an error."""
    forward, _, low, closed = TRANSFORMS[how]
    bad = values < low if closed else values <= low
    if bad.any():
        row = int(bad.reshape(len(values), -1).any(axis=1).argmax())
        value = values[row][bad[row]].flat[0] if values.ndim > 1 else values[row]
        raise table.error(
            f"column {quoted(name)}: {table.place(row)} has {value:g}, of which there is no {how}",
            row,
            f"`transform: {how}` takes numbers {'of' if closed else 'above'} {low:g}"
            + (" or more" if closed else ""),
        )
    return values if how == "none" else each(forward, values)
