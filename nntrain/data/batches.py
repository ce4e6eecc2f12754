"""Mini-batches: rows gathered in the order of an epoch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from nntrain.families import Array
from nntrain.rng import permutation

CHUNK_BYTES = 1 << 19  # gathered at once: little enough for the cache, enough to pay for the call
MOST_VIEWS = 256  # batches that are gathered at once, at most


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


class Batches:
    """Batches of `size` rows of a part, epoch after epoch, in buffers that are made once.

    x (N, …) and target (N, …) are C-contiguous; lengths and weights (N,) where rows have them.
    Where they have lengths, a batch is as long as its longest row.

    Many batches are gathered by one call, and each is a view that has been there before: to make
    its views anew takes as long as a tenth of a small step.
    """

    def __init__(
        self,
        x: Array,
        target: Array,
        size: int,
        lengths: Array | None = None,
        weights: Array | None = None,
    ):
        self.size = min(size, max(1, len(x)))
        each = x[:1].nbytes + (0 if target is x else target[:1].nbytes)
        views = min(MOST_VIEWS, -(-len(x) // self.size), CHUNK_BYTES // max(1, self.size * each))
        self.chunk = self.size * max(1, views)
        self.wholes = [x, target, lengths, weights]
        self.buffers = [_room(whole, self.chunk) for whole in self.wholes]
        if target is x:  # is gathered once
            self.wholes[1], self.buffers[1] = None, self.buffers[0]
        self.views = [self._view(at, at + self.size) for at in range(0, self.chunk, self.size)]

    def _view(self, first: int, end: int) -> Batch:
        return Batch._make(None if room is None else room[first:end] for room in self.buffers)

    def __call__(self, rows: Array, first: int = 0) -> Iterator[Batch]:
        """From batch number `first` on, of the rows (n,) in this order; the last one has what is
        left.  What is yielded is only valid until the next batch is asked for."""
        for start in range(first * self.size, len(rows), self.chunk):
            some = rows[start : start + self.chunk]
            self._gather(some)
            full = len(some) // self.size
            found = self.views[:full]
            if full * self.size < len(some):
                found.append(self._view(full * self.size, len(some)))
            yield from found if self.wholes[2] is None else map(_trimmed, found)

    def _gather(self, rows: Array) -> None:
        for whole, room in zip(self.wholes, self.buffers, strict=True):
            if whole is not None and room is not None:
                whole.take(rows, axis=0, out=room[: len(rows)], mode="clip")


def _room(whole: Array | None, rows: int) -> Array | None:
    return None if whole is None else np.empty((rows, *whole.shape[1:]), whole.dtype)


def _trimmed(batch: Batch) -> Batch:
    return batch._replace(x=trimmed(batch.x, batch.lengths))


def batches(
    x: Array,
    target: Array,
    rows: Array,
    size: int,
    first: int = 0,
    lengths: Array | None = None,
    weights: Array | None = None,
) -> Iterator[Batch]:
    """Those of one epoch, as `Batches` has them."""
    return Batches(x, target, size, lengths, weights)(rows, first)


def trimmed(x: Array, lengths: Array | None) -> Array:
    """x (n, T, …) without the steps that are padding in every row."""
    if lengths is None or lengths.max() == x.shape[1]:
        return x
    return np.ascontiguousarray(x[:, : lengths.max()])
