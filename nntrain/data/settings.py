"""The `data:` section of a config: where the rows are and what becomes of the columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field, replace
from pathlib import Path
from typing import Annotated, Literal

from nntrain.data.formats import Text, by_ending
from nntrain.data.text import COLUMN
from nntrain.families import Augmentation, PositiveInt, Rate, Source, Spec
from nntrain.limits import Gt, Le
from nntrain.values import dataclass

Kind = Literal["numeric", "categorical", "date", "text", "series", "ignore"]
DatePart = Literal["elapsed", "year", "month", "day", "weekday", "hour", "minute", "second"]
WINDOW = 128  # tokens of a text
WIDEST = 2**16  # inputs of one column

Width = Annotated[int, Gt(0), Le(WIDEST)]
"""Inputs that one column may become."""

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

    impute: what stands in for a missing cell; with `constant`, `fill`.
    fill: the number that `impute: constant` puts there.
    missing_flag: one more input for each column that training rows miss values in: 1 where the
        row misses it, else 0.
    scale: `standard` gives mean 0 and standard deviation 1, `min_max` the range [0, 1], `robust`
        median 0 and a distance of 1 between the quartiles, `rank_normal` the normal distribution,
        by the rank among the training rows.  The numbers of images and series are scaled by
        channel, which is the last axis, and not by `robust` or `rank_normal`.
    transform: what is done to the numbers before they are scaled.
    """

    impute: Literal["median", "mean", "most_frequent", "constant"] = "median"
    fill: float = 0.0
    missing_flag: bool = False
    scale: Literal["standard", "min_max", "robust", "rank_normal", "none"] = "standard"
    transform: Literal["none", "log1p", "sqrt"] = "none"


@dataclass(frozen=True)
class Categorical(Spec):
    """What becomes of columns of categories.

    encode: `one_hot` gives one input for each category met in training rows, `ordinal` one input
        for all, the scaled number of the category in sorted order, `hashed` one input for each of
        `buckets`, of which a category's hash chooses one, `embedding` a vector of `dimensions`
        numbers for each category, which the network learns.
    buckets: inputs of a `hashed` column.
    dimensions: the width of an `embedding`; `auto`: min(50, 1.6 n^0.56) for n categories.
    impute: `most_frequent`, `category`: missing is a category of its own, or `constant`: `fill`.
    fill: the category that `impute: constant` reads a missing cell as.
    unknown: an unseen category is all zeros (`ignore`, and reported), a data error (`error`), or
        is taken for the rare ones, which then are one category (`category`, and reported).
    min_count: categories that fewer training rows have count as unseen; left out, 2 with
        `unknown: category`, so that there may be rows to learn from, else 1.
    """

    encode: Literal["one_hot", "ordinal", "hashed", "embedding"] = "one_hot"
    buckets: Width = 32
    dimensions: Width | Literal["auto"] = "auto"
    impute: Literal["most_frequent", "category", "constant"] = "most_frequent"
    fill: str | None = None
    unknown: Literal["ignore", "error", "category"] = "ignore"
    min_count: PositiveInt | None = None

    @property
    def least(self) -> int:
        """Training rows that a category needs to be one."""
        return self.min_count or (2 if self.unknown == "category" else 1)


@dataclass(frozen=True)
class Date(Spec):
    """What becomes of columns of dates.

    parts: `elapsed` (days, scaled to mean 0 and standard deviation 1), `year` (scaled likewise),
        and as sine and cosine of their place in the circle `month`, `day` (of the month),
        `weekday`, `hour`, `minute`, `second`.  Left out, those that differ in training rows, but
        `year`, and without `elapsed` where rows are split by time, since it has no second time.
    format: how the dates of columns that `data.columns` calls `date` are written, in the letters
        of Python's strptime, such as "%d.%m.%Y"; left out, as ISO 8601 has it.
    """

    parts: tuple[DatePart, ...] | None = None
    format: str | None = None


@dataclass(frozen=True)
class FreeText(Spec):
    """What becomes of a column that `data.columns` calls `text`: a sequence of tokens.

    unit: what a token is: a word in small letters (a sign of punctuation is a word too), or a
        character.
    length: the most tokens of a row; what comes after them is cut off.
    vocabulary: how many tokens are told apart at most, the most frequent of the training rows;
        others, and those that training rows have once, are one: the unknown token.
    """

    unit: Literal["characters", "words"] = "words"
    length: PositiveInt = 256
    vocabulary: PositiveInt = 10_000


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
    categorical: names, and numbers that stand for a category.
    date: dates, with or without a time of day.
    text: a column of free text.
    target: numbers that are to be predicted.
    """

    numeric: Numeric = field(default_factory=Numeric)
    categorical: Categorical = field(default_factory=Categorical)
    date: Date = field(default_factory=Date)
    text: FreeText = field(default_factory=FreeText)
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

    path: the file, relative to the config file; or a list, a pattern such as `shards/*.csv`, or a
        folder of images.
    validation_path: a file (or a list, a pattern, a folder) of rows that judge each epoch, relative
        to the config file; then the split keeps none.
    test_path: the same for the test.
    format: the file's format; left out, by the file's ending.
    target: a column or a list of columns; left out, the network learns its own input.  A row
        that lacks one of them is left out.
    id: a column or columns passed through to predictions, never a feature.
    weight: a column that says how much each row counts, in the loss and in all metrics: numbers
        of 0 or more, never a feature.  Left out, all rows count the same.
    features: which of the other columns the network sees.
    columns: kinds of columns that the data does not tell by itself: of a number that stands for a
        category, of free text to be read as such, or of an array (rows, steps, channels), which is
        an image unless it is `series`.
    na_values: cells that mean "missing", besides the empty one (and `nan` in numeric columns).
    preprocessing: how missing cells are filled, and what is scaled.
    split: which rows are kept from training.
    augmentation: what is done to training rows in each epoch anew, one after the other.
    window: for rows in the order of time: a number of rows is one input of the network.  Left
        out, a text is cut into windows of 128 tokens that follow each other.
    max_memory: the most that the data may take, such as `500 MB`.  A table that would take more
        is converted into files, anything else is refused before it is read.
    cache: large tables are converted once, into the user's cache folder (`auto`), or anew for each
        command (`never`).
    """

    path: str | tuple[str, ...]
    validation_path: str | tuple[str, ...] | None = None
    test_path: str | tuple[str, ...] | None = None
    format: Source | None = None
    target: str | tuple[str, ...] | None = None
    id: str | tuple[str, ...] | None = None
    weight: str | None = None
    features: Features = field(default_factory=Features)
    columns: Mapping[str, Kind] = field(default_factory=dict)
    na_values: tuple[str, ...] = ()
    preprocessing: Preprocessing = field(default_factory=Preprocessing)
    split: Split = field(default_factory=Split)
    augmentation: tuple[Augmentation, ...] = ()
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
        if self.validation_path is not None and split.validation == Split.validation:
            split = replace(split, validation=0.0)
        object.__setattr__(self, "split", split)

    def source(self, path: str | Path) -> Source:
        """What reads a file of this data."""
        return self.format or by_ending(str(path))

    @property
    def text(self) -> Text | None:
        """The format, where the data is a text."""
        source = self.source(_names(self.path)[0] if self.path else "")
        return source if isinstance(source, Text) else None

    def sees(self, column: str) -> bool:
        """Whether a column may be a feature, as far as the config tells."""
        included = self.features.include is None or column in self.features.include
        others = (*self.features.exclude, *self.targets, *self.ids, *self.weights)
        return included and column not in others

    @property
    def targets(self) -> tuple[str, ...]:
        """The target columns; empty where the network learns its own input."""
        return _names(self.target)

    @property
    def weights(self) -> tuple[str, ...]:
        """The column of row weights, if there is one."""
        return _names(self.weight)

    @property
    def ids(self) -> tuple[str, ...]:
        return _names(self.id)


def _names(value: str | tuple[str, ...] | None) -> tuple[str, ...]:
    if value is None:
        return ()
    return (value,) if isinstance(value, str) else value
