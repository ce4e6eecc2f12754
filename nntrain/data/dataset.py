"""Dataset: a file, split and preprocessed, ready to train from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from nntrain.data.columns import Column, parse
from nntrain.data.preprocessing import Preprocessor, learn, learn_target
from nntrain.data.report import Report
from nntrain.data.settings import Data
from nntrain.data.several import Several, Target
from nntrain.data.sources import sha256
from nntrain.data.split import Parts, split
from nntrain.data.table import Table, join
from nntrain.data.targets import Classes
from nntrain.errors import DataError
from nntrain.families import Array, Goal
from nntrain.wording import listed, plural, quoted


@dataclass(frozen=True)
class Part:
    """Rows that have a target, as arrays.

    x: (N, D) float32, C-contiguous.
    target: what the loss compares with, see `Preprocessor.target`; it is `x` itself where the
        network learns its own input.
    raw: what metrics compare with: numbers in their own unit, (N, K) float64; else `target`.
    rows: (N,) the number of each row in the file, from 0.
    """

    x: Array
    target: Array
    raw: Array
    rows: Array

    def __len__(self) -> int:
        return len(self.x)

    @staticmethod
    def from_table(table: Table, preprocessor: Preprocessor, report: Report | None = None) -> Part:
        """The rows of a table that have a target."""
        rows = np.flatnonzero(preprocessor.has_target(table))
        if not len(rows):
            raise table.error(f"no row has a value in {listed(preprocessor.targets)}")
        table = table if len(rows) == len(table) else table.take(rows)
        x = preprocessor.features(table, report)
        if not preprocessor.targets:
            return Part(x, x, x, rows)
        return Part(x, preprocessor.target(table), preprocessor.raw_target(table), rows)

    def take(self, rows: Array) -> Part:
        """Some of the rows."""
        x = self.x[rows]
        target = x if self.target is self.x else self.target[rows]
        raw = target if self.raw is self.target else self.raw[rows]
        return Part(x, target, raw, self.rows[rows])


@dataclass(frozen=True)
class Dataset:
    """Everything that training needs to know of a file.

    parts: `train`, and `validation` and `test` where the split keeps rows for them.
    columns: every column of the file and what becomes of it.
    notes: sentences about what was left out or filled in.
    sha256, size: of the file, in hexadecimal and bytes.
    """

    path: str
    sha256: str
    size: int
    preprocessor: Preprocessor
    parts: Mapping[str, Part]
    columns: tuple[Column, ...]
    notes: tuple[str, ...]

    @staticmethod
    def load(
        settings: Data,
        path: str | Path,
        goal: Goal,
        seed: int,
        preprocessor: Preprocessor | None = None,
    ) -> Dataset:
        """Read a file and split it; learn from the training rows, or use what a model learned."""
        table, columns = parse(read(settings, path), settings)
        target, labelled, rows = _labelled(table, settings, goal)
        cut = _split(labelled, _strata(labelled, target), settings, seed)
        if preprocessor is None:
            preprocessor = learn(labelled, columns, cut.train, settings, goal)
            _check_same_classes(labelled, target, preprocessor)
        report = Report()
        whole = replace(Part.from_table(labelled, preprocessor, report), rows=rows)
        return Dataset(
            str(path),
            sha256(path),
            Path(path).stat().st_size,
            preprocessor,
            {name: whole.take(part) for name, part in cut._asdict().items() if len(part)},
            tuple(_described(column, preprocessor) for column in columns),
            (*_left_out(table, rows, preprocessor), *Report(unseen=report.unseen).lines()),
        )


def read(settings: Data, path: str | Path) -> Table:
    """All rows of a file."""
    return join(list(settings.format.read(path)))


def _labelled(table: Table, settings: Data, goal: Goal) -> tuple[Target, Table, Array]:
    """The target as the whole file shows it; the rows that have one, and their numbers (N,)."""
    target = learn_target(table, settings, goal)
    if not isinstance(target, Classes):
        table = target.parsed(table, settings.na_values)
    rows = np.flatnonzero(target.has_value(table, settings.na_values))
    if not len(rows):
        raise table.error(f"no row has a value in {listed(settings.targets)}")
    labelled = table if len(rows) == len(table) else table.take(rows)
    if isinstance(target, Classes):
        target.check(labelled, chosen=settings.columns.get(target.name) == "categorical")
    elif isinstance(target, Several):
        target.check(labelled, settings)
    else:
        target.check(labelled)
    return target, labelled, rows


def _strata(table: Table, target: Target) -> Array | None:
    """The groups that a split keeps together, (N,); None where the target is a number."""
    if isinstance(target, Classes):
        return target.numbers(table)
    return target.groups(table) if isinstance(target, Several) else None


def _split(table: Table, strata: Array | None, settings: Data, seed: int) -> Parts:
    try:
        return split(len(table), strata, settings.split, seed)
    except DataError as error:
        raise table.error(error.problem.message, hint=error.problem.hint) from None


def _check_same_classes(table: Table, target: Target, preprocessor: Preprocessor) -> None:
    """Without stratifying, it can happen that no training row has some class."""
    whole = target.parts if isinstance(target, Several) else (target,)
    for one, known in zip(whole, preprocessor.each_target, strict=True):
        if not isinstance(one, Classes) or not isinstance(known, Classes):
            continue
        lost = [name for name in one.classes if name not in known.classes]
        if len(one.classes) > len(known.classes):
            raise table.error(
                f"no training row has the class {listed(lost)} of {quoted(one.name)}",
                hint="`data.split: {stratify: true}` keeps a row of each class for training"
                if len(whole) == 1
                else "another `seed` splits the rows otherwise",
            )


def _described(column: Column, preprocessor: Preprocessor) -> Column:
    """The column with what the preprocessor does to it."""
    for feature in preprocessor.feature_columns:
        if feature.name == column.name:
            return replace(column, note=feature.note)
    if column.kind == "target":
        own = (part for part in preprocessor.each_target if column.name in part.names)
        return replace(column, note=next(own).note)
    return column


def _left_out(table: Table, rows: Array, preprocessor: Preprocessor) -> list[str]:
    count = len(table) - len(rows)
    if not count:
        return []
    names = listed(preprocessor.targets)
    return [f"{count:,} of {plural(len(table), 'row')} without a value in {names} left out"]
