"""Lookup: the numbers of categories among the columns of a table, replaced by rows to learn."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, NamedTuple

import numpy as np

from nntrain.call import Call
from nntrain.families import Array, Backward, Builder, Built, Shape
from nntrain.initializers import GlorotUniform
from nntrain.layers.embedding import sum_by_token
from nntrain.values import dataclass


class LearnedTable(NamedTuple):
    """What stands in for one column.

    place: of the column on the last axis.  rows, width: of the table E that is learned.
    """

    place: int
    rows: int
    width: int


@dataclass(frozen=True)
class Lookup:
    """y = x with each column c of `tables` replaced by E_c[x_c].   (…, D) -> (…, E).

    The other columns pass as they are.  A number that is none of the table's, -1 among them, gives
    zeros and teaches nothing; so the columns are one-hot ones times E, without the ones.  It is no
    kind that a config may choose, since what it needs follows from the columns; else it holds to
    the contract of layers.

    tables: by the name of the column, which is the name of E.

    Guo and Berkhahn 2016, arXiv:1604.06737.
    """

    tables: Mapping[str, LearnedTable]

    kind: ClassVar[str] = "lookup"

    def places(self, columns: Mapping[str, slice]) -> dict[str, slice]:
        """Where each column stands on the last axis of what comes out."""
        at, found = 0, dict[str, slice]()
        for name, place in columns.items():
            width = self.tables[name].width if name in self.tables else place.stop - place.start
            found[name] = slice(at, at + width)
            at += width
        return found

    def build(self, shape: Shape, store: Builder) -> Built:
        needs_dx = store.learns
        pieces = [
            _Piece(table, *store.weight(name, table[1:], GlorotUniform()))
            for name, table in sorted(self.tables.items(), key=lambda item: item[1].place)
        ]
        kept = np.setdiff1d(np.arange(shape[-1]), [piece.table.place for piece in pieces])
        into, width = _arrange(pieces, kept)

        def forward(x: Array, call: Call) -> tuple[Array, Backward]:
            y = np.empty((*x.shape[:-1], width), x.dtype)
            y[..., into] = x[..., kept]
            numbers = [piece.look_up(x, y) for piece in pieces]
            if call.lengths is not None:  # padding teaches nothing
                padding = np.arange(x.shape[1]) >= call.lengths[:, None]
                numbers = [np.where(padding, -1, own) for own in numbers]

            def backward(dy: Array) -> Array | None:
                for piece, own in zip(pieces, numbers, strict=True):
                    piece.learn(own, dy)
                if not needs_dx:
                    return None
                dx = np.zeros_like(x)
                dx[..., kept] = dy[..., into]
                return dx

            return y, backward

        return Built(forward, (*shape[:-1], width))


class _Piece:
    """One table on a store; `out` is where its numbers go."""

    def __init__(self, table: LearnedTable, E: Array, dE: Array):
        self.table, self.E, self.dE = table, E, dE
        self.out = slice(0, 0)

    def look_up(self, x: Array, y: Array) -> Array:
        """Fill y; the rows of E that were taken, (…), -1 for none."""
        with np.errstate(invalid="ignore"):  # NaN and inf
            numbers = x[..., self.table.place].astype(np.intp)
        numbers[(numbers < 0) | (numbers >= self.table.rows)] = -1
        found = self.E.take(numbers, axis=0, mode="clip")
        found[numbers < 0] = 0.0
        y[..., self.out] = found
        return numbers

    def learn(self, numbers: Array, dy: Array) -> None:
        known = numbers >= 0
        sum_by_token(numbers[known], dy[..., self.out][known], self.dE)


def _arrange(pieces: list[_Piece], kept: Array) -> tuple[Array, int]:
    """Where the columns that are kept go, and how wide all is; tells each piece its own place."""
    wider = np.cumsum([0, *(piece.table.width - 1 for piece in pieces)])
    for piece, before in zip(pieces, wider.tolist(), strict=False):
        start = piece.table.place + before
        piece.out = slice(start, start + piece.table.width)
    into: Array = kept + wider[np.searchsorted([piece.table.place for piece in pieces], kept)]
    return into, len(kept) + sum(piece.table.width for piece in pieces)
