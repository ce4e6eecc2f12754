"""Split: which rows train, which choose, which judge."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from nntrain.data.folds import held_out
from nntrain.data.grouping import by_word, check_whole, cut_groups, groups_of, uniform
from nntrain.data.settings import Split
from nntrain.errors import ConfigError, DataError, Problem
from nntrain.families import Array
from nntrain.rng import permutation


class Parts(NamedTuple):
    """Row numbers, ascending int64; together every row once."""

    train: Array
    validation: Array
    test: Array


def split(
    n: int, classes: Array | None, settings: Split, seed: int, cells: Array | None = None
) -> Parts:
    """Cut n rows by the settings; a function of its arguments alone.

    By time, the rows train that come first in the file; those for validation follow, then those
    for the test.  `classes` (n,) may give the class of each row from 0, for `stratify`, and
    `cells` (n,) the text of the column that group, column and hash look at.
    """
    if cells is not None:
        check_whole(cells, settings.column or "")
    if fold := settings.k_fold:
        test, rest = held_out(n, classes, cells, settings, fold, seed)
        own = [None if array is None else array[rest] for array in (classes, cells)]
        inner = replace(settings, k_fold=None, test=0.0)
        train, validation, _ = split(len(rest), own[0], inner, seed, own[1])
        return Parts(rest[train], rest[validation], test)
    if settings.by == "column" and cells is not None:
        part = by_word(cells, settings.column or "")
        _check_train(part, "no row says `train`")
        return _parts(part)
    shares = shares_of(n, settings)
    if settings.by == "hash" and cells is not None:
        return _by_hash(uniform(cells, seed, "split"), shares)
    if settings.by == "group" and cells is not None:
        train, validation, test = shares.tolist()
        strata = classes if settings.stratify else None
        # the test is drawn first, then validation; the rest trains
        part = cut_groups(groups_of(cells), strata, [test, validation, train], seed, "split")
        return _parts(2 - part)
    sizes = _sizes(n, shares)
    if settings.by == "time":
        first, second = np.cumsum(sizes)[:2]
        return Parts(*np.split(np.arange(n), [first, second]))
    return _at_random(n, classes if settings.stratify else None, shares, sizes, seed)


def _at_random(n: int, classes: Array | None, shares: Array, sizes: Array, seed: int) -> Parts:
    """By the seed; with `classes`, each has its share in every part, rounded by largest
    remainders so that the parts keep their sizes; a class always has a training row, and with as
    many rows as there are parts one in each as far as the sizes allow.
    """
    order = permutation(n, seed, "split")
    if classes is None:
        counts = sizes[:, None]  # (3, 1)
        group = np.zeros(n, dtype=np.int64)
    else:
        rows_of = np.bincount(classes)
        counts = _stratified(rows_of, shares, sizes)  # (3, C)
        group = classes
        _check_not_empty(n, shares, counts.sum(axis=1))
    part = np.empty(n, dtype=np.int64)
    for number, count in enumerate(counts.T):
        rows = order[group[order] == number]
        part[rows] = np.repeat(np.arange(3), count)
    return _parts(part)


def _by_hash(place: Array, shares: Array) -> Parts:
    """By a number in [0, 1) of each row: the test has the first ones, so that its rows stay when
    the share of validation is another."""
    _, validation, test = shares.tolist()
    part = np.where(place < test, 2, np.where(place < test + validation, 1, 0))
    for number, name in ((0, "train"), (1, "validation"), (2, "test")):
        if shares[number] > 0 and not (part == number).any():
            message = f"of {len(part):,} usable rows, none falls into {name} by its hash"
            raise DataError(message, hint="more rows, or a larger share in `data.split`")
    return _parts(part)


def _check_train(part: Array, message: str) -> None:
    if not (part == 0).any():
        raise DataError(message, hint="there is nothing to train on")


def _parts(part: Array) -> Parts:
    """From the number of each row's part, (n,)."""
    return Parts(*(np.flatnonzero(part == number) for number in range(3)))


def shares_of(n: int, settings: Split) -> Array:
    """Shares of train, validation, test, (3,)."""
    kept = [settings.validation, settings.test]
    validation, test = (size / max(n, size) if size >= 1 else size for size in kept)
    rest = 1.0 - validation - test
    if rest >= 1e-9:
        return np.array([rest, validation, test])
    sizes = f"validation {kept[0]:,} and test {kept[1]:,}"
    if max(kept) >= 1:
        message = f"{sizes} leave none of {n:,} usable rows to train"
        raise DataError(message, hint="keep fewer rows in `data.split`")
    message, hint = f"{sizes} leave no rows for training", "together they must be below 1"
    raise ConfigError(Problem(message, path="data.split", hint=hint))


def _sizes(n: int, shares: Array) -> Array:
    """Rows of each part, (3,); a part that is wanted has at least one."""
    wanted = (shares > 0).astype(np.int64)
    if n < wanted.sum():
        raise _too_few(n, int(wanted.sum()))
    return apportion(n * shares, n, wanted, wanted * n)


def _stratified(rows_of: Array, shares: Array, sizes: Array) -> Array:
    """How many rows each class gives to each part, (3, C)."""
    counts = np.zeros((3, len(rows_of)), dtype=np.int64)
    left = rows_of.copy()
    wanted = [part for part in (2, 1) if shares[part] > 0]
    enough = rows_of > len(wanted)  # a row for each part and one to train
    for part in wanted:
        later = sum(other < part for other in wanted)
        spare = np.maximum(left - 1 - np.where(enough, later, 0), 0)
        counts[part] = apportion(
            rows_of * shares[part], int(sizes[part]), np.minimum(enough, spare), spare
        )
        left -= counts[part]
    counts[0] = left
    return counts


def apportion(ideal: Array, total: int, low: Array, high: Array) -> Array:
    """Whole numbers (C,) near the ideal ones that sum to the total, by largest remainders.

    They stay within low and high where the total allows: it is cut to what `high` sums to, and
    where it is less than what `low` sums to, `low` gives way.
    """
    counts = np.clip(np.floor(ideal).astype(np.int64), low, high)
    total = min(total, int(high.sum()))
    while counts.sum() < total:
        counts[np.where(counts < high, ideal - counts, -np.inf).argmax()] += 1
    while counts.sum() > total:
        floor = low if (counts > low).any() else np.zeros_like(low)
        counts[np.where(counts > floor, ideal - counts, np.inf).argmin()] -= 1
    return counts


def _check_not_empty(n: int, shares: Array, sizes: Array) -> None:
    if ((shares > 0) & (sizes == 0)).any():
        raise _too_few(n, int((shares > 0).sum()))


def _too_few(n: int, parts: int) -> DataError:
    return DataError(
        f"{n} usable rows are too few to be split into {parts} parts",
        hint="more rows, or `data.split: {validation: 0, test: 0}`",
    )
