"""Report: what was odd about the rows that a model was given."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from nntrain.wording import listed, plural, quoted

MOST_VALUES = 1000  # different unseen categories that are counted one by one, for each column


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
    unweighted: the column of row weights that the rows lack, so that all count the same.
    """

    rows: int = 0
    missing: Counter[str] = field(default_factory=Counter)
    unseen: dict[str, Counter[str]] = field(default_factory=dict)
    few: dict[str, int] = field(default_factory=dict)
    extra: tuple[str, ...] = ()
    overflows: int = 0
    unit: str = "cell"
    unweighted: str = ""

    def add_unseen(self, column: str, categories: list[str], least: int = 1) -> None:
        if least > 1:
            self.few[column] = least
        known = self.unseen.setdefault(column, Counter())
        for category, count in Counter(categories).items():
            full = len(known) >= MOST_VALUES and category not in known
            known["…" if full else category] += count

    def lines(self) -> list[str]:
        """What to tell, one plain line each; nothing where nothing was odd."""
        odd = f"{plural(self.overflows, 'prediction')} not finite: the inputs are far too large"
        return [
            *self._unseen_lines(), *self._missing_lines(), *self._extra_lines(),
            *([odd] if self.overflows else []), *self._weight_lines(),
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
            for column, count in self.missing.items()
        ]

    def _extra_lines(self) -> list[str]:
        if not self.extra:
            return []
        return [f"{plural(len(self.extra), 'column')} not used: {listed(self.extra)}"]
