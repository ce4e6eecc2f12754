"""Table: the cells of some rows of a file, column by column."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import field, replace
from typing import Any, NamedTuple

import numpy as np

from nntrain.data.stored import TEXT, Columns
from nntrain.errors import DataError
from nntrain.families import Array
from nntrain.room import gather, numbered
from nntrain.values import dataclass
from nntrain.wording import plural

__all__ = ["TEXT", "Table", "as_column", "is_array", "is_grid", "join"]


class Empty(NamedTuple):
    """Lines with nothing on them that stand between rows: how many, and where the first is."""

    lines: int = 0
    place: str = ""


NONE_EMPTY = Empty()


@dataclass(frozen=True)
class Table:
    """Columns by name, the rows on axis 0.  A column is one of

    - text (N,), as it stands in the file without the blanks around it;
    - numbers (N,) float64, NaN for a missing cell, once `columns.parse` has read them;
    - a *grid*: an array a row, all of one shape, (N, …) of any numeric type;
    - a *series*: (N,) objects, each an array (T, C) of its own length T.

    file: the file's name, for messages.
    lines: (N,) where each row begins, from 1: the line of a text file, the number of the row in
        a binary one.
    unit: what `lines` counts, `line` or `row`; of an `image`, a file of its own, nothing.
    files, origin: where the rows come from several files, these, and (N,) which one each is from.
    aside: columns that are no features unless the config says so, and what they are.
    empty: the empty lines that were passed over.
    """

    file: str
    lines: Array
    columns: Mapping[str, Array]
    unit: str = "line"
    files: tuple[str, ...] = ()
    origin: Array | None = None
    aside: Mapping[str, str] = field(default_factory=dict)
    empty: Empty = NONE_EMPTY

    def __len__(self) -> int:
        return len(self.lines)

    def take(self, rows: Array | slice) -> Table:
        """Some of the rows: their numbers, a mask (N,) or a slice."""
        if isinstance(self.columns, Columns):
            if isinstance(rows, slice):
                origin = None if self.origin is None else self.origin[rows]
                lines = self.lines[rows]
            else:
                rows = numbered(rows) if rows.dtype == bool else rows
                origin = None if self.origin is None else gather(self.origin, rows)
                lines = gather(self.lines, rows)
            own = self.columns.take(rows)
            return replace(self, lines=lines, columns=own, origin=origin)
        if isinstance(rows, np.ndarray):
            rows = numbered(rows) if rows.dtype == bool else rows
            if len(rows) == len(self) and (rows == np.arange(len(rows))).all():
                return self
        columns = {name: _take(cells, rows) for name, cells in self.columns.items()}
        origin = None if self.origin is None else self.origin[rows]
        return replace(self, lines=self.lines[rows], columns=columns, origin=origin)

    def by_cell(self, name: str, function: Callable[[Array], Array]) -> Array:
        """function(cells) of a column, (N,), where it takes each cell by itself."""
        own = self.columns
        if isinstance(own, Columns) and (text := own.text(name)):
            return text.by_cell(own.rows, function)
        return function(own[name])

    def distinct(self, name: str) -> tuple[Array, Array]:
        """The different cells of a column of text, (K,), and how many rows have each."""
        own = self.columns
        if isinstance(own, Columns) and (text := own.text(name)):
            return text.distinct(own.rows, math.inf) or (np.empty(0, TEXT), np.empty(0, int))
        counts = Counter(own[name].tolist())
        return np.array(list(counts), TEXT), np.array(list(counts.values()), np.int64)

    def few_distinct(self, name: str, most: int) -> tuple[Array, Array] | None:
        """The same; None of a stored column with more than `most`."""
        own = self.columns
        if isinstance(own, Columns) and (text := own.text(name)):
            return text.distinct(own.rows, most)
        return self.distinct(name)

    @property
    def is_stored(self) -> bool:
        """Whether the cells are in files."""
        return isinstance(self.columns, Columns)

    def is_stored_text(self, name: str) -> bool:
        return isinstance(self.columns, Columns) and self.columns.text(name) is not None

    def keep(self, names: Iterable[str], numbers: Mapping[str, Array]) -> Table:
        """The table of these columns, some of which have been read as numbers."""
        own = self.columns
        if isinstance(own, Columns):
            return replace(self, columns=own.keep(names, numbers))
        return replace(self, columns={name: numbers.get(name, own[name]) for name in names})

    def place(self, row: int) -> str:
        """Where a row is, in words: `line 7`."""
        return f"{self.unit} {self.lines[row]}"

    def error(self, message: str, row: int | None = None, hint: str = "") -> DataError:
        """What is wrong with this file, and in which of its lines."""
        if row is None:
            return DataError(message, self.file, 0, hint)
        line = 0 if self.unit == "image" else int(self.lines[row])
        return DataError(message, self.file_of(row), line, hint)

    def file_of(self, row: int) -> str:
        """The file that a row comes from."""
        return self.file if self.origin is None else self.files[self.origin[row]]


def is_grid(cells: Array) -> bool:
    return cells.ndim > 1


def is_array(cells: Array) -> bool:
    """Whether each cell is an array: a grid or a series."""
    return is_grid(cells) or cells.dtype == object


def as_column(series: Sequence[Array]) -> Array:
    """Arrays of any shapes as the cells of a column, (N,) objects."""
    cells = np.empty(len(series), dtype=object)
    for row, one in enumerate(series):  # NumPy would stack those of equal shape
        cells[row] = one
    return cells


def _take(cells: Array, rows: Array | slice) -> Array:
    """Large grids go where there is room."""
    if isinstance(rows, slice) or not is_grid(cells):
        return cells[rows]
    return gather(cells, rows)


def join(tables: list[Table]) -> Table:
    """One table of all rows, which have the same columns.

    Empties the list, to hold little more than one copy.
    """
    if len(tables) == 1:
        return tables.pop()
    first = replace(tables[0], columns={}, **_origins(tables))
    names = list(tables[0].columns)
    lines = np.concatenate([table.lines for table in tables])
    empty = sum(table.empty.lines for table in tables)
    places = [table.empty.place for table in tables if table.empty.lines]
    parts = [dict(table.columns) for table in tables]
    tables.clear()
    columns = {name: np.concatenate([part.pop(name) for part in parts]) for name in names}
    return replace(first, lines=lines, columns=columns, empty=Empty(empty, *places[:1]))


def _origins(tables: Sequence[Table]) -> dict[str, Any]:
    """`file`, `files` and `origin` of the tables together."""
    if all(table.origin is None and table.file == tables[0].file for table in tables):
        return {}
    if all(table.files is tables[0].files for table in tables) and tables[0].files:
        return {"origin": np.concatenate([table.origin for table in tables])}
    numbers: dict[str, int] = {}
    origins = []
    for table in tables:
        own = [numbers.setdefault(name, len(numbers)) for name in table.files or (table.file,)]
        where = np.zeros(len(table), np.int32) if table.origin is None else table.origin
        origins.append(np.array(own, dtype=np.int32)[where])
    names = list(dict.fromkeys(table.file for table in tables))
    return {"file": shown(names), "files": tuple(numbers), "origin": np.concatenate(origins)}


def shown(names: Sequence[str]) -> str:
    """What several files are called in messages about all of them."""
    rest = len(names) - 1
    return f"{names[0]} and {plural(rest, 'more file')}" if rest else names[0]
