"""Folds: several ways to hold rows out, which together hold out each row once."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from nntrain.data.grouping import cut_groups, groups_of, uniform
from nntrain.data.settings import Fold, Split
from nntrain.errors import DataError
from nntrain.families import Array
from nntrain.rng import permutation


class HeldOut(NamedTuple):
    """Row numbers, ascending: those that a fold is tested on, and those that it may learn from."""

    test: Array
    rest: Array


def held_out(
    n: int, classes: Array | None, cells: Array | None, settings: Split, fold: Fold, seed: int
) -> HeldOut:
    """The rows of one fold of n; the arguments are those of `split`.

    By time, the end of the file is cut into blocks of n // (folds + 1) rows, as scikit-learn's
    `TimeSeriesSplit` does, and a fold learns from what comes before its block.
    """
    if n < fold.folds + (settings.by == "time"):
        raise DataError(f"{n} usable rows are too few for {fold.folds} folds", hint="fewer folds")
    if settings.by == "time":
        size = n // (fold.folds + 1)
        first = n - (fold.folds + 1 - fold.fold) * size
        return HeldOut(np.arange(first, first + size), np.arange(first))
    test = fold_of_rows(n, classes, cells, settings, fold.folds, seed) == fold.fold - 1
    found = HeldOut(np.flatnonzero(test), np.flatnonzero(~test))
    if not len(found.test) or not len(found.rest):
        found_none = "no row" if not len(found.test) else "every row"
        message = f"fold {fold.fold} of {fold.folds} holds out {found_none} of {n}"
        raise DataError(message, hint="fewer folds, or more rows")
    return found


def fold_of_rows(
    n: int, classes: Array | None, cells: Array | None, settings: Split, folds: int, seed: int
) -> Array:
    """Which fold holds each row out, (n,) from 0."""
    classes = classes if settings.stratify else None
    if settings.by == "hash" and cells is not None:
        return (uniform(cells, seed, "k-fold") * folds).astype(np.int64)
    if settings.by == "group" and cells is not None:
        groups = groups_of(cells)
        if (count := int(groups.max()) + 1) < folds:
            raise DataError(f"{count} groups are too few for {folds} folds", hint="fewer folds")
        return cut_groups(groups, classes, [1 / folds] * folds, seed, "k-fold")
    order = permutation(n, seed, "k-fold")
    if classes is not None:  # dealt out class by class, so that no fold has two more than another
        order = order[np.argsort(classes[order], kind="stable")]
    fold = np.empty(n, dtype=np.int64)
    fold[order] = np.arange(n) % folds
    return fold
