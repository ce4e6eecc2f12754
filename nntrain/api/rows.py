"""Rows in memory as a table: mappings, lists of mappings, data frames."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np

from nntrain.data.table import TEXT, Table
from nntrain.errors import DataError
from nntrain.families import Array

Rows = Mapping[str, Any] | Sequence[Mapping[str, Any]] | Any
"""`{"a": [1, 2], "b": ["x", "y"]}`, `[{"a": 1, "b": "x"}, …]`, or a frame of pandas or polars."""

NAME = "(rows in memory)"  # what messages and manifests call them


def as_table(rows: Rows, numeric: Collection[str] = ()) -> Table:
    """A table whose cells are those of a file with the same rows.

    None and NaN are missing cells.  An array (N, H, W[, C]) is a column of arrays, a row each.
    numeric: columns that are known to be read as numbers; others are text, as in a file.
    """
    given = _columns(rows)
    columns = {name: _cells(cells, is_number=name in numeric) for name, cells in given.items()}
    if not columns:
        raise DataError("there are no columns", NAME)
    first, count = next((name, len(cells)) for name, cells in columns.items())
    for name, cells in columns.items():
        if len(cells) != count:
            message = f"column {name!r} has {len(cells)} cells, column {first!r} {count}"
            raise DataError(message, NAME)
    if not count:
        raise DataError("there are no rows", NAME)
    return Table(NAME, np.arange(1, count + 1), columns, "row")


def _columns(rows: Rows) -> dict[str, Any]:
    if isinstance(rows, Mapping):
        return {str(name): cells for name, cells in rows.items()}
    if hasattr(rows, "columns") and hasattr(rows, "__getitem__"):  # a data frame
        return {str(name): rows[name] for name in rows.columns}
    if isinstance(rows, Sequence) and rows and all(isinstance(row, Mapping) for row in rows):
        names = dict.fromkeys(name for row in rows for name in row)
        return {str(name): [row.get(name) for row in rows] for name in names}
    expected = "a mapping of columns, a list of mappings or a data frame"
    raise DataError(f"expected {expected}, got {type(rows).__name__}", NAME)


def _cells(values: Any, *, is_number: bool) -> Array:
    if hasattr(values, "to_numpy"):
        values = values.to_numpy()
    if isinstance(values, np.ndarray) and values.ndim > 1:
        return values
    if isinstance(values, np.ndarray) and is_number and values.dtype.kind in "fiub":
        return values.astype(np.float64)
    return np.array([_text(value) for value in list(values)], dtype=TEXT)


def _text(value: Any) -> str:
    """A value as it would stand in a CSV file; the digits of a number lead back to each bit."""
    if value is None or value != value:  # NaN, and what pandas and NumPy have for no time
        return ""
    if isinstance(value, (bool, np.bool_)):
        return str(bool(value)).lower()
    if isinstance(value, np.floating):
        value = value.item() if value.dtype == np.float64 else float(str(value))
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    return str(value).strip()
