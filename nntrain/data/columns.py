"""What kind each column is, told from its cells, and cells read as numbers."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from nntrain.data.settings import Data
from nntrain.data.table import Table, is_array, is_grid
from nntrain.errors import DataError
from nntrain.families import Array
from nntrain.wording import in_yaml, listed, plural, quoted, suggestion

FLOAT32_MAX = float(np.finfo(np.float32).max)
MOST_CATEGORIES = 50  # above it, cells that differ in most rows are no categories
FEWEST_IDS = 20  # above it, cells that differ in every row are no categories
_COMMAS = re.compile(r"[-+]?(\d+,\d+|\d{1,3}(,\d{3})+(\.\d+)?|\d{1,3}(\.\d{3})+,\d+)")


@dataclass(frozen=True)
class Column:
    """A column of the file and what becomes of it.

    missing: number of cells without a value.
    note: what is done with it, or why it is left out.
    constant: it is left out for having one value in all rows.
    """

    name: str
    kind: Literal["numeric", "categorical", "grid", "series", "ignore", "target", "id"]
    missing: int
    note: str = ""
    constant: bool = False

    @property
    def is_feature(self) -> bool:
        return self.kind not in ("ignore", "target", "id")


def parse(table: Table, settings: Data) -> tuple[Table, tuple[Column, ...]]:
    """The table of the columns in use, numeric features read as numbers; what each column is."""
    check_names(table, settings)
    columns, cells = [], {}
    for name in table.columns:
        column, parsed = _infer(table, name, settings)
        columns.append(column)
        if column.kind != "ignore":
            cells[name] = parsed
    lags = settings.window and settings.targets  # what came before is an input, targets too
    if not lags and not any(column.is_feature for column in columns):
        reasons = "; ".join(f"{quoted(c.name)}: {c.note or c.kind}" for c in columns[:6])
        raise table.error("no column is left to learn from", hint=reasons)
    _check_arrays(table, columns, settings)
    return replace(table, columns=cells), tuple(columns)


def _check_arrays(table: Table, columns: Sequence[Column], settings: Data) -> None:
    """An array is the only input of a network, and never its target or an id."""
    arrays = [c for c in columns if is_array(table.columns[c.name]) and c.kind != "ignore"]
    for column in arrays:
        if not column.is_feature:
            raise table.error(f"{quoted(column.name)} is an array, it can not be {column.kind}")
    others = (
        [c.name for c in columns if c.is_feature and c.name != arrays[0].name] if arrays else []
    )
    if arrays and settings.window:
        message = f"windows are cut from rows of single values, and {quoted(arrays[0].name)} is "
        raise table.error(f"{message}an array", hint="leave `data.window` out")
    if others:
        hint = f"leave the others out with `data.features: {{include: [{arrays[0].name}]}}`"
        message = f"{quoted(arrays[0].name)} is an array, which is the only input of a network; "
        raise table.error(
            f"{message}there {'is' if len(others) == 1 else 'are'} {listed(others)} too", hint=hint
        )


def check_names(table: Table, settings: Data) -> None:
    """Every name in the config is a column of the file, and no column has two roles."""
    places: dict[str, Iterable[str]] = {
        "target": settings.targets,
        "id": settings.ids,
        "features.include": settings.features.include or (),
        "features.exclude": settings.features.exclude,
        "columns": settings.columns,
    }
    for place, names in places.items():
        unknown = [name for name in names if name not in table.columns]
        if unknown:
            raise unknown_columns(table, unknown, f"data.{place} names")
    targets, features = set(settings.targets), set(settings.features.include or ())
    ignored = {name for name, kind in settings.columns.items() if kind == "ignore"}
    both = targets & {*settings.ids, *features, *ignored} | features & {*settings.ids}
    if both:
        raise table.error(f"data: {listed(sorted(both))} can not be two things at once")


def unknown_columns(table: Table, unknown: list[str], what: str) -> DataError:
    """The error for names that the file does not have."""
    noun = "a column" if len(unknown) == 1 else "columns"
    hint = suggestion(unknown, table.columns, "columns")
    return table.error(f"{what} {noun} that the file lacks: {listed(unknown)}", hint=hint)


def _without_a_look(table: Table, name: str, settings: Data) -> Column | None:
    """The column whose part the config alone decides."""
    cells = table.columns[name]
    missing = 0 if is_array(cells) else int(absent(cells, settings.na_values).sum())
    if name in settings.targets:
        return Column(name, "target", missing)
    if name in settings.ids:
        return Column(name, "id", missing, "passed through to predictions")
    if name in settings.features.exclude:
        return Column(name, "ignore", missing, "in data.features.exclude")
    if settings.features.include is not None and name not in settings.features.include:
        return Column(name, "ignore", missing, "not in data.features.include")
    if settings.columns.get(name) == "ignore":
        return Column(name, "ignore", missing, "in data.columns")
    return None


def _infer(table: Table, name: str, settings: Data) -> tuple[Column, Array]:
    """What a column is, and its cells in that kind."""
    cells = table.columns[name]
    decided = _without_a_look(table, name, settings)
    if decided is not None:
        return decided, cells
    if is_array(cells):
        steps = settings.columns.get(name) == "series" and cells.ndim == 3
        return Column(name, "grid" if is_grid(cells) and not steps else "series", 0), cells
    wanted = settings.columns.get(name)
    if wanted == "series":
        raise table.error(f"column {quoted(name)} holds single values, it can not be series")
    values, wrong = numbers(cells, settings.na_values)
    present = ~np.isnan(values) | wrong
    if not present.any():
        hint = f"leave it out with `data.features: {{exclude: [{in_yaml(name)}]}}`"
        raise table.error(f"column {quoted(name)} has no value in any row", hint=hint)
    if wanted == "categorical" or (wanted is None and 2 * wrong.sum() >= present.sum()):
        if wanted is None:
            _check_no_commas(table, name, present)
        return _categorical(cells, name, settings), cells
    if wrong.any():
        raise _not_numbers(table, name, wrong, int(present.sum()))
    check_range(table, name, values)
    missing = len(values) - int(present.sum())
    known = values[present]
    if wanted is None and known.min() == known.max():
        return Column(name, "ignore", missing, f"every value is {known[0]:g}", True), values
    return Column(name, "numeric", missing), values


def _categorical(cells: Array, name: str, settings: Data) -> Column:
    gone = absent(cells, settings.na_values)
    missing = int(gone.sum())
    values = set(cells[~gone].tolist())
    rows = len(cells) - missing
    if settings.columns.get(name) == "categorical":
        return Column(name, "categorical", missing)
    telling = missing and settings.preprocessing.categorical.impute == "category"
    if len(values) == 1 and not telling:
        return Column(name, "ignore", missing, f"every value is {quoted(values.pop())}", True)
    unlike = len(values) == rows and rows > FEWEST_IDS
    if unlike or (len(values) > MOST_CATEGORIES and 2 * len(values) > rows):
        note = f"looks like an id or free text: {len(values):,} different values in {rows:,} rows"
        return Column(name, "ignore", missing, note)
    return Column(name, "categorical", missing)


def _not_numbers(table: Table, name: str, wrong: Array, present: int) -> DataError:
    """Most cells are numbers, and some are not: which is meant?"""
    row = int(wrong.argmax())
    cell = table.columns[name][row]
    if _COMMAS.fullmatch(cell):
        return _comma(table, name, row)
    right = present - int(wrong.sum())
    return table.error(
        f"column {quoted(name)}: {table.place(row)} has {quoted(cell)}, "
        f"where {right:,} of {plural(present, 'cell')} are numbers",
        row,
        f"mend the cell, or say `data.na_values: [{in_yaml(cell)}]` where it means missing, "
        f"or `data.columns: {{{in_yaml(name)}: categorical}}`",
    )


def _check_no_commas(table: Table, name: str, present: Array) -> None:
    """Refuse `0,5` and `1,234`: as categories they would lose what they say."""
    cells = table.columns[name]
    rows = np.flatnonzero(present)
    if all(_COMMAS.fullmatch(text) or as_number(text) is not None for text in cells[rows].tolist()):
        raise _comma(table, name, int(rows[0]))


def _comma(table: Table, name: str, row: int) -> DataError:
    cell = quoted(table.columns[name][row])
    return table.error(
        f"column {quoted(name)}: {table.place(row)} has {cell}, a number with a comma",
        row,
        "write numbers as 1234.5, or, where these are names, "
        f"`data.columns: {{{in_yaml(name)}: categorical}}`",
    )


def read_numbers(table: Table, name: str, na_values: Collection[str], hint: str = "") -> Array:
    """A numeric column, (N,) float64, NaN where missing; anything but a number is an error.

    hint: what else a column may be of which most cells are no numbers.
    """
    values, wrong = numbers(table.columns[name], na_values)
    if wrong.any():
        row = int(wrong.argmax())
        if _COMMAS.fullmatch(table.columns[name][row]):
            raise _comma(table, name, row)
        cell = quoted(table.columns[name][row])
        if not hint or 2 * wrong.sum() < len(wrong):
            missing = in_yaml(table.columns[name][row])
            hint = f"mend the cell, or say `data.na_values: [{missing}]` where it means missing"
        message = f"column {quoted(name)}: {table.place(row)} has {cell}, expected a number"
        raise table.error(message, row, hint)
    check_range(table, name, values)
    return values


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


def absent(cells: Array, na_values: Collection[str]) -> Array:
    """Which cells are empty or one of `na_values`, (N,) bool."""
    if cells.dtype == np.float64:
        return np.isnan(cells)
    gone: Array = cells == ""
    for text in na_values:
        gone |= cells == text.strip()
    return gone


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
