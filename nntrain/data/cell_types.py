"""What the cells of a column are taken for: numbers, or text."""

from __future__ import annotations

from nntrain.data.cells import numbers
from nntrain.data.quick import TextCells, text_cells
from nntrain.data.table import Table, is_array
from nntrain.errors import DataError
from nntrain.families import Array
from nntrain.values import dataclass

Cells = Array | TextCells


@dataclass(frozen=True)
class Wanted:
    """How the cells of a file are meant.

    na_values: cells that mean missing, besides the empty one.
    texts: columns whose cells are text, also where all of them are numbers.
    """

    na_values: tuple[str, ...] = ()
    texts: frozenset[str] = frozenset()


class IsText(Exception):  # noqa: N818, it is no error
    """Columns that have been read as numbers so far have other cells too."""


def not_numbers(table: Table, wanted: Wanted) -> set[str]:
    return {
        name
        for name, cells in table.columns.items()
        if name in wanted.texts or numbers(cells, wanted.na_values)[1].any()
    }


def typed(table: Table, wanted: Wanted) -> list[Cells]:
    """Each column as what it is taken for."""
    found: list[Cells] = []
    odd = []
    for name, cells in table.columns.items():
        if is_array(cells):
            raise DataError(f"{name} holds arrays", table.file)
        if name in wanted.texts:
            found.append(text_cells(cells.tolist()))
            continue
        values, wrong = numbers(cells, wanted.na_values)
        if wrong.any():
            odd.append(name)
        found.append(values)
    if odd:
        raise IsText(odd)
    return found
