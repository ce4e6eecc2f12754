"""Tokens: text as numbers, both what the network sees and what it is to foretell."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from typing import ClassVar

import numpy as np

from nntrain.data.report import Report
from nntrain.data.table import Table
from nntrain.families import Array
from nntrain.values import dataclass
from nntrain.wording import listed, visible

UNKNOWN = 0  # the number of a token that is not in the vocabulary
NOWHERE = -1  # the target of a step that is only padding


@dataclass(frozen=True)
class Tokens:
    """A column of tokens: number i + 1 for vocabulary[i], 0 for one that is not in it.

    vocabulary: the tokens of the training text, the most frequent first.
    """

    kind: ClassVar[str] = "tokens"
    name: str
    vocabulary: tuple[str, ...]

    @classmethod
    def learn(cls, table: Table, name: str, most: int | None) -> Tokens:
        counts = Counter(table.columns[name].tolist())
        ordered = sorted(counts, key=lambda token: (-counts[token], token))
        return cls(name, tuple(ordered[:most]))

    @property
    def outputs(self) -> int:
        """How many numbers there are, each an output of the network."""
        return len(self.vocabulary) + 1

    @property
    def names(self) -> tuple[str, ...]:
        return (self.name,)

    @property
    def inputs(self) -> tuple[str, ...]:
        return (self.name,)

    @property
    def note(self) -> str:
        return (
            f"{len(self.vocabulary):,} different: {listed(map(visible, self.vocabulary), most=5)}"
        )

    def check(self, table: Table) -> None:
        if len(self.vocabulary) < 2:
            raise table.error("every token of the text is the same: there is nothing to learn")

    def has_value(self, table: Table, na_values: Collection[str]) -> Array:
        return np.ones(len(table), dtype=bool)

    def numbers(self, tokens: Sequence[str]) -> Array:
        """The numbers of some tokens, (n,) int64."""
        known = {token: number for number, token in enumerate(self.vocabulary, start=1)}
        return np.array([known.get(token, UNKNOWN) for token in tokens], dtype=np.int64)

    def encode(self, table: Table, report: Report | None = None) -> Array:
        """The number of each token of a table, (N,) int64."""
        tokens = table.columns[self.name].tolist()
        found = self.numbers(tokens)
        if report is not None and (unknown := np.flatnonzero(found == UNKNOWN)).size:
            report.add_unseen(self.name, [visible(tokens[row]) for row in unknown])
            report.unit = "token"
        return found
