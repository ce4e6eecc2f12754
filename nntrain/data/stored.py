"""Columns that lie in files, and are read when they are asked for."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache

import numpy as np

from nntrain.families import Array
from nntrain.room import Rows, empty, gather, stretches
from nntrain.values import dataclass

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
        texts = json.loads(self.content[first:last].tobytes())
        return np.array(texts, dtype=object)  # which NumPy picks from several times as fast

    def blocks(self, rows: Rows) -> Iterator[tuple[Array, Array, Array]]:
        """The rows block by block: their places among `rows`, different cells and the number of
        each row's, as `objects[codes]` are the cells."""
        for at in stretches(len(rows)):
            some = rows[at]
            numbers = np.arange(some.start, some.stop) if isinstance(some, range) else some
            block_of = np.searchsorted(self.starts, numbers, side="right") - 1
            for block in np.unique(block_of).tolist():
                own = np.flatnonzero(block_of == block)
                yield own + at.start, self.cells(block), self.codes[numbers[own]]

    def by_cell(self, rows: Rows, function: Callable[[Array], Array]) -> Array:
        """function(cells) of some rows, (n,), where it takes each cell by itself."""
        out: Array | None = None
        for place, cells, codes in self.blocks(rows):
            met, which = np.unique(codes, return_inverse=True)
            found = function(cells[met].astype(TEXT))
            if out is None:
                out = empty((len(rows),), found.dtype)
            out[place] = found[which]
        return function(np.empty(0, TEXT)) if out is None else out

    def distinct(self, rows: Rows, most: float) -> tuple[Array, Array] | None:
        """The different cells of some rows, (K,), and how many rows have each.

        None where there are more than `most`.
        """
        counts = Counter[str]()
        for _, cells, codes in self.blocks(rows):
            found = np.bincount(codes, minlength=len(cells))
            for code in np.flatnonzero(found).tolist():
                counts[cells[code]] += int(found[code])
            if len(counts) > most:
                return None
        return np.array(list(counts), TEXT), np.array(list(counts.values()), np.int64)

    def read(self, rows: Rows) -> Array:
        """The cells of some rows, (n,)."""
        out = np.empty(len(rows), TEXT)
        for at in stretches(len(rows)):
            found = np.empty(at.stop - at.start, dtype=object)
            for place, cells, codes in self.blocks(rows[at]):
                found[place] = cells[codes]
            out[at] = found.astype(TEXT)
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

    def text(self, name: str) -> Texts | None:
        """The column as it is stored, if it is text."""
        cells = self.stored[name]
        return cells if isinstance(cells, Texts) else None

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
