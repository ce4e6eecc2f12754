"""The `data:` section of a config: where the rows are and what becomes of the columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from nntrain.data.sources import Csv
from nntrain.families import Rate, Source, Spec


@dataclass(frozen=True)
class Features(Spec):
    """Which columns the network sees.

    include: names of columns; left out, every column but targets and ids.
    exclude: names of columns to leave out.
    """

    include: tuple[str, ...] | None = None
    exclude: tuple[str, ...] = ()


@dataclass(frozen=True)
class Numeric(Spec):
    """What becomes of numeric columns; every statistic comes from training rows alone.

    impute: what stands in for a missing cell.
    scale: `standard` gives mean 0 and standard deviation 1, `min_max` the range [0, 1].
    """

    impute: Literal["median", "mean", "most_frequent"] = "median"
    scale: Literal["standard", "min_max", "none"] = "standard"


@dataclass(frozen=True)
class Categorical(Spec):
    """What becomes of text columns.

    encode: `one_hot` gives one input for each category met in training rows.
    impute: `most_frequent`, or `category`: missing is a category of its own.
    unknown: an unseen category is all zeros (`ignore`, and reported) or a data error (`error`).
    """

    encode: Literal["one_hot"] = "one_hot"
    impute: Literal["most_frequent", "category"] = "most_frequent"
    unknown: Literal["ignore", "error"] = "ignore"


@dataclass(frozen=True)
class TargetScale(Spec):
    """How numeric targets are scaled for training; metrics and predictions undo it."""

    scale: Literal["standard", "none"] = "standard"


@dataclass(frozen=True)
class Preprocessing(Spec):
    """From columns to the numbers that the network sees."""

    numeric: Numeric = field(default_factory=Numeric)
    categorical: Categorical = field(default_factory=Categorical)
    target: TargetScale = field(default_factory=TargetScale)


@dataclass(frozen=True)
class Split(Spec):
    """Shares of the rows that are kept from training, drawn by the seed.

    stratify: keep the classes' shares equal in every part (classification only); of several
        targets the shares of their combinations, as far as none is rarer than ten rows.
    """

    validation: Rate = 0.15
    test: Rate = 0.15
    stratify: bool = True


@dataclass(frozen=True)
class Data(Spec):
    """What to learn, from which rows.

    path: the file, relative to the config file.
    format: the file's format; left out, `csv`.
    target: a column or a list of columns; left out, the network learns its own input.  A row
        that lacks one of them is left out.
    id: a column or columns passed through to predictions, never a feature.
    columns: kinds of columns that the data does not tell by itself.
    na_values: cells that mean "missing", besides the empty one (and `nan` in numeric columns).
    """

    path: str
    format: Source = field(default_factory=Csv)
    target: str | tuple[str, ...] | None = None
    id: str | tuple[str, ...] | None = None
    features: Features = field(default_factory=Features)
    columns: Mapping[str, Literal["numeric", "categorical", "ignore"]] = field(default_factory=dict)
    na_values: tuple[str, ...] = ()
    preprocessing: Preprocessing = field(default_factory=Preprocessing)
    split: Split = field(default_factory=Split)

    @property
    def targets(self) -> tuple[str, ...]:
        """The target columns; empty where the network learns its own input."""
        return _names(self.target)

    @property
    def ids(self) -> tuple[str, ...]:
        return _names(self.id)


def _names(value: str | tuple[str, ...] | None) -> tuple[str, ...]:
    if value is None:
        return ()
    return (value,) if isinstance(value, str) else value
