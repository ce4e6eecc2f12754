"""Several targets side by side: labels of two classes each, or heads with a task of their own."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import NamedTuple

import numpy as np

from nntrain.data.settings import Data
from nntrain.data.table import Table
from nntrain.data.targets import Amounts, Classes
from nntrain.data.tokens import Tokens
from nntrain.families import Array, Task
from nntrain.values import dataclass

SMALLEST_GROUP = 10  # rows; finer groups would leave parts of a split without their share


class Place(NamedTuple):
    """Where one target is found: its outputs of the network, and its column of the target."""

    outputs: slice
    column: int


@dataclass(frozen=True)
class Several:
    """Columns (N, K), one after the other: the number of the class, or y = (v - shift) / scale.

    parts: what becomes of each column, in the order of `data.target`.
    """

    parts: tuple[Classes | Amounts, ...]

    @classmethod
    def learn(cls, table: Table, settings: Data, tasks: Mapping[str, Task]) -> Several:
        """Classes or scale of each target in the rows that have it."""
        na_values, how = settings.na_values, settings.preprocessing.target
        return cls(
            tuple(
                Amounts.learn(table, (name,), na_values, how)
                if tasks[name] == "numbers"
                else Classes.learn(table, name, na_values, tasks[name])
                for name in settings.targets
            )
        )

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(part.names[0] for part in self.parts)

    @property
    def outputs(self) -> int:
        return sum(part.outputs for part in self.parts)

    def places(self) -> Iterator[tuple[Classes | Amounts, Place]]:
        """Each part, and where it stands."""
        at = 0
        for column, part in enumerate(self.parts):
            yield part, Place(slice(at, at + part.outputs), column)
            at += part.outputs

    def check(self, table: Table, settings: Data) -> None:
        """Is there something to learn in every column?"""
        for part in self.parts:
            if isinstance(part, Amounts):
                part.check(table)
            else:
                chosen = settings.columns.get(part.name) == "categorical"
                way_on = f"`loss: {{type: heads, losses: {{{part.name}: cross_entropy, …}}}}`"
                part.check(table, chosen, f"for more than two write {way_on}")

    def has_value(self, table: Table, na_values: Collection[str]) -> Array:
        """Which rows have a value in every column, (N,) bool."""
        every: Array = np.all([part.has_value(table, na_values) for part in self.parts], axis=0)
        return every

    def parsed(self, table: Table, na_values: Collection[str]) -> Table:
        """The table with the numbers among the targets read."""
        for part in self.parts:
            if isinstance(part, Amounts):
                table = part.parsed(table, na_values)
        return table

    def groups(self, table: Table) -> Array:
        """Combinations of classes to stratify by, (N,): of as many columns as rows allow."""
        groups = np.zeros(len(table), dtype=np.int64)
        for part in self.parts:
            if isinstance(part, Classes):
                pairs = groups * len(part.classes) + part.numbers(table)
                finer = np.unique(pairs, return_inverse=True)[1]
                first = not groups.any()
                if not first and np.bincount(finer).min() < SMALLEST_GROUP:
                    break
                groups = finer
        return groups

    def raw(self, table: Table, na_values: Collection[str]) -> Array:
        """What metrics compare with, (N, K) float64: class numbers, numbers in their own unit."""
        return np.column_stack(
            [
                part.numbers(table) if isinstance(part, Classes) else part.raw(table, na_values)
                for part in self.parts
            ]
        ).astype(np.float64)

    def scaled(self, table: Table, na_values: Collection[str]) -> Array:
        """What the loss compares with, (N, K) float32."""
        columns = [
            part.numbers(table) if isinstance(part, Classes) else part.scaled(table, na_values)
            for part in self.parts
        ]
        return np.column_stack(columns).astype(np.float32)

    def unscaled(self, prediction: Array) -> Array:
        """Outputs (N, ΣC), the numbers among them in their own unit."""
        values = prediction.astype(np.float64)
        for part, place in self.places():
            if isinstance(part, Amounts):
                values[:, place.outputs] = part.unscaled(prediction[:, place.outputs])
        return values


Target = Classes | Amounts | Several | Tokens
