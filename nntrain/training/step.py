"""One training step: forward, loss, backward, guard, update."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np

from nntrain.call import Call
from nntrain.errors import DivergedError
from nntrain.families import Array
from nntrain.run.run import Run
from nntrain.training.average import make_average
from nntrain.training.diagnosis import diagnose
from nntrain.training.gradient import gradient_norm, make_refine
from nntrain.training.portions import Portions
from nntrain.training.regularize import make_limit, make_penalty

Step = Callable[[Array, Array, int, float], float]
"""`step(x, target, number, rate) -> loss`: one update from one mini-batch; numbers count from 0."""


@lru_cache(maxsize=8)
def equal_weights(rows: int, dtype: np.dtype[Any]) -> Array:
    """Row weights that sum to 1."""
    return np.full(rows, 1.0 / rows, dtype)


def make_step(run: Run) -> Step:
    """The step of a run, its parts bound once."""
    experiment, network, update = run.model.experiment, run.model.network, run.update
    loss, store = experiment.loss, network.store
    live = store.grad[: store.live]
    portions = Portions(store, experiment.trainer.micro_batch_size)
    add_penalty = make_penalty(store, experiment.regularization)
    refine = make_refine(live, experiment.trainer, experiment.seed)
    shorten, average = make_limit(store, experiment.regularization), make_average(run)

    def step(x: Array, target: Array, number: int, rate: float) -> float:
        weights, value = equal_weights(len(x), x.dtype), 0.0
        for part in portions(len(x)):
            call = Call(training=True, step=number, row=part.start)
            prediction, backward = network(x[part], call)
            value_of_part, d_prediction = loss(prediction, target[part], weights[part])
            backward(d_prediction)
            value += value_of_part
        add_penalty()
        norm = gradient_norm(live)
        if not math.isfinite(value + norm):  # before the update, which would spread it
            raise DivergedError(diagnose(run, x, target, weights, number, value))
        store.commit()
        update(number + 1, rate, refine(norm, number))
        shorten()
        average(number + 1)
        return value

    return step
