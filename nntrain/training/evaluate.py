"""Evaluate: loss and metrics of a network over rows, whatever the size of the blocks."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from nntrain.call import Call
from nntrain.data.batches import trimmed
from nntrain.data.parts import Part
from nntrain.families import Array
from nntrain.run.model import Model

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
    experiment = model.experiment
    metrics = experiment.metrics or ()
    total, sums = 0.0, dict[str, Array]()
    for block in blocks(part.x):
        prediction = forward(model, part.x, part.lengths, block)
        weights = np.ones(len(prediction), prediction.dtype)
        value, _ = experiment.loss(prediction, part.target[block], weights)
        total += value
        shown = model.show(prediction)
        for metric in metrics:
            new = metric.sums(shown, part.raw[block], weights)
            old = sums.get(metric.kind)
            sums[metric.kind] = new if old is None else metric.combine(old, new)
    scores = {metric.kind: metric.score(sums[metric.kind]) for metric in metrics}
    return {"loss": total / len(part), **scores}


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
