"""Shared rooms: arrays of all rows of a batch that several processes fill together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from nntrain.families import Array
from nntrain.sharing import shared_array
from nntrain.team import LINE, Team
from nntrain.training.stages import Learned, Order, Rooms, order_of


class Line(NamedTuple):
    """The way of this process's rows, there and back, once it is one of several.

    go: `go(x, target, weights, number, team) -> loss`: of the own rows of a whole batch.
    learned: what gradients are made of then, the rows of all.
    """

    go: Callable[[Array, Array, Array, int, Team], float]
    learned: Sequence[Learned]


class SharedRooms(Rooms):
    """Arrays of all rows in memory that processes share, of which each fills its own rows.

    first: where these begin.
    """

    def __init__(self, rows: int, numbers: int, dtype: Any):
        super().__init__(dtype)
        self.rows, self.first, self.at = rows, 0, 0
        self.memory = shared_array((numbers,), dtype)
        self.wholes = list[tuple[Array, Array]]()

    def output(self, rows: int, units: int, order: Order) -> tuple[Array, None]:
        return self.empty(rows, units, order), None

    def gradient(self, x: Array, dy: Array) -> Array:
        """One of its own, since others read it when all have gone back."""
        return self.empty(len(x), x.shape[1], order_of(x))

    def empty(self, rows: int, units: int, order: Order) -> Array:
        """The own rows of a new array."""
        flat = self.memory[self.at : self.at + self.rows * units]
        self.at += -(-len(flat) // LINE) * LINE
        whole = flat.reshape(self.rows, units) if order == "C" else flat.reshape(units, -1).T
        own = whole[self.first : self.first + rows]
        self.wholes.append((own, whole))
        return own

    def whole(self, own: object) -> Array:
        """All rows of an array that was made here."""
        return next(whole for made, whole in self.wholes if made is own)
