"""Certainty: whether a network was right as often as it was sure, and how it ranks the rows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from nntrain.display import text
from nntrain.families import Array
from nntrain.metrics import AveragePrecision, CalibrationError, RocAuc
from nntrain.metrics.ranking import curve
from nntrain.report.judged import Certainty, Judged
from nntrain.report.markup import Html, section, tag
from nntrain.report.plots import reliability, unit_square
from nntrain.report.svg import SERIES, Line
from nntrain.report.told import Told

MOST_TARGETS = 8
MOST_LINES = 10  # of more classes those that are told apart worst


def calibration(told: Told) -> Html | None:
    """A reliability diagram for each target of classes."""
    judged = told.judged
    if not judged or not judged.certainties:
        return None
    metric, drawn = CalibrationError(), list[Html]()
    for one in judged.certainties[:MOST_TARGETS]:
        sums = metric.label_sums(one.p, one.true, one.weights)
        name = one.name if len(judged.targets) > 1 else "all classes"
        error = metric.label_score(sums)
        drawn.append(reliability(name, f", error {text.number(error)}; right (up)", *sums))
    about = (
        f"{_rows(judged)} by the probability of the class that was chosen, in {metric.bins} bins.  "
        "Bars below the orange line: surer than right; above it: more often right than sure.  "
        "The expected calibration error is the mean distance between the two, weighted by rows "
        "(Guo et al. 2017)."
    )
    return section("Calibration", tag("div", *drawn, class_="grid"), about=about)


class Ranking(NamedTuple):
    """How well the probability of a class tells its rows from the others.

    found, missed: (K,) weight of the rows of the class and of others above each threshold.
    """

    name: str
    found: Array
    missed: Array

    @property
    def area(self) -> float:
        return RocAuc().area(self.found, self.missed)

    @property
    def precision(self) -> float:
        return AveragePrecision().area(self.found, self.missed)

    @property
    def recall(self) -> Array:
        """The share of the rows of the class above each threshold, (K,)."""
        share: Array = self.found / self.found[-1]
        return share

    @property
    def fall_out(self) -> Array:
        """The share of the other rows, (K,)."""
        share: Array = self.missed / self.missed[-1]
        return share

    def steps(self) -> tuple[Array, Array]:
        """Recall, and precision up to it: the area below is the average precision."""
        precision = self.found[1:] / (self.found[1:] + self.missed[1:])
        recall = np.column_stack([self.recall[:-1], self.recall[1:]]).ravel()
        all_found = 2 * int(self.recall[1:].argmax()) + 2
        return recall[:all_found], precision.repeat(2)[:all_found]


def rankings(one: Certainty) -> Iterator[Ranking]:
    """Each class against the rest, of two the second; not those that no row or every row has."""
    for number in [1] if len(one.classes) == 2 else range(len(one.classes)):
        found = Ranking(
            one.classes[number], *curve(one.p[:, number], one.true == number, one.weights)
        )
        if found.found[-1] and found.missed[-1]:
            yield found


def ranking(told: Told) -> Html | None:
    """ROC and precision over recall for each target of classes."""
    judged = told.judged
    known = [(one, list(rankings(one))) for one in judged.certainties] if judged else []
    known = [(one, found) for one, found in known if found][:MOST_TARGETS]
    if not judged or not known:
        return None
    drawn = [
        picture
        for one, found in known
        for picture in _curves(f"{one.name}: " if len(judged.targets) > 1 else "", found)
    ]
    about = (
        f"{_rows(judged)}, each class against the rest, ordered by its probability.  The number is "
        "the area below: of ROC 0.5 where order is chance; of precision the share of the class."
    )
    if any(len(found) > MOST_LINES for _, found in known):
        about += f"  Of more classes the {MOST_LINES} with the smallest area."
    return section(
        "Telling classes apart", tag("div", *drawn, class_="grid"), about=about, wide=True
    )


def _curves(before: str, found: list[Ranking]) -> Iterator[Html]:
    worst = np.argsort([one.area for one in found], kind="stable")[:MOST_LINES]
    shown = [found[number] for number in sorted(worst.tolist())]
    styles = [f"s{n % SERIES}{' dashed' if n >= SERIES else ''}" for n in range(len(shown))]
    pairs = list(zip(shown, styles, strict=True))
    roc = [
        Line(f"{one.name}: {_area(one.area)}", one.fall_out, one.recall, style)
        for one, style in pairs
    ]
    steps = [_steps(one, style) for one, style in pairs]
    note = ", found (up) by taken for it wrongly (right)"
    yield unit_square(f"{before}ROC", note, roc, equal=True)
    note = ", right (up) by found (right)"
    yield unit_square(f"{before}precision and recall", note, steps)


def _steps(one: Ranking, style: str) -> Line:
    recall, precision = one.steps()
    return Line(f"{one.name}: {_area(one.precision)}", recall, precision, style)


def _area(value: float) -> str:
    return f"{value:.3f}" if value < 0.9995 else f"{value:.4f}"


def _rows(judged: Judged) -> str:
    shown = len(judged.certainties[0].true)
    which = f"{text.count(shown)} of the" if shown < judged.rows else "The"
    return f"{which} {text.count(judged.rows)} {judged.split} rows"
