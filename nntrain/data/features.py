"""Features: how one column becomes inputs of the network, as learned from training rows."""

from __future__ import annotations

from collections.abc import Collection
from typing import ClassVar

import numpy as np

from nntrain.data.cells import read_numbers
from nntrain.data.report import Report
from nntrain.data.settings import Numeric
from nntrain.data.statistics import deviation, median
from nntrain.data.statistics import filled as filled_in
from nntrain.data.table import Table
from nntrain.data.transforms import transformed
from nntrain.families import Array
from nntrain.values import dataclass
from nntrain.wording import quoted


@dataclass(frozen=True)
class Scaled:
    """A numeric column: x = (f(v) - shift) / scale, where `fill` stands in for a missing v.

    transform: f, see `transforms`.
    flag: one more input, 1 where the value is missing, else 0.
    """

    kind: ClassVar[str] = "numeric"
    name: str
    fill: float
    shift: float
    scale: float
    transform: str = "none"
    flag: bool = False

    @classmethod
    def learn(cls, table: Table, name: str, na_values: Collection[str], how: Numeric) -> Scaled:
        """The statistics of the rows of `table`; as in scikit-learn, missing cells are filled
        before mean and (population) standard deviation are taken."""
        values = read_numbers(table, name, na_values)
        gone = np.isnan(values)
        fill = filling(values, gone, how)
        bent = transformed(filled_in(values, fill), how.transform, name, table)
        flag = how.missing_flag and bool(gone.any())
        return cls(name, fill, *shift_and_scale(bent, how.scale), how.transform, flag)

    @property
    def inputs(self) -> tuple[str, ...]:
        return with_flag(self.name, self.flag)

    @property
    def note(self) -> str:
        x = "x" if self.transform == "none" else f"{self.transform} x"
        return f"({x} - {self.shift:.4g}) / {self.scale:.4g}, {of_missing(self.fill, self.flag)}"

    def write(self, table: Table, na_values: Collection[str], out: Array, report: Report) -> None:
        """Fill the input, and the flag, out (C, N) float32."""
        values, gone = filled(table, self.name, na_values, self.fill, report)
        if self.flag:
            out[1] = gone
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


def shift_and_scale(values: Array, how: str) -> tuple[float, float]:
    """(v - shift) / scale brings values (N,) to the wanted range; constant ones to 0."""
    low, high = float(values.min()), float(values.max())
    if how == "none":
        return 0.0, 1.0
    if low == high:
        return low, 1.0
    if how == "min_max":
        return low, high - low
    if how == "robust":
        quarter, middle, other = np.percentile(values, [25, 50, 75]).tolist()
        return middle, (other - quarter) or 1.0  # as scikit-learn has it where half is constant
    return float(values.mean()), deviation(values)


def filling(values: Array, gone: Array, how: Numeric) -> float:
    """What stands in for a missing value of a column whose training rows have these."""
    if how.impute == "constant":
        return how.fill
    return 0.0 if gone.all() else _typical(values[~gone], how.impute)


def filled(
    table: Table, name: str, na_values: Collection[str], fill: float, report: Report
) -> tuple[Array, Array]:
    """The values of a numeric column, and which of them stand in for missing ones, (N,) each."""
    values = read_numbers(table, name, na_values)
    gone = np.isnan(values)
    if count := int(gone.sum()):
        report.missing[name] += count
        values = np.where(gone, fill, values)
    return values, gone


def with_flag(name: str, flag: bool) -> tuple[str, ...]:
    """The names of the inputs of a numeric column."""
    return (name, f"{name} is missing") if flag else (name,)


def of_missing(fill: float, flag: bool) -> str:
    """What is done where a number is missing, in words."""
    return f"missing is {fill:.4g}" + (" and an input of its own" if flag else "")


def _typical(values: Array, how: str) -> float:
    if how == "median":
        return median(values)
    if how == "mean":
        return float(values.mean())
    different, counts = np.unique(values, return_counts=True)
    return float(different[counts.argmax()])  # of the most frequent ones, the smallest
