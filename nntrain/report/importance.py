"""Importance: how much worse a network judges where one column is shuffled between the rows.

Breiman 2001, *Random forests*, section 10; Fisher, Rudin and Dominici 2019, arXiv:1801.01489, call
the ratio of the two losses model reliance; here it is their difference.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from nntrain.data.parts import Part
from nntrain.data.preprocessing import Preprocessor
from nntrain.families import Array
from nntrain.report.exhibits import image_shape
from nntrain.report.svg import evenly
from nntrain.report.work import seconds
from nntrain.rng import permutation
from nntrain.run.model import Model
from nntrain.training.evaluate import evaluate

SHUFFLES = 5
MOST_ROWS = 2000
FEWEST_ROWS = 20
CALL, SCORE = 1e-4, 1e-4  # seconds of an evaluation beside its forward pass, and of each score


Place = tuple[Any, ...]
"""An index of an array."""


class Change(NamedTuple):
    """One column: what the score rises or falls by, (SHUFFLES,) each.

    loss, score: the loss, and the first metric; none where there is no metric.
    """

    column: str
    loss: Array
    score: Array | None


class Importance(NamedTuple):
    """split, rows, of: which rows were shuffled, how many of how many.

    loss: of these rows as they are.  metric: the name of the first one; score: theirs.
    """

    split: str
    rows: int
    of: int
    loss: float
    metric: str
    score: float
    changes: tuple[Change, ...]


def importance(model: Model, parts: Mapping[str, Part], budget: float) -> Importance | None:
    """Of validation rows, else of test rows; None where that takes longer than `budget` seconds.

    A column that becomes several inputs is shuffled as one; where rows are windows, all its steps;
    of windows of a single column each step is shuffled by itself.
    """
    if not can_be_measured(model, parts):
        return None
    split = "validation" if "validation" in parts else "test"
    part, rows = parts[split], min(len(parts[split]), MOST_ROWS)
    if cost(model, rows) > budget:
        return None
    some = part.take(evenly(len(part), rows))
    own, metric = evaluate(model, some), model.scores[0].name if model.scores else ""
    changes = [
        _change(model, some, name, place, own, metric)
        for name, place in groups(model.preprocessor).items()
    ]
    changes.sort(key=lambda change: -change.loss.mean())
    return Importance(
        split, len(some), len(part), own["loss"], metric, own.get(metric, 0.0), tuple(changes)
    )


def groups(known: Preprocessor) -> dict[str, Place]:
    """What is shuffled together, by name: where it stands in the inputs (N, …) of some rows."""
    places, window = known.places, known.window
    if window and len(places) == 1:
        (name,) = places
        steps = range(window.length)
        return {f"{name}[{step - window.length}]": (slice(None), step) for step in steps}
    return {name: (..., place) for name, place in places.items()}


def _change(
    model: Model, part: Part, name: str, place: Place, own: Mapping[str, float], metric: str
) -> Change:
    x, found = part.x.copy(), []
    shuffled = replace(part, x=x)
    for shuffle in range(SHUFFLES):
        order = permutation(len(part), model.experiment.seed, "importance", name, shuffle)
        x[place] = part.x[place][order]
        found.append(evaluate(model, shuffled))
    loss = np.array([each["loss"] for each in found]) - own["loss"]
    score = np.array([each[metric] for each in found]) - own[metric] if metric else None
    return Change(name, loss, score)


def can_be_measured(model: Model, parts: Mapping[str, Part]) -> bool:
    """Whether there are columns to shuffle, and rows to shuffle them in."""
    known = model.preprocessor
    part = parts.get("validation", parts.get("test"))
    return (
        known.array is None
        and image_shape(model) is None  # a point of an image tells nothing by itself
        and not known.tokens
        and bool(known.targets)
        and len(groups(known)) > 1
        and part is not None
        and len(part) >= FEWEST_ROWS
    )


def cost(model: Model, rows: int) -> float:
    """Seconds that it takes, about."""
    evaluations = len(groups(model.preprocessor)) * SHUFFLES + 1
    return evaluations * (seconds(model, rows) + CALL + SCORE * len(model.scores))
