"""Gradients: those of the user's own network and loss, against finite differences in float64.

The network is built in float64 and moved a little off its first weights: biases that are exactly 0
would put relu at its kink, where differences say another thing than any slope.  A weight whose two
numbers do not agree is tried again with other steps, since a kink may lie between the two points.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from nntrain.call import Call
from nntrain.config import Experiment
from nntrain.data.batches import trimmed
from nntrain.data.dataset import Dataset
from nntrain.events import GradientRow
from nntrain.families import Array, Loss
from nntrain.rng import generator
from nntrain.run.model import build_network, settled_loss
from nntrain.training.weights import shares

ROWS = 8
MOST = 25  # numbers of one weight that are tried
NUDGE = 1e-2  # off the first weights
TOLERANCE = 1e-6  # of the largest number in the gradient of one weight
NOISE = 1e-9  # differences of numbers near 1 are not known better
H = (1e-5, 1e-6, 1e-4)  # steps of the differences


def check_gradients(experiment: Experiment, dataset: Dataset) -> Iterator[GradientRow]:
    """A row for the loss and for each weight, at inference and in training."""
    with np.errstate(all="ignore"):  # what is not finite is an infinite error
        yield from _compared(experiment, dataset)


def _compared(experiment: Experiment, dataset: Dataset) -> Iterator[GradientRow]:
    network = build_network(experiment, dataset.preprocessor, np.float64)
    loss = settled_loss(experiment, dataset.preprocessor)
    theta = network.store.theta
    theta += generator(experiment.seed, "nudge").uniform(-NUDGE, NUDGE, theta.shape)
    part = dataset.parts["train"]
    part = part.take(np.arange(min(ROWS, len(part))))
    x, target = _wide(trimmed(part.x, part.lengths)), _wide(part.target)
    weights = shares(loss, target, np.dtype(np.float64), part.weights)
    for training in (False, True):
        call = Call(training=training, lengths=part.lengths)

        def value() -> float:
            return loss(network(x, call)[0], target, weights)[0]  # noqa: B023

        prediction, backward = network(x, call)
        _, d_prediction = loss(prediction, target, weights)
        if not training:
            yield _loss_row(loss, experiment.seed, prediction.copy(), target, weights, d_prediction)
        backward(d_prediction)
        for name, gradient in network.store.gradients.items():
            where = _some(gradient.size, experiment.seed, name)
            at, found = network.store.weights[name].reshape(-1), gradient.reshape(-1).copy()
            yield _row(name, training, value, at, found, where)


def _wide(values: Array) -> Array:
    """In float64; whole numbers stay what they are."""
    return values.astype(np.float64) if values.dtype.kind == "f" else values


def _loss_row(
    loss: Loss, seed: int, prediction: Array, target: Array, weights: Array, found: Array
) -> GradientRow:
    def value() -> float:
        return loss(prediction, target, weights)[0]

    where = _some(prediction.size, seed, "prediction")
    return _row(
        "the loss, by predictions", False, value, prediction.reshape(-1), found.reshape(-1), where
    )


def _some(size: int, seed: int, name: str) -> Sequence[int]:
    """Places in a vector: all, or a sample of the seed's."""
    if size <= MOST:
        return range(size)
    return generator(seed, "gradients", name).permutation(size)[:MOST].tolist()  # type: ignore[no-any-return]


def _row(
    name: str,
    training: bool,
    value: Callable[[], float],
    at: Array,
    found: Array,
    where: Sequence[int],
) -> GradientRow:
    """Compare `found` with the slope of `value()` by some numbers of `at`, which it reads."""
    size = float(np.abs(found).max(initial=0.0))
    if not math.isfinite(size):
        return GradientRow(name, training, len(at), 0, math.inf, ok=False)
    worst = 0.0
    for place in where:
        slopes = (_slope(value, at, place, h) for h in H)
        errors: list[float] = []
        for slope in slopes:
            error = abs(slope - float(found[place]))
            errors.append(error if math.isfinite(error) else math.inf)
            if errors[-1] <= TOLERANCE * size + NOISE:
                break
        worst = max(worst, min(errors))
    ok = worst <= TOLERANCE * size + NOISE
    return GradientRow(name, training, len(at), len(where), worst / size if size else worst, ok)


def _slope(value: Callable[[], float], at: Array, place: int, h: float) -> float:
    here = at[place]
    at[place] = here + h
    above = value()
    at[place] = here - h
    below = value()
    at[place] = here
    return (above - below) / (2 * h)
