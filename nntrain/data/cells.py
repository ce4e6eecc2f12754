"""Cells read as numbers, and what stands where one is missing."""

from __future__ import annotations

import re
from collections.abc import Collection

import numpy as np

from nntrain.data.table import Table
from nntrain.errors import DataError
from nntrain.families import Array
from nntrain.wording import in_yaml, quoted

FLOAT32_MAX = float(np.finfo(np.float32).max)
COMMAS = re.compile(r"[-+]?(\d+,\d+|\d{1,3}(,\d{3})+(\.\d+)?|\d{1,3}(\.\d{3})+,\d+)")


def read_numbers(table: Table, name: str, na_values: Collection[str], hint: str = "") -> Array:
    """A numeric column, (N,) float64, NaN where missing; anything but a number is an error.

    hint: what else a column may be of which most cells are no numbers.
    """
    values, wrong = numbers(table.columns[name], na_values)
    if wrong.any():
        row = int(wrong.argmax())
        if COMMAS.fullmatch(table.columns[name][row]):
            raise comma_error(table, name, row)
        cell = quoted(table.columns[name][row])
        if not hint or 2 * wrong.sum() < len(wrong):
            missing = in_yaml(table.columns[name][row])
            hint = f"mend the cell, or say `data.na_values: [{missing}]` where it means missing"
        message = f"column {quoted(name)}: {table.place(row)} has {cell}, expected a number"
        raise table.error(message, row, hint)
    check_range(table, name, values)
    return values


def numbers(cells: Array, na_values: Collection[str]) -> tuple[Array, Array]:
    """Cells as float64 (N,), NaN where missing or not a number; and which are not, (N,) bool."""
    if cells.dtype == np.float64:
        return cells, np.zeros(len(cells), dtype=bool)
    gone = absent(cells, na_values)
    filled = np.where(gone, "nan", cells) if gone.any() else cells
    try:
        values = filled.astype(np.float64)
        odd = bool((np.strings.find(filled, "_") >= 0).any())  # Python reads 1_000 as a number
    except ValueError:
        odd = True
    if odd:
        values, wrong = _numbers_one_by_one(filled)
    else:
        wrong = np.zeros(len(cells), dtype=bool)
    for text in na_values:
        if (number := as_number(text)) is not None:
            values[values == number] = np.nan  # -999 also means -999.0
    return values, wrong


def _numbers_one_by_one(cells: Array) -> tuple[Array, Array]:
    texts = cells.tolist()
    known = {text: as_number(text) for text in set(texts)}
    bad = {text for text, number in known.items() if number is None}
    values = np.array([known[text] for text in texts], dtype=np.float64)  # None becomes NaN
    wrong = np.fromiter((text in bad for text in texts), dtype=bool, count=len(texts))
    return values, wrong


def as_number(text: str) -> float | None:
    """The number that a cell holds, if it holds one."""
    try:
        return None if "_" in text else float(text)
    except ValueError:
        return None


def absent(cells: Array, na_values: Collection[str]) -> Array:
    """Which cells are empty or one of `na_values`, (N,) bool."""
    if cells.dtype == np.float64:
        return np.isnan(cells)
    gone: Array = cells == ""
    for text in na_values:
        gone |= cells == text.strip()
    return gone


def check_range(table: Table, name: str, values: Array) -> None:
    """Infinite numbers, and those that float32 can not hold, are errors."""
    beyond = np.abs(values) > FLOAT32_MAX  # NaN is not
    if beyond.any():
        row = int(beyond.argmax())
        cell = quoted(str(table.columns[name][row]))
        raise table.error(
            f"column {quoted(name)}: {table.place(row)} has {cell}, "
            f"which is not a finite number of 32 bits",
            row,
            f"the largest is {FLOAT32_MAX:.3g}; where the cell means missing, empty it or name it "
            "in `data.na_values`",
        )


def comma_error(table: Table, name: str, row: int) -> DataError:
    cell = quoted(table.columns[name][row])
    return table.error(
        f"column {quoted(name)}: {table.place(row)} has {cell}, a number with a comma",
        row,
        'write numbers as 1234.5, or say `data.format: {type: csv, decimal: ","}`, or, where these '
        f"are names, `data.columns: {{{in_yaml(name)}: categorical}}`",
    )
