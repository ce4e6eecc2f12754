"""Evaluate: loss and metrics of a network over rows, whatever the size of the blocks."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from nntrain.call import Call
from nntrain.data.batches import trimmed
from nntrain.data.parts import Part
from nntrain.data.preprocessing import Preprocessor
from nntrain.data.several import Several
from nntrain.data.targets import Classes
from nntrain.families import Array
from nntrain.run.model import Model

NO_TARGET = -1  # the class of a step that is padding, or that nobody knows
BLOCK_BYTES = 2**20  # of input at a time: activations stay near the cache


def blocks(x: Array) -> Iterator[slice]:
    """Slices that cut the rows of x (N, …) into portions for one forward pass."""
    size = max(32, min(4096, BLOCK_BYTES // max(x[:1].nbytes, 1)))
    return (slice(at, min(at + size, len(x))) for at in range(0, len(x), size))


def forward(model: Model, x: Array, lengths: Array | None, rows: slice) -> Array:
    """What the network gives for some rows, (n, K)."""
    own = None if lengths is None else lengths[rows]
    prediction, _ = model.network(trimmed(x[rows], own), Call(lengths=own))
    return prediction


@np.errstate(all="ignore")  # what is not finite is told by the callers
def predict(model: Model, x: Array, lengths: Array | None = None) -> Array:
    """What people are shown for inputs (N, …): probabilities (N, C) or values (N, K)."""
    return np.concatenate([model.show(forward(model, x, lengths, rows)) for rows in blocks(x)])


@np.errstate(all="ignore")
def evaluate(model: Model, part: Part) -> dict[str, float]:
    """`loss` and every metric of the config over all rows, each the same for any block size."""
    total, count, sums = 0.0, 0.0, dict[str, Array]()
    for block in blocks(part.x):
        prediction = forward(model, part.x, part.lengths, block)
        weights = np.ones(len(prediction), prediction.dtype)
        factors = model.loss.row_weights(part.target[block])
        by_class = weights if factors is None else factors.astype(prediction.dtype)
        value, _ = model.loss(prediction, part.target[block], by_class)
        total, count = total + value, count + float(by_class.sum())
        rows = steps_as_rows(model.show(prediction), part.raw[block], weights)
        if len(rows.weights):
            _add(sums, model, rows)
    found = {
        name: metric.score(sums[name]) if name in sums else math.nan
        for name, metric, _ in model.scores
    }
    return {"loss": total / count, **found}


class Rows(NamedTuple):
    """What a metric compares, a row each: shown (N, C), target (N, …), weights (N,)."""

    shown: Array
    target: Array
    weights: Array


def steps_as_rows(shown: Array, target: Array, weights: Array) -> Rows:
    """Rows as they are; of sequences (N, T, C) every step that has a target is a row.

    target: classes (N, T), -1 for none, or numbers (N, T, K), NaN for none.
    """
    if shown.ndim < 3:
        return Rows(shown, target, weights)
    steps = target.reshape(-1, *target.shape[2:])
    known = steps != NO_TARGET if steps.ndim == 1 else ~np.isnan(steps).any(axis=1)
    flat = shown.reshape(-1, shown.shape[-1])
    return Rows(flat[known], steps[known], weights.repeat(shown.shape[1])[known])


def _add(sums: dict[str, Array], model: Model, rows: Rows) -> None:
    """Add some rows to the sums of every score."""
    heads = dict(each_head(model.preprocessor, rows.shown, rows.target))
    for name, metric, head in model.scores:
        shown, target = heads[head] if head else rows[:2]
        new = metric.sums(shown, target, rows.weights)
        sums[name] = metric.combine(sums[name], new) if name in sums else new


def each_head(
    preprocessor: Preprocessor, shown: Array, target: Array
) -> Iterator[tuple[str, tuple[Array, Array]]]:
    """For each target column by name what its metrics compare: what is shown, and what is true."""
    several = preprocessor.target_columns
    if not isinstance(several, Several):
        return
    for part, (outputs, column) in several.places():
        true = target[:, column : column + 1]
        if isinstance(part, Classes) and not part.binary:
            true = true[:, 0].astype(np.int64)
        yield part.names[0], (shown[:, outputs], true)


def confusions(model: Model, part: Part) -> Iterator[tuple[Classes, Array]]:
    """For each target of classes its counts (C, C): a row a true class, a column a chosen one."""
    known = model.preprocessor
    shown, raw, _ = steps_as_rows(
        predict(model, part.x, part.lengths), part.raw, np.ones(len(part))
    )
    heads = dict(each_head(known, shown, raw))
    for target in known.each_target:
        if isinstance(target, Classes):
            own, true = heads.get(target.name, (shown, raw))
            yield target, _counts(len(target.classes), true, chosen_class(own))


def _counts(classes: int, true: Array, chosen: Array) -> Array:
    place = true.reshape(len(true)).astype(np.int64) * classes + chosen
    return np.bincount(place, minlength=classes**2).reshape(classes, classes)


def chosen_class(shown: Array) -> Array:
    """The number of the most probable class, (N,); of two classes `shown` is the second's."""
    if shown.shape[1] > 1:
        chosen: Array = shown.argmax(axis=1)
        return chosen
    return (shown[:, 0] > 0.5).astype(np.int64)
