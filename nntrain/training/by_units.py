"""By units: processes share the products of large dense layers by what comes out of them.

A product packs all of its weights anew, whatever the number of rows.  Where these are few and
the matrix is large, each process had better take all rows and its units of each layer, than all
units and its rows: it reads half of the weights, and those whose gradient by what enters is its own
are then nobody else's.  In return all meet after each layer, on the way there and back.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

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

LEAST = 1 << 20  # numbers of a matrix that is worth a meeting
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
    """As `_line` of `in_parts`, for the chains that this way suits."""
    x, target = like
    rows, flat = team.share(slice(0, len(x)))[0], x.reshape(len(x), -1)
    given, rooms.first, own = Given(flat, Call()), rows.start, Rooms(rooms.dtype)
    layers = [_weights(model, path) for path, _, _ in chain]
    # the gradient by W is a product, too, that likes what entered unit by unit
    entered = [_all(rooms, rows, flat.shape[1], "F")]
    mine = team.part(flat.shape[1])
    forward: list[Run] = [lambda: np.copyto(entered[0][:, mine], given.x[:, mine])]
    backs = []
    for (W, _, b, _, _), (path, layer, _) in zip(layers, chain, strict=True):
        assert isinstance(layer, Dense)  # noqa: S101  # as `suits_units` has seen
        is_last, before = path == chain[-1].path, given if len(entered) == 1 else entered[-1]
        order = end_order(model.loss, W.shape[1]) if is_last else "F"
        y = _all(rooms, rows, W.shape[1], order)
        units = team.part(W.shape[1])
        by_rows = is_last and (W.size < LEAST or type(layer.activation) is not Identity)
        if by_rows:
            assert not isinstance(before, Given)  # noqa: S101  # there are two layers
            units, z = slice(None), y[rows]
            forward.append(_product(before[rows], W, z))
        else:
            z = y[:, units]
            forward.append(_product(before, W[:, units], z))
        if b is not None:
            forward.append(partial(np.add, z, b[units], z))
        activate, back = activation_of(layer.activation, z, own)
        forward += activate
        backs.append((units, back))
        entered.append(y)
        if not by_rows:
            forward.append(team.meet)
    finish, d = make_end(model.loss, entered[-1][rows], target[rows], share)
    last = rooms.empty(len(d), d.shape[1], order_of(d))
    backward: list[Run] = [partial(np.copyto, last, d), *backs[-1][1](last), team.meet]
    learned, dz = list[Learned](), rooms.whole(last)
    for i in range(len(chain) - 1, 0, -1):
        learned.append(Learned(entered[i], layers[i], dz))
        units, back = backs[i - 1]
        dx = _all(rooms, rows, len(layers[i].W), "F")
        backward.append(_product(dz, layers[i].W[units].T, dx[:, units]))
        backward += [*back(dx[:, units]), team.meet]
        dz = dx
    learned.append(Learned(entered[0], layers[0], dz))

    def go(x: Array, target: Array, weights: Array, number: int, team: Team) -> float:
        given.x = x.reshape(len(x), -1)
        for run in forward:
            run()
        value = finish(target[rows], weights[rows])
        for run in backward:
            run()
        return value

    return Line(go, learned)


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
