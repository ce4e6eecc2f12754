"""Dataset: a file, split and preprocessed, ready to train from."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from nntrain.data import folders
from nntrain.data.columns import Column, parse
from nntrain.data.files import sha256, size
from nntrain.data.grouping import BadCellError, cells_of, what_came_out
from nntrain.data.inputs import Paths, files_of, tables
from nntrain.data.kinds import Feature
from nntrain.data.learning import learn, learn_target
from nntrain.data.parts import Part, passage
from nntrain.data.preprocessing import Preprocessor
from nntrain.data.report import Report
from nntrain.data.seen import look
from nntrain.data.settings import Data
from nntrain.data.several import Several, Target
from nntrain.data.split import Parts, shares_of, split
from nntrain.data.table import Empty, Table, join, shown
from nntrain.data.targets import Classes
from nntrain.data.tokens import Tokens
from nntrain.data.windows import beginnings
from nntrain.errors import DataError
from nntrain.families import Array, Goal
from nntrain.wording import in_yaml, listed, plural, quoted


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
        whole_table = read(settings, files)
        empty, told = whole_table.empty, folders.told(whole_table)
        cells = cells_of(whole_table, settings)
        table, columns = parse(whole_table, settings)
        del whole_table
        target, table = _target(table, settings, goal)
        used, rows = _used(table, target, settings)
        told, cells = (None if some is None else some[rows] for some in (told, cells))
        cut = _split(used, target, settings, seed, told, cells)
        if preprocessor is None:
            preprocessor = learn(used, columns, cut.train, settings, goal)
            _check_same_classes(used, target, preprocessor, settings)
        report = Report()
        if preprocessor.tokens:
            parts, left_out = _passages(used, cut, preprocessor, report), []
        else:
            whole = Part.from_table(used, preprocessor, report)
            parts = _parts(whole, cut, rows, used)
            left_out = _left_out(table, whole, preprocessor)
        for name, others in own.items():
            if others:
                parts[name] = load_part(settings, others, preprocessor, report)
        parts = {name: parts[name] for name in Parts._fields if name in parts}
        hashes = [sha256(file) for file in files]
        features = {feature.name: feature for feature in preprocessor.feature_columns}
        return Dataset(
            _named(files) or "",
            _together(hashes),
            sum(map(size, files)),
            preprocessor,
            parts,
            tuple(_described(column, preprocessor, features) for column in columns),
            (
                *_passed_over(empty),
                *left_out,
                *_what_came_out(used, target, cut, settings),
                *_remarks(columns, settings),
                *Report(
                    unseen=report.unseen,
                    few=report.few,
                    unit=report.unit,
                    unweighted=report.unweighted,
                ).lines(),
            ),
            _named(own["test"]),
            _others(settings, files, [*own["validation"], *own["test"]]),
            _named(own["validation"]),
        )

    @property
    def name(self) -> str:
        """What the files are called in messages."""
        return self.path if isinstance(self.path, str) else shown(self.path)


def read(settings: Data, path: Paths) -> Table:
    """All rows of the files."""
    return join(list(tables(settings.source, path)))


def _named(files: Sequence[Path]) -> str | tuple[str, ...] | None:
    if len(files) < 2:
        return str(files[0]) if files else None
    return tuple(map(str, files))


def _together(hashes: Sequence[str]) -> str:
    """One SHA-256 for several."""
    if len(hashes) == 1:
        return hashes[0]
    return hashlib.sha256("".join(hashes).encode()).hexdigest()


def _others(settings: Data, files: Sequence[Path], more: Sequence[Path]) -> dict[str, str]:
    """SHA-256 of what is read besides the one file; of several, of each."""
    found = [*(files if len(files) > 1 else ()), *more]
    beside = (other for file in (*files, *more) for other in settings.source(file).companions(file))
    return {str(file): sha256(file) for file in [*found, *beside]}


def load_part(settings: Data, paths: Paths, preprocessor: Preprocessor, report: Report) -> Part:
    """All rows of other files that have a target, as the model sees them."""
    table = look(read(settings, paths), preprocessor, report)
    part = Part.from_table(table, preprocessor, report)
    if not part.counts:
        raise table.error("every row has the weight 0: none of them counts")
    return part


def _target(table: Table, settings: Data, goal: Goal) -> tuple[Target, Table]:
    """The target as the whole file shows it, and the table with it read as numbers."""
    target = learn_target(table, settings, goal)
    if not isinstance(target, Classes | Tokens):
        table = target.parsed(table, settings.na_values)
    known = table.take(target.has_value(table, settings.na_values))
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
        return table, np.arange(len(table))
    rows = np.flatnonzero(target.has_value(table, settings.na_values))
    return table if len(rows) == len(table) else table.take(rows), rows


def _strata(table: Table, target: Target) -> Array | None:
    """The groups that a split keeps together, (N,); None where the target is a number."""
    if isinstance(target, Classes):
        return target.numbers(table)
    return target.groups(table) if isinstance(target, Several) else None


def _split(
    table: Table,
    target: Target,
    settings: Data,
    seed: int,
    told: Array | None,
    cells: Array | None,
) -> Parts:
    """told (N,): the part of each row, where folders say it; cells (N,): of the column that says
    where rows belong, if there is one."""
    strata = _strata(table, target) if settings.split.by in ("random", "group") else None
    try:
        if told is not None:
            return folders.as_told(told, strata, settings.split, seed)
        return split(len(table), strata, settings.split, seed, cells)
    except BadCellError as error:
        message = f"{table.place(error.row)}: {error.message}"
        raise table.error(message, error.row, error.hint) from None
    except DataError as error:
        raise table.error(error.problem.message, hint=error.problem.hint) from None


def _what_came_out(table: Table, target: Target, cut: Parts, settings: Data) -> list[str]:
    """What to tell of parts whose sizes follow from the cells of a column."""
    if settings.split.by not in ("group", "hash"):
        return []
    rows = {name: own for name, own in cut._asdict().items() if len(own)}
    counts, split = dict[str, Array](), settings.split
    if fold := split.k_fold:
        rest = len(table) - len(cut.test)
        inner = shares_of(rest, replace(split, k_fold=None, test=0.0)) * (1 - 1 / fold.folds)
        shares = [inner[0], inner[1], 1 / fold.folds]
    else:
        shares = shares_of(len(table), split).tolist()
    strata = _strata(table, target) if split.by == "group" and split.stratify else None
    if strata is not None:
        classes = int(strata.max()) + 1
        counts = {name: np.bincount(strata[own], minlength=classes) for name, own in rows.items()}
    sizes = {name: len(own) for name, own in rows.items()}
    return what_came_out(sizes, dict(zip(Parts._fields, shares, strict=True)), counts)


def _parts(whole: Part, cut: Parts, rows: Array, table: Table) -> dict[str, Part]:
    """The rows of each part; `rows` (n,) are the numbers that the rows of the table have."""
    parts = {}
    for name, own in cut._asdict().items():
        part = whole.take(np.flatnonzero(np.isin(whole.rows, own)))
        if not part.counts and len(part):
            raise table.error(f"every {name} row has the weight 0: none of them counts")
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


def _check_same_classes(
    table: Table, target: Target, preprocessor: Preprocessor, settings: Data
) -> None:
    """Without stratifying, it can happen that no training row has some class."""
    whole = target.parts if isinstance(target, Several) else (target,)
    for one, known in zip(whole, preprocessor.each_target, strict=True):
        if not isinstance(one, Classes) or not isinstance(known, Classes):
            continue
        lost = [name for name in one.classes if name not in known.classes]
        if len(one.classes) > len(known.classes):
            raise table.error(
                f"no training row has the class {listed(lost)} of {quoted(one.name)}",
                hint=_to_keep_a_class(settings, len(whole)),
            )


def _to_keep_a_class(settings: Data, targets: int) -> str:
    if settings.split.k_fold:
        return "fewer folds, or more rows of this class: each fold needs some to train on"
    if settings.split.by == "column":
        return "let a row of this class say `train`"
    if targets > 1:
        return "another `seed` splits the rows otherwise"
    return "`data.split: {by: random, stratify: true}` keeps a row of each for training"


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


def _remarks(columns: tuple[Column, ...], settings: Data) -> Iterator[str]:
    """What the user may want otherwise."""
    for column in columns:
        name, key = quoted(column.name), in_yaml(column.name)
        if column.is_feature and column.looks == "id-like" and not settings.window:
            way_on = f"`data.features: {{exclude: [{key}]}}` leaves it out"
            yield f"{name} counts the rows one by one: if it is an id, {way_on}"
        elif column.looks == "text":
            way_on = f"`data.columns: {{{key}: text}}` reads it, as the network's only input"
            yield f"{name} looks like free text and is left out: {way_on}"


def _left_out(table: Table, whole: Part, preprocessor: Preprocessor) -> list[str]:
    names, window = listed(preprocessor.targets), preprocessor.window
    if window:
        count = len(beginnings(len(table), window)) - len(whole)
        what = f"{count:,} of {plural(count + len(whole), 'window')} that miss a value in {names}"
    else:
        count = len(table) - len(whole)
        what = f"{count:,} of {plural(len(table), 'row')} without a value in {names}"
    return [f"{what} left out"] if count else []
