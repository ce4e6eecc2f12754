"""By units: processes share the products of dense layers by what comes out of them, not by rows.

A product packs all of its weights anew, however few rows there are.  If each process takes all rows
and its units of a layer, it reads and packs half of the weights, while with half of the rows it
would take all of them.  In return all meet after each layer, on the way there and back.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np

from nntrain.call import Call
from nntrain.families import Array
from nntrain.layers import Dense, Identity, Relu, Sigmoid, Tanh
from nntrain.run.model import Model
from nntrain.team import Team
from nntrain.training.chains import Placed
from nntrain.training.ends import end_order, make_end
from nntrain.training.shared_rooms import Line, SharedRooms
from nntrain.training.stages import (
    Given,
    Learned,
    Order,
    Rooms,
    Run,
    Weights,
    activation_of,
    order_of,
)

LEAST = 1 << 17  # numbers of a matrix that is worth a meeting; 512 x 256 is
EACH_BY_ITSELF = (Identity, Relu, Sigmoid, Tanh)  # activations that look at one unit


def suits_units(model: Model, chain: Sequence[Placed]) -> bool:
    """Whether there are dense layers alone, all of them large but perhaps the last one."""
    weights = model.network.store.weights
    return len(chain) > 1 and all(
        isinstance(layer, Dense)
        and type(layer.activation) in EACH_BY_ITSELF
        and (weights[f"{path}.W"].size >= LEAST or path == chain[-1].path)
        for path, layer, _ in chain
    )


def line_by_units(
    model: Model,
    chain: Sequence[Placed],
    rooms: SharedRooms,
    share: float | None,
    like: tuple[Array, Array],
    team: Team,
) -> Line:
    """All arrays for batches like this one, and what fills them, for chains that this way suits."""
    x, target = like
    rows, given = team.share(slice(0, len(x)))[0], Given(x.reshape(len(x), -1), Call())
    rooms.first = rows.start
    forward, entered, backs = _there(model, chain, rooms, rows, given, team)
    finish, d = make_end(model.loss, entered[-1][rows], target[rows], share)
    last = rooms.empty(len(d), d.shape[1], order_of(d))
    backward: list[Run] = [partial(np.copyto, last, d), *backs[-1].run(last), team.meet]
    learned, dz = list[Learned](), rooms.whole(last)
    for at in range(len(chain) - 1, -1, -1):
        weights = _weights(model, chain[at].path)
        learned.append(Learned(entered[at], weights, dz))
        if at:
            units, back = backs[at - 1]
            dx = _all(rooms, rows, len(weights.W), "F")
            backward.append(_product(dz, weights.W[units].T, dx[:, units]))
            backward += [*back(dx[:, units]), team.meet]
            dz = dx

    def go(x: Array, target: Array, weights: Array, number: int, team: Team) -> float:
        given.x = x.reshape(len(x), -1)
        for run in forward:
            run()
        value = finish(target[rows], weights[rows])
        for run in backward:
            run()
        return value

    return Line(go, learned)


class _Back(NamedTuple):
    """Through an activation: for which units, and what makes dz of dy in its place."""

    units: slice
    run: Callable[[Array], Sequence[Run]]


def _there(
    model: Model,
    chain: Sequence[Placed],
    rooms: SharedRooms,
    rows: slice,
    given: Given,
    team: Team,
) -> tuple[list[Run], list[Array], list[_Back]]:
    """What is to be run, what enters each layer and leaves the last one, and the ways back."""
    width, own = given.x.shape[1], Rooms(rooms.dtype)
    x, some = _all(rooms, rows, width, "F"), team.part(width)
    # a copy, as the gradient by W is a product that likes what enters unit by unit
    runs: list[Run] = [lambda: np.copyto(x[:, some], given.x[:, some])]
    entered, backs, before = [x], list[_Back](), x
    for path, layer, _ in chain:
        assert isinstance(layer, Dense)  # noqa: S101  # as `suits_units` has seen
        W, _, b, _, _ = _weights(model, path)
        is_last = path == chain[-1].path
        y = _all(rooms, rows, W.shape[1], end_order(model.loss, W.shape[1]) if is_last else "F")
        by_rows = is_last and (W.size < LEAST or type(layer.activation) is not Identity)
        units = slice(None) if by_rows else team.part(W.shape[1])
        z = y[rows] if by_rows else y[:, units]
        if before is x:  # the copy is not yet whole
            runs.append(_product(given, W[:, units], z))
        else:
            runs.append(_product(before[rows] if by_rows else before, W[:, units], z))
        if b is not None:
            runs.append(partial(np.add, z, b[units], z))
        activate, back = activation_of(layer.activation, z, own)
        runs += [*activate, *([] if by_rows else [team.meet])]
        entered.append(y)
        backs.append(_Back(units, back))
        before = y
    return runs, entered, backs


def _weights(model: Model, path: str) -> Weights:
    store, (W, b) = model.network.store, (f"{path}.W", f"{path}.b")
    return Weights(
        store.weights[W], store.gradients[W], store.weights.get(b), store.gradients.get(b)
    )


def _all(rooms: SharedRooms, rows: slice, units: int, order: Order) -> Array:
    """A new array of all rows."""
    return rooms.whole(rooms.empty(rows.stop - rows.start, units, order))


def _product(a: Array | Given, b: Array, out: Array) -> Run:
    """out = a b, of parts of matrices."""
    if out.flags.f_contiguous:
        turned, b_turned = out.T, b.T
        if isinstance(a, Given):
            return lambda: np.matmul(b_turned, a.x.T, turned)
        return partial(np.matmul, b_turned, a.T, turned)
    if isinstance(a, Given):
        return lambda: np.matmul(a.x, b, out)
    return partial(np.matmul, a, b, out)
