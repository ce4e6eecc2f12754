"""One training step: forward, loss, backward, guard, update."""

from __future__ import annotations

import math
from collections.abc import Callable

from nntrain.call import Call
from nntrain.data.batches import Batch
from nntrain.errors import DivergedError
from nntrain.run.run import Run
from nntrain.training.average import make_average
from nntrain.training.backpropagate import make_backpropagate
from nntrain.training.diagnosis import diagnose
from nntrain.training.gradient import gradient_norm, make_refine
from nntrain.training.portions import Portions
from nntrain.training.regularize import make_limit, make_penalty
from nntrain.training.weights import shares

LARGEST = 1e17  # a gradient's norm: beyond it, sums of its squares leave the range of float32

Step = Callable[[Batch, int, float], float]
"""`step(batch, number, rate) -> loss`: one update from one mini-batch; numbers count from 0."""


def make_step(run: Run) -> Step:
    """The step of a run, its parts bound once."""
    experiment, update = run.model.experiment, run.update
    loss, store = run.model.loss, run.model.network.store
    backpropagate = make_backpropagate(run.model)
    live = store.grad[: store.live]
    portions = Portions(store, experiment.trainer.micro_batch_size)
    add_penalty = make_penalty(store, experiment.regularization)
    refine = make_refine(live, experiment.trainer, experiment.seed)
    shorten, average = make_limit(store, experiment.regularization), make_average(run)
    clips = experiment.trainer.gradient_clip_norm or experiment.trainer.gradient_clip_value
    largest = math.inf if clips else LARGEST

    def step(batch: Batch, number: int, rate: float) -> float:
        x, target, lengths, counts = batch
        weights, value = shares(loss, target, store.theta.dtype, counts), 0.0
        for part in portions(len(x)):
            own = None if lengths is None else lengths[part]
            call = Call(training=True, step=number, row=part.start, lengths=own)
            value += backpropagate(x[part], target[part], weights[part], call)
        add_penalty()
        norm = gradient_norm(live)
        if not math.isfinite(value + norm) or norm > largest:
            raise DivergedError(diagnose(run, batch, number, value))  # nothing has moved yet
        store.commit()
        update(number + 1, rate, refine(norm, number))
        shorten()
        average(number + 1)
        return value

    return step
