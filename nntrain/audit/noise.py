"""Rows whose target speaks against everything that is like them: wrong labels, wrong numbers."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from nntrain.arrays import Array
from nntrain.audit.finding import Finding
from nntrain.audit.material import SHOWN, Material, Target
from nntrain.wording import plural, quoted

NEIGHBOURS = 10
UNLIKELY = 0.05  # what a linear model of other rows gives to the class of the row
CERTAIN = 0.9  # what it gives to another one
FEWEST_ROWS = 50
FAR = 6.0  # standard deviations, told by the median


def label_noise(material: Material) -> Iterator[Finding]:
    """Where a model of the other rows and the nearest neighbours both say something else."""
    if not material.can_be_modelled or len(material) < FEWEST_ROWS:
        return
    for target in material.targets:
        if target.classes:
            yield from _wrong_classes(material, target)
        else:
            yield from _wrong_numbers(material, target)


def _wrong_classes(material: Material, target: Target) -> Iterator[Finding]:
    p, rows = material.out_of_fold(target), np.arange(len(material))
    own = p[rows, target.values]
    odd = np.flatnonzero((own < UNLIKELY) & (p.max(axis=1) > CERTAIN))
    found = [
        (float(own[row]), row)
        for row in odd.tolist()
        if not (target.values[_nearest(material, row)] == target.values[row]).any()
    ]
    if not found:
        return
    shown = [
        f"{material.place(row)} says {quoted(target.classes[target.values[row]])}, looks like "
        f"{quoted(target.classes[int(p[row].argmax())])} (probability {p[row].max():.3f})"
        for _, row in sorted(found)[:SHOWN]
    ]
    yield Finding(
        "label_noise",
        f"{plural(len(found), 'row')} look{'s' if len(found) == 1 else ''} like another class of "
        f"{quoted(target.name)}, to a linear model of other rows and to the nearest rows",
        "look at these rows: some may be labelled wrongly, some are only unusual",
        examples=tuple(shown),
        figures={"target": target.name, "rows": len(found), "of": len(material)},
    )


def _nearest(material: Material, row: int) -> Array:
    far = np.square(material.x - material.x[row]).sum(axis=1)
    far[row] = np.inf
    most = min(NEIGHBOURS, len(far) - 1)
    return np.argpartition(far, most - 1)[:most]


def _wrong_numbers(material: Material, target: Target) -> Iterator[Finding]:
    error = target.values - material.out_of_fold(target)
    error = error - np.median(error)
    spread = 1.4826 * float(np.median(np.abs(error)))
    if not spread:
        return
    found = []
    for row in np.flatnonzero(np.abs(error) > FAR * spread).tolist():
        others = target.values[_nearest(material, row)]
        away = abs(float(target.values[row] - np.median(others)))
        if away > FAR * max(spread, 1.4826 * float(np.median(np.abs(others - np.median(others))))):
            found.append((-abs(float(error[row])), row, float(np.median(others))))
    if not found:
        return
    shown = [
        f"{material.place(row)} says {target.values[row]:g}, rows like it about {other:g}"
        for _, row, other in sorted(found)[:SHOWN]
    ]
    yield Finding(
        "label_noise",
        f"{plural(len(found), 'row')} with a {quoted(target.name)} far from what a linear model "
        "of other rows and the nearest rows say",
        "look at these rows: wrong units, swapped digits, or cases of their own?",
        examples=tuple(shown),
        figures={"target": target.name, "rows": len(found), "of": len(material)},
    )
