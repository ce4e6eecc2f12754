"""Dataset: a file, split and preprocessed, ready to train from."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from nntrain.data import folders
from nntrain.data.columns import Column, parse
from nntrain.data.files import sha256, size
from nntrain.data.inputs import Paths, files_of
from nntrain.data.learning import learn, learn_target
from nntrain.data.parts import Part, passage
from nntrain.data.preprocessing import Feature, Preprocessor
from nntrain.data.reading import read, read_hashed
from nntrain.data.report import Report
from nntrain.data.settings import Data
from nntrain.data.several import Several, Target
from nntrain.data.split import Parts, split
from nntrain.data.table import Empty, Table, shown
from nntrain.data.targets import Classes
from nntrain.data.tokens import Tokens
from nntrain.data.windows import beginnings
from nntrain.errors import DataError
from nntrain.families import Array, Goal
from nntrain.room import counted, gather, numbered
from nntrain.wording import listed, plural, quoted


@dataclass(frozen=True)
class Dataset:
    """Everything that training needs to know of a file.

    parts: `train`, and `validation` and `test` where there are rows for them.
    columns: every column of the file and what becomes of it.
    notes: sentences about what was left out or filled in.
    path: the file, or files.
    sha256, size: of the file, in hexadecimal and bytes; of several, of what theirs are together.
    test_path: the file or files of the test rows, if they have some of their own.
    others: SHA-256 of every other file that was read, by path.
    """

    path: str | tuple[str, ...]
    sha256: str
    size: int
    preprocessor: Preprocessor
    parts: Mapping[str, Part]
    columns: tuple[Column, ...]
    notes: tuple[str, ...]
    test_path: str | tuple[str, ...] | None = None
    others: Mapping[str, str] = field(default_factory=dict)

    @staticmethod
    def load(
        settings: Data,
        path: Paths,
        goal: Goal,
        seed: int,
        preprocessor: Preprocessor | None = None,
        test_path: Paths | None = None,
    ) -> Dataset:
        """Read files and split rows; learn from the training rows, or use what a model learned.

        path, test_path: the files that the settings name.
        """
        files, test_files = files_of(path), files_of(test_path or ())
        whole_table, hashes = read_hashed(settings, files, goal)
        empty, told = whole_table.empty, folders.told(whole_table)
        table, columns = parse(whole_table, settings)
        del whole_table
        target, table = _target(table, settings, goal)
        used, rows = _used(table, target, settings)
        cut = _split(used, target, settings, seed, None if told is None else told[rows])
        if preprocessor is None:
            preprocessor = learn(used, columns, cut.train, settings, goal)
            _check_same_classes(used, target, preprocessor)
        report = Report()
        if preprocessor.tokens:
            parts, left_out = _passages(used, cut, preprocessor, report), []
        elif preprocessor.cuts_rows:
            parts = _pieces(used, cut, rows, preprocessor, report)
            left_out = _left_out(table, len(used), preprocessor)
        else:
            whole = Part.from_table(used, preprocessor, report)
            parts = _parts(whole, cut, rows, used)
            left_out = _left_out(table, len(whole), preprocessor)
        if test_files:
            others = read(settings, test_files, goal)
            parts["test"] = Part.from_table(others, preprocessor, report)
        features = {feature.name: feature for feature in preprocessor.feature_columns}
        return Dataset(
            _named(files),
            _together(hashes),
            sum(map(size, files)),
            preprocessor,
            parts,
            tuple(_described(column, preprocessor, features) for column in columns),
            (
                *_passed_over(empty),
                *left_out,
                *Report(unseen=report.unseen, unit=report.unit).lines(),
            ),
            _named(test_files) if test_files else None,
            _others(settings, files, test_files),
        )

    @property
    def name(self) -> str:
        """What the files are called in messages."""
        return self.path if isinstance(self.path, str) else shown(self.path)


def _named(files: Sequence[Path]) -> str | tuple[str, ...]:
    return str(files[0]) if len(files) == 1 else tuple(map(str, files))


def _together(hashes: Sequence[str]) -> str:
    """One SHA-256 for several."""
    if len(hashes) == 1:
        return hashes[0]
    return hashlib.sha256("".join(hashes).encode()).hexdigest()


def _others(settings: Data, files: Sequence[Path], test_files: Sequence[Path]) -> dict[str, str]:
    """SHA-256 of what is read besides the one file; of several, of each."""
    found = [*(files if len(files) > 1 else ()), *test_files]
    beside = (
        other for file in (*files, *test_files) for other in settings.source(file).companions(file)
    )
    return {str(file): sha256(file) for file in [*found, *beside]}


def _target(table: Table, settings: Data, goal: Goal) -> tuple[Target, Table]:
    """The target as the whole file shows it, and the table with it read as numbers."""
    target = learn_target(table, settings, goal)
    if not isinstance(target, Classes | Tokens):
        table = target.parsed(table, settings.na_values)
    have = target.has_value(table, settings.na_values)
    known = table if have.all() else table.take(have)
    if not len(known):
        raise table.error(f"no row has a value in {listed(settings.targets)}")
    if isinstance(target, Classes):
        target.check(known, chosen=settings.columns.get(target.name) == "categorical")
    elif isinstance(target, Several):
        target.check(known, settings)
    else:
        target.check(known)
    return target, table


def _used(table: Table, target: Target, settings: Data) -> tuple[Table, Array]:
    """The rows that have a target, and their numbers (n,); all where a row is a step in time."""
    if settings.window:
        return table, counted(len(table))
    rows = numbered(target.has_value(table, settings.na_values))
    return table if len(rows) == len(table) else table.take(rows), rows


def _strata(table: Table, target: Target) -> Array | None:
    """The groups that a split keeps together, (N,); None where the target is a number."""
    if isinstance(target, Classes):
        return target.numbers(table)
    return target.groups(table) if isinstance(target, Several) else None


def _split(table: Table, target: Target, settings: Data, seed: int, told: Array | None) -> Parts:
    """told (N,): the part of each row, where folders say it."""
    strata = _strata(table, target) if settings.split.by == "random" else None
    try:
        if told is not None:
            return folders.as_told(told, strata, settings.split, seed)
        return split(len(table), strata, settings.split, seed)
    except DataError as error:
        raise table.error(error.problem.message, hint=error.problem.hint) from None


def _pieces(
    table: Table, cut: Parts, rows: Array, preprocessor: Preprocessor, report: Report
) -> dict[str, Part]:
    """The rows of each part, where what becomes of a row depends on no other one."""
    parts = {}
    for name, own in cut._asdict().items():
        if len(own):
            part = Part.of_rows(table, own, preprocessor, report)
            parts[name] = replace(part, rows=gather(rows, own))
    return parts


def _parts(whole: Part, cut: Parts, rows: Array, table: Table) -> dict[str, Part]:
    """The rows of each part; `rows` (n,) are the numbers that the rows of the table have."""
    parts = {}
    for name, own in cut._asdict().items():
        part = whole.take(np.flatnonzero(np.isin(whole.rows, own)))
        if len(part):
            parts[name] = replace(part, rows=rows[part.rows])
        elif len(own):
            found = f"none of the {plural(len(own), f'{name} row')} is the target of a window"
            raise table.error(found, hint="more rows, or a shorter `data.window.length`")
    return parts


def _passages(
    table: Table, cut: Parts, preprocessor: Preprocessor, report: Report
) -> dict[str, Part]:
    """The parts of a text; those to be judged are read from their beginning to their end."""
    tokens = preprocessor.features(table, report)
    return {
        name: passage(tokens, int(own[0]), int(own[-1]) + 1, preprocessor, whole=name != "train")
        for name, own in cut._asdict().items()
        if len(own)
    }


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
                hint="`data.split: {by: random, stratify: true}` keeps a row of each for training"
                if len(whole) == 1
                else "another `seed` splits the rows otherwise",
            )


def _described(
    column: Column, preprocessor: Preprocessor, features: Mapping[str, Feature]
) -> Column:
    """The column with what the preprocessor does to it."""
    if column.kind == "target":
        lags = "; an input too" if preprocessor.window else ""
        own = next(part for part in preprocessor.each_target if column.name in part.names)
        return replace(column, note=own.note + lags)
    feature = features.get(column.name)
    return replace(column, note=feature.note) if feature else column


def _passed_over(empty: Empty) -> list[str]:
    if not empty.lines:
        return []
    return [f"{plural(empty.lines, 'empty line')} passed over, the first is {empty.place}"]


def _left_out(table: Table, used: int, preprocessor: Preprocessor) -> list[str]:
    """What is said of rows (or windows) that are not among the `used` ones."""
    names, window = listed(preprocessor.targets), preprocessor.window
    if window:
        count = len(beginnings(len(table), window)) - used
        what = f"{count:,} of {plural(count + used, 'window')} that miss a value in {names}"
    else:
        count = len(table) - used
        what = f"{count:,} of {plural(len(table), 'row')} without a value in {names}"
    return [f"{what} left out"] if count else []
