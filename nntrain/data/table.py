"""Table: the cells of some rows of a file, column by column."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from nntrain.errors import DataError
from nntrain.families import Array

TEXT = np.dtypes.StringDType()  # 16 bytes a cell up to 15 bytes of text; a Python str takes 60


@dataclass(frozen=True)
class Table:
    """Columns by name, each (N,): text as it stands in the file without the blanks around it,
    or, once `columns.parse` has read them as numbers, float64 with NaN for a missing cell.

    file: the file's name, for messages.
    lines: (N,) the line of the file where each row begins, from 1.
    """

    file: str
    lines: Array
    columns: Mapping[str, Array]

    def __len__(self) -> int:
        return len(self.lines)

    def take(self, rows: Array | slice) -> Table:
        """Some of the rows: their numbers, a mask (N,) or a slice."""
        columns = {name: cells[rows] for name, cells in self.columns.items()}
        return Table(self.file, self.lines[rows], columns)

    def error(self, message: str, row: int | None = None, hint: str = "") -> DataError:
        """What is wrong with this file, and in which of its lines."""
        return DataError(message, self.file, 0 if row is None else int(self.lines[row]), hint)


def join(tables: list[Table]) -> Table:
    """One table of all rows.  Empties the list, to hold little more than one copy."""
    file, names = tables[0].file, list(tables[0].columns)
    lines = np.concatenate([table.lines for table in tables])
    parts = [dict(table.columns) for table in tables]
    tables.clear()
    columns = {name: np.concatenate([part.pop(name) for part in parts]) for name in names}
    return Table(file, lines, columns)
