"""Parts that folders of images say: `train`, `validation` and `test` in the column `split`."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from nntrain.data.settings import Split
from nntrain.data.split import Parts, split
from nntrain.data.table import Table
from nntrain.errors import DataError
from nntrain.families import Array

COLUMN = "split"


def told(table: Table) -> Array | None:
    """The part of each row, (N,) text, where the folders say it."""
    return table.columns[COLUMN] if COLUMN in table.aside else None


def as_told(part: Array, strata: Array | None, settings: Split, seed: int) -> Parts:
    """The rows of each part.  A part that has no folder gets training rows as the settings say.

    part (n,) text and strata (n,) or None, see `split.split`.
    """
    train, validation, test = (np.flatnonzero(part == name) for name in Parts._fields)
    if not len(train):
        raise DataError("no image is to train from: the folder `train` has none with a class")
    rest = replace(
        settings,
        validation=0.0 if len(validation) else settings.validation,
        test=0.0 if len(test) else settings.test,
    )
    cut = split(len(train), None if strata is None else strata[train], rest, seed)
    return Parts(
        train[cut.train],
        validation if len(validation) else train[cut.validation],
        test if len(test) else train[cut.test],
    )
