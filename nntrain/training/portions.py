"""Portions: a batch that is computed a few rows at a time, its gradient being the sum."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from nntrain.store import Store


class Portions:
    """Cuts batches into portions of `size` rows, and gathers what their backward passes leave.

    for part in portions(rows):
        ...  # forward and backward of these rows, which set the gradients

    Afterwards the gradients are the sums over all portions.  The next values of running statistics
    are the means, weighted by rows; statistics that a layer takes of its batch are of the portion.
    """

    def __init__(self, store: Store, size: int | None):
        self.store, self.size = store, size
        if size:
            self.grad, self.next = np.empty_like(store.grad), np.empty_like(store.next)

    def __call__(self, rows: int) -> Iterable[slice]:
        """The portions of a batch of `rows` rows, in order."""
        if self.size is None or self.size >= rows:
            return (slice(0, rows),)
        return self._several(rows, self.size)

    def _several(self, rows: int, size: int) -> Iterator[slice]:
        grad, coming = self.store.grad, self.store.next
        self.grad.fill(0.0)
        self.next.fill(0.0)
        for at in range(0, rows, size):
            part = slice(at, min(at + size, rows))
            yield part
            np.add(self.grad, grad, out=self.grad)
            if coming.size:
                self.next += coming * ((part.stop - part.start) / rows)
        np.copyto(grad, self.grad)
        np.copyto(coming, self.next)
