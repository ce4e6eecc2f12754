"""One training step: forward, loss, backward, guard, update."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from nntrain.call import Call
from nntrain.data.batches import Batch
from nntrain.errors import DivergedError
from nntrain.families import Array
from nntrain.run.run import Run
from nntrain.training.diagnosis import diagnose
from nntrain.training.weights import shares

LARGEST = 1e17  # a gradient's norm: beyond it, sums of its squares leave the range of float32

Step = Callable[[Batch, int, float], float]
"""`step(batch, number, rate) -> loss`: one update from one mini-batch; numbers count from 0."""


def make_step(run: Run) -> Step:
    """The step of a run, its parts bound once."""
    network, loss, update = run.model.network, run.model.loss, run.update
    store = network.store
    longest = run.model.experiment.trainer.gradient_clip_norm or math.inf

    def step(batch: Batch, number: int, rate: float) -> float:
        x, target, lengths = batch
        prediction, backward = network(x, Call(training=True, step=number, lengths=lengths))
        value, d_prediction = loss(prediction, target, shares(loss, target, prediction.dtype))
        backward(d_prediction)
        norm = gradient_norm(store.grad)
        scale = min(1.0, longest / norm) if norm else 1.0
        if not math.isfinite(value + norm) or norm * scale > LARGEST:
            raise DivergedError(diagnose(run, batch, number, value))  # nothing has moved yet
        store.commit()
        update(number + 1, rate, scale)
        return value

    return step


def gradient_norm(grad: Array) -> float:
    """The Euclidean norm of all gradients; not finite if one of them is not."""
    squares = float(grad @ grad)
    if math.isinf(squares):  # squares can overflow where the gradients do not
        squares = float(np.square(grad, dtype=np.float64).sum())
    return math.sqrt(squares)
