"""Part: rows as arrays, ready for the network."""

from __future__ import annotations

from dataclasses import fields

import numpy as np

from nntrain import room
from nntrain.data.preprocessing import Preprocessor
from nntrain.data.report import Report
from nntrain.data.settings import Window
from nntrain.data.table import Table
from nntrain.data.tokens import NOWHERE
from nntrain.data.windows import beginnings, cut, target_rows
from nntrain.families import Array
from nntrain.room import empty, gather, numbered, stretches
from nntrain.values import dataclass
from nntrain.wording import listed, plural

PIECE_BYTES = 1 << 23  # of inputs that are made at a time


@dataclass(frozen=True)
class Part:
    """Rows that have a target, as arrays.

    x: (N, …) float32, C-contiguous, the axes after the first as `Preprocessor.shape` has them.
    target: what the loss compares with, see `Preprocessor.target`; it is `x` itself where the
        network learns its own input of one axis.
    raw: what metrics compare with: numbers in their own unit, (N, K) float64; else `target`.
    rows: (N,) the number of each row in the file, from 0; of a window, its target's.
    weights: (N,) float64, how much each row counts; None where all count the same.
    lengths: (N,) int64, how many steps of axis 1 each row really has, the rest is zeros; None
        where all rows are whole.
    in_order: each row goes on where the one before it ended, so that recurrent layers can keep
        their state from row to row.
    ids: the cells of each id column, (N,) text; none where the table does not have them, or is
        stored in files.
    """

    x: Array
    target: Array
    raw: Array
    rows: Array
    lengths: Array | None = None
    in_order: bool = False
    weights: Array | None = None
    ids: tuple[Array, ...] = ()

    def __len__(self) -> int:
        return len(self.x)

    @staticmethod
    def from_table(table: Table, preprocessor: Preprocessor, report: Report | None = None) -> Part:
        """The rows of a table that have a target, or the windows that do."""
        known = preprocessor.has_target(table)
        if not known.any():
            raise table.error(f"no row has a value in {listed(preprocessor.targets)}")
        if preprocessor.tokens:
            tokens = preprocessor.features(table, report)
            return passage(tokens, 0, len(tokens), preprocessor, whole=True)
        if preprocessor.window:
            return _windows(table, known, preprocessor, preprocessor.window, report)
        rows = numbered(known)
        if preprocessor.cuts_rows and len(rows) > piece_rows(preprocessor):
            return Part.of_rows(table, rows, preprocessor, report)
        table = table if len(rows) == len(table) else table.take(rows)
        x, lengths = preprocessor.features(table, report), preprocessor.lengths(table)
        weights = preprocessor.weights(table, report)
        if not preprocessor.targets:
            target = x if x.ndim == 2 else x.reshape(len(x), -1)
            return Part(x, target, target, rows, weights=weights, ids=_ids(table, preprocessor))
        target, raw = preprocessor.target(table), preprocessor.raw_target(table)
        return Part(x, target, raw, rows, lengths, weights=weights, ids=_ids(table, preprocessor))

    @property
    def counts(self) -> bool:
        """Whether any of the rows does."""
        return self.weights is None or bool(self.weights.any())

    @staticmethod
    def of_rows(
        table: Table, rows: Array, preprocessor: Preprocessor, report: Report | None = None
    ) -> Part:
        """Some rows of a table (n,), a piece at a time; each has a target and stands for itself."""
        size = piece_rows(preprocessor)
        whole: dict[str, Array] = {}
        for some in stretches(len(rows), size):
            piece = Part.from_table(table.take(rows[some]), preprocessor, report)
            for field in fields(Part):
                array = getattr(piece, field.name)
                if isinstance(array, np.ndarray) and not _is_view(piece, field.name):
                    if field.name not in whole:
                        shape = (len(rows), *array.shape[1:])
                        whole[field.name] = empty(shape, array.dtype)
                    whole[field.name][some] = array
        x = whole["x"]
        target = whole.get("target", x if x.ndim == 2 else x.reshape(len(x), -1))
        whole |= {"target": target, "raw": whole.get("raw", target), "rows": rows}
        ids = tuple(cells[rows] for cells in _ids(table, preprocessor))
        return Part(**whole, ids=ids)  # type: ignore[arg-type]  # all of the rest are arrays

    def take(self, rows: Array) -> Part:
        """Some of the rows."""
        x = gather(self.x, rows)
        target = x if self.target is self.x else gather(self.target, rows)
        raw = target if self.raw is self.target else gather(self.raw, rows)
        lengths = None if self.lengths is None else self.lengths[rows]
        weights = None if self.weights is None else self.weights[rows]
        ids = tuple(cells[rows] for cells in self.ids)  # rows in any order
        return Part(x, target, raw, self.rows[rows], lengths, weights=weights, ids=ids)


def _ids(table: Table, preprocessor: Preprocessor) -> tuple[Array, ...]:
    names = preprocessor.id_columns
    there = not table.is_stored and all(name in table.columns for name in names)
    return tuple(table.columns[name] for name in names) if there else ()


def piece_rows(preprocessor: Preprocessor) -> int:
    """How many rows become arrays at a time."""
    return max(1, min(room.STRETCH, PIECE_BYTES // (4 * preprocessor.inputs)))


def _is_view(part: Part, name: str) -> bool:
    """Whether an array of a part is another one of it, as where a network learns its own input."""
    if name == "target":
        return np.shares_memory(part.target, part.x)
    return name == "raw" and part.raw is part.target


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
    if table.origin is not None:  # no window goes on from one file into the next
        whole &= table.origin[first] == table.origin[target_rows(first, window)]
    first = first[whole]
    if not len(first):
        needed = window.length + window.horizon
        message = f"{plural(len(table), 'row')} hold no window that is whole"
        raise table.error(message, hint=f"one takes {needed:,} rows with values in a row")
    rows = target_rows(first, window)
    foretold = table.take(rows)
    steps = preprocessor.features(table, report)
    x = empty((len(first), window.length, *steps.shape[1:]), steps.dtype)
    for some in stretches(len(first), piece_rows(preprocessor)):
        x[some] = cut(steps, first[some], window)
    target, raw = preprocessor.target(foretold), preprocessor.raw_target(foretold)
    weights, ids = preprocessor.weights(foretold, report), _ids(foretold, preprocessor)
    return Part(x, target, raw, rows, weights=weights, ids=ids)


def passage(
    tokens: Array, first: int, end: int, preprocessor: Preprocessor, *, whole: bool
) -> Part:
    """Windows of a text, tokens (n,), whose targets at each step are those from `first` to `end`.

    x (M, length) float32, target (M, length) int64: the token that follows.  With `whole`, every
    token is a target once, in the order of the text, but the very first, which nothing foretells;
    the last window may be padded.  Else windows begin every `stride` tokens, and are full.
    """
    window = preprocessor.window
    if window is None:
        raise ValueError("a text needs a window")
    first = max(first, 1)
    stride = window.length if whole else window.stride
    last = end - window.length  # where the last full window's targets begin
    starts = np.arange(first, end if whole else max(last, first) + 1, stride)
    places = starts[:, None] + np.arange(window.length)  # (M, length)
    there = places < end
    places = np.minimum(places, end - 1)
    x = np.where(there, tokens[places - 1], 0).astype(np.float32)
    target = np.where(there, tokens[places], NOWHERE)
    return Part(x, target, target, starts, in_order=whole)
