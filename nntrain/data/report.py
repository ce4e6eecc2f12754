"""Report: what was odd about the rows that a model was given."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import field

import numpy as np

from nntrain.families import Array
from nntrain.values import dataclass
from nntrain.wording import listed, plural, quoted, share

MOST_VALUES = 1000  # different unseen categories that are counted one by one, for each column


@dataclass
class Outside:
    """Values beyond `low` … `high`: how many, and the farthest.  unit: what is counted."""

    low: float
    high: float
    unit: str = "value"
    count: int = 0
    farthest: float = math.nan

    def add(self, count: int, farthest: float) -> None:
        self.count += count
        if not self._beyond(self.farthest) >= self._beyond(farthest):  # NaN where there was none
            self.farthest = farthest

    def _beyond(self, value: float) -> float:
        return max(self.low - value, value - self.high)


@dataclass
class Report:
    """Counts that grow from chunk to chunk.

    rows: rows converted.
    missing: cells without a value, by feature.
    unseen: cells with a category that no training row had, by feature and category.
    few: how many training rows a category needs to be none of these, by feature, where it is not 1.
    extra: columns of the file that the model does not use.
    overflows: predictions that are not finite.
    unit: what is counted as unseen, `cell` or `token`.
    usual_missing: the share of training rows without a value, by feature, where it is known.
    outside: values beyond those of training rows, by feature.
    unweighted: the column of row weights that the rows lack, so that all count the same.
    """

    rows: int = 0
    missing: Counter[str] = field(default_factory=Counter)
    unseen: dict[str, Counter[str]] = field(default_factory=dict)
    few: dict[str, int] = field(default_factory=dict)
    extra: tuple[str, ...] = ()
    overflows: int = 0
    unit: str = "cell"
    usual_missing: dict[str, float] = field(default_factory=dict)
    outside: dict[str, Outside] = field(default_factory=dict)
    unweighted: str = ""

    def add_unseen(self, column: str, categories: list[str], least: int = 1) -> None:
        if least > 1:
            self.few[column] = least
        known = self.unseen.setdefault(column, Counter())
        for category, count in Counter(categories).items():
            full = len(known) >= MOST_VALUES and category not in known
            known["…" if full else category] += count

    def add_outside(
        self, column: str, values: Array, low: float, high: float, unit: str = "value"
    ) -> None:
        """Values (n,), or the farthest of each of n rows, that training rows had none as far as."""
        if len(values):
            far = np.maximum(low - values, values - high)
            self.count_outside(column, len(values), float(values[far.argmax()]), low, high, unit)

    def count_outside(
        self, column: str, count: int, farthest: float, low: float, high: float, unit: str
    ) -> None:
        """So many values, of which one is the farthest."""
        self.outside.setdefault(column, Outside(low, high, unit)).add(count, farthest)

    def of_training(self) -> Report:
        """What there is to say of rows that a model learns from."""
        return Report(unseen=self.unseen, few=self.few, unit=self.unit, unweighted=self.unweighted)

    def lines(self) -> list[str]:
        """What to tell, one plain line each; nothing where nothing was odd."""
        odd = f"{plural(self.overflows, 'prediction')} not finite: the inputs are far too large"
        return [
            *self._unseen_lines(), *self._outside_lines(), *self._missing_lines(),
            *self._extra_lines(), *([odd] if self.overflows else []), *self._weight_lines(),
        ]  # fmt: skip

    def _unseen_lines(self) -> list[str]:
        return [
            f"{quoted(column)}: {plural(known.total(), self.unit)} {self._lacking(column)} "
            f"({listed((text for text, _ in known.most_common()), most=5)})"
            for column, known in self.unseen.items()
        ]

    def _lacking(self, column: str) -> str:
        if self.unit == "token":
            return "that the vocabulary lacks"
        few = self.few.get(column)
        rows = f"fewer than {few} training rows" if few else "no training row"
        return f"with a category that {rows} had"

    def _weight_lines(self) -> list[str]:
        same = f"there is no column {quoted(self.unweighted)}: all rows count the same"
        return [same] if self.unweighted else []

    def _missing_lines(self) -> list[str]:
        return [
            f"{quoted(column)}: {plural(count, 'missing cell')} filled in"
            + self._usual(column, count)
            for column, count in self.missing.items()
        ]

    def _usual(self, column: str, count: int) -> str:
        """How that compares with training rows, where it is known."""
        if column not in self.usual_missing or not self.rows:
            return ""
        now, usual = count / self.rows, self.usual_missing[column]
        return f": {share(now)} of the rows, {share(usual)} of training rows"

    def _outside_lines(self) -> list[str]:
        return [
            f"{quoted(column)}: {plural(known.count, known.unit)} outside {known.low:g} … "
            f"{known.high:g}, the range of training rows (the farthest is {known.farthest:g})"
            for column, known in self.outside.items()
        ]

    def _extra_lines(self) -> list[str]:
        if not self.extra:
            return []
        return [f"{plural(len(self.extra), 'column')} not used: {listed(self.extra)}"]
