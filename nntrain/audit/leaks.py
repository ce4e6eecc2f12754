"""Columns that give the target away, and columns that only say which row it is."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from nntrain.arrays import Array
from nntrain.audit.finding import Finding
from nntrain.audit.material import FOLDS, Material, Target
from nntrain.data.cells import numbers
from nntrain.wording import in_yaml, quoted

BINS = 32
COPY, NEARLY = 0.99, 0.95  # of what there is to know
COPY_OF_NUMBERS, NEARLY_NUMBERS = 0.999, 0.95  # share of the variance
FEWEST_OTHERS = 5  # rows that are not of the largest class
FEWEST_ROWS = 50


def copies(material: Material) -> Iterator[Finding]:
    """Columns that tell the target by themselves, to rows that the rule was not made of."""
    for target in material.targets:
        judge = _class_copy if target.classes else _number_copy
        for name, place in material.columns.items():
            if name != target.name:
                finding = judge(material, target, name, material.x[:, place])
                if finding:
                    yield finding


def _class_copy(material: Material, target: Target, name: str, x: Array) -> Finding | None:
    """A table from the column's values, or bins of them, to the most frequent class."""
    classes = len(target.classes)
    majority = float(np.bincount(target.values).max() / len(x))
    if (1 - majority) * len(x) < FEWEST_OTHERS:
        return None
    codes, right = _codes(x), np.zeros(len(x), dtype=bool)
    for fold in range(FOLDS):
        own = material.fold == fold
        counts = np.zeros((codes.max() + 1, classes))
        np.add.at(counts, (codes[~own], target.values[~own]), 1)
        counts += 1e-3 * np.bincount(target.values[~own], minlength=classes) / len(x)
        right[own] = counts.argmax(axis=1)[codes[own]] == target.values[own]
    accuracy = float(right.mean())
    gained = (accuracy - majority) / (1 - majority)
    if gained < NEARLY:
        return None
    copy = accuracy >= COPY and gained >= COPY
    found = f"{accuracy:.1%} of rows that the rule was not made of, the majority {majority:.1%}"
    figures = {"column": name, "accuracy": accuracy, "majority": majority}
    return _finding(target, name, found, figures, copy=copy)


def _number_copy(material: Material, target: Target, name: str, x: Array) -> Finding | None:
    """The share of the target's variance that the column explains: by a line, by ranks, by bins."""
    y = target.values
    spread = float(np.square(y - y.mean()).sum())
    if len(y) < 10 or not spread:
        return None
    explained = 1 - float(np.square(y - _bin_means(material, x, y)).sum()) / spread
    if x.shape[1] == 1 and x.std():
        explained = max(
            explained, _correlation(x[:, 0], y), _correlation(_ranks(x[:, 0]), _ranks(y))
        )
    if explained < NEARLY_NUMBERS:
        return None
    found = f"{explained:.2%} of the variance"
    figures = {"column": name, "explained": explained}
    return _finding(target, name, found, figures, copy=explained >= COPY_OF_NUMBERS)


def _finding(
    target: Target, name: str, found: str, figures: dict[str, object], *, copy: bool
) -> Finding:
    what = "copies" if copy else "nearly tells"
    return Finding(
        "target_copy" if copy else "near_copy",
        f"column {quoted(name)} {what} the target {quoted(target.name)}: alone it gets {found}",
        "is it known when a prediction is wanted?  if not, leave it out: "
        f"`data.features: {{exclude: [{in_yaml(name)}]}}`",
        serious=copy,
        figures={"target": target.name, **figures},
    )


def _codes(x: Array) -> Array:
    """Rows with one number have one value of the column, or values of one bin, (N,) int64."""
    codes = np.unique(x, axis=0, return_inverse=True)[1].reshape(-1)
    if x.shape[1] > 1 or codes.max() < 2 * BINS:
        return codes
    edges = np.unique(np.quantile(x[:, 0], np.linspace(0, 1, BINS + 1)[1:-1]))
    return np.searchsorted(edges, x[:, 0], side="right")


def _bin_means(material: Material, x: Array, y: Array) -> Array:
    """What the rows of other folds with the same value, or the same bin, have on average, (N,)."""
    codes, found = _codes(x), np.empty(len(y))
    for fold in range(FOLDS):
        own = material.fold == fold
        count = np.bincount(codes[~own], minlength=codes.max() + 1)
        total = np.bincount(codes[~own], weights=y[~own], minlength=codes.max() + 1)
        means = np.where(count > 0, total / np.maximum(count, 1), y[~own].mean())
        found[own] = means[codes[own]]
    return found


def _correlation(a: Array, b: Array) -> float:
    """The square of Pearson's correlation."""
    a, b = a - a.mean(dtype=np.float64), b - b.mean()
    size = float(a @ a) * float(b @ b)
    return float(a @ b) ** 2 / size if size > 0 else 0.0


def _ranks(values: Array) -> Array:
    """Ranks (N,), the mean of those that equal values share."""
    inverse, counts = np.unique(values, return_inverse=True, return_counts=True)[1:]
    last = np.cumsum(counts)
    return (last - (counts - 1) / 2.0)[inverse]


def ids(material: Material) -> Iterator[Finding]:
    """Numbers that count the rows, and categories of which hardly one comes twice."""
    tables, na = list(material.tables.values()), material.settings.na_values
    for column in material.dataset.columns:
        name = column.name
        if name not in material.columns or len(material) < FEWEST_ROWS:
            continue
        cells = np.concatenate([table.columns[name] for table in tables])
        what = ""
        if column.kind == "numeric":
            what = _counts(numbers(cells, na)[0], material)
        elif column.kind == "categorical":
            what = _rare(cells)
        if what:
            yield Finding(
                "id",
                f"column {quoted(name)} {what}: it says which row it is, not what the row is like",
                f"leave it out with `data.features: {{exclude: [{in_yaml(name)}]}}`, "
                f"or let it pass through with `data.id: {in_yaml(name)}`",
                figures={"column": name},
            )


def _counts(values: Array, material: Material) -> str:
    if np.isnan(values).any() or (values != np.floor(values)).any():
        return ""
    steps = np.diff(np.sort(values))
    if steps.min() <= 0:
        return ""
    if steps.min() == steps.max():
        return f"counts the rows, from {values.min():.0f} to {values.max():.0f}"
    steps = np.diff(values[material.own_file])
    if steps.min() > 0 or steps.max() < 0:
        return "has another whole number in each row, in the order of the file"
    return ""


def _rare(cells: Array) -> str:
    different = len(set(cells.tolist()))
    if different < FEWEST_ROWS or 2 * different < len(cells):
        return ""
    return f"has {different:,} different values in {len(cells):,} rows"
