"""Preprocessor: what was learned from training rows, and travels with the model.

Everything is a plain value: the same preprocessor gives the same bits, in training and in
prediction, for a whole file and chunk by chunk.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, get_args

import numpy as np

from nntrain.data import plain
from nntrain.data.columns import Column, unknown_columns
from nntrain.data.features import Feature, OneHot, Scaled
from nntrain.data.report import Report
from nntrain.data.settings import Data
from nntrain.data.table import Table
from nntrain.data.targets import Amounts, Classes, Target
from nntrain.families import Array, Task

BLOCK = 8192  # rows that are turned at once from column by column to row by row
KINDS: dict[str, type[Any]] = {
    "numeric": Scaled, "categorical": OneHot, "classes": Classes, "amounts": Amounts,
}  # fmt: skip


@dataclass(frozen=True)
class Preprocessor:
    """From the columns of a table to the inputs and targets of a network.

    feature_columns: what becomes of each feature, in the order of the network's inputs.
    target_columns: what becomes of the target.
    id_columns: names of the columns that pass through to predictions.
    na_values: cells that mean missing, besides the empty one.
    """

    task: Task
    feature_columns: tuple[Feature, ...]
    target_columns: Target
    id_columns: tuple[str, ...] = ()
    na_values: tuple[str, ...] = ()

    @property
    def input_names(self) -> tuple[str, ...]:
        """One name for each input of the network: `body_mass_g`, `island=Biscoe`."""
        return tuple(name for feature in self.feature_columns for name in feature.inputs)

    @property
    def inputs(self) -> int:
        return len(self.input_names)

    @property
    def places(self) -> dict[str, slice]:
        """Where each feature stands in the network's inputs."""
        found, at = dict[str, slice](), 0
        for feature in self.feature_columns:
            found[feature.name] = slice(at, at + len(feature.inputs))
            at += len(feature.inputs)
        return found

    @property
    def widths(self) -> tuple[int, ...]:
        """How many outputs each target needs."""
        several = isinstance(self.target_columns, Amounts) and len(self.targets) > 1
        return (1,) * len(self.targets) if several else (self.outputs,)

    @property
    def outputs(self) -> int:
        """Outputs that the network needs: one a class, 1 for two classes, one a number."""
        if isinstance(self.target_columns, Classes):
            return 1 if self.target_columns.binary else len(self.classes)
        return len(self.targets) or self.inputs

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes as the file spells them; none where the target is a number."""
        return self.target_columns.classes if isinstance(self.target_columns, Classes) else ()

    @property
    def targets(self) -> tuple[str, ...]:
        """The names of the target columns; none where the network learns its own input."""
        target = self.target_columns
        return (target.name,) if isinstance(target, Classes) else target.names

    def features(self, table: Table, report: Report | None = None) -> Array:
        """The network's inputs, (N, D) float32.  `report` counts what was odd."""
        names = [feature.name for feature in self.feature_columns]
        _require(table, names, "the model needs")
        report = Report() if report is None else report
        report.rows += len(table)
        report.extra = self._extra(table)
        x = np.empty((len(table), self.inputs), dtype=np.float32)
        for start in range(0, len(table), BLOCK):
            rows = slice(start, start + BLOCK)
            x[rows] = self._columns(table.take(rows), report).T
        return x

    def _columns(self, table: Table, report: Report) -> Array:
        out = np.empty((self.inputs, len(table)), dtype=np.float32)  # (D, n)
        at = 0
        for feature in self.feature_columns:
            end = at + len(feature.inputs)
            feature.write(table, self.na_values, out[at:end], report)
            at = end
        return out

    def _extra(self, table: Table) -> tuple[str, ...]:
        used = {feature.name for feature in self.feature_columns}
        used |= {*self.targets, *self.id_columns}
        return tuple(name for name in table.columns if name not in used)

    def has_target(self, table: Table) -> Array:
        """Which rows have a value in every target column, (N,) bool."""
        _require(table, self.targets, "the target is")
        return self.target_columns.has_value(table, self.na_values)

    def target(self, table: Table) -> Array:
        """What the loss compares with: class (N,) int64; 0 or 1 (N, 1), numbers (N, K) float32.

        Every row must have one, see `has_target`.
        """
        if isinstance(self.target_columns, Amounts) and self.targets:
            return self.target_columns.scaled(self.raw_target(table))
        return self.raw_target(table)

    def raw_target(self, table: Table) -> Array:
        """What metrics compare with: classes as in `target`; numbers in their own unit, float64."""
        _require(table, self.targets, "the target is")
        if isinstance(self.target_columns, Classes):
            return self.target_columns.encode(table)
        if not self.targets:
            return self.features(table)
        return self.target_columns.raw(table, self.na_values)

    def unscale(self, prediction: Array) -> Array:
        """What the network gives, (N, K), in the target's own unit; probabilities stay."""
        if isinstance(self.target_columns, Amounts) and self.targets:
            return self.target_columns.unscaled(prediction)
        return prediction

    def ids(self, table: Table) -> list[list[str]]:
        """The cells of each id column, as text."""
        _require(table, self.id_columns, "`data.id` names")
        return [table.columns[name].tolist() for name in self.id_columns]

    def to_plain(self) -> dict[str, Any]:
        """The same in JSON types."""
        return {
            "task": self.task,
            "features": [_encode(feature) for feature in self.feature_columns],
            "target": _encode(self.target_columns),
            "ids": list(self.id_columns),
            "na_values": list(self.na_values),
        }

    @classmethod
    def from_plain(cls, value: Any) -> Preprocessor:
        """The way back from `to_plain`; a MachineError where this is not what it gave."""
        if not isinstance(value, dict) or not isinstance(value.get("features"), list):
            raise plain.damaged("no list of features")
        texts = tuple[str, ...]
        result = cls(
            plain.read(str, value.get("task"), "task"),
            tuple(_decode(item, Feature, "features") for item in value["features"]),
            _decode(value.get("target"), Target, "target"),
            plain.read(texts, value.get("ids"), "ids"),
            plain.read(texts, value.get("na_values"), "na_values"),
        )
        _check(result)
        return result


def learn(
    table: Table, columns: tuple[Column, ...], rows: Array, settings: Data, task: Task
) -> Preprocessor:
    """Learn from training rows, `rows` (N,), of a table that `columns.parse` has read."""
    training = table.take(rows)
    kinds = {column.name: column.kind for column in columns}
    how, na_values = settings.preprocessing, settings.na_values
    features: list[Feature] = []
    for name, kind in kinds.items():
        if kind == "numeric":
            features.append(Scaled.learn(training, name, na_values, how.numeric))
        elif kind == "categorical":
            features.append(OneHot.learn(training, name, na_values, how.categorical))
    target = learn_target(training, settings, task)
    return Preprocessor(task, tuple(features), target, settings.ids, na_values)


def learn_target(table: Table, settings: Data, task: Task) -> Target:
    """Classes or scales of the target in these rows."""
    if task == "numbers":
        how = settings.preprocessing.target.scale
        return Amounts.learn(table, settings.targets, settings.na_values, how)
    if len(settings.targets) != 1:
        found = "several" if settings.targets else "no"
        hint = "`data.target` names the column with the classes"
        raise table.error(f"classes come from one target column, and there are {found}", hint=hint)
    return Classes.learn(table, settings.targets[0], settings.na_values, task)


def _require(table: Table, names: Iterable[str], what: str) -> None:
    missing = [name for name in names if name not in table.columns]
    if missing:
        raise unknown_columns(table, missing, what)


def _encode(value: Feature | Target) -> dict[str, Any]:
    kind = next(kind for kind, cls in KINDS.items() if type(value) is cls)
    return {"kind": kind, **plain.encode(value)}


def _decode(value: Any, family: Any, where: str) -> Any:
    kind = value.get("kind") if isinstance(value, dict) else None
    cls = KINDS.get(kind) if isinstance(kind, str) else None
    if cls is None or cls not in get_args(family):
        raise plain.damaged(f"{where}: unknown kind {kind!r:.60}")
    rest = {key: item for key, item in value.items() if key != "kind"}
    return plain.decode(cls, rest, where)


def _check(found: Preprocessor) -> None:
    """What types alone do not tell."""
    names = [feature.name for feature in found.feature_columns]
    if not names or len(set(names)) < len(names):
        raise plain.damaged("features: none, or one twice")
    for feature in found.feature_columns:
        if isinstance(feature, Scaled) and not feature.scale > 0:
            raise plain.damaged(f"{feature.name}: scale {feature.scale}")
        if isinstance(feature, OneHot) and feature.fill not in (None, *feature.categories):
            raise plain.damaged(f"{feature.name}: fill {feature.fill!r:.60}")
    target = found.target_columns
    if found.task not in _tasks(target):
        raise plain.damaged(f"task {found.task!r:.60}")
    if isinstance(target, Amounts):
        sizes = {len(target.names), len(target.shifts), len(target.scales)}
        if len(sizes) > 1 or not all(scale > 0 for scale in target.scales):
            raise plain.damaged("target: scales")
    elif len(set(target.classes)) != len(target.classes) or len(target.classes) < 2:
        raise plain.damaged("target: classes")


def _tasks(target: Target) -> tuple[Task, ...]:
    if isinstance(target, Amounts):
        return ("numbers",)
    return ("binary",) if target.binary else ("classes",)
