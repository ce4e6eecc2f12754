"""Evaluate: loss and metrics of a network over rows, whatever the size of the blocks."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from nntrain.call import Call
from nntrain.data.batches import trimmed
from nntrain.data.parts import Part
from nntrain.data.tokens import NOWHERE
from nntrain.families import Array
from nntrain.run.model import Model

BLOCK_BYTES = 2**20  # of input at a time: activations stay near the cache


def blocks(x: Array) -> Iterator[slice]:
    """Slices that cut the rows of x (N, …) into portions for one forward pass."""
    size = max(32, min(4096, BLOCK_BYTES // max(x[:1].nbytes, 1)))
    return (slice(at, min(at + size, len(x))) for at in range(0, len(x), size))


def passes(
    model: Model, x: Array, lengths: Array | None, *, in_order: bool = False
) -> Iterator[tuple[slice, Array]]:
    """What the network gives for x (N, …), a portion at a time: its rows, and (n, …).

    Rows in order go one by one, since each begins with the state that the last one left.
    """
    one_by_one = (slice(at, at + 1) for at in range(len(x)))
    state: dict[str, Array] | None = {} if in_order else None
    for rows in one_by_one if in_order else blocks(x):
        own = None if lengths is None else lengths[rows]
        prediction, _ = model.network(trimmed(x[rows], own), Call(lengths=own, state=state))
        yield rows, prediction


def predict(model: Model, x: Array, lengths: Array | None = None) -> Array:
    """What people are shown for inputs (N, …): probabilities (N, C) or values (N, K)."""
    return np.concatenate([model.show(prediction) for _, prediction in passes(model, x, lengths)])


def evaluate(model: Model, part: Part) -> dict[str, float]:
    """`loss` and every metric of the config over all rows, each the same for any block size."""
    experiment = model.experiment
    metrics = experiment.metrics or ()
    total, count, sums = 0.0, 0.0, dict[str, Array]()
    for rows, prediction in passes(model, part.x, part.lengths, in_order=part.in_order):
        weights = row_weights(part.target[rows], prediction)
        value, _ = experiment.loss(prediction, part.target[rows], weights)
        total, count = total + value, count + float(weights.sum())
        shown = model.show(prediction)
        for metric in metrics:
            new = metric.sums(shown, part.raw[rows], weights)
            old = sums.get(metric.kind)
            sums[metric.kind] = new if old is None else metric.combine(old, new)
    scores = {metric.kind: metric.score(sums[metric.kind]) for metric in metrics}
    return {"loss": total / count, **scores}


def row_weights(target: Array, prediction: Array) -> Array:
    """(n,): 1, or where a row is answered step by step, the steps that have a target."""
    if prediction.ndim < 3:
        return np.ones(len(target), prediction.dtype)
    steps: Array = (target != NOWHERE).sum(axis=1).astype(prediction.dtype)
    return steps


def confusion(model: Model, part: Part) -> Array:
    """Counts (C, C): a row for each true class, a column for each predicted one."""
    chosen = chosen_class(predict(model, part.x, part.lengths))
    true = part.target.reshape(len(part)).astype(np.int64)
    classes = len(model.preprocessor.classes)
    return np.bincount(true * classes + chosen, minlength=classes**2).reshape(classes, classes)


def chosen_class(shown: Array) -> Array:
    """The number of the most probable class, (N,); of two classes `shown` is the second's."""
    if shown.shape[1] > 1:
        chosen: Array = shown.argmax(axis=1)
        return chosen
    return (shown[:, 0] > 0.5).astype(np.int64)
