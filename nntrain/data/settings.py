"""The `data:` section of a config: where the rows are and what becomes of the columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from nntrain.data.formats import Text, by_ending
from nntrain.data.text import COLUMN
from nntrain.families import PositiveInt, Rate, Source, Spec

Kind = Literal["numeric", "categorical", "series", "ignore"]
WINDOW = 128  # tokens of a text

Size = Rate | PositiveInt
"""Rows: a share of all, or how many."""


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
    scale: `standard` gives mean 0 and standard deviation 1, `min_max` the range [0, 1].  The
        numbers of images and series are scaled by channel, which is the last axis.
    transform: what is done to the numbers before they are scaled.
    """

    impute: Literal["median", "mean", "most_frequent"] = "median"
    scale: Literal["standard", "min_max", "none"] = "standard"
    transform: Literal["none", "log1p", "sqrt"] = "none"


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
    """How numeric targets are scaled for training; metrics and predictions undo it.

    scale: `standard` gives mean 0 and standard deviation 1.
    transform: what is done to the numbers before they are scaled.
    """

    scale: Literal["standard", "none"] = "standard"
    transform: Literal["none", "log", "log1p", "sqrt"] = "none"


@dataclass(frozen=True)
class Preprocessing(Spec):
    """From columns to the numbers that the network sees.

    numeric: numbers, and those of images and series.
    categorical: text, and numbers that stand for a category.
    target: numbers that are to be predicted.
    """

    numeric: Numeric = field(default_factory=Numeric)
    categorical: Categorical = field(default_factory=Categorical)
    target: TargetScale = field(default_factory=TargetScale)


@dataclass(frozen=True)
class Split(Spec):
    """Rows that are kept from training: a share of all (below 1), or how many (whole numbers).

    validation: rows that judge each epoch.
    test: rows that nothing is chosen by; left out, none where `test_path` is given.
    by: `random` draws them by the seed; `time` takes them from the end of the file: first the
        training rows, then those for validation, then those for the test.  Left out, `time` with
        a window, else `random`.
    stratify: keep the classes' shares equal in every part (classification by `random` only);
        of several targets the shares of their combinations, as far as none is rarer than ten rows.
    """

    validation: Size = 0.15
    test: Size = 0.15
    by: Literal["random", "time"] | None = None
    stratify: bool = True


@dataclass(frozen=True)
class Window(Spec):
    """The rows of the file are steps in time; a window of them tells what comes next.

    A window that begins at row i holds the rows i … i + length - 1, targets included, and its
    target is row i + length - 1 + horizon.

    length: rows in a window.
    horizon: how many rows after the last one of the window the target lies; 1 is the next row.
    stride: rows from the beginning of one window to that of the next.
    """

    length: PositiveInt
    horizon: PositiveInt = 1
    stride: PositiveInt = 1


@dataclass(frozen=True)
class Data(Spec):
    """What to learn, from which rows.

    path: the file, relative to the config file; or a list, a pattern such as `shards/*.csv`, or a
        folder of images.
    test_path: a file (or a list, a pattern, a folder) of rows for the test, relative to the config
        file; then the split keeps none.
    format: the file's format; left out, by the file's ending.
    target: a column or a list of columns; left out, the network learns its own input.  A row
        that lacks one of them is left out.
    id: a column or columns passed through to predictions, never a feature.
    features: which of the other columns the network sees.
    columns: kinds of columns that the data does not tell by itself: of a number that stands for a
        category, or of an array (rows, steps, channels), which is an image unless it is `series`.
    na_values: cells that mean "missing", besides the empty one (and `nan` in numeric columns).
    preprocessing: how missing cells are filled, and what is scaled.
    split: which rows are kept from training.
    window: for rows in the order of time: a number of rows is one input of the network.  Left
        out, a text is cut into windows of 128 tokens that follow each other.
    max_memory: the most that the data may take, such as `500 MB`.  A table that would take more
        is converted into files, anything else is refused before it is read.
    cache: large tables are converted once, into the user's cache folder (`auto`), or anew for each
        command (`never`).
    """

    path: str | tuple[str, ...]
    test_path: str | tuple[str, ...] | None = None
    format: Source | None = None
    target: str | tuple[str, ...] | None = None
    id: str | tuple[str, ...] | None = None
    features: Features = field(default_factory=Features)
    columns: Mapping[str, Kind] = field(default_factory=dict)
    na_values: tuple[str, ...] = ()
    preprocessing: Preprocessing = field(default_factory=Preprocessing)
    split: Split = field(default_factory=Split)
    window: Window | None = None
    max_memory: str | None = None
    cache: Literal["auto", "never"] = "auto"

    def __post_init__(self) -> None:
        """Settle the defaults that follow from other keys."""
        if self.text:
            object.__setattr__(self, "window", self.window or Window(WINDOW, stride=WINDOW))
            object.__setattr__(self, "target", self.target or COLUMN)
        split = self.split
        if split.by is None:
            split = replace(split, by="time" if self.window else "random")
        if self.test_path is not None and split.test == Split.test:  # left out
            split = replace(split, test=0.0)
        object.__setattr__(self, "split", split)

    def source(self, path: str | Path) -> Source:
        """What reads a file of this data."""
        return self.format or by_ending(str(path))

    @property
    def text(self) -> Text | None:
        """The format, where the data is a text."""
        source = self.source(_names(self.path)[0] if self.path else "")
        return source if isinstance(source, Text) else None

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
