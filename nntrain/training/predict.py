"""Predict: raw rows in; ids, predictions and probabilities out, a portion at a time."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from nntrain.data.arrays import Grid
from nntrain.data.formats import Csv, Npz, Ts
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
from nntrain.training.evaluate import chosen_class, predict
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
    tables = _format(model, source).read(source, PORTION)
    if known.window:
        yield from _forecasts(model, known.window, look(join(list(tables)), known, report), report)
        return
    done = 0
    for table in (look(table, known, report) for table in tables):
        shown = predict(model, known.features(table, report), known.lengths(table))
        ids: Iterable[Iterable[Any]] = zip(*known.ids(table), strict=True)
        if not known.id_columns:
            ids = ((number,) for number in range(done + 1, done + len(table) + 1))
        report.overflows += _overflows(shown)
        rows = _shown_rows(model, shown)
        yield from ([*some, *rest] for some, rest in zip(ids, rows, strict=True))
        done += len(table)


def _format(model: Model, source: Path | TextIO) -> Source:
    """By the ending of a file; a stream has none, so what holds such rows as were learned."""
    data, array = model.experiment.data, model.preprocessor.array
    if isinstance(source, Path):
        return data.source(source)
    if isinstance(array, Grid):
        return data.format or Npz()
    return data.format or (Ts() if array else Csv())


def _forecasts(model: Model, window: Window, table: Table, report: Report) -> Iterator[Row]:
    """The ids of the rows foretold are empty where the file does not have these rows yet."""
    known = model.preprocessor
    first = all_beginnings(len(table), window)
    if not len(first):
        needed = f"a window takes {window.length:,}"
        raise table.error(f"{plural(len(table), 'row')} are too few: {needed}")
    x, ids = known.features(table, report), known.ids(table)
    for at in range(0, len(first), PORTION):  # all windows at once are `length` times the table
        some = first[at : at + PORTION]
        shown = predict(model, cut(x, some, window))
        report.overflows += _overflows(shown)
        rows = target_rows(some, window).tolist()
        for row, rest in zip(rows, _shown_rows(model, shown), strict=True):
            own = [cells[row] if row < len(table) else "" for cells in ids] or [row + 1]
            yield [*own, *rest]


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


def write_csv(names: list[str], rows: Iterable[Row], stream: TextIO) -> None:
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(names)
    writer.writerows(rows)


def write_jsonl(names: list[str], rows: Iterable[Row], stream: TextIO) -> None:
    for row in rows:
        known = [None if isinstance(v, float) and not math.isfinite(v) else v for v in row]
        stream.write(json.dumps(dict(zip(names, known, strict=True)), allow_nan=False) + "\n")
