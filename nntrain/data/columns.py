"""What kind each column is, told from its cells, and cells read as numbers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Literal

import numpy as np

from nntrain.data.cells import COMMAS, absent, as_number, check_range, comma_error, numbers
from nntrain.data.dates import ISO, dates, read_dates
from nntrain.data.settings import Data
from nntrain.data.statistics import where
from nntrain.data.table import Table, is_array, is_grid
from nntrain.errors import DataError
from nntrain.families import Array
from nntrain.room import stretches
from nntrain.values import dataclass
from nntrain.wording import in_yaml, listed, plural, quoted, suggestion

MOST_CATEGORIES = 50  # above it, cells that differ in most rows are no categories
MOST_DIFFERENT = 1 << 18  # cells of a column of a large file that are told apart
FEWEST_IDS = 20  # above it, cells that differ in every row are no categories
SENTENCE = 2.0  # blanks in a cell, in the mean: from there on, cells are free text and no ids
SPLITS_BY = {
    "group": "no feature: rows with equal cells are in the same part",
    "column": "no feature: it says which part a row is in",
    "hash": "no feature: its hash says which part a row is in",
}


@dataclass(frozen=True)
class Column:
    """A column of the file and what becomes of it.

    missing: number of cells without a value.
    note: what is done with it, or why it is left out.
    constant: it is left out for having one value in all rows.
    looks: what its cells look like, where that is no kind: `id-like` or `text`.
    rows: cells, missing ones too.
    """

    name: str
    kind: Literal[
        "numeric", "categorical", "date", "text", "grid", "series",
        "ignore", "target", "id", "weight", "split",
    ]  # fmt: skip
    missing: int
    note: str = ""
    constant: bool = False
    looks: str = ""
    rows: int = 0

    @property
    def is_feature(self) -> bool:
        return self.kind not in ("ignore", "target", "id", "weight", "split")

    @property
    def is_kept(self) -> bool:
        """Whether its cells are needed once the rows are split."""
        return self.kind not in ("ignore", "split")

    @property
    def shown_kind(self) -> str:
        """The kind as people see it: why a column is left out, where its cells say so."""
        if self.kind != "ignore":
            return self.kind
        return "constant" if self.constant else self.looks or self.kind


def parse(table: Table, settings: Data) -> tuple[Table, tuple[Column, ...]]:
    """The table of the columns in use, numeric features read as numbers; what each column is."""
    check_names(table, settings)
    columns, read = [], {}
    for name in table.columns:
        column, cells = _infer(table, name, settings)
        columns.append(replace(column, rows=len(table)))
        if column.is_kept and cells.dtype == np.float64 and len(cells):
            read[name] = cells
    used = [column.name for column in columns if column.is_kept]
    lags = settings.window and settings.targets  # what came before is an input, targets too
    if not lags and not any(column.is_feature for column in columns):
        reasons = "; ".join(f"{quoted(c.name)}: {c.note or c.kind}" for c in columns[:6])
        raise table.error("no column is left to learn from", hint=reasons)
    _check_arrays(table, columns, settings)
    return table.keep(used, read), tuple(columns)


def _check_arrays(table: Table, columns: Sequence[Column], settings: Data) -> None:
    """An array or a text is the only input of a network, and never its target or an id."""
    arrays = [
        c
        for c in columns
        if c.kind == "text" or (c.kind != "ignore" and is_array(_head(table, c.name)))
    ]
    for column in arrays:
        if not column.is_feature:
            raise table.error(f"{quoted(column.name)} is an array, it can not be {column.kind}")
    what = "a text" if arrays and arrays[0].kind == "text" else "an array"
    others = (
        [c.name for c in columns if c.is_feature and c.name != arrays[0].name] if arrays else []
    )
    if arrays and settings.window:
        message = f"windows are cut from rows of single values, and {quoted(arrays[0].name)} is "
        raise table.error(f"{message}{what}", hint="leave `data.window` out")
    if others:
        hint = f"leave the others out with `data.features: {{include: [{arrays[0].name}]}}`"
        message = f"{quoted(arrays[0].name)} is {what}, which is the only input of a network; "
        raise table.error(
            f"{message}there {'is' if len(others) == 1 else 'are'} {listed(others)} too", hint=hint
        )


def check_names(table: Table, settings: Data) -> None:
    """Every name in the config is a column of the file, and no column has two roles."""
    places: dict[str, Iterable[str]] = {
        "target": settings.targets,
        "id": settings.ids,
        "weight": settings.weights,
        "features.include": settings.features.include or (),
        "features.exclude": settings.features.exclude,
        "columns": settings.columns,
        "split.column": (settings.split.column,) if settings.split.column is not None else (),
    }
    for place, names in places.items():
        unknown = [name for name in names if name not in table.columns]
        if unknown:
            raise unknown_columns(table, unknown, f"data.{place} names")
    targets, features = set(settings.targets), set(settings.features.include or ())
    ignored = {name for name, kind in settings.columns.items() if kind == "ignore"}
    weights = {*settings.weights}
    both = targets & {*settings.ids, *features, *ignored} | features & {*settings.ids}
    both |= weights & {*targets, *settings.ids, *features, *ignored}
    if both:
        raise table.error(f"data: {listed(sorted(both))} can not be two things at once")


def unknown_columns(table: Table, unknown: list[str], what: str) -> DataError:
    """The error for names that the file does not have."""
    noun = "a column" if len(unknown) == 1 else "columns"
    hint = suggestion(unknown, table.columns, "columns")
    return table.error(f"{what} {noun} that the file lacks: {listed(unknown)}", hint=hint)


def _without_a_look(table: Table, name: str, settings: Data) -> Column | None:
    """The column whose part the config alone decides."""
    missing = 0
    if not is_array(_head(table, name)):
        gone = table.by_cell(name, lambda cells: absent(cells, settings.na_values))
        missing = int(np.count_nonzero(gone))
    if name in settings.targets:
        return Column(name, "target", missing)
    if name in settings.ids:
        return Column(name, "id", missing, "passed through to predictions")
    if name == settings.weight:
        return Column(name, "weight", missing, "how much a row counts")
    if name == settings.split.column and name not in (settings.features.include or ()):
        return Column(name, "split", missing, SPLITS_BY[settings.split.by or "group"])
    if name in settings.features.exclude:
        return Column(name, "ignore", missing, "in data.features.exclude")
    if settings.features.include is not None and name not in settings.features.include:
        return Column(name, "ignore", missing, "not in data.features.include")
    if settings.columns.get(name) == "ignore":
        return Column(name, "ignore", missing, "in data.columns")
    named = (*(settings.features.include or ()), *settings.columns)
    if name in table.aside and name not in named:
        return Column(name, "ignore", missing, table.aside[name])
    return None


def _infer(table: Table, name: str, settings: Data) -> tuple[Column, Array]:
    """What a column is, and its cells in that kind."""
    decided = _without_a_look(table, name, settings) or _stored_words(table, name, settings)
    if decided is not None:
        return decided, _head(table, name)[:0]
    cells = table.columns[name]
    if is_array(cells):
        steps = settings.columns.get(name) == "series" and cells.ndim == 3
        return Column(name, "grid" if is_grid(cells) and not steps else "series", 0), cells
    wanted = settings.columns.get(name)
    if wanted == "series":
        raise table.error(f"column {quoted(name)} holds single values, it can not be series")
    if wanted == "text":
        return Column(name, "text", int(absent(cells, settings.na_values).sum())), cells
    values, wrong = numbers(cells, settings.na_values)
    present = ~np.isnan(values) | wrong
    if not present.any():
        hint = f"leave it out with `data.features: {{exclude: [{in_yaml(name)}]}}`"
        raise table.error(f"column {quoted(name)} has no value in any row", hint=hint)
    if wanted == "date":
        form = date_format(settings, name)
        return _date(name, read_dates(table, name, settings.na_values, form), cells, settings)
    if wanted is None and wrong.any() and ISO.fullmatch(cells[int(present.argmax())]):
        seconds, no_date = dates(cells, settings.na_values)
        if not no_date.any():
            return _date(name, seconds, cells, settings)
    if wanted == "categorical" or (wanted is None and 2 * wrong.sum() >= present.sum()):
        if wanted is None:
            _check_no_commas(table, name, present)
        return _categorical(cells, name, settings), cells
    if wrong.any():
        raise _not_numbers(table, name, wrong, int(present.sum()))
    check_range(table, name, values)
    missing = len(values) - int(present.sum())
    known = where(present, values)
    if wanted is None and known.min() == known.max():
        return Column(name, "ignore", missing, f"every value is {known[0]:g}", True), values
    return Column(name, "numeric", missing, looks="id-like" if counts(values) else ""), values


def counts(values: Array) -> bool:
    """Whether numbers (N,) count the rows, 1, 2, 3 …, as an id may."""
    whole = len(values) > FEWEST_IDS and values[0] == np.floor(values[0])
    pieces = (values[some.start : some.stop + 1] for some in stretches(len(values)))
    return bool(whole and all((np.diff(piece) == 1.0).all() for piece in pieces))


def date_format(settings: Data, name: str) -> str:
    """How the dates of a column are written; empty: as ISO 8601 has it."""
    chosen = settings.columns.get(name) == "date"
    return (settings.preprocessing.date.format or "") if chosen else ""


def _date(name: str, seconds: Array, cells: Array, settings: Data) -> tuple[Column, Array]:
    """A column of dates, and its cells as seconds."""
    gone = np.isnan(seconds)
    missing, known = int(gone.sum()), seconds[~gone]
    if name not in settings.columns and known.min() == known.max():
        only = quoted(str(cells[int(gone.argmin())]))
        return Column(name, "ignore", missing, f"every value is {only}", True), seconds
    return Column(name, "date", missing), seconds


def _head(table: Table, name: str) -> Array:
    """The first cell of a column, (1,): what sort of cells these are."""
    return (table.take(slice(0, 1)) if table.is_stored else table).columns[name][:1]


def _stored_words(table: Table, name: str, settings: Data) -> Column | None:
    """What a stored column of text is, told without all of its cells at once.

    None where it is no such column, and where something is wrong, which takes a look at cells.
    """
    wanted, na_values = settings.columns.get(name), settings.na_values
    if not table.is_stored_text(name) or wanted not in (None, "categorical"):
        return None
    present = table.by_cell(name, lambda cells: ~absent(cells, na_values))
    wrong = table.by_cell(name, lambda cells: numbers(cells, na_values)[1])
    if not present.any() or (wanted is None and 2 * wrong.sum() < present.sum()):
        return None
    if wanted is None:
        first = table.take(slice(0, 1000))  # which mostly tells, without a look at all of them
        some = first.columns[name][present[:1000]]
        if len(some) and ISO.fullmatch(some[0]):
            return None  # perhaps dates
        if all(
            part.by_cell(name, _are_amounts)[present[: len(part)]].all() for part in (first, table)
        ):
            return None
    found = table.few_distinct(name, MOST_DIFFERENT)
    if found is not None:
        return _categorical(found[0], name, settings, found[1])
    rows, missing = int(present.sum()), int(len(table) - present.sum())
    if wanted is not None:
        return Column(name, "categorical", missing)
    note = f"looks like an id or free text: more than {MOST_DIFFERENT:,} different values"
    return Column(name, "ignore", missing, f"{note} in {rows:,} rows")


def _are_amounts(cells: Array) -> Array:
    """Which cells are numbers, or would be without their commas."""
    return np.array(
        [bool(COMMAS.fullmatch(text)) or as_number(text) is not None for text in cells.tolist()],
        dtype=bool,
    )


def _categorical(cells: Array, name: str, settings: Data, counts: Array | None = None) -> Column:
    """counts: how many rows have each cell, where they are not one row each."""
    gone = absent(cells, settings.na_values)
    missing = int(gone.sum() if counts is None else counts[gone].sum())
    values = set(cells[~gone].tolist())
    rows = (len(cells) if counts is None else int(counts.sum())) - missing
    if settings.columns.get(name) == "categorical":
        return Column(name, "categorical", missing)
    telling = missing and settings.preprocessing.categorical.impute == "category"
    if len(values) == 1 and not telling:
        return Column(name, "ignore", missing, f"every value is {quoted(values.pop())}", True)
    unlike = len(values) == rows and rows > FEWEST_IDS
    if unlike or (len(values) > MOST_CATEGORIES and 2 * len(values) > rows):
        free = float(np.strings.count(cells[~gone], " ").mean()) >= SENTENCE
        what, looks = ("free text", "text") if free else ("an id", "id-like")
        note = f"looks like {what}: {len(values):,} different values in {rows:,} rows"
        return Column(name, "ignore", missing, note, looks=looks)
    return Column(name, "categorical", missing)


def _not_numbers(table: Table, name: str, wrong: Array, present: int) -> DataError:
    """Most cells are numbers, and some are not: which is meant?"""
    row = int(wrong.argmax())
    cell = table.columns[name][row]
    if COMMAS.fullmatch(cell):
        return comma_error(table, name, row)
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
    if all(COMMAS.fullmatch(text) or as_number(text) is not None for text in cells[rows].tolist()):
        raise comma_error(table, name, int(rows[0]))
