"""Answer: what the network is to say, told from the cells of the target columns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from nntrain.data.cells import numbers
from nntrain.data.labels import sort_labels
from nntrain.data.table import Table, is_array
from nntrain.data.targets import MOST_CLASSES, without_class
from nntrain.errors import ConfigError
from nntrain.families import Array, Task
from nntrain.values import dataclass
from nntrain.wording import listed, plural, quoted

MOST_CODES = 20  # whole numbers up to so many different ones are classes
ROWS_A_CODE = 8  # where as many rows as this have each of them, in the mean
ROWS_A_CLASS = 3  # that a class has at least, in the mean
RARE = 0.1  # a class with a smaller share of the rows than this, of two
UNEVEN = 4.0  # a class with so many times fewer rows than its share
SKEWED = 2.0  # skewness from which the logarithm of a target is learned


@dataclass(frozen=True)
class Answer:
    """One target.

    counts: rows by class, in the order that the classes have; empty where it is a number.
    values: the numbers (N,), NaN where there are none; empty where it is a class.
    chosen: its cells are classes though they look like amounts, which the config must say.
    """

    name: str
    task: Task
    counts: Counter[str]
    values: Array
    missing: int
    chosen: bool = False

    @property
    def rows(self) -> int:
        """Rows that have it."""
        return self.counts.total() if self.counts else int((~np.isnan(self.values)).sum())

    @property
    def rarest(self) -> tuple[str, float]:
        """The class that the fewest rows have, and its share."""
        name = min(self.counts, key=lambda one: self.counts[one])
        return name, self.counts[name] / self.rows

    @property
    def majority(self) -> tuple[str, float]:
        """The class that the most rows have, and its share."""
        name = max(self.counts, key=lambda one: self.counts[one])
        return name, self.counts[name] / self.rows

    @property
    def is_uneven(self) -> bool:
        """Whether accuracy says little, as a class has few rows."""
        if self.task == "numbers":
            return False
        share = self.rarest[1]
        return share < RARE if len(self.counts) == 2 else share * len(self.counts) * UNEVEN < 1

    @property
    def shown(self) -> str:
        """What it is, in words."""
        gone = f"; {plural(self.missing, 'row')} without it left out" if self.missing else ""
        if self.task == "numbers":
            known = self.values[~np.isnan(self.values)]
            found = f"a number from {known.min():g} to {known.max():g}, mean {known.mean():.4g}"
            return found + gone
        shares = [f"{quoted(c)} {n / self.rows:.0%}" for c, n in self.counts.items()]
        if len(shares) > 5:
            low, high = self.rarest, self.majority
            return (
                f"{len(shares)} classes, from {quoted(low[0])} with {low[1]:.1%} of the rows "
                f"to {quoted(high[0])} with {high[1]:.1%}{gone}"
            )
        return f"{len(shares)} classes: {', '.join(shares)}{gone}"

    @property
    def skewness(self) -> float:
        known = self.values[~np.isnan(self.values)]
        return skewness(known)

    @property
    def is_skewed(self) -> bool:
        """Whether its logarithm is nearer to a normal distribution, and exists."""
        known = self.values[~np.isnan(self.values)]
        if self.task != "numbers" or known.min() <= 0 or self.skewness < SKEWED:
            return False
        return abs(skewness(np.log(known))) < self.skewness / 2


def skewness(values: Array) -> float:
    """The third standardised moment; 0 for a constant."""
    spread = float(values.std())
    return float((((values - values.mean()) / spread) ** 3).mean()) if spread else 0.0


def answers(table: Table, targets: Sequence[str], na_values: Sequence[str]) -> tuple[Answer, ...]:
    """What each target is."""
    return tuple(_answer(table, name, na_values) for name in targets)


def _answer(table: Table, name: str, na_values: Sequence[str]) -> Answer:
    cells = table.columns[name]
    if is_array(cells):
        raise ConfigError(
            f"--target {name}: it holds an array in each row, and a network learns single values"
        )
    values, wrong = numbers(cells, na_values)
    gone = without_class(cells, na_values)
    known = cells[~gone]
    if not len(known):
        raise ConfigError(f"--target {name}: no row has a value")
    missing = int(gone.sum())
    classes = sort_labels(known.tolist())
    if len(classes) < 2:
        found = f"it is {quoted(classes[0])} in every row"
        raise ConfigError(f"--target {name}: {found}: there is nothing to learn")
    amounts = not wrong.any()
    if amounts and not _are_codes(values[~np.isnan(values)], len(classes)):
        return Answer(name, "numbers", Counter(), values, missing)
    if ROWS_A_CLASS * len(classes) > len(known) or len(classes) > MOST_CLASSES:
        raise _too_many(name, classes, len(known), int(wrong.sum()))
    counts = Counter(known.tolist())
    if amounts:  # `1.0` is the class `1`
        counts = Counter(dict.fromkeys(classes, 0))
        by_value = {float(text): text for text in classes}
        for value, count in zip(*np.unique(values[~gone], return_counts=True), strict=True):
            counts[by_value[float(value)]] = int(count)
    ordered = Counter({text: counts[text] for text in classes})
    task: Task = "binary" if len(classes) == 2 else "classes"
    chosen = amounts and any(float(text) != int(float(text)) for text in classes)
    return Answer(name, task, ordered, np.empty(0), missing, chosen)


def _are_codes(values: Array, count: int) -> bool:
    """Whether numbers are classes: two of them, or few whole ones that many rows have."""
    if count == 2:
        return True
    whole = bool((values == np.floor(values)).all())
    return whole and count <= MOST_CODES and len(values) >= ROWS_A_CODE * count


def _too_many(name: str, classes: Sequence[str], rows: int, wrong: int) -> ConfigError:
    found = f"{len(classes):,} different values in {plural(rows, 'row')}"
    hint = f"such as {listed(classes, most=3)}"
    if wrong < rows / 2:
        hint = f"{plural(wrong, 'cell')} of {rows:,} are no numbers: mend them, or empty them"
    return ConfigError(f"--target {name}: {found}, too many for classes", hint=hint)
