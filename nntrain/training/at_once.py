"""At once: weights move as soon as their gradient is made, a block of it after the other.

A large gradient is written to memory and read again, by the guard and by the update, which takes
longer than to use a block of it that is still in the cache.  So where processes make a gradient in
parts, and nothing but the guard has to look at all of it, each makes a block in an array that it
uses again and again, and moves these weights.  No weight may move before the guard has judged: it
has a bound of the norm,  |xᵀ dz| ≤ |x| |dz|.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

from nntrain.config import Experiment
from nntrain.data.batches import Batch
from nntrain.families import Array, Update
from nntrain.run.run import Run
from nntrain.sharing import own_pages
from nntrain.team import Team
from nntrain.training.average import make_average
from nntrain.training.gradient import squares
from nntrain.training.in_parts import InParts
from nntrain.training.regularize import make_limit
from nntrain.training.stages import Given, Learned, gradients
from nntrain.training.stages import Run as Call
from nntrain.training.step import LARGEST, Step
from nntrain.training.weights import shares

ROWS = 512  # of a matrix in a block: each packs dz anew, which takes as long as a few dozen rows
LEAST = 1 << 20  # numbers of a process's part that pay: fewer stay in the cache as they are
MOST = 1 << 19  # numbers in a block of narrow matrices


def at_once(run: Run, team: Team, in_parts: InParts | None, otherwise: Step) -> Step:
    """A step whose weights move at once.

    otherwise: the step that first makes the whole gradient, for all that does not suit this one: so
        it is this step that says where a training diverges.
    """
    model, store = run.model, run.model.network.store
    is_small = store.live < LEAST * team.size
    if in_parts is None or is_small or _looks_at_gradients(model.experiment):
        return otherwise
    shorten = make_limit(store, model.experiment.regularization, team)
    average = make_average(run, team)
    moves = list[tuple[Sequence[Call], Update]]()

    def step(batch: Batch, number: int, rate: float) -> float:
        x, target, _, counts = batch
        if not in_parts.suits(len(x), team):
            return otherwise(batch, number, rate)
        weights = shares(model.loss, target, store.theta.dtype, counts)
        line = in_parts.line(x, target, weights, team)
        value = line.go(x, target, weights, number, team)
        value, entered, left = team.total(value, *_sizes(line.learned, team))
        if not (math.isfinite(value) and (entered + len(x)) * left < LARGEST**2):
            return otherwise(batch, number, rate)  # from the start: this is rare
        if not team.rank:
            store.commit()
        if not moves:
            moves.extend(_moves(run, team, line.learned))
        for makes, update in moves:
            for make in makes:
                make()
            update(number + 1, rate, 1.0)
        shorten()
        average(number + 1)
        team.meet()  # all have moved their part
        return value

    return step


def _looks_at_gradients(experiment: Experiment) -> bool:
    """Whether something else than the guard needs all of a gradient, or changes it."""
    trainer, terms = experiment.trainer, experiment.regularization
    limits = trainer.gradient_clip_norm or trainer.gradient_clip_value or trainer.gradient_noise
    return bool(limits or terms.l1 or terms.l2)


def _sizes(learned: Sequence[Learned], team: Team) -> tuple[float, float]:
    """This process's share of Σ |x|² and of Σ |dz|².

    The square of the gradient's norm is at most Σ |x|² |dz|² + n |dz|², of n rows, the latter
    because of the biases.
    """
    entered = [x.x if isinstance(x, Given) else x for x, _, _ in learned]
    return _squares(entered, team), _squares([dz for _, _, dz in learned], team)


def _squares(arrays: Sequence[Array], team: Team) -> float:
    flats = [array.ravel("K") for array in arrays]
    return sum(squares(flat[team.part(len(flat))]) for flat in flats)


def _moves(run: Run, team: Team, learned: Sequence[Learned]) -> list[tuple[Sequence[Call], Update]]:
    """For each block of this process's weights: what makes its gradient, and what moves it."""
    store, optimizer = run.model.network.store, run.model.experiment.optimizer
    matrices = [weights.dW for _, weights, _ in learned]
    row = max(dW.shape[1] for dW in matrices)
    blocks = _blocks(team.part(store.live), store.grad, matrices, max(MOST, ROWS * row))
    room = own_pages(max(block.stop - block.start for block in blocks) + 2 * row, store.grad.dtype)
    found = list[tuple[Sequence[Call], Update]]()
    for block in blocks:
        grad = store.grad[block]

        def laid(piece: Array, begin: int = _place(grad)) -> Array:
            """A row may have begun in the block before."""
            at = row + (_place(piece) - begin) // piece.itemsize
            return room[at : at + piece.size].reshape(piece.shape)

        makes = [make for each in learned for make in gradients(each, grad, laid)]
        own = [each for segment in store.segments if (each := segment.within(block))]
        from_here = [
            each._replace(part=slice(each.part.start - block.start, each.part.stop - block.start))
            for each in own
        ]
        slots = {name: slot[block] for name, slot in run.slots.items()}
        update = optimizer.build(store.theta[block], laid(grad), from_here, slots)
        found.append((makes, update))
    return found


def _blocks(part: slice, grad: Array, matrices: Sequence[Array], most: int) -> list[slice]:
    """A part of a vector in blocks of about one length, which end with a row where they can."""
    length = part.stop - part.start
    count = -(-length // most) or 1
    ends = [part.start + length * i // count for i in range(count + 1)]
    for dW in matrices:
        first, width = (_place(dW) - _place(grad)) // grad.itemsize, dW.shape[1]
        for i, end in enumerate(ends[1:-1], 1):
            if first < end < first + dW.size:
                ends[i] = first + round((end - first) / width) * width
    return [slice(*both) for both in pairwise(ends)]


def _place(array: Array) -> int:
    return array.ctypes.data
