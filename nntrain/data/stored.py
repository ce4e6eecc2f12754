"""Columns that lie in files, and are read when they are asked for."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from nntrain.families import Array
from nntrain.room import Rows, gather, stretches

TEXT = np.dtypes.StringDType()  # 16 bytes a cell up to 15 bytes of text; a Python str takes 60


class Texts:
    """A column of text: each block of rows has a list of its different cells, and their numbers.

    codes: (N,) int32, which of the cells of its block each row has.
    starts: (B,) the first row of each block.
    places: (B, 2) where the cells of each block stand in `content`, as JSON: first byte and last.
    """

    def __init__(self, codes: Array, starts: Array, places: Array, content: Array):
        self.codes, self.starts, self.places, self.content = codes, starts, places, content
        self.cells: Callable[[int], Array] = lru_cache(maxsize=4)(self._cells)

    def __len__(self) -> int:
        return len(self.codes)

    def _cells(self, block: int) -> Array:
        first, last = self.places[block]
        return np.array(json.loads(self.content[first:last].tobytes()), TEXT)

    def read(self, rows: Rows) -> Array:
        """The cells of some rows, (n,)."""
        out = np.empty(len(rows), TEXT)
        for at in stretches(len(rows)):
            some = rows[at]
            numbers = np.arange(some.start, some.stop) if isinstance(some, range) else some
            block_of = np.searchsorted(self.starts, numbers, side="right") - 1
            part = out[at]
            for block in np.unique(block_of):
                own = np.flatnonzero(block_of == block)
                part[own] = self.cells(int(block))[self.codes[numbers[own]]]
        return out


Stored = Array | Texts
"""Numbers (N,) float64 in a mapped file, or text."""


@dataclass(frozen=True)
class Columns(Mapping[str, Array]):
    """Columns by name, of which only some rows are meant; each access reads them anew.

    Numbers that are a range of rows are a view of the file; else they are gathered in `room`.
    """

    stored: Mapping[str, Stored]
    rows: Rows

    def __getitem__(self, name: str) -> Array:
        cells = self.stored[name]
        return cells.read(self.rows) if isinstance(cells, Texts) else gather(cells, self.rows)

    def __iter__(self) -> Iterator[str]:
        return iter(self.stored)

    def __len__(self) -> int:
        return len(self.stored)

    def __contains__(self, name: object) -> bool:
        return name in self.stored

    def are_numbers(self, name: str) -> bool:
        return not isinstance(self.stored[name], Texts)

    def take(self, rows: Array | slice) -> Columns:
        """The same columns of fewer rows: their numbers or a slice."""
        if isinstance(rows, slice):
            return Columns(self.stored, self.rows[rows])
        if not isinstance(self.rows, range):
            return Columns(self.stored, gather(self.rows, rows))
        return Columns(self.stored, rows + self.rows.start if self.rows.start else rows)

    def keep(self, names: Iterable[str], numbers: Mapping[str, Array]) -> Columns:
        """Some of the columns; text that has been read as numbers is numbers from now on."""
        texts = {name for name, cells in self.stored.items() if isinstance(cells, Texts)}
        if texts & numbers.keys() and self.rows != range(len(self.stored[min(texts)])):
            raise ValueError("only a whole column can take another's place")
        kept = {name: self.stored[name] for name in names}
        return Columns(kept | {name: numbers[name] for name in texts & numbers.keys()}, self.rows)
