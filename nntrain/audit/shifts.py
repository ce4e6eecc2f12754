"""Parts that are not alike: what is learned from one says less of the other."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from nntrain.arrays import Array
from nntrain.audit.finding import Finding
from nntrain.audit.material import Material, Target
from nntrain.data.cells import absent
from nntrain.data.table import is_array
from nntrain.wording import listed, quoted, share

CHANCE = 0.01  # of any such finding in parts that are alike, whatever the number of columns
SMALLEST = 0.1  # a difference of shares below this one matters to nobody
FEWEST_ROWS = 20
TELLING = 0.6  # area under the curve of a model that tells the parts apart


def shifts(material: Material) -> Iterator[Finding]:
    """Columns and targets whose values, or missing cells, differ between training and a part."""
    training = material.rows("train")
    parts = [name for name in material.held_out if len(material.rows(name)) >= FEWEST_ROWS]
    if len(training) < FEWEST_ROWS or not parts:
        return
    columns = {name: material.x[:, place] for name, place in material.columns.items()}
    columns |= {target.name: _as_column(target) for target in material.targets}
    level = CHANCE / max(1, 2 * len(columns) * len(parts))
    for part in parts:
        rows, found, gone = material.rows(part), [], []
        for name, x in columns.items():
            distance, chance = _distance(x[training], x[rows])
            if distance >= SMALLEST and chance < level:
                found.append((distance, name))
            then, now = _missing(material, name, "train"), _missing(material, name, part)
            if (
                abs(then - now) >= SMALLEST / 2
                and _proportions(then, len(training), now, len(rows)) < level
            ):
                gone.append((name, then, now))
        for name, then, now in gone:
            yield _of_missing(material, part, name, then, now)
        if found:
            yield _of_values(material, part, sorted(found, reverse=True))


def _of_values(material: Material, part: str, found: list[tuple[float, str]]) -> Finding:
    shown = ", ".join(f"{quoted(name)} ({distance:.2f})" for distance, name in found[:5])
    rest = f" and {len(found) - 5} more" if len(found) > 5 else ""
    return Finding(
        "shift",
        f"{part} rows are not like training rows in {shown}{rest}; in brackets the largest "
        "difference of shares, 0 to 1",
        _why(material),
        figures={"part": part, "columns": {name: distance for distance, name in found}},
    )


def _of_missing(material: Material, part: str, name: str, then: float, now: float) -> Finding:
    return Finding(
        "missing_shift",
        f"column {quoted(name)} misses {share(now)} of its cells in {part} rows, "
        f"{share(then)} in training rows",
        _why(material),
        figures={"part": part, "column": name, "missing": now, "in_training": then},
    )


def _why(material: Material) -> str:
    apart = material.dataset.test_path or material.dataset.validation_path
    if apart or material.settings.split.by != "random":
        return "the parts are of other times or sources: scores tell how the network does there"
    return "a random split should not do that: is the seed unlucky, are the parts small?"


def told_apart(material: Material) -> Iterator[Finding]:
    """A linear model that is to tell held-out rows from training rows, and can."""
    if not material.columns or not material.held_out or not material.can_be_modelled:
        return
    outside = (material.part != material.parts.index("train")).astype(np.int64)
    many, few = int((outside == 0).sum()), int(outside.sum())
    if min(many, few) < FEWEST_ROWS:
        return
    said = material.out_of_fold(Target("part", outside, ("train", "held out")))[:, 1]
    area = _area(said, outside)
    error = math.sqrt((many + few + 1) / (12 * many * few))
    if area > TELLING and area > 0.5 + 4 * error:
        yield Finding(
            "told_apart",
            f"a linear model tells {listed(material.held_out)} rows from training rows: ROC AUC "
            f"{area:.2f} on rows that it has not seen, 0.5 is chance",
            _why(material),
            figures={"roc_auc": area},
        )


def _as_column(target: Target) -> Array:
    column: Array = target.values[:, None]
    if target.classes:
        column = (column == np.arange(len(target.classes))).astype(np.float32)
    return column


def _distance(a: Array, b: Array) -> tuple[float, float]:
    """The largest difference between shares, and the chance of it where there is none.

    Of numbers that of Kolmogorov and Smirnov; of categories that of any one of them.
    """
    if a.shape[1] == 1:
        every = np.sort(np.concatenate([a[:, 0], b[:, 0]]))
        below = [np.searchsorted(np.sort(x[:, 0]), every, side="right") / len(x) for x in (a, b)]
        distance = float(np.abs(below[0] - below[1]).max())
        size = math.sqrt(len(a) * len(b) / (len(a) + len(b)))
        return distance, min(1.0, 2 * math.exp(-2 * (distance * size) ** 2))
    then, now = a.mean(axis=0, dtype=np.float64), b.mean(axis=0, dtype=np.float64)
    worst = int(np.abs(then - now).argmax())
    if not (np.isin(a[:, worst], (0, 1)).all() and np.isin(b[:, worst], (0, 1)).all()):
        return max((_distance(a[:, [j]], b[:, [j]]) for j in range(a.shape[1])), default=(0.0, 1.0))
    chance = _proportions(float(then[worst]), len(a), float(now[worst]), len(b)) * a.shape[1]
    return float(abs(then[worst] - now[worst])), min(1.0, chance)


def _proportions(a: float, n: int, b: float, m: int) -> float:
    """The chance that two shares of n and of m rows differ so much when they are the same."""
    both = (a * n + b * m) / (n + m)
    error = math.sqrt(max(both * (1 - both), 1e-12) * (1 / n + 1 / m))
    return math.erfc(abs(a - b) / error / math.sqrt(2))


def _missing(material: Material, name: str, part: str) -> float:
    cells = material.tables[part].columns.get(name)
    if cells is None or is_array(cells) or not len(cells):
        return 0.0
    return float(absent(cells, material.settings.na_values).mean())


def _area(said: Array, true: Array) -> float:
    """The area under the ROC curve: how often a row of class 1 stands above one of class 0."""
    inverse, counts = np.unique(said, return_inverse=True, return_counts=True)[1:]
    ranks = (np.cumsum(counts) - (counts - 1) / 2.0)[inverse]
    ones = int(true.sum())
    above = float(ranks[true == 1].sum()) - ones * (ones + 1) / 2
    return above / (ones * (len(true) - ones))
