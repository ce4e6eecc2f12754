"""Predict: raw rows in; ids, predictions and probabilities out, a portion at a time."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from nntrain.data.arrays import Grid, Series
from nntrain.data.formats import Csv, Jsonl, Npz, Ts
from nntrain.data.inputs import tables
from nntrain.data.parts import Part
from nntrain.data.report import Report
from nntrain.data.seen import look
from nntrain.data.settings import Window
from nntrain.data.several import Several
from nntrain.data.table import Table, join
from nntrain.data.targets import Amounts, Classes
from nntrain.data.tokens import Tokens
from nntrain.data.windows import all_beginnings, cut, target_rows
from nntrain.errors import ConfigError
from nntrain.families import Array, Source
from nntrain.run.model import Model
from nntrain.side_by_side import side_by_side
from nntrain.training.ahead import MANY, make_forward
from nntrain.training.evaluate import block_size, chosen_class, predict
from nntrain.wording import plural

PORTION = 8192  # rows read, predicted and written at a time, at most
PORTION_BYTES = 2**23  # of inputs at most

Row = list[Any]

Columns = list[Array]
"""Cells (n,) of some rows: text, numbers of rows, predicted numbers, probabilities as float32."""


def columns(model: Model) -> list[str]:
    """Names of what `predictions` yields: ids (or `row`), predictions, probabilities."""
    known = model.preprocessor
    ids = list(known.id_columns) or ["row"]
    if isinstance(known.target_columns, Several):
        labels = known.task == "binary"
        return [*ids, *(n for part in known.target_columns.parts for n in _of_one(part, labels))]
    if known.classes:
        return [*ids, "prediction", *(f"probability_{name}" for name in known.classes)]
    names = known.targets or known.input_names
    return [*ids, *(["prediction"] if len(names) == 1 else [f"prediction_{n}" for n in names])]


def _of_one(target: Classes | Amounts, label: bool) -> list[str]:
    """The columns of one of several targets; of a label only the second class is of interest."""
    name = target.names[0]
    classes = target.classes if isinstance(target, Classes) else ()
    probabilities = [f"probability_{name}_{c}" for c in classes]
    return [f"prediction_{name}", *([f"probability_{name}"] if label else probabilities)]


def predictions(model: Model, source: Path | TextIO, report: Report) -> Iterator[Columns]:
    """What `columns` names, a block of rows of the source at a time; `report` fills on the way.

    The target is not needed.  With a window, there is a row for each window, named after the row
    that it foretells: the newest one foretells what comes after the end of the file.
    """
    known = model.preprocessor
    if known.tokens:
        hint = "let it go on with one: nntrain predict [RUN] --generate 200 --prompt TEXT"
        raise ConfigError("this network has learned a text, it has no rows to predict", hint=hint)
    if known.window:
        yield from _forecasts(
            model, known.window, look(join(list(_tables(model, source))), known, report), report
        )
        return

    size = block_size(model.network.widest)
    most = min(PORTION, PORTION_BYTES // (4 * math.prod(known.shape)))
    portion = max(size, most - most % size)

    def inputs() -> Iterator[tuple[Columns, Array, Array | None]]:
        done = 0
        for table in _in_blocks(_tables(model, source, portion), size):
            table = look(table, known, report)
            ids = known.ids(table) or [np.arange(done + 1, done + len(table) + 1)]
            yield ids, known.features(table, report), known.lengths(table)
            done += len(table)

    forward = make_forward(model, MANY)  # or few, who knows

    def answer(some: tuple[Columns, Array, Array | None]) -> tuple[Columns, Array]:
        ids, x, lengths = some
        return ids, predict(model, x, lengths, threads=1, forward=forward)

    for ids, shown in side_by_side(answer, inputs()):
        report.overflows += _overflows(shown)
        yield [*ids, *shown_columns(model, shown)]


def _tables(model: Model, source: Path | TextIO, rows: int = PORTION) -> Iterator[Table]:
    if isinstance(source, Path):
        return tables(model.experiment.data.source, source, rows)
    return _format(model, source).read(source, rows)


def _in_blocks(tables: Iterator[Table], size: int) -> Iterator[Table]:
    """The rows in tables of whole blocks but for the last: what comes out, to the last bit, does
    not depend on how a file was cut into tables."""
    rest: list[Table] = []
    for table in tables:
        joined = join([*rest, table])
        whole = len(joined) - len(joined) % size
        if whole:
            yield joined.take(slice(0, whole))
        rest = [joined.take(slice(whole, None))] if whole < len(joined) else []
    yield from rest


def _format(model: Model, stream: TextIO) -> Source:
    """A stream has no ending that says it, so it is what holds such rows as were learned."""
    data, array = model.experiment.data, model.preprocessor.array
    peek = getattr(getattr(stream, "buffer", None), "peek", None)
    if peek and not data.format and peek(1).lstrip(b"\xef\xbb\xbf \r\n").startswith(b"{"):
        return Jsonl()
    if isinstance(array, Grid):
        return data.format or Npz()
    return data.format or (Ts() if isinstance(array, Series) else Csv())


def _forecasts(model: Model, window: Window, table: Table, report: Report) -> Iterator[Row]:
    """The ids of the rows foretold are empty where the file does not have these rows yet."""
    known = model.preprocessor
    ends = _ends_of_files(table)
    found = [at + all_beginnings(end - at, window) for at, end in pairwise([0, *ends])]
    first = np.concatenate(found)
    end_of = np.repeat(ends, [len(own) for own in found])
    if not len(first):
        needed = f"a window takes {window.length:,}"
        raise table.error(f"{plural(len(table), 'row')} are too few: {needed}")
    x, ids = known.features(table, report), known.ids(table)
    for at in range(0, len(first), PORTION):  # all windows at once are `length` times the table
        some = first[at : at + PORTION]
        shown = predict(model, cut(x, some, window))
        report.overflows += _overflows(shown)
        rows = target_rows(some, window)
        there = rows < end_of[at : at + PORTION]
        own = [_cells_of(cells, rows, there) for cells in ids] or [rows + 1]
        yield [*own, *shown_columns(model, shown)]


def _cells_of(cells: Array, rows: Array, there: Array) -> Array:
    """The cells of these rows, empty where the file does not have the row."""
    found = np.full(len(rows), "", dtype=cells.dtype)
    found[there] = cells[rows[there]]
    return found


def _ends_of_files(table: Table) -> list[int]:
    """The row behind the last one of each file."""
    if table.origin is None:
        return [len(table)]
    return [*(np.flatnonzero(np.diff(table.origin)) + 1).tolist(), len(table)]


def columns_with_target(model: Model) -> list[str]:
    """Names of what `held_out_rows` yields, but for the row's number."""
    known = model.preprocessor
    names = [f"target_{name}" for name in known.targets] if len(known.targets) > 1 else ["target"]
    ids = len(known.id_columns) or 1
    return [*(names if known.targets else []), *columns(model)[ids:]]


def held_out_rows(model: Model, part: Part) -> Iterator[Row]:
    """For rows whose target is known: the row's number in the file, what is true, predictions."""
    known = model.preprocessor
    shown = predict(model, part.x, part.lengths)
    raw = part.raw.reshape(len(part), -1)
    true = [raw[:, column] for column in range(raw.shape[1] if known.targets else 0)]
    for column, target in enumerate(known.each_target):
        if isinstance(target, Classes):
            true[column] = np.array(target.classes, object)[true[column].astype(int)]
    yield from rows_of([part.rows + 1, *true, *shown_columns(model, shown)])


def rows_of(columns: Columns, *, brief: bool = True) -> Iterator[Row]:
    """The rows of some columns.   brief: probabilities with the digits that a float32 has."""
    plain = [brief_numbers(c) if brief and c.dtype == np.float32 else c.tolist() for c in columns]
    return (list(row) for row in zip(*plain, strict=True))


def brief_numbers(column: Array) -> list[float]:
    return [float(f"{value:.7g}") for value in column.tolist()]


def _overflows(shown: Array) -> int:
    finite = np.isfinite(shown)
    return 0 if finite.all() else int((~finite.all(axis=1)).sum())


def shown_columns(model: Model, shown: Array) -> Columns:
    """The class and the probabilities of all as float32, or the predicted numbers as float64."""
    known = model.preprocessor
    target = known.target_columns
    if isinstance(target, Several):
        label = known.task == "binary"
        parts = [_columns_of(one, shown[:, place.outputs], label) for one, place in target.places()]
        return [column for columns in parts for column in columns]
    return [] if isinstance(target, Tokens) else _columns_of(target, shown, label=False)


def _columns_of(target: Classes | Amounts, shown: Array, label: bool) -> Columns:
    """One target's columns."""
    if isinstance(target, Amounts):  # every digit: a large offset must not round the rest away
        return list(shown.astype(np.float64).T)
    names = np.array(target.classes, object)[chosen_class(shown)]
    if not label and shown.shape[1] == 1:
        shown = np.concatenate([1.0 - shown, shown], axis=1)
    return [names, *shown.astype(np.float32).T]
