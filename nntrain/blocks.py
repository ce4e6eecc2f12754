"""Blocks: long vectors, a stretch at a time that stays in a core's cache."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from nntrain.arrays import Array

BLOCK = 32_768  # numbers: even, and what one optimizer touches of them fits in the cache
FLUSH_EVERY = 64  # steps
TINY = 1e-30


def blocks(stretch: slice) -> list[slice]:
    """The parts of a stretch of a vector, each at most one block long."""
    starts = range(stretch.start, stretch.stop, BLOCK)
    return [slice(at, min(at + BLOCK, stretch.stop)) for at in starts]


def blocks_of(vector: Array) -> list[slice]:
    """The same for a whole vector."""
    return blocks(slice(0, len(vector)))


def flush_subnormals(slots: Sequence[Array], size: Array, kept: Array) -> None:
    """Zero what decays towards numbers that processors handle dozens of times slower."""
    for slot in slots:
        np.abs(slot, out=size)
        np.greater_equal(size, TINY, out=kept)
        np.copyto(size, kept)  # 0 or 1; multiplying by booleans would allocate a buffer
        np.multiply(slot, size, out=slot)
