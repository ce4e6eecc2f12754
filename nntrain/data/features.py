"""Features: how one column becomes inputs of the network, as learned from training rows."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from nntrain.data.cells import absent, read_numbers
from nntrain.data.labels import UNKNOWN, number_of, sort_labels
from nntrain.data.report import Report
from nntrain.data.settings import Categorical, Numeric
from nntrain.data.statistics import deviation, filled, median, where
from nntrain.data.table import Table
from nntrain.data.transforms import transformed
from nntrain.families import Array
from nntrain.wording import listed, quoted


@dataclass(frozen=True)
class Scaled:
    """A numeric column: x = (f(v) - shift) / scale, where `fill` stands in for a missing v.

    transform: f, see `transforms`.
    """

    kind: ClassVar[str] = "numeric"
    name: str
    fill: float
    shift: float
    scale: float
    transform: str = "none"

    @classmethod
    def learn(cls, table: Table, name: str, na_values: Collection[str], how: Numeric) -> Scaled:
        """The statistics of the rows of `table`; as in scikit-learn, missing cells are filled
        before mean and (population) standard deviation are taken."""
        values = read_numbers(table, name, na_values)
        gone = np.isnan(values)
        fill = 0.0 if gone.all() else _typical(where(~gone, values), how.impute)
        bent = transformed(filled(values, fill), how.transform, name, table)
        return cls(name, fill, *shift_and_scale(bent, how.scale), how.transform)

    @property
    def inputs(self) -> tuple[str, ...]:
        return (self.name,)

    @property
    def note(self) -> str:
        x = "x" if self.transform == "none" else f"{self.transform} x"
        return f"({x} - {self.shift:.4g}) / {self.scale:.4g}, missing is {self.fill:.4g}"

    def write(self, table: Table, na_values: Collection[str], out: Array, report: Report) -> None:
        """Fill the input, out (1, N) float32."""
        values = read_numbers(table, self.name, na_values)
        gone = np.isnan(values)
        if count := int(gone.sum()):
            report.missing[self.name] += count
            values = np.where(gone, self.fill, values)
        bent = transformed(values, self.transform, self.name, table)
        with np.errstate(over="ignore"):
            out[0] = (bent - self.shift) / self.scale
        if not np.isfinite(out[0]).all():
            row = int(np.isinf(out[0]).argmax())
            raise table.error(
                f"column {quoted(self.name)}: {table.place(row)} has {values[row]:g}, "
                f"too far from the training rows (around {self.shift:g}, spread {self.scale:g})",
                row,
            )


@dataclass(frozen=True)
class OneHot:
    """A categorical column: one input a category, 1 where the row has it, else 0.

    fill: the category that stands in for a missing cell; `None` gives missing cells an input of
    their own, after the others, where training rows had any (`gap`), else zeros.
    strict: an unseen category is an error; else all its inputs are 0.
    """

    kind: ClassVar[str] = "categorical"
    name: str
    categories: tuple[str, ...]
    fill: str | None
    gap: bool
    strict: bool

    @classmethod
    def learn(cls, table: Table, name: str, na_values: Collection[str], how: Categorical) -> OneHot:
        cells, counts = table.distinct(name)
        gone = absent(cells, na_values)
        known = cells[~gone]
        categories = sort_labels(known.tolist())
        own = how.impute == "category"
        fill = None
        if categories and not own:
            found = np.bincount(number_of(known, categories), counts[~gone])
            fill = categories[found.argmax()]
        return cls(name, categories, fill, own and bool(gone.any()), how.unknown == "error")

    @property
    def inputs(self) -> tuple[str, ...]:
        own = (f"{self.name}=",) if self.gap else ()
        return tuple(f"{self.name}={category}" for category in self.categories) + own

    @property
    def note(self) -> str:
        missing = "an input of its own" if self.gap else "zeros"
        if self.fill is not None:
            missing = quoted(self.fill)
        return f"one-hot: {listed(self.categories, most=5)}; missing is {missing}"

    def write(self, table: Table, na_values: Collection[str], out: Array, report: Report) -> None:
        """Fill the inputs, out (C, N) float32."""
        cells = table.columns[self.name]
        numbers = number_of(cells, self.categories)  # (N,)
        gone = absent(cells, na_values)
        unseen = (numbers == UNKNOWN) & ~gone
        if unseen.any():
            self._meet(table, unseen, report)
        if count := int(gone.sum()):
            report.missing[self.name] += count
            numbers[gone] = self._number_of_missing()
        rows = np.flatnonzero(numbers != UNKNOWN)
        out[:] = 0.0
        out[numbers[rows], rows] = 1.0

    def _number_of_missing(self) -> int:
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
        report.add_unseen(self.name, cells[unseen].tolist())


def shift_and_scale(values: Array, how: str) -> tuple[float, float]:
    """(v - shift) / scale brings values (N,) to the wanted range; constant ones to 0."""
    low, high = float(values.min()), float(values.max())
    if how == "none":
        return 0.0, 1.0
    if low == high:
        return low, 1.0
    if how == "min_max":
        return low, high - low
    return float(values.mean()), deviation(values)


def _typical(values: Array, how: str) -> float:
    if how == "median":
        return median(values)
    if how == "mean":
        return float(values.mean())
    different, counts = np.unique(values, return_counts=True)
    return float(different[counts.argmax()])  # of the most frequent ones, the smallest
