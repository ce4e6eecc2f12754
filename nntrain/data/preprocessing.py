"""Preprocessor: what was learned from training rows, and travels with the model.

Everything is a plain value: the same preprocessor gives the same bits, in training and in
prediction, for a whole file and chunk by chunk.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np

from nntrain.data import kinds, plain
from nntrain.data.arrays import ArrayFeature, Series
from nntrain.data.categories import Embedded
from nntrain.data.columns import unknown_columns
from nntrain.data.kinds import Feature, Scalar
from nntrain.data.report import Report
from nntrain.data.seen import Seen
from nntrain.data.settings import Window
from nntrain.data.several import Several, Target
from nntrain.data.soundness import check
from nntrain.data.table import Table
from nntrain.data.targets import Amounts, Classes
from nntrain.data.texts import Texts
from nntrain.data.tokens import Tokens
from nntrain.data.weights import read_weights
from nntrain.families import Array, Shape, Task
from nntrain.room import empty
from nntrain.values import dataclass

BLOCK = 8192  # rows that are turned at once from column by column to row by row


class Embedding(NamedTuple):
    """A column whose input is the number of its category.

    place: on the last axis of the inputs.  rows, width: of the table that it is looked up in.
    """

    place: int
    rows: int
    width: int


@dataclass(frozen=True)
class Preprocessor:
    """From the columns of a table to the inputs and targets of a network.

    feature_columns: what becomes of each feature, in the order of the network's inputs; a grid or
        a series is the only one.
    target_columns: what becomes of the target.
    id_columns: names of the columns that pass through to predictions.
    na_values: cells that mean missing, besides the empty one.
    weight_column: the name of the column that says how much a row counts; empty: all the same.
    window: where rows are steps in time, how many of them are one input, see `windows`.
    seen: what training rows had of each feature; none in old model files.
    """

    task: Task
    feature_columns: tuple[Feature, ...]
    target_columns: Target
    id_columns: tuple[str, ...] = ()
    na_values: tuple[str, ...] = ()
    window: Window | None = None
    weight_column: str = ""
    seen: tuple[Seen, ...] = ()

    @property
    def array(self) -> ArrayFeature | Texts | None:
        """The feature that is an array, if there is one: the network's only input."""
        first = self.feature_columns[0]
        return first if isinstance(first, ArrayFeature | Texts) else None

    @property
    def tokens(self) -> Tokens | None:
        """What a text is made of, where the network goes on with one."""
        return self.target_columns if isinstance(self.target_columns, Tokens) else None

    @property
    def vocabulary(self) -> int | None:
        """How many different tokens come in, where the input is tokens."""
        if isinstance(self.array, Texts):
            return self.array.size
        return self.tokens.outputs if self.tokens else None

    @property
    def embeddings(self) -> dict[str, Embedding]:
        """The columns whose categories the network's first layer looks up."""
        places = self.places
        return {
            feature.name: Embedding(
                places[feature.name].start, max(feature.size, 1), feature.dimensions
            )
            for feature in self.feature_columns
            if isinstance(feature, Embedded)
        }

    @property
    def cuts_rows(self) -> bool:
        """Whether what becomes of a row depends on no other one, and has one shape."""
        return not self.window and not self.tokens and not isinstance(self.array, Series | Texts)

    @property
    def input_names(self) -> tuple[str, ...]:
        """One name for each input of a row: `body_mass_g`, `island=Biscoe`, `image[0,3,0]`."""
        if self.array is not None:
            places = np.ndindex(self.array.shape)
            return tuple(f"{self.array.name}[{','.join(map(str, place))}]" for place in places)
        return tuple(name for feature in self.scalars for name in feature.inputs)

    @property
    def shape(self) -> Shape:
        """The shape of the network's input; of series, its first axis is the longest one's."""
        if self.array is not None:
            return self.array.shape
        if self.tokens and self.window:
            return (self.window.length,)
        width = sum(len(feature.inputs) for feature in self.scalars)
        return (self.window.length, width) if self.window else (width,)

    @property
    def inputs(self) -> int:
        """How many numbers the network sees of a row."""
        return math.prod(self.shape)

    @property
    def scalars(self) -> tuple[Scalar, ...]:
        """The features that are columns."""
        return tuple(f for f in self.feature_columns if isinstance(f, Scalar))

    @property
    def places(self) -> dict[str, slice]:
        """Where each feature that is a column stands on the last axis of the network's inputs."""
        found, at = dict[str, slice](), 0
        for feature in self.scalars:
            found[feature.name] = slice(at, at + len(feature.inputs))
            at += len(feature.inputs)
        return found

    @property
    def widths(self) -> tuple[int, ...]:
        """How many outputs each target needs."""
        if isinstance(self.target_columns, Amounts) and self.targets:
            return (1,) * len(self.targets)
        if isinstance(self.target_columns, Several):
            return tuple(part.outputs for part in self.each_target)
        return (self.outputs,)

    @property
    def outputs(self) -> int:
        """Outputs that the network needs: one a class, 1 for two classes, one a number."""
        return self.target_columns.outputs if self.targets else self.inputs

    @property
    def output_shape(self) -> Shape:
        """The shape that the network's output must have; of a text, an answer at each step."""
        return (*self.shape, self.outputs) if self.tokens else (self.outputs,)

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes of a single target as the file spells them; none where it is a number."""
        return self.target_columns.classes if isinstance(self.target_columns, Classes) else ()

    @property
    def class_counts(self) -> tuple[int, ...]:
        """Training rows of each class; none where the target is a number."""
        return self.target_columns.counts if isinstance(self.target_columns, Classes) else ()

    @property
    def each_target(self) -> tuple[Classes | Amounts | Tokens, ...]:
        """What became of each of several targets; of one, or of numbers, the whole."""
        target = self.target_columns
        return target.parts if isinstance(target, Several) else (target,)

    @property
    def targets(self) -> tuple[str, ...]:
        """The names of the target columns; none where the network learns its own input."""
        return self.target_columns.names

    def features(self, table: Table, report: Report | None = None) -> Array:
        """The rows as inputs, (N, …) float32: (N, D) of columns, also where a window takes many;
        of a text the number of each token, (N,) int64.

        `report` counts what was odd.
        """
        names = [feature.name for feature in self.feature_columns]
        _require(table, names, "the model needs")
        report = Report() if report is None else report
        report.rows += len(table)
        report.extra = self._extra(table)
        if isinstance(self.array, Texts):
            return self.array.read(table, self.na_values, report)
        if self.array is not None:
            return self.array.read(table)
        if self.tokens:
            return self.tokens.encode(table, report)
        width = sum(len(feature.inputs) for feature in self.scalars)
        x = empty((len(table), width), np.float32)
        for start in range(0, len(table), BLOCK):
            rows = slice(start, start + BLOCK)
            x[rows] = self._columns(table.take(rows), width, report).T
        return x

    def lengths(self, table: Table) -> Array | None:
        """How many steps each row of `features` has, (N,); None where all have the same."""
        if isinstance(self.array, Texts):
            return self.array.lengths(table, self.na_values)
        return None if self.array is None else self.array.lengths(table)

    def weights(self, table: Table, report: Report | None = None) -> Array | None:
        """How much each row counts, (N,) float64; None where all count the same, as those of a
        file without the column do, which `report` notes."""
        if not self.weight_column:
            return None
        if self.weight_column not in table.columns:
            if report is not None:
                report.unweighted = self.weight_column
            return None
        return read_weights(table, self.weight_column, self.na_values)

    def _columns(self, table: Table, width: int, report: Report) -> Array:
        out = np.empty((width, len(table)), dtype=np.float32)  # (D, n)
        at = 0
        for feature in self.scalars:
            end = at + len(feature.inputs)
            feature.write(table, self.na_values, out[at:end], report)
            at = end
        return out

    def _extra(self, table: Table) -> tuple[str, ...]:
        used = {feature.name for feature in self.feature_columns}
        used |= {*self.targets, *self.id_columns, self.weight_column, *table.aside}
        return tuple(name for name in table.columns if name not in used)

    def has_target(self, table: Table) -> Array:
        """Which rows have a value in every target column, (N,) bool."""
        _require(table, self.targets, "the target is")
        return self.target_columns.has_value(table, self.na_values)

    def target(self, table: Table) -> Array:
        """What the loss compares with: class (N,) int64; 0 or 1 (N, 1), numbers (N, K) float32.

        Several targets: (N, K) float32, class numbers among them.  Every row must have one, see
        `has_target`.
        """
        if not isinstance(self.target_columns, Classes | Tokens) and self.targets:
            _require(table, self.targets, "the target is")
            return self.target_columns.scaled(table, self.na_values)
        return self.raw_target(table)

    def raw_target(self, table: Table) -> Array:
        """What metrics compare with: classes as in `target`; numbers in their own unit, float64."""
        _require(table, self.targets, "the target is")
        if isinstance(self.target_columns, Classes | Tokens):
            return self.target_columns.encode(table)
        if not self.targets:
            return self.features(table).reshape(len(table), -1)
        return self.target_columns.raw(table, self.na_values)

    def unscale(self, prediction: Array) -> Array:
        """What the network gives, (N, K), in the target's own unit; probabilities stay."""
        if not isinstance(self.target_columns, Classes | Tokens) and self.targets:
            return self.target_columns.unscaled(prediction)
        return prediction

    def ids(self, table: Table) -> list[Array]:
        """The cells of each id column, as text."""
        _require(table, self.id_columns, "`data.id` names")
        return [table.columns[name] for name in self.id_columns]

    def to_plain(self) -> dict[str, Any]:
        """The same in JSON types."""
        return {
            "task": self.task,
            "features": [kinds.encode(feature) for feature in self.feature_columns],
            "target": kinds.encode(self.target_columns),
            "ids": list(self.id_columns),
            "na_values": list(self.na_values),
            "window": plain.encode(self.window) if self.window else None,
            "weight": self.weight_column,
            "seen": [plain.encode(seen) for seen in self.seen],
        }

    @classmethod
    def from_plain(cls, value: Any) -> Preprocessor:
        """The way back from `to_plain`; a MachineError where this is not what it gave."""
        if not isinstance(value, dict) or not isinstance(value.get("features"), list):
            raise plain.damaged("no list of features")
        texts = tuple[str, ...]
        result = cls(
            plain.read(str, value.get("task"), "task"),
            tuple(kinds.decode(item, Feature, "features") for item in value["features"]),
            kinds.decode(value.get("target"), Target, "target"),
            plain.read(texts, value.get("ids"), "ids"),
            plain.read(texts, value.get("na_values"), "na_values"),
            plain.decode(Window, value["window"], "window") if value.get("window") else None,
            plain.read(str, value.get("weight", ""), "weight"),
            _seen(value.get("seen", [])),
        )
        check(result)
        return result


def _seen(value: Any) -> tuple[Seen, ...]:
    if not isinstance(value, list):
        raise plain.damaged("seen: no list")
    return tuple(plain.decode(Seen, item, "seen") for item in value)


def _require(table: Table, names: Iterable[str], what: str) -> None:
    missing = [name for name in names if name not in table.columns]
    if missing:
        raise unknown_columns(table, missing, what)
