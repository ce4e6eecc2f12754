"""Part: rows as arrays, ready for the network."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nntrain.data.preprocessing import Preprocessor
from nntrain.data.report import Report
from nntrain.data.settings import Window
from nntrain.data.table import Table
from nntrain.data.windows import beginnings, cut, target_rows
from nntrain.families import Array
from nntrain.wording import listed, plural


@dataclass(frozen=True)
class Part:
    """Rows that have a target, as arrays.

    x: (N, …) float32, C-contiguous, the axes after the first as `Preprocessor.shape` has them.
    target: what the loss compares with, see `Preprocessor.target`; it is `x` itself where the
        network learns its own input of one axis.
    raw: what metrics compare with: numbers in their own unit, (N, K) float64; else `target`.
    rows: (N,) the number of each row in the file, from 0; of a window, its target's.
    lengths: (N,) int64, how many steps of axis 1 each row really has, the rest is zeros; None
        where all rows are whole.
    """

    x: Array
    target: Array
    raw: Array
    rows: Array
    lengths: Array | None = None

    def __len__(self) -> int:
        return len(self.x)

    @staticmethod
    def from_table(table: Table, preprocessor: Preprocessor, report: Report | None = None) -> Part:
        """The rows of a table that have a target, or the windows that do."""
        known = preprocessor.has_target(table)
        if not known.any():
            raise table.error(f"no row has a value in {listed(preprocessor.targets)}")
        if preprocessor.window:
            return _windows(table, known, preprocessor, preprocessor.window, report)
        rows = np.flatnonzero(known)
        table = table if len(rows) == len(table) else table.take(rows)
        x, lengths = preprocessor.features(table, report), preprocessor.lengths(table)
        if not preprocessor.targets:
            target = x if x.ndim == 2 else x.reshape(len(x), -1)
            return Part(x, target, target, rows)
        target, raw = preprocessor.target(table), preprocessor.raw_target(table)
        return Part(x, target, raw, rows, lengths)

    def take(self, rows: Array) -> Part:
        """Some of the rows."""
        x = self.x[rows]
        target = x if self.target is self.x else self.target[rows]
        raw = target if self.raw is self.target else self.raw[rows]
        lengths = None if self.lengths is None else self.lengths[rows]
        return Part(x, target, raw, self.rows[rows], lengths)


def _windows(
    table: Table,
    known: Array,
    preprocessor: Preprocessor,
    window: Window,
    report: Report | None,
) -> Part:
    """The windows of a table whose targets, before and to come, are all there."""
    first = beginnings(len(table), window)
    whole = cut(known, first, window).all(axis=1) & known[target_rows(first, window)]
    first = first[whole]
    if not len(first):
        needed = window.length + window.horizon
        message = f"{plural(len(table), 'row')} hold no window that is whole"
        raise table.error(message, hint=f"one takes {needed:,} rows with values in a row")
    rows = target_rows(first, window)
    foretold = table.take(rows)
    x = cut(preprocessor.features(table, report), first, window)
    return Part(x, preprocessor.target(foretold), preprocessor.raw_target(foretold), rows)
