"""Mini-batches: rows gathered in the order of an epoch."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from nntrain.families import Array
from nntrain.rng import permutation

CHUNK_BYTES = 1 << 19  # gathered at once: little enough for the cache, enough to pay for the call


def order(n: int, seed: int, epoch: int) -> Array:
    """The order of the training rows in an epoch, (n,) int64."""
    return permutation(n, seed, "shuffle", epoch)


class Batch(NamedTuple):
    """Rows of one step: x (n, …), target (n, …), and where rows have their own, lengths (n,) and
    weights (n,)."""

    x: Array
    target: Array
    lengths: Array | None
    weights: Array | None = None

    @property
    def total(self) -> float:
        """How much the rows count together."""
        return len(self.x) if self.weights is None else float(self.weights.sum())


def batches(
    x: Array,
    target: Array,
    rows: Array,
    size: int,
    first: int = 0,
    lengths: Array | None = None,
    weights: Array | None = None,
) -> Iterator[Batch]:
    """Batches of `size` rows (the last one has what is left), from batch number `first` on.

    x (N, …) and target (N, …) are C-contiguous, rows (n,) says which of their rows in what order.
    Where rows have `lengths` (N,), a batch is as long as its longest row.
    What is yielded is only valid until the next batch is asked for: buffers are used again.
    """
    size = min(size, max(1, len(rows)))
    each = x[:1].nbytes + (0 if target is x else target[:1].nbytes)
    chunk = size * max(1, CHUNK_BYTES // max(1, size * each))
    chunk = min(chunk, math.ceil(len(rows) / size) * size)
    x_buffer = np.empty((chunk, *x.shape[1:]), dtype=x.dtype)
    t_buffer = x_buffer if target is x else np.empty((chunk, *target.shape[1:]), target.dtype)
    for start in range(first * size, len(rows), max(chunk, 1)):
        some = rows[start : start + chunk]
        x.take(some, axis=0, out=x_buffer[: len(some)], mode="clip")
        if target is not x:
            target.take(some, axis=0, out=t_buffer[: len(some)], mode="clip")
        for at in range(0, len(some), size):
            end = min(at + size, len(some))
            own = None if lengths is None else lengths[some[at:end]]
            count = None if weights is None else weights[some[at:end]]
            yield Batch(trimmed(x_buffer[at:end], own), t_buffer[at:end], own, count)


def trimmed(x: Array, lengths: Array | None) -> Array:
    """x (n, T, …) without the steps that are padding in every row."""
    if lengths is None or lengths.max() == x.shape[1]:
        return x
    return np.ascontiguousarray(x[:, : lengths.max()])
