"""Partition: the rows that count, and the parts that are made of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from nntrain.data import folders
from nntrain.data.grouping import BadCellError
from nntrain.data.parts import Part, passage
from nntrain.data.preprocessing import Preprocessor
from nntrain.data.report import Report
from nntrain.data.settings import Data
from nntrain.data.several import Several, Target
from nntrain.data.split import Parts, split
from nntrain.data.table import Table
from nntrain.data.targets import Classes
from nntrain.errors import DataError
from nntrain.families import Array
from nntrain.room import counted, gather, numbered
from nntrain.wording import listed, plural, quoted


def used(table: Table, target: Target, settings: Data) -> tuple[Table, Array]:
    """The rows that have a target, and their numbers (n,); all where a row is a step in time."""
    if settings.window:
        return table, counted(len(table))
    rows = numbered(target.has_value(table, settings.na_values))
    return table if len(rows) == len(table) else table.take(rows), rows


def strata_of(table: Table, target: Target) -> Array | None:
    """The groups that a split keeps together, (N,); None where the target is a number."""
    if isinstance(target, Classes):
        return target.numbers(table)
    return target.groups(table) if isinstance(target, Several) else None


def rows_of_parts(
    table: Table,
    target: Target,
    settings: Data,
    seed: int,
    told: Array | None,
    cells: Array | None,
) -> Parts:
    """told (N,): the part of each row, where folders say it; cells (N,): of the column that says
    where rows belong, if there is one."""
    strata = strata_of(table, target) if settings.split.by in ("random", "group") else None
    try:
        if told is not None:
            return folders.as_told(told, strata, settings.split, seed)
        return split(len(table), strata, settings.split, seed, cells)
    except BadCellError as error:
        message = f"{table.place(error.row)}: {error.message}"
        raise table.error(message, error.row, error.hint) from None
    except DataError as error:
        raise table.error(error.problem.message, hint=error.problem.hint) from None


def pieces(
    table: Table, cut: Parts, rows: Array, preprocessor: Preprocessor, report: Report
) -> dict[str, Part]:
    """The rows of each part, where what becomes of a row depends on no other one."""
    parts = {}
    for name, own in cut._asdict().items():
        if len(own):
            part = Part.of_rows(table, own, preprocessor, report)
            if not part.counts:
                raise none_counts(table, name)
            parts[name] = replace(part, rows=gather(rows, own))
    return parts


def parts_of(whole: Part, cut: Parts, rows: Array, table: Table) -> dict[str, Part]:
    """The rows of each part; `rows` (n,) are the numbers that the rows of the table have."""
    parts = {}
    for name, own in cut._asdict().items():
        some = np.flatnonzero(np.isin(whole.rows, own))
        part = whole if len(some) == len(whole) else whole.take(some)
        if not part.counts and len(part):
            raise none_counts(table, name)
        if len(part):
            parts[name] = replace(part, rows=rows[part.rows])
        elif len(own):
            found = f"none of the {plural(len(own), f'{name} row')} is the target of a window"
            raise table.error(found, hint="more rows, or a shorter `data.window.length`")
    return parts


def passages(
    table: Table, cut: Parts, preprocessor: Preprocessor, report: Report
) -> dict[str, Part]:
    """The parts of a text; those to be judged are read from their beginning to their end."""
    tokens = preprocessor.features(table, report)
    return {
        name: passage(tokens, int(own[0]), int(own[-1]) + 1, preprocessor, whole=name != "train")
        for name, own in cut._asdict().items()
        if len(own)
    }


def none_counts(table: Table, part: str = "") -> DataError:
    rows = f"{part} row" if part else "row"
    return table.error(f"every {rows} has the weight 0: none of them counts")


def check_same_classes(
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
