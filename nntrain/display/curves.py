"""Curves: a few numbers as a small picture of letters, braille where the terminal has it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

import numpy as np

from nntrain.families import Array

DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))  # of a braille letter, by row
LEVELS = "_.-'"  # by thirds of a letter's height, where there is no braille
FIRST_SPAN = 8  # epochs that a curve has room for at first


def span(epochs: int, most: int) -> int:
    """Epochs that the width stands for: it doubles now and then, so that curves keep still."""
    room = FIRST_SPAN
    while room < epochs:
        room *= 2
    return max(1, min(room, most))


def scale(curves: Iterable[Sequence[float]]) -> tuple[float, float]:
    """The lowest and the highest of the numbers that are finite; 0 and 0 if none is."""
    found = [value for curve in curves for value in curve if math.isfinite(value)]
    return (min(found), max(found)) if found else (0.0, 0.0)


def curve(
    values: Sequence[float], ends: tuple[float, float], epochs: int, width: int, height: int,
    *, braille: bool = True,
) -> list[str]:  # fmt: skip
    """Lines of `width` letters, from the highest of `ends` down to the lowest.

    epochs: what the width stands for.  The scale is logarithmic where all is above 0.
    """
    across, down = (2, 4) if braille else (1, len(LEVELS) - 1)
    rows = _heights(_resampled(values, epochs, width * across), ends, height * down)
    dots = list(_joined(rows))
    return _in_braille(dots, width, height) if braille else _in_ascii(dots, width, height)


def _resampled(values: Sequence[float], epochs: int, places: int) -> Array:
    """A number for each place that the epochs so far reach; means where places are few."""
    each = -(-epochs // places)
    numbers = np.asarray(values, dtype=float)
    starts = np.arange(0, len(numbers), each)
    sizes = np.diff(np.append(starts, len(numbers)))
    means = np.add.reduceat(numbers, starts) / sizes if len(numbers) else numbers
    last = max(1, -(-epochs // each) - 1)
    known = np.round(np.arange(len(means)) * ((places - 1) / last))  # each has a place of its own
    return np.interp(np.arange(known[-1] + 1), known, means) if len(means) else numbers


def _heights(values: Array, ends: tuple[float, float], rows: int) -> list[int | None]:
    """The row of each number, 0 the highest; None where it is no number."""
    low, high = (math.log(end) for end in ends) if ends[0] > 0 else ends
    with np.errstate(all="ignore"):
        numbers = np.log(values) if ends[0] > 0 else values
        places = (high - numbers) / ((high - low) or 1.0) * (rows - 1)
    return [round(p) if math.isfinite(p) else None for p in places.tolist()]


def _joined(rows: Sequence[int | None]) -> Iterator[range]:
    """The rows to mark at each place: its own, and what lies between it and the one before."""
    if rows:
        yield range(rows[0], rows[0] + 1) if rows[0] is not None else range(0)
    for before, row in pairwise(rows):
        if row is None:
            yield range(0)
        elif before is None or abs(row - before) <= 1:
            yield range(row, row + 1)
        else:
            yield range(before + 1, row + 1) if row > before else range(row, before)


def _in_braille(dots: Sequence[range], width: int, height: int) -> list[str]:
    letters = [[0] * width for _ in range(height)]
    for place, rows in enumerate(dots):
        for row in rows:
            letters[row // 4][place // 2] |= DOTS[row % 4][place % 2]
    return ["".join(chr(0x2800 + dot) if dot else " " for dot in line) for line in letters]


def _in_ascii(dots: Sequence[range], width: int, height: int) -> list[str]:
    """One mark a place, the highest of its rows."""
    letters = [[" "] * width for _ in range(height)]
    levels = len(LEVELS) - 1
    for place, rows in enumerate(dots):
        for row in reversed(rows):
            letters[row // levels][place] = LEVELS[levels - row % levels]
    return ["".join(line) for line in letters]
