"""Categories: columns of names, as one input each, as one number, by hash, or to be embedded."""

from __future__ import annotations

import zlib
from collections.abc import Collection
from dataclasses import replace
from typing import ClassVar, Self

import numpy as np

from nntrain.data.cells import absent, as_number
from nntrain.data.features import shift_and_scale
from nntrain.data.labels import UNKNOWN, number_of, numeric, sort_labels
from nntrain.data.report import Report
from nntrain.data.settings import Categorical
from nntrain.data.table import Table
from nntrain.families import Array
from nntrain.values import dataclass
from nntrain.wording import listed, plural, quoted

WIDEST_BY_ITSELF = 50  # of an embedding whose width is `auto`


@dataclass(frozen=True)
class Categories:
    """A column of names: each cell has the number of its category, or none.

    categories: those of training rows, in order.
    fill: the category that stands in for a missing cell; `None` gives missing cells a number of
        their own, after the others, where training rows had any (`gap`), else none.
    strict: an unseen category is an error; else it has no number.
    other: unseen ones have the last number, which training rows with rare categories had too.
    least: training rows that a category needs to be one.
    """

    kind: ClassVar[str] = "categorical"
    name: str
    categories: tuple[str, ...]
    fill: str | None
    gap: bool
    strict: bool
    other: bool = False
    least: int = 1

    @classmethod
    def learn(cls, table: Table, name: str, na_values: Collection[str], how: Categorical) -> Self:
        """The categories of the rows of `table`."""
        cells, rows = table.distinct(name)
        gone = absent(cells, na_values)
        if how.impute == "constant" and gone.any():
            cells[gone] = how.fill
        own = how.impute == "category"
        known = np.ones(len(cells), dtype=bool) if how.impute == "constant" else ~gone
        met = sort_labels(cells[known].tolist())
        counts = np.bincount(number_of(cells[known], met), rows[known], minlength=len(met))
        kept = tuple(label for label, n in zip(met, counts, strict=True) if n >= how.least)
        fill = met[counts.argmax()] if kept and not own else None
        if how.impute == "constant":
            fill = next((label for label in kept if _same(label, how.fill or "")), None)
        other = how.unknown == "category" and len(kept) < len(met)
        gap, strict = own and bool(gone.any()), how.unknown == "error"
        found = cls(name, kept, fill, gap, strict, other, how.least)
        return found._completed(table, na_values, how)

    def _completed(self, table: Table, na_values: Collection[str], how: Categorical) -> Self:
        """With what else training rows tell."""
        return self

    @property
    def size(self) -> int:
        """How many numbers there are."""
        return len(self.categories) + self.gap + self.other

    @property
    def note(self) -> str:
        """The categories, and what becomes of cells without one."""
        missing = "one more" if self.gap else "0" if self.fill is None else quoted(self.fill)
        unseen = "; rare or unseen is one more" if self.other else ""
        return f"{listed(self.categories, most=5)}; missing is {missing}{unseen}"

    def numbers(self, table: Table, na_values: Collection[str], report: Report) -> Array:
        """Which category each row has, (N,) int64; `UNKNOWN` where it has none."""
        cells = table.columns[self.name]
        numbers = number_of(cells, self.categories)
        gone = absent(cells, na_values)
        unseen = (numbers == UNKNOWN) & ~gone
        if unseen.any():
            self._meet(table, unseen, report)
            numbers[unseen] = self.size - 1 if self.other else UNKNOWN
        if count := int(gone.sum()):
            report.missing[self.name] += count
            numbers[gone] = self.number_of_missing()
        return numbers

    def number_of_missing(self) -> int:
        """What a cell without a category counts as."""
        if self.gap:
            return len(self.categories)
        return UNKNOWN if self.fill is None else self.categories.index(self.fill)

    def _meet(self, table: Table, unseen: Array, report: Report) -> None:
        cells = table.columns[self.name]
        if self.strict:
            row = int(unseen.argmax())
            raise table.error(
                f"column {quoted(self.name)}: {table.place(row)} has {quoted(cells[row])}, "
                "a category that no training row had",
                row,
                "`unknown: ignore` under `data.preprocessing.categorical` lets such cells through",
            )
        report.add_unseen(self.name, cells[unseen].tolist(), self.least)


@dataclass(frozen=True)
class OneHot(Categories):
    """One input a category, 1 where the row has it, else 0."""

    @property
    def inputs(self) -> tuple[str, ...]:
        own = (f"{self.name}=",) * self.gap + (f"{self.name}=…",) * self.other
        return tuple(f"{self.name}={category}" for category in self.categories) + own

    @property
    def note(self) -> str:
        return f"one-hot: {super().note}"

    def write(self, table: Table, na_values: Collection[str], out: Array, report: Report) -> None:
        """Fill the inputs, out (C, N) float32."""
        numbers = self.numbers(table, na_values, report)
        rows = np.flatnonzero(numbers != UNKNOWN)
        out[:] = 0.0
        out[numbers[rows], rows] = 1.0


@dataclass(frozen=True)
class Ordinal(Categories):
    """One input: x = (number - shift) / scale, 0 where the row has no category.

    shift, scale: mean and standard deviation of the training rows' numbers.
    """

    shift: float = 0.0
    scale: float = 1.0

    def _completed(self, table: Table, na_values: Collection[str], how: Categorical) -> Self:
        numbers = self.numbers(table, na_values, Report())
        known = numbers[numbers != UNKNOWN].astype(np.float64)
        if not len(known):
            return self
        shift, scale = shift_and_scale(known, "standard")
        return replace(self, shift=shift, scale=scale)

    @property
    def inputs(self) -> tuple[str, ...]:
        return (self.name,)

    @property
    def note(self) -> str:
        numbers = f"(number - {self.shift:.4g}) / {self.scale:.4g}"
        return f"{numbers} of {super().note}"

    def write(self, table: Table, na_values: Collection[str], out: Array, report: Report) -> None:
        """Fill the input, out (1, N) float32."""
        numbers = self.numbers(table, na_values, report)
        out[0] = (numbers - self.shift) / self.scale
        out[0, numbers == UNKNOWN] = 0.0


@dataclass(frozen=True)
class Embedded(Categories):
    """One input, the number of the category, which the network's first layer looks up.

    dimensions: the width of what it finds there.
    """

    dimensions: int = 1

    def _completed(self, table: Table, na_values: Collection[str], how: Categorical) -> Self:
        n = max(self.size, 1)
        auto = min(WIDEST_BY_ITSELF, round(1.6 * n**0.56))
        return replace(self, dimensions=auto if how.dimensions == "auto" else how.dimensions)

    @property
    def inputs(self) -> tuple[str, ...]:
        return (self.name,)

    @property
    def note(self) -> str:
        return f"embedded in {plural(self.dimensions, 'number')}: {super().note}"

    def write(self, table: Table, na_values: Collection[str], out: Array, report: Report) -> None:
        """Fill the input, out (1, N) float32; -1 stands for no category."""
        out[0] = self.numbers(table, na_values, report)


@dataclass(frozen=True)
class Hashed:
    """One input a bucket, 1 where the category's hash chooses it, else 0: no list of categories.

    The bucket is CRC-32 of the name in UTF-8, modulo `buckets`.

    by_value: the categories are numbers, so that `1.0` and `1` have one bucket.
    fill: what stands in for a missing cell; `None`: an input of its own (`gap`), or zeros.
    """

    kind: ClassVar[str] = "categorical"
    name: str
    buckets: int
    by_value: bool
    fill: str | None
    gap: bool

    @classmethod
    def learn(cls, table: Table, name: str, na_values: Collection[str], how: Categorical) -> Hashed:
        met = Categories.learn(table, name, na_values, replace(how, min_count=1))
        fill = how.fill if how.impute == "constant" else met.fill
        return cls(name, how.buckets, numeric(met.categories) is not None, fill, met.gap)

    @property
    def inputs(self) -> tuple[str, ...]:
        own = (f"{self.name}=",) * self.gap
        return tuple(f"{self.name} bucket {i}" for i in range(self.buckets)) + own

    @property
    def note(self) -> str:
        missing = "one more" if self.gap else "0" if self.fill is None else quoted(self.fill)
        return f"{plural(self.buckets, 'bucket')} by hash; missing is {missing}"

    def write(self, table: Table, na_values: Collection[str], out: Array, report: Report) -> None:
        """Fill the inputs, out (C, N) float32."""
        cells = table.columns[self.name]
        texts = cells.tolist()
        places = {text: self._bucket(text) for text in set(texts)}
        numbers = np.fromiter((places[text] for text in texts), np.int64, len(texts))
        gone = absent(cells, na_values)
        if count := int(gone.sum()):
            report.missing[self.name] += count
            empty = self.buckets if self.gap else UNKNOWN
            numbers[gone] = empty if self.fill is None else self._bucket(self.fill)
        rows = np.flatnonzero(numbers != UNKNOWN)
        out[:] = 0.0
        out[numbers[rows], rows] = 1.0

    def _bucket(self, text: str) -> int:
        value = as_number(text) if self.by_value else None
        return zlib.crc32((text if value is None else repr(value)).encode()) % self.buckets


def _same(label: str, other: str) -> bool:
    return bool(number_of(np.array([other]), (label,))[0] != UNKNOWN)
