"""Columns that say nothing or hardly anything, arrays that are blank, classes that are too few."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from nntrain.audit.finding import Finding
from nntrain.audit.material import SHOWN, Material
from nntrain.data.arrays import ArrayFeature
from nntrain.wording import in_yaml, listed, plural, quoted

NEARLY_ALL = 0.99
FEWEST_ROWS = 100
MOST_NAMES = 8
TINY = 5  # rows of a class in a part


def constants(material: Material) -> Iterator[Finding]:
    """One value in every row of the file, or in every training row."""
    dropped = [column.name for column in material.dataset.columns if column.constant]
    training = material.rows("train")
    fixed = [
        name
        for name, place in material.columns.items()
        if (material.x[training, place] == material.x[training[:1], place]).all()
    ]
    if dropped:
        yield Finding(
            "constant",
            f"one value in every row, left out: {listed(dropped)}",
            "nothing need be done; is the file a part of a larger one?",
            figures={"columns": dropped},
        )
    if fixed:
        yield Finding(
            "constant",
            f"one value in every training row: {listed(fixed)}",
            "nothing can be learned from it: leave it out with "
            f"`data.features: {{exclude: [{in_yaml(fixed[0])}]}}`",
            figures={"columns": fixed},
        )


def nearly_constant(material: Material) -> Iterator[Finding]:
    """Columns of which nearly all training rows have one value."""
    training = material.rows("train")
    if len(training) < FEWEST_ROWS:
        return
    found = {}
    for name, place in material.columns.items():
        counts = np.unique(material.x[training, place], axis=0, return_counts=True)[1]
        if len(counts) > 1 and counts.max() >= NEARLY_ALL * len(training):
            found[name] = len(training) - int(counts.max())
    if found:
        shown = [f"{quoted(name)} ({plural(rest, 'other row')})" for name, rest in found.items()]
        more = f" and {len(shown) - MOST_NAMES} more" if len(shown) > MOST_NAMES else ""
        yield Finding(
            "near_constant",
            f"one value in {NEARLY_ALL:.0%} of the training rows or more: "
            f"{', '.join(shown[:MOST_NAMES])}{more}",
            "so few other rows teach little, and may be learned by heart",
            figures={"other_rows": found},
        )


def blank(material: Material) -> Iterator[Finding]:
    """Images and series that are one value all over."""
    known = material.dataset.preprocessor
    if not isinstance(known.array, ArrayFeature):
        return
    channels = known.array.shape[-1]
    x = material.x.reshape(len(material), -1, channels)
    if material.lengths is None:
        flat = (x == x[:, :1]).all(axis=(1, 2))
    else:
        inside = np.arange(x.shape[1]) < material.lengths[:, None]
        flat = ((x == x[:, :1]).all(axis=2) | ~inside).all(axis=1) & (material.lengths > 1)
    rows = np.flatnonzero(flat)
    if len(rows):
        yield Finding(
            "constant",
            f"{plural(len(rows), 'row')} of {quoted(known.array.name)} with one value all over",
            "look at these rows: a file that could not be read, or a sensor that was off?",
            examples=tuple(material.place(row) for row in rows[:SHOWN].tolist()),
            figures={"rows": len(rows)},
        )


def tiny_classes(material: Material) -> Iterator[Finding]:
    """Classes of which a part has too few rows to learn from, or to judge by."""
    for target in material.targets:
        if not target.classes:
            continue
        found = []
        for name in material.parts:
            counts = np.bincount(target.values[material.rows(name)], minlength=len(target.classes))
            found += [
                (name, target.classes[number], int(counts[number]))
                for number in np.flatnonzero(counts < TINY).tolist()
            ]
        if found:
            shown = [f"{quoted(label)} {count} in {part}" for part, label, count in found]
            rest = f" and {len(shown) - SHOWN} more" if len(shown) > SHOWN else ""
            yield Finding(
                "tiny_class",
                f"classes of {quoted(target.name)} with fewer than {TINY} rows: "
                f"{', '.join(shown[:SHOWN])}{rest}",
                "scores of such a class are chance: more rows of it, classes taken together, or "
                "larger parts in `data.split`",
                figures={
                    "target": target.name,
                    "classes": [
                        {"part": part, "class": label, "rows": count}
                        for part, label, count in found
                    ],
                },
            )
