"""Texts: a column of free text as sequences of token numbers, a network's only input."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Sequence
from typing import ClassVar

import numpy as np

from nntrain.data.cells import absent
from nntrain.data.report import Report
from nntrain.data.settings import FreeText
from nntrain.data.table import Table
from nntrain.data.tokens import UNKNOWN
from nntrain.families import Array, Shape
from nntrain.values import dataclass
from nntrain.wording import listed, plural, quoted, visible

_WORD = re.compile(r"\w+(?:['’-]\w+)*|[^\w\s]")


@dataclass(frozen=True)
class Texts:
    """A column of text: number i + 1 for vocabulary[i], 0 for a token that is not in it.

    A row without a token has one unknown one, so that every row has a step.

    vocabulary: the tokens of the training rows, the most frequent first.
    unit: `words` or `characters`.
    longest: tokens of a row that are read.
    cut: training rows that have more.
    """

    kind: ClassVar[str] = "text"
    name: str
    vocabulary: tuple[str, ...]
    unit: str
    longest: int
    cut: int = 0

    @classmethod
    def learn(cls, table: Table, name: str, na_values: Collection[str], how: FreeText) -> Texts:
        """The vocabulary of the rows of `table`; a token that is there once is an unknown one."""
        counts: Counter[str] = Counter()
        cut = longest = 0
        gone = absent(table.columns[name], na_values)
        for text in table.columns[name][~gone].tolist():
            tokens = tokens_of(text, how.unit)
            cut += len(tokens) > how.length
            longest = max(longest, min(len(tokens), how.length))
            counts.update(tokens[: how.length])
        often = [token for token, count in counts.items() if count > 1]
        ordered = sorted(often, key=lambda token: (-counts[token], token))
        if not ordered:
            found = f"no training row has one of the {how.unit} twice"
            hint = "leave it out; more rows would tell more"
            raise table.error(
                f"column {quoted(name)}: {found}: there is nothing to learn", hint=hint
            )
        return cls(name, tuple(ordered[: how.vocabulary]), how.unit, longest, cut)

    @property
    def shape(self) -> Shape:
        return (self.longest,)

    @property
    def size(self) -> int:
        """How many different numbers there are."""
        return len(self.vocabulary) + 1

    @property
    def note(self) -> str:
        cut = f"; {plural(self.cut, 'row')} longer, cut off" if self.cut else ""
        shown = listed(map(visible, self.vocabulary), most=3)
        return f"up to {self.longest:,} {self.unit} of {len(self.vocabulary):,}: {shown}{cut}"

    def read(
        self, table: Table, na_values: Collection[str] = (), report: Report | None = None
    ) -> Array:
        """The numbers of the tokens, (N, T) float32, zeros after the end of a row."""
        rows = self._rows(table, na_values, report)
        lengths = np.array([len(row) for row in rows], dtype=np.int64)
        x = np.zeros((len(rows), lengths.max(initial=1)), dtype=np.float32)
        x[np.arange(x.shape[1]) < lengths[:, None]] = [n for row in rows for n in row]
        return x

    def lengths(self, table: Table, na_values: Collection[str] = ()) -> Array:
        """How many tokens each row has, (N,) int64."""
        counts = [len(tokens_of(text, self.unit)) for text in self._texts(table, na_values)]
        return np.clip(np.array(counts, dtype=np.int64), 1, self.longest)

    def _rows(
        self, table: Table, na_values: Collection[str], report: Report | None
    ) -> list[Sequence[int]]:
        known = {token: number for number, token in enumerate(self.vocabulary, start=1)}
        strange: list[str] = []
        rows: list[Sequence[int]] = []
        for text in self._texts(table, na_values):
            tokens = tokens_of(text, self.unit)[: self.longest]
            rows.append([known.get(token, UNKNOWN) for token in tokens] or [UNKNOWN])
            strange += [token for token in tokens if token not in known]
        if report is not None:
            if gone := int(absent(table.columns[self.name], na_values).sum()):
                report.missing[self.name] += gone
            if strange:
                report.add_unseen(self.name, list(map(visible, strange)))
                report.unit = "token"
        return rows

    def _texts(self, table: Table, na_values: Collection[str]) -> list[str]:
        """The cells, empty where they mean missing."""
        missing = {text.strip() for text in na_values}
        return ["" if t in missing else t for t in table.columns[self.name].tolist()]


def tokens_of(text: str, unit: str) -> list[str]:
    """The words of a text in small letters, or its characters."""
    return list(text) if unit == "characters" else _WORD.findall(text.lower())
