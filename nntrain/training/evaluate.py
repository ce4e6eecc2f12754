"""Evaluate: loss and metrics of a network over rows, whatever the size of the blocks."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from nntrain.data.dataset import Part
from nntrain.families import Array
from nntrain.run.model import Model

BLOCK_BYTES = 2**21  # of the widest layer's output at a time: activations stay near the cache


def blocks(rows: int, width: int) -> Iterator[slice]:
    """Slices that cut rows that become `width` numbers into portions for one forward pass."""
    size = max(32, min(4096, BLOCK_BYTES // (4 * max(width, 1))))
    return (slice(at, min(at + size, rows)) for at in range(0, rows, size))


def predict(model: Model, x: Array) -> Array:
    """What people are shown for inputs (N, D): probabilities (N, C) or values (N, K)."""
    network = model.network
    parts = [model.show(network(x[part])[0]) for part in blocks(len(x), network.widest)]
    return np.concatenate(parts)


def evaluate(model: Model, part: Part) -> dict[str, float]:
    """`loss` and every metric of the config over all rows, each the same for any block size."""
    experiment, network = model.experiment, model.network
    metrics = experiment.metrics or ()
    total, sums = 0.0, dict[str, Array]()
    for block in blocks(len(part), network.widest):
        prediction, _ = network(part.x[block])
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
    chosen = chosen_class(predict(model, part.x))
    true = part.target.reshape(len(part)).astype(np.int64)
    classes = len(model.preprocessor.classes)
    return np.bincount(true * classes + chosen, minlength=classes**2).reshape(classes, classes)


def chosen_class(shown: Array) -> Array:
    """The number of the most probable class, (N,); of two classes `shown` is the second's."""
    if shown.shape[1] > 1:
        chosen: Array = shown.argmax(axis=1)
        return chosen
    return (shown[:, 0] > 0.5).astype(np.int64)
