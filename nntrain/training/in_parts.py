"""In parts: processes share a batch by its rows, and the gradient by its weights.

Each goes forward and back with its own rows, and lays what enters each dense layer, and the
gradient by what leaves it, where all can read them.  Then it makes its part of the gradient from
the rows of all: the same work, but nothing is summed, which takes three passes over as many
numbers as there are weights, and products over more rows are faster.  Large dense layers are shared
by their units instead of the rows (`by_units.py`); what they learn from lies in the same way.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from nntrain.call import Call
from nntrain.families import Array
from nntrain.layers import Dense, Dropout
from nntrain.run.model import Model, settled_layers
from nntrain.run.run import Run as Training
from nntrain.team import LINE, Team
from nntrain.training.by_units import line_by_units, suits_units
from nntrain.training.chains import Placed, chain_of, weights_of
from nntrain.training.ends import counts_alike, make_end
from nntrain.training.shared_rooms import Line, SharedRooms
from nntrain.training.stages import (
    Given,
    Learned,
    Run,
    gradients,
    order_of,
    way_back,
)
from nntrain.training.staging import Staging
from nntrain.training.straight import LARGEST


class InParts:
    """For batches of so many rows and so many processes, which are forked later."""

    def __init__(self, model: Model, chain: Sequence[Placed], rows: int, size: int):
        self.model, self.chain, self.rows, self.size = model, chain, rows, size
        store = model.network.store
        numbers = rows * max(max(W.shape) for W in store.weights.values()) + LINE
        # what leaves a layer and what goes back through it, and the gradient by the prediction
        self.rooms = SharedRooms(rows, (2 * len(chain) + 1) * numbers, store.theta.dtype)
        self._line: Line | None = None
        self._own_part = list[Run]()

    def suits(self, rows: int, team: Team) -> bool:
        return rows == self.rows and team.size == self.size

    def find(self, x: Array, target: Array, weights: Array, number: int, team: Team) -> float:
        """The loss of the own rows; the own part of `store.grad` is then the gradient of all."""
        line, store = self.line(x, target, weights, team), self.model.network.store
        if not self._own_part:
            part = store.grad[team.part(store.live)]
            self._own_part += [run for each in line.learned for run in gradients(each, part)]
        value = line.go(x, target, weights, number, team)
        for run in self._own_part:
            run()
        return value

    def line(self, x: Array, target: Array, weights: Array, team: Team) -> Line:
        """Always the same one, with all arrays for batches like this."""
        if self._line is None:
            even = counts_alike(self.model.loss) and not self.model.preprocessor.weight_column
            share = weights.item(0) if even else None
            make = line_by_units if suits_units(self.model, self.chain) else _line
            self._line = make(self.model, self.chain, self.rooms, share, (x, target), team)
        return self._line


def in_parts_of(run: Training, processes: int) -> InParts | None:
    """For the whole batches of a training, unless they come in portions."""
    trainer = run.model.experiment.trainer
    size = 0 if trainer.micro_batch_size else trainer.batch_size
    return make_in_parts(run.model, size, processes) if size else None


def make_in_parts(model: Model, rows: int, size: int) -> InParts | None:
    """None for one process, for other layers than dense ones and dropout, and where rows are not as
    many for each process, since all lay their arrays alike."""
    known, store = model.preprocessor, model.network.store
    chain = chain_of(settled_layers(model.experiment, known), known.shape)
    is_dense = all(isinstance(placed.layer, Dense | Dropout) for placed in chain)
    if size == 1 or rows % size or rows < 2 * size or not (is_dense and store.weights):
        return None
    widest = max(max(W.shape) for W in store.weights.values())
    if rows // size * widest > LARGEST or not store.weights.keys() <= {*weights_of(chain)}:
        return None
    return InParts(model, chain, rows, size)


def _line(
    model: Model,
    chain: Sequence[Placed],
    rooms: SharedRooms,
    share: float | None,
    like: tuple[Array, Array],
    team: Team,
) -> Line:
    """All arrays for batches like this one, and what fills them."""
    x, target = like
    store, own = model.network.store, team.share(slice(0, len(x)))[0]
    flat = x.reshape(len(x), -1)
    given, all_given = Given(flat[own], Call()), Given(flat, Call())
    rooms.first, learned = own.start, list[Learned]()
    stages = Staging(store, model.loss, given, rooms, learned).all(chain)
    finish, d = make_end(model.loss, stages[-1].y, target[own], share)
    last = rooms.empty(len(d), d.shape[1], order_of(d))
    forward = [run for stage in stages for run in stage.forward]
    backward, _ = way_back(stages, last)

    def go(x: Array, target: Array, weights: Array, number: int, team: Team) -> float:
        all_given.x = x.reshape(len(x), -1)
        given.x, given.call = all_given.x[own], Call(True, number, row=own.start, team=team)
        for run in forward:
            run()
        value = finish(target[own], weights[own])
        np.copyto(last, d)
        for run in backward:
            run()
        team.meet()
        return value

    of_all = [
        Learned(all_given if x is given else rooms.whole(x), own_weights, rooms.whole(dz))
        for x, own_weights, dz in learned
    ]
    return Line(go, of_all)
