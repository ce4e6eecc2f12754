"""Dataset: a file, split and preprocessed, ready to train from."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import field, replace
from functools import partial
from pathlib import Path
from types import MappingProxyType

from nntrain.data import folders, notes, partition
from nntrain.data.columns import Column, parse
from nntrain.data.files import sha256, size
from nntrain.data.grouping import cells_of
from nntrain.data.inputs import Paths, files_of
from nntrain.data.learning import learn, learn_target
from nntrain.data.parts import Part
from nntrain.data.preprocessing import Preprocessor
from nntrain.data.reading import read, read_hashed
from nntrain.data.report import Report
from nntrain.data.settings import Data
from nntrain.data.several import Several, Target
from nntrain.data.split import Parts
from nntrain.data.table import Table, shown
from nntrain.data.targets import Classes
from nntrain.data.tokens import Tokens
from nntrain.families import Array, Goal
from nntrain.values import dataclass
from nntrain.wording import listed


@dataclass(frozen=True)
class Dataset:
    """Everything that training needs to know of a file.

    parts: `train`, and `validation` and `test` where there are rows for them.
    columns: every column of the file and what becomes of it.
    notes: sentences about what was left out or filled in.
    path: the file, or files.
    sha256, size: of the file, in hexadecimal and bytes; of several, of what theirs are together.
    validation_path, test_path: the file or files of these rows, if they have some of their own.
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
    validation_path: str | tuple[str, ...] | None = None

    @staticmethod
    def load(
        settings: Data,
        path: Paths,
        goal: Goal,
        seed: int,
        preprocessor: Preprocessor | None = None,
        test_path: Paths | None = None,
        validation_path: Paths | None = None,
    ) -> Dataset:
        """Read files and split rows; learn from the training rows, or use what a model learned.

        path, test_path, validation_path: the files that the settings name.
        """
        files = files_of(path)
        own = {"validation": files_of(validation_path or ()), "test": files_of(test_path or ())}
        table, hashes = read_hashed(settings, files, goal)
        tables = [table]
        del table  # so that cells that are no text any more are not kept
        more = {name: partial(read, settings, paths, goal) for name, paths in own.items() if paths}
        return replace(
            Dataset.from_table(tables.pop(), settings, goal, seed, preprocessor, more),
            path=_named(files) or "",
            sha256=_together(hashes),
            size=sum(map(size, files)),
            test_path=_named(own["test"]),
            others=_others(
                settings, dict(zip(files, hashes, strict=True)), [*own["validation"], *own["test"]]
            ),
            validation_path=_named(own["validation"]),
        )

    @staticmethod
    def from_table(
        table: Table,
        settings: Data,
        goal: Goal,
        seed: int,
        preprocessor: Preprocessor | None = None,
        more: Mapping[str, Callable[[], Table]] = MappingProxyType({}),
    ) -> Dataset:
        """Rows that are there already: split, learned from and made into parts.

        more: what reads the rows of parts that have rows of their own.
        """
        empty, told, cells = table.empty, folders.told(table), cells_of(table, settings)
        table, columns = parse(table, settings)
        target, table = _target(table, settings, goal)
        used, rows = partition.used(table, target, settings)
        told, cells = (None if some is None else some[rows] for some in (told, cells))
        cut = partition.rows_of_parts(used, target, settings, seed, told, cells)
        if preprocessor is None:
            preprocessor = learn(used, columns, cut.train, settings, goal)
            partition.check_same_classes(used, target, preprocessor, settings)
        report = Report()
        parts, left_out = _parts(table, used, rows, cut, preprocessor, report)
        parts |= {name: part_of(own(), preprocessor, report) for name, own in more.items()}
        features = {feature.name: feature for feature in preprocessor.feature_columns}
        return Dataset(
            "",
            "",
            0,
            preprocessor,
            {name: parts[name] for name in Parts._fields if name in parts},
            tuple(notes.described(column, preprocessor, features) for column in columns),
            (
                *notes.passed_over(empty),
                *left_out,
                *notes.out_of_order(table, columns, settings),
                *notes.what_came_out(used, target, cut, settings),
                *notes.remarks(columns, settings),
                *report.of_training().lines(),
            ),
        )

    @property
    def name(self) -> str:
        """What the files are called in messages."""
        return self.path if isinstance(self.path, str) else shown(self.path)


def _named(files: Sequence[Path]) -> str | tuple[str, ...] | None:
    if len(files) < 2:
        return str(files[0]) if files else None
    return tuple(map(str, files))


def _together(hashes: Sequence[str]) -> str:
    """One SHA-256 for several."""
    if len(hashes) == 1:
        return hashes[0]
    return hashlib.sha256("".join(hashes).encode()).hexdigest()


def _others(settings: Data, files: Mapping[Path, str], more: Sequence[Path]) -> dict[str, str]:
    """SHA-256 of what is read besides the one file; of several `files`, of each."""
    known = {str(file): found for file, found in files.items() if len(files) > 1}
    beside = [other for file in (*files, *more) for other in settings.source(file).companions(file)]
    return known | {str(file): sha256(file) for file in [*more, *beside]}


def _parts(
    table: Table,
    used: Table,
    rows: Array,
    cut: Parts,
    preprocessor: Preprocessor,
    report: Report,
) -> tuple[dict[str, Part], list[str]]:
    """The rows of each part as arrays, and what is said of those that are in none."""
    if preprocessor.tokens:
        return partition.passages(used, cut, preprocessor, report), []
    if preprocessor.cuts_rows:
        parts = partition.pieces(used, cut, rows, preprocessor, report)
        return parts, notes.left_out(table, len(used), preprocessor)
    whole = Part.from_table(used, preprocessor, report)
    parts = partition.parts_of(whole, cut, rows, used)
    return parts, notes.left_out(table, len(whole), preprocessor)


def part_of(table: Table, preprocessor: Preprocessor, report: Report) -> Part:
    """All rows of a table that have a target, as the model sees them; one of them must count."""
    part = Part.from_table(table, preprocessor, report)
    if not part.counts:
        raise partition.none_counts(table)
    return part


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
