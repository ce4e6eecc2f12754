"""Statistics of a column: the bits that NumPy gives, in memory that does not grow with the rows."""

from __future__ import annotations

import math

import numpy as np

from nntrain.families import Array
from nntrain.room import each, empty, gather, is_large, numbered, stretches


def where(mask: Array, values: Array) -> Array:
    """values[mask] of values (N,); themselves where that is all of them."""
    return values if mask.all() else gather(values, numbered(mask))


def filled(values: Array, fill: float) -> Array:
    """The values (N,) with `fill` for NaN."""
    if not np.isnan(values).any():
        return values
    return each(lambda some: np.where(np.isnan(some), fill, some), values)


def deviation(values: Array) -> float:
    """The standard deviation of values (N,), as values.std() has it."""
    if not is_large(values.nbytes):
        return float(values.std())
    mean, squares = values.mean(), empty(values.shape)
    for some in stretches(len(values)):
        np.subtract(values[some], mean, out=squares[some])
        np.square(squares[some], out=squares[some])
    return math.sqrt(float(squares.sum()) / len(values))


def median(values: Array) -> float:
    """The median of values (N,), as numpy.median has it, which loads masked arrays for it."""
    some, middle = _copy(values), len(values) // 2
    some.partition([max(middle - 1, 0), middle, len(some) - 1])
    if np.isnan(some[-1]):
        return math.nan
    lower, upper = float(some[max(middle - 1, 0)]), float(some[middle])
    return upper if len(some) % 2 else (lower + upper) / 2


def _copy(values: Array) -> Array:
    out = empty(values.shape)
    for some in stretches(len(values)):
        out[some] = values[some]
    return out
