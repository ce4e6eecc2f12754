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
    extra: columns of the file that the model does not use.
    overflows: predictions that are not finite.
    unit: what is counted as unseen, `cell` or `token`.
    """

    rows: int = 0
    missing: Counter[str] = field(default_factory=Counter)
    unseen: dict[str, Counter[str]] = field(default_factory=dict)
    extra: tuple[str, ...] = ()
    overflows: int = 0
    unit: str = "cell"

    def add_unseen(self, column: str, categories: list[str]) -> None:
        known = self.unseen.setdefault(column, Counter())
        for category, count in Counter(categories).items():
            full = len(known) >= MOST_VALUES and category not in known
            known["…" if full else category] += count

    def lines(self) -> list[str]:
        """What to tell, one plain line each; nothing where nothing was odd."""
        odd = f"{plural(self.overflows, 'prediction')} not finite: the inputs are far too large"
        return [
            *self._unseen_lines(), *self._missing_lines(), *self._extra_lines(),
            *([odd] if self.overflows else []),
        ]  # fmt: skip

    def _unseen_lines(self) -> list[str]:
        what = "with a category that no training row had"
        if self.unit == "token":
            what = "that the vocabulary lacks"
        return [
            f"{quoted(column)}: {plural(known.total(), self.unit)} {what} "
            f"({listed((text for text, _ in known.most_common()), most=5)})"
            for column, known in self.unseen.items()
        ]

    def _missing_lines(self) -> list[str]:
        return [
            f"{quoted(column)}: {plural(count, 'missing cell')} filled in"
            for column, count in self.missing.items()
        ]

    def _extra_lines(self) -> list[str]:
        if not self.extra:
            return []
        return [f"{plural(len(self.extra), 'column')} not used: {listed(self.extra)}"]
