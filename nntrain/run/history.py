"""History: the rows of metrics.csv, as numbers in one array; thousands of epochs take little."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Self, overload

import numpy as np

from nntrain.families import Array

WHOLE = ("epoch", "step")  # columns that count


class History(Sequence[Mapping[str, float]]):
    """A row an epoch, from names to numbers; all rows have the names of the first one."""

    def __init__(self, rows: Iterable[Mapping[str, float]] = ()):
        self.names: tuple[str, ...] = ()
        self._numbers = array("d")
        for row in rows:
            self.append(row)

    def append(self, row: Mapping[str, float]) -> None:
        """One more epoch; ValueError where its names are not those of the epochs before."""
        self.names = self.names or tuple(row)
        if row.keys() != set(self.names):
            raise ValueError("an epoch has other columns than the one before it")
        self._numbers.extend([row[name] for name in self.names])

    def __len__(self) -> int:
        return len(self._numbers) // max(1, len(self.names))

    @overload
    def __getitem__(self, at: int) -> dict[str, float]: ...
    @overload
    def __getitem__(self, at: slice) -> list[dict[str, float]]: ...
    def __getitem__(self, at: int | slice) -> dict[str, float] | list[dict[str, float]]:
        if isinstance(at, slice):
            return [self[number] for number in range(*at.indices(len(self)))]
        start = range(len(self))[at] * len(self.names)
        numbers = self._numbers[start : start + len(self.names)]
        row = dict(zip(self.names, numbers, strict=True))
        return row | {name: int(row[name]) for name in WHOLE if name in row}

    def __iter__(self) -> Iterator[dict[str, float]]:
        return (self[number] for number in range(len(self)))

    def __eq__(self, other: object) -> bool:
        """As the bits say, so that NaN is NaN."""
        if not isinstance(other, History):
            return NotImplemented
        same_names = not len(self) or self.names == other.names
        return same_names and self._numbers.tobytes() == other._numbers.tobytes()

    __hash__ = None  # type: ignore[assignment]  # it grows

    def __repr__(self) -> str:
        return f"History({list(self)})"

    def table(self) -> Array:
        """All rows, (epochs, names) float64."""
        return np.array(self._numbers).reshape(len(self), len(self.names))

    @classmethod
    def from_table(cls, names: Sequence[str], table: Any) -> Self:
        """The way back from `table`; ValueError where this is not what it gave."""
        if not table.size:
            return cls()
        if table.dtype != np.float64 or table.shape[1:] != (len(names),):
            raise ValueError("its history is not a table of numbers with these columns")
        found = cls()
        found.names = tuple(names)
        found._numbers.frombytes(table.tobytes())
        if not all(np.isfinite(table[:, list(names).index(c)]).all() for c in WHOLE):
            raise ValueError("its history has an epoch without a number")
        return found
