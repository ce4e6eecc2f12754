"""Material: the rows of all parts side by side, as the network and as the file has them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property
from hashlib import blake2b
from pathlib import Path

import numpy as np

from nntrain.arrays import Array
from nntrain.data.dataset import Dataset
from nntrain.data.parts import Part
from nntrain.data.reading import read
from nntrain.data.settings import Data
from nntrain.data.several import Several
from nntrain.data.table import Table
from nntrain.data.targets import Amounts, Classes
from nntrain.linear import Linear, logistic, ridge
from nntrain.rng import permutation
from nntrain.values import dataclass

MOST_ROWS = 20_000  # that statistics of columns are made of
MOST_INPUTS = 1024  # of a linear model
BLOCK = 4096  # rows
FOLDS = 5
SHOWN = 5  # examples of a finding


@dataclass(frozen=True)
class Target:
    """One target column: class numbers (N,) int64, or numbers (N,) float64."""

    name: str
    values: Array
    classes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Material:
    """Rows of every part.

    parts: the names of the parts.  part: (N,) which of them each row is in.
    x: (N, D) what the network sees, flat.  targets: each target column.
    numbers: (N,) of the rows in their files.  tables: the cells, by part.
    columns: which of x each column has become; none of images, series, windows and texts.
    """

    settings: Data
    dataset: Dataset
    parts: tuple[str, ...]
    part: Array
    x: Array
    lengths: Array | None
    targets: tuple[Target, ...]
    numbers: Array
    tables: dict[str, Table]
    columns: dict[str, slice]
    left_out: int = 0

    @staticmethod
    def of(dataset: Dataset, settings: Data) -> Material:
        """Everything there is, the file read once more for its lines."""
        known, names = dataset.preprocessor, tuple(dataset.parts)
        tables = _tables(dataset, settings)
        parts = [dataset.parts[name] for name in names]
        part = np.repeat(np.arange(len(parts)), [len(one) for one in parts])
        varies = any(one.lengths is not None for one in parts)
        lengths = np.concatenate([_lengths(one) for one in parts]) if varies else None
        flat = known.array is None and not known.window
        return Material(
            settings,
            dataset,
            names,
            part,
            _side_by_side(parts),
            lengths,
            tuple(_targets(dataset, parts)),
            np.concatenate([one.rows for one in parts]),
            tables,
            known.places if flat else {},
        )

    def __len__(self) -> int:
        return len(self.part)

    def thinned(self) -> Material:
        """At most `MOST_ROWS` rows, at equal distances."""
        if len(self) <= MOST_ROWS:
            return self
        rows = np.arange(MOST_ROWS) * len(self) // MOST_ROWS
        tables = {}
        for number, name in enumerate(self.parts):
            first = int((self.part < number).sum())
            tables[name] = self.tables[name].take(rows[self.part[rows] == number] - first)
        return replace(
            self,
            part=self.part[rows],
            x=self.x[rows],
            lengths=None if self.lengths is None else self.lengths[rows],
            targets=tuple(replace(t, values=t.values[rows]) for t in self.targets),
            numbers=self.numbers[rows],
            tables=tables,
            left_out=len(self) - MOST_ROWS,
        )

    def place(self, row: int) -> str:
        """`line 7 (test)`; of several files `line 7 of b.csv (test)`."""
        number = int(self.part[row])
        name, first = self.parts[number], int((self.part < number).sum())
        table, own = self.tables[name], row - first
        place = table.place(own)
        if table.origin is not None:
            file = Path(table.file_of(own)).name
            place = file if table.unit == "image" else f"{place} of {file}"
        return f"{place} ({name})"

    def rows(self, name: str) -> Array:
        """The rows of a part, (n,)."""
        if name not in self.parts:
            return np.arange(0)
        return np.flatnonzero(self.part == self.parts.index(name))

    @property
    def held_out(self) -> tuple[str, ...]:
        """The parts that judge."""
        return tuple(name for name in ("validation", "test") if name in self.parts)

    @property
    def own_file(self) -> Array:
        """The rows of the file itself, not of files that validation or test have, in its order."""
        data = self.dataset
        apart = {"validation": data.validation_path, "test": data.test_path}
        own = [number for number, name in enumerate(self.parts) if not apart.get(name)]
        rows = np.flatnonzero(np.isin(self.part, own))
        return rows[np.argsort(self.numbers[rows], kind="stable")]

    @property
    def can_be_modelled(self) -> bool:
        """Whether a linear model of these inputs takes seconds, not hours."""
        return bool(self.x.shape[1] <= MOST_INPUTS)

    @cached_property
    def keys(self) -> list[bytes]:
        """What two rows have in common when their inputs are equal, and only then."""
        found: list[bytes] = []
        for start in range(0, len(self), BLOCK):
            rows = self.x[start : start + BLOCK] + np.float32(0)  # -0 is 0
            found += [blake2b(row.tobytes(), digest_size=16).digest() for row in rows]
        if self.lengths is None:
            return found
        pairs = zip(found, self.lengths.tolist(), strict=True)
        return [key + str(length).encode() for key, length in pairs]

    @cached_property
    def fold(self) -> Array:
        """Which fold each row is in, (N,); the same at each audit."""
        return permutation(len(self), 0, "audit") % FOLDS

    def out_of_fold(self, target: Target) -> Array:
        """What a linear model of the other folds says: probabilities (N, C), or numbers (N,)."""
        found = np.empty((len(self), max(1, len(target.classes))))
        for number in range(FOLDS):
            own = self.fold == number
            x, known = self.x[~own].astype(np.float64), target.values[~own]
            if target.classes:
                fitted: Linear = logistic(
                    x, known, len(target.classes), 0.01, most_steps=60, close=1e-3
                )
                found[own] = fitted.probabilities(self.x[own])
            else:
                found[own] = ridge(x, known[:, None], [0.01])[0](self.x[own])
        return found if target.classes else found[:, 0]


def _tables(dataset: Dataset, settings: Data) -> dict[str, Table]:
    """The rows of each part as the files have them."""
    whole = read(settings, dataset.path)
    others = {"validation": dataset.validation_path, "test": dataset.test_path}
    found = {}
    for name, part in dataset.parts.items():
        own = others.get(name)
        found[name] = (read(settings, own) if own else whole).take(part.rows)
    return found


def _side_by_side(parts: list[Part]) -> Array:
    """The inputs of all parts, (N, D) float32; series are as long as the longest one."""
    if len({part.x.shape[1:] for part in parts}) > 1:
        longest = max(part.x.shape[1] for part in parts)
        padded = []
        for part in parts:
            x = np.zeros((len(part), longest, *part.x.shape[2:]), np.float32)
            x[:, : part.x.shape[1]] = part.x
            padded.append(x)
        return np.concatenate(padded).reshape(sum(map(len, parts)), -1)
    return np.concatenate([part.x for part in parts]).reshape(sum(map(len, parts)), -1)


def _lengths(part: Part) -> Array:
    return np.full(len(part), part.x.shape[1]) if part.lengths is None else part.lengths


def _targets(dataset: Dataset, parts: list[Part]) -> Iterator[Target]:
    target = dataset.preprocessor.target_columns
    raw = [part.raw for part in parts]
    if isinstance(target, Several):
        for one, place in target.places():
            column = np.concatenate([values[:, place.column] for values in raw])
            yield _target(one, one.names[0], column)
    elif isinstance(target, Classes):
        yield _target(target, target.name, np.concatenate(raw).reshape(-1))
    elif isinstance(target, Amounts):
        for number, name in enumerate(target.names):
            yield _target(target, name, np.concatenate([values[:, number] for values in raw]))


def _target(kind: Classes | Amounts, name: str, values: Array) -> Target:
    if isinstance(kind, Classes):
        return Target(name, values.astype(np.int64), kind.classes)
    return Target(name, values.astype(np.float64))
