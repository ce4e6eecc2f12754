"""Targets: how the column to predict becomes what the loss compares with, and the way back."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from nntrain.data.cells import absent, numbers, read_numbers
from nntrain.data.columns import MOST_CATEGORIES
from nntrain.data.features import shift_and_scale
from nntrain.data.labels import UNKNOWN, number_of, numeric, sort_labels
from nntrain.data.settings import TargetScale
from nntrain.data.statistics import where
from nntrain.data.table import Table
from nntrain.data.transforms import TRANSFORMS, transformed
from nntrain.families import Array, Task
from nntrain.values import dataclass
from nntrain.wording import in_yaml, listed, plural, quoted

MOST_CLASSES = 1000
NOTHING = ": there is nothing to learn"


@dataclass(frozen=True)
class Classes:
    """A target of classes: their names as the file has them, in order; a row's class is its number.

    binary: a target of two classes, (N, 1) float32, 1 for the second one; else (N,) int64.
    counts: how many of the rows that were learned from each class has.
    """

    name: str
    classes: tuple[str, ...]
    binary: bool
    counts: tuple[int, ...] = ()

    @classmethod
    def learn(cls, table: Table, name: str, na_values: Collection[str], task: Task) -> Classes:
        """The classes of the rows that have one."""
        cells, rows = table.distinct(name)
        there = ~without_class(cells, na_values)
        known = cells[there]
        classes = sort_labels(known.tolist())
        counts = np.bincount(number_of(known, classes), rows[there], len(classes)).astype(int)
        return cls(name, classes, task == "binary", tuple(counts.tolist()))

    @property
    def names(self) -> tuple[str, ...]:
        return (self.name,)

    @property
    def outputs(self) -> int:
        """Outputs that the network needs."""
        return 1 if self.binary else len(self.classes)

    def check(self, table: Table, chosen: bool, way_on: str = "say `loss: cross_entropy`") -> None:
        """Is there something to learn in these rows, and are the classes classes?

        chosen: the config says so.  way_on: what to do with more than two classes.
        """
        target, count = f"target {quoted(self.name)}", len(self.classes)
        if count < 2:
            raise table.error(f"{target} is {quoted(self.classes[0])} in every row{NOTHING}")
        if not chosen:
            _check_not_amounts(table, self)
        if self.binary and count > 2:
            found = f"{count:,} classes ({listed(self.classes, most=5)})"
            message = f"{target} has {found}, and `binary_cross_entropy` takes two"
            raise table.error(message, hint=way_on)

    @property
    def note(self) -> str:
        return f"{len(self.classes):,} classes: {listed(self.classes, most=5)}"

    def has_value(self, table: Table, na_values: Collection[str]) -> Array:
        missing = absent if numeric(self.classes) is None else without_class
        return table.by_cell(self.name, lambda cells: ~missing(cells, na_values))

    def numbers(self, table: Table) -> Array:
        """Which class each row has, (N,) int64."""
        found = table.by_cell(self.name, lambda cells: number_of(cells, self.classes))
        unknown = found == UNKNOWN
        if unknown.any():
            row = int(unknown.argmax())
            raise table.error(
                f"column {quoted(self.name)}: {table.place(row)} has "
                f"{quoted(table.take(np.array([row])).columns[self.name][0])}, "
                "a class that no training row had",
                row,
                f"the classes are {listed(self.classes)}",
            )
        return found

    def encode(self, table: Table) -> Array:
        found = self.numbers(table)
        return found.astype(np.float32)[:, None] if self.binary else found


@dataclass(frozen=True)
class Amounts:
    """Numeric targets: y = (f(v) - shift) / scale for each of K columns, (N, K).

    No columns: the network learns its own input.

    transform: f, see `transforms`.
    """

    names: tuple[str, ...]
    shifts: tuple[float, ...]
    scales: tuple[float, ...]
    transform: str = "none"

    @property
    def outputs(self) -> int:
        """Outputs that the network needs."""
        return len(self.names)

    @classmethod
    def learn(
        cls, table: Table, names: tuple[str, ...], na_values: Collection[str], how: TargetScale
    ) -> Amounts:
        """Shift and scale of the rows that have a value."""
        pairs = []
        for name in names:
            values = read_amounts(table, name, na_values)
            bent = transformed(values, how.transform, name, table)
            known = where(~np.isnan(bent), bent)
            pairs.append(shift_and_scale(known, how.scale) if len(known) else (0.0, 1.0))
        shifts, scales = tuple(a for a, _ in pairs), tuple(b for _, b in pairs)
        return cls(names, shifts, scales, how.transform)

    def check(self, table: Table) -> None:
        """A number that never varies can not be learned."""
        for name in self.names:
            values = table.columns[name]
            transformed(values, self.transform, name, table)
            if values.min() == values.max():
                found = f"target {quoted(name)} is {values[0]:g} in every row"
                raise table.error(found + NOTHING)

    @property
    def note(self) -> str:
        return f"{plural(len(self.names), 'number')} to predict"

    def has_value(self, table: Table, na_values: Collection[str]) -> Array:
        found = np.ones(len(table), dtype=bool)
        for name in self.names:
            found &= ~np.isnan(read_amounts(table, name, na_values))
        return found

    def parsed(self, table: Table, na_values: Collection[str]) -> Table:
        """The table with the targets read as numbers, so that this is done once."""
        values = {name: read_amounts(table, name, na_values) for name in self.names}
        return table.keep(table.columns, values)

    def raw(self, table: Table, na_values: Collection[str]) -> Array:
        """The values in their own unit, (N, K) float64."""
        return np.stack([read_amounts(table, name, na_values) for name in self.names], axis=1)

    def scaled(self, table: Table, na_values: Collection[str]) -> Array:
        """What the loss compares with, (N, K) float32."""
        raw = self.raw(table, na_values)
        columns = [
            transformed(values, self.transform, name, table)
            for name, values in zip(self.names, raw.T, strict=True)
        ]
        bent = np.stack(columns, axis=1)
        scaled: Array = (bent - np.array(self.shifts)) / np.array(self.scales)
        return scaled.astype(np.float32)

    def unscaled(self, prediction: Array) -> Array:
        """A prediction in the targets' own unit, (N, K) float64."""
        bent: Array = prediction * np.array(self.scales) + np.array(self.shifts)
        return TRANSFORMS[self.transform].inverse(bent)


def without_class(cells: Array, na_values: Collection[str]) -> Array:
    """Rows without a class, (N,) bool; among numbers, `nan` is one more way to say missing."""
    gone = absent(cells, na_values)
    texts = set((cells[~gone] if gone.any() else cells).tolist())
    nans = {text for text in texts if text.lower() == "nan"}
    if nans and (texts == nans or numeric(list(texts - nans)) is not None):
        for text in nans:
            gone |= cells == text
    return gone


def read_amounts(table: Table, name: str, na_values: Collection[str]) -> Array:
    return read_numbers(table, name, na_values, "to predict classes, say `loss: cross_entropy`")


def _check_not_amounts(table: Table, target: Classes) -> None:
    name, classes = target.name, target.classes
    values = numeric(classes)
    way_on = f"if these are classes, say `data.columns: {{{in_yaml(name)}: categorical}}`"
    if values is not None:
        way_on = f"to predict a number, say `loss: mean_squared_error`; {way_on}"
    decimal = next((v for v in values or () if v != int(v)), None)
    if decimal is not None:
        cells = table.columns[name]
        row = int((numbers(cells, ())[0] == decimal).argmax())
        message = f"target {quoted(name)} holds decimals, such as {quoted(cells[row])}, not classes"
        raise table.error(message, row, way_on)
    alone = len(classes) > MOST_CATEGORIES and 2 * len(classes) > len(table)
    if alone or len(classes) > MOST_CLASSES:
        found = f"{len(classes):,} different values in {plural(len(table), 'row')}"
        raise table.error(f"target {quoted(name)} has {found}: too many for classes", hint=way_on)
