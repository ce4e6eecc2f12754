"""The `data:` section of a config: where the rows are and what becomes of the columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from nntrain.data.formats import Text, by_ending
from nntrain.data.text import COLUMN
from nntrain.families import Augmentation, PositiveInt, Rate, Source, Spec

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
class Fold(Spec):
    """One of several ways to hold rows out, which together hold out each row once.

    By time, a fold is trained on the rows before those that it holds out, and the first rows are
    held out by none.

    folds: how many there are.
    fold: which one it is, from 1.
    """

    folds: PositiveInt
    fold: PositiveInt


@dataclass(frozen=True)
class Split(Spec):
    """Rows that are kept from training: a share of all (below 1), or how many (whole numbers).

    validation: rows that judge each epoch.
    test: rows that nothing is chosen by; left out, none where `test_path` is given.
    by: `random` draws them by the seed; `time` takes them from the end of the file: first the
        training rows, then those for validation, then those for the test.  `group` keeps rows
        with equal cells of `column` together; `column` takes its cells at their word: `train`,
        `validation` (or `val`, `valid`), `test`; `hash` draws by a hash of its cells, so that a
        row keeps its part as others are added.  Left out, `time` with a window, else `random`.
    column: what `group`, `column` and `hash` look at.  It is no feature, unless
        `data.features.include` names it.
    stratify: keep the classes' shares equal in every part (classification by `random`; by `group`
        as far as whole groups allow); of several targets the shares of their combinations, as
        far as none is rarer than ten rows.
    k_fold: one fold of several: its rows are the test.  `fit --k-fold` trains all of them.
    """

    validation: Size = 0.15
    test: Size = 0.15
    by: Literal["random", "time", "group", "column", "hash"] | None = None
    column: str | None = None
    stratify: bool = True
    k_fold: Fold | None = None


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

    path: the file, relative to the config file.
    validation_path: a file of rows that judge each epoch, relative to the config file; then the
        split keeps none.
    test_path: the same for the test.
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
    augmentation: what is done to training rows in each epoch anew, one after the other.
    window: for rows in the order of time: a number of rows is one input of the network.  Left
        out, a text is cut into windows of 128 tokens that follow each other.
    """

    path: str
    validation_path: str | None = None
    test_path: str | None = None
    format: Source | None = None
    target: str | tuple[str, ...] | None = None
    id: str | tuple[str, ...] | None = None
    features: Features = field(default_factory=Features)
    columns: Mapping[str, Kind] = field(default_factory=dict)
    na_values: tuple[str, ...] = ()
    preprocessing: Preprocessing = field(default_factory=Preprocessing)
    split: Split = field(default_factory=Split)
    augmentation: tuple[Augmentation, ...] = ()
    window: Window | None = None

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
        if self.validation_path is not None and split.validation == Split.validation:
            split = replace(split, validation=0.0)
        object.__setattr__(self, "split", split)

    def source(self, path: str | Path) -> Source:
        """What reads a file of this data."""
        return self.format or by_ending(str(path))

    @property
    def text(self) -> Text | None:
        """The format, where the data is a text."""
        source = self.source(self.path)
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
