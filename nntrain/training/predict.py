"""Predict: raw rows in; ids, predictions and probabilities out, a portion at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
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
from nntrain.training.evaluate import block_size, chosen_class, predict
from nntrain.wording import plural

PORTION = 8192  # rows read, predicted and written at a time

Row = list[Any]


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


def predictions(model: Model, source: Path | TextIO, report: Report) -> Iterator[Row]:
    """A row for each row of the source, whose target is not needed; `report` fills on the way.

    With a window, a row for each window, named after the row that it foretells: the newest one
    foretells what comes after the end of the file.
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
    done = 0
    for table in _in_blocks(_tables(model, source), block_size(model.network.widest)):
        table = look(table, known, report)
        shown = predict(model, known.features(table, report), known.lengths(table))
        ids: Iterable[Iterable[Any]] = zip(*known.ids(table), strict=True)
        if not known.id_columns:
            ids = ((number,) for number in range(done + 1, done + len(table) + 1))
        report.overflows += _overflows(shown)
        rows = _shown_rows(model, shown)
        yield from ([*some, *rest] for some, rest in zip(ids, rows, strict=True))
        done += len(table)


def _tables(model: Model, source: Path | TextIO) -> Iterator[Table]:
    if isinstance(source, Path):
        return tables(model.experiment.data.source, source, PORTION)
    return _format(model, source).read(source, PORTION)


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
        rows = zip(target_rows(some, window).tolist(), end_of[at : at + PORTION], strict=True)
        for (row, end), rest in zip(rows, _shown_rows(model, shown), strict=True):
            own = [cells[row] if row < end else "" for cells in ids] or [row + 1]
            yield [*own, *rest]


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
    true = [raw[:, column].tolist() for column in range(raw.shape[1] if known.targets else 0)]
    for column, target in enumerate(known.each_target):
        if isinstance(target, Classes):
            true[column] = [target.classes[int(number)] for number in true[column]]
    own: Iterable[Iterable[Any]] = zip(*true, strict=True) if true else [[]] * len(part)
    rows = zip(part.rows.tolist(), own, _shown_rows(model, shown), strict=True)
    yield from ([row + 1, *cells, *rest] for row, cells, rest in rows)


def _overflows(shown: Array) -> int:
    return int((~np.isfinite(shown).all(axis=1)).sum())


def _shown_rows(model: Model, shown: Array) -> Iterator[Row]:
    """For each row the class and the probabilities of all, or the predicted numbers."""
    known = model.preprocessor
    target = known.target_columns
    if isinstance(target, Several):
        label = known.task == "binary"
        parts = [_cells(part, shown[:, place.outputs], label) for part, place in target.places()]
        yield from ([cell for cells in row for cell in cells] for row in zip(*parts, strict=True))
    elif not isinstance(target, Tokens):
        yield from _cells(target, shown, label=False)


def _cells(target: Classes | Amounts, shown: Array, label: bool) -> Iterator[Row]:
    """One target's columns of each row."""
    if isinstance(target, Amounts):
        yield from shown.tolist()  # every digit: a large offset must not round the rest away
        return
    for chosen, row in zip(chosen_class(shown).tolist(), shown.tolist(), strict=True):
        whole = row if label or len(row) > 1 else [1.0 - row[0], row[0]]
        yield [target.classes[chosen], *map(_brief, whole)]


def _brief(value: float) -> float:
    """A probability with the digits that a float32 has."""
    return float(f"{value:.7g}")
