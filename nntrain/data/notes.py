"""Notes: what is said of columns, of rows that are left out and of what a split came to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np

from nntrain.data import grouping
from nntrain.data.columns import Column
from nntrain.data.kinds import Feature
from nntrain.data.partition import strata_of
from nntrain.data.preprocessing import Preprocessor
from nntrain.data.settings import Data
from nntrain.data.several import Target
from nntrain.data.split import Parts, shares_of
from nntrain.data.table import Empty, Table
from nntrain.data.windows import beginnings
from nntrain.families import Array
from nntrain.wording import in_yaml, listed, plural, quoted


def described(
    column: Column, preprocessor: Preprocessor, features: Mapping[str, Feature]
) -> Column:
    """The column with what the preprocessor does to it."""
    if column.kind == "target":
        lags = "; an input too" if preprocessor.window else ""
        own = next(part for part in preprocessor.each_target if column.name in part.names)
        return replace(column, note=own.note + lags)
    feature = features.get(column.name)
    return replace(column, note=feature.note) if feature else column


def passed_over(empty: Empty) -> list[str]:
    if not empty.lines:
        return []
    return [f"{plural(empty.lines, 'empty line')} passed over, the first is {empty.place}"]


def out_of_order(table: Table, columns: tuple[Column, ...], settings: Data) -> list[str]:
    """Dates that are not in the order that a split by time takes the rows in."""
    if settings.split.by != "time":
        return []
    odd = [
        column.name
        for column in columns
        if column.kind == "date" and (np.diff(table.columns[column.name]) < 0).any()
    ]
    return [
        f"`split.by: time` takes the rows as they stand in the file, and {quoted(name)} is not in "
        "order: sort the file by it, or later rows train for earlier ones"
        for name in odd
    ]


def left_out(table: Table, used: int, preprocessor: Preprocessor) -> list[str]:
    """What is said of rows (or windows) that are not among the `used` ones."""
    names, window = listed(preprocessor.targets), preprocessor.window
    if window:
        count = len(beginnings(len(table), window)) - used
        across = (
            " or would begin in one file and end in the next" if table.origin is not None else ""
        )
        what = f"{count:,} of {plural(count + used, 'window')} that miss a value in {names}{across}"
    else:
        count = len(table) - used
        what = f"{count:,} of {plural(len(table), 'row')} without a value in {names}"
    return [f"{what} left out"] if count else []


def what_came_out(table: Table, target: Target, cut: Parts, settings: Data) -> list[str]:
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
    strata = strata_of(table, target) if split.by == "group" and split.stratify else None
    if strata is not None:
        classes = int(strata.max()) + 1
        counts = {name: np.bincount(strata[own], minlength=classes) for name, own in rows.items()}
    sizes = {name: len(own) for name, own in rows.items()}
    return grouping.what_came_out(sizes, dict(zip(Parts._fields, shares, strict=True)), counts)


def remarks(columns: tuple[Column, ...], settings: Data) -> Iterator[str]:
    """What the user may want otherwise."""
    for column in columns:
        name, key = quoted(column.name), in_yaml(column.name)
        if column.is_feature and column.looks == "id-like" and not settings.window:
            way_on = f"`data.features: {{exclude: [{key}]}}` leaves it out"
            yield f"{name} counts the rows one by one: if it is an id, {way_on}"
        elif column.looks == "text":
            way_on = f"`data.columns: {{{key}: text}}` reads it, as the network's only input"
            yield f"{name} looks like free text and is left out: {way_on}"
