"""One training step: forward, loss, backward, guard, update.

It is the same for one process and for several: each has some rows of the batch, the gradients are
summed, and each updates a part of the weights.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from nntrain.call import Call
from nntrain.data.batches import Batch
from nntrain.errors import DivergedError
from nntrain.run.run import Run
from nntrain.team import ALONE, Team
from nntrain.training.average import make_average
from nntrain.training.backpropagate import make_backpropagate
from nntrain.training.diagnosis import diagnose
from nntrain.training.ends import counts_alike
from nntrain.training.gradient import make_refine, squares
from nntrain.training.in_parts import InParts
from nntrain.training.portions import Portions
from nntrain.training.regularize import make_limit, make_penalty
from nntrain.training.weights import equal, shares

LARGEST = 1e17  # a gradient's norm: beyond it, sums of its squares leave the range of float32

Step = Callable[[Batch, int, float], float]
"""`step(batch, number, rate) -> loss`: one update from one mini-batch; numbers count from 0."""

Gradient = Callable[[Batch, int, Team], float]
"""`gradient(batch, number, team) -> loss`: of this process's rows; its part of `store.grad` is then
the gradient of the whole batch."""


def make_gradient(run: Run, in_parts: InParts | None = None) -> Gradient:
    """The gradient of a batch, portion by portion, each process having its rows of each.

    in_parts: how whole batches are done that suit it.
    """
    loss, store, trainer = run.model.loss, run.model.network.store, run.model.experiment.trainer
    backpropagate, dtype = make_backpropagate(run.model), store.theta.dtype
    portions, whole = Portions(store, trainer.micro_batch_size), Call(training=True)
    even = counts_alike(loss)

    def gradient(batch: Batch, number: int, team: Team) -> float:
        x, target, lengths, counts = batch
        if even and counts is None:
            weights = equal(len(target), dtype)
        else:
            weights = shares(loss, target, dtype, counts)
        if team.size == 1 and not portions.size:  # to cut off all rows: a twentieth of a small step
            whole.step, whole.lengths = number, lengths  # a new one: a hundredth
            return backpropagate(x, target, weights, whole)
        if in_parts and in_parts.suits(len(x), team):
            return in_parts.find(x, target, weights, number, team)
        value = 0.0
        for portion in portions(len(x)):
            rows, partners = team.share(portion)
            if rows.start == rows.stop:
                store.grad.fill(0.0)
                continue
            own = None if lengths is None else lengths[rows]
            call = Call(training=True, step=number, row=rows.start, lengths=own, team=partners)
            value += backpropagate(x[rows], target[rows], weights[rows], call)
        team.sum_gradients()
        return value

    return gradient


def make_step(run: Run, team: Team = ALONE, gradient: Gradient | None = None) -> Step:
    """The step of a run as each process of a team takes it, its parts bound once."""
    experiment, store = run.model.experiment, run.model.network.store
    part = team.part(store.live)
    segments = [own for segment in store.segments if (own := segment.within(part))]
    gradient, live = gradient or make_gradient(run), store.grad[part]
    update = experiment.optimizer.build(store.theta, store.grad, segments, run.slots)
    add_penalty = make_penalty(store, segments, experiment.regularization)
    refine = make_refine(live, experiment.trainer, experiment.seed, part.start)
    shorten = make_limit(store, experiment.regularization, team)
    average = make_average(run, team)
    clips = experiment.trainer.gradient_clip_norm or experiment.trainer.gradient_clip_value
    largest = math.inf if clips else LARGEST

    def step(batch: Batch, number: int, rate: float) -> float:
        value = gradient(batch, number, team)
        add_penalty()
        value, square = team.total(value, squares(live))
        norm = math.sqrt(square)
        if not math.isfinite(value + norm) or norm > largest:  # so says each process
            why = "" if team.rank else diagnose(run, batch, number, value)
            raise DivergedError(why)  # nothing has moved yet
        if not team.rank:
            store.commit()
        update(number + 1, rate, refine(norm, number))
        shorten()
        average(number + 1)
        team.meet()  # all have moved their part
        return value

    return step
