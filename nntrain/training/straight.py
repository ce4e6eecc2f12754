"""A straight line: forward, loss and backward of a chain of dense layers, without a detour.

A small network spends most of a step around its numbers: on new arrays, on pairs of functions made
for each call, on products that begin slowly.  For a chain of `dense` and `dropout`, and one number
of rows, all arrays can be made once, lie as the products like them, and be filled again.  What
comes out is what the network and its loss give, but for the last digits.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple, TypeGuard

from nntrain.call import Call
from nntrain.families import Array, Layer, Loss, Shape
from nntrain.layers import ActivationLayer, Dense, Dropout, Flatten, Identity
from nntrain.layers.dropout import threshold_of
from nntrain.store import Store, draw_of
from nntrain.training.ends import counts_alike, end_order, make_end
from nntrain.training.stages import (
    Empty,
    Given,
    Order,
    Run,
    Stage,
    Weights,
    dense,
    dropout,
    empty,
    gradients,
    order_between,
    taken,
)

Line = Callable[[Array, Array, Array, Call], float]
"""`line(x, target, weights, call) -> loss`: sets the gradients of all weights."""


Learned = tuple[Array | Given, Weights, Array]
"""What enters a layer, its weights, and the gradient by x W + b."""

LARGEST = 1 << 24  # numbers of one layer: beyond, to make arrays anew costs little beside the work


class Placed(NamedTuple):
    """A layer, and its path in the store."""

    path: str
    layer: Dense | Dropout


def make_straight(
    layers: Sequence[Layer],
    shape: Shape,
    store: Store,
    loss: Loss,
    otherwise: Line,
    *,
    weighted: bool = False,
) -> Line:
    """The line for layers that stand on a store, for inputs of this shape.

    otherwise: what is done for other layers than these, and for batches beyond `LARGEST`.
    weighted: rows have weights of their own.

    Which way is taken follows from these and the number of rows, so a resumed run takes the same.
    """
    chain = chain_of(layers, shape, store)
    if not chain:
        return otherwise
    widest = max(max(W.shape) for W in store.weights.values())
    even = counts_alike(loss) and not weighted
    lines: dict[tuple[int, float], Line] = {}  # by the number of rows, and the share of each

    def line(x: Array, target: Array, weights: Array, call: Call) -> float:
        key = (len(x), weights.item(0) if even else 0.0)
        known = lines.get(key)
        if known is None:
            is_large = len(x) * widest > LARGEST
            known = lines[key] = (
                otherwise if is_large else _line(chain, store, loss, x, target, key[1] or None)
            )
        return known(x, target, weights, call)

    return line


def chain_of(layers: Sequence[Layer], shape: Shape, store: Store) -> list[Placed]:
    """What a line is made of, if all weights are those of its layers."""
    chain = _chain(layers, shape)
    own = {f"{path}.{name}" for path, _ in chain for name in "Wb"}
    return chain if store.weights.keys() <= own else []  # of a lookup, or an activation


def _chain(layers: Sequence[Layer], shape: Shape) -> list[Placed]:
    """What a line is made of; nothing if there is anything else among the layers."""
    chain, is_flat = list[Placed](), len(shape) == 1
    for i, layer in enumerate(layers):
        before = chain[-1].layer if chain else None
        if type(layer) is Flatten:
            is_flat = True
        elif type(layer) is Dropout and threshold_of(layer.rate)[0] == 0:
            continue
        elif type(layer) is Dropout or (type(layer) is Dense and is_flat):  # and no subclass
            chain.append(Placed(f"layers.{i}", layer))
        elif type(layer) is ActivationLayer and _is_linear(before):
            chain[-1] = Placed(chain[-1].path, replace(before, activation=layer.activation))
        else:
            return []
    return chain if any(isinstance(placed.layer, Dense) for placed in chain) else []


def _is_linear(layer: Layer | None) -> TypeGuard[Dense]:
    return type(layer) is Dense and layer.activation == Identity()


def _line(
    chain: Sequence[Placed], store: Store, loss: Loss, x: Array, target: Array, share: float | None
) -> Line:
    """All arrays for batches like this one, and what fills them."""
    rows, is_flat = len(x), x.ndim == 2
    given = Given(x.reshape(rows, -1), Call())
    stages = stages_of(chain, store, loss, given)
    finish, d = make_end(loss, stages[-1].y, target, share)
    forward = [run for stage in stages for run in stage.forward]
    backward, learned = way_back(stages, d)
    backward += [run for each in learned for run in gradients(*each)]

    def line(x: Array, target: Array, weights: Array, call: Call) -> float:
        given.x, given.call = x if is_flat else x.reshape(rows, -1), call
        for run in forward:
            run()
        value = finish(target, weights)
        for run in backward:
            run()
        return value

    return line


def way_back(stages: Sequence[Stage], d: Array) -> tuple[list[Run], list[Learned]]:
    """From where the gradient by the prediction is, through all stages; and what the gradients of
    weights are made of then."""
    runs, learned, dy = list[Run](), list[Learned](), d
    for stage in reversed(stages):
        if stage.backward:
            more, dx = stage.backward(dy)
            runs += more
            if stage.learned:
                learned.append((*stage.learned, dy))
            if dx is None:
                break
            dy = dx
    return runs, learned


def stages_of(
    chain: Sequence[Placed], store: Store, loss: Loss, given: Given, empty: Empty = empty
) -> list[Stage]:
    """What each layer does to the rows that are given."""
    stages, x, learns = list[Stage](), given.x, False
    if not isinstance(chain[0].layer, Dense):
        stages.append(taken(given))
        x = stages[0].y
    for place, (path, layer) in enumerate(chain):
        if isinstance(layer, Dropout):
            draw = draw_of(store.seed, f"{path}.mask")
            stage = dropout(x, given, layer.rate, draw, learns=learns, empty=empty)
        else:
            weights = _weights(store, path)
            order = _order(x, learns, weights, chain[place + 1 :], store, loss)
            rows = x if stages else given
            stage = dense(rows, weights, layer.activation, order, learns=learns, empty=empty)
            learns = True
        stages.append(stage)
        x = stage.y
    return stages


def _weights(store: Store, path: str) -> Weights:
    """Those of a layer, and where their gradients go."""
    W, b, views = f"{path}.W", f"{path}.b", store.gradients
    return Weights(store.weights[W], views[W], store.weights.get(b), views.get(b))


def _order(
    x: Array, learns: bool, weights: Weights, rest: Sequence[Placed], store: Store, loss: Loss
) -> Order:
    """How the output of a dense layer lies best."""
    units = weights.W.shape[1]
    if not rest:
        return end_order(loss, units)
    if isinstance(rest[0].layer, Dropout):  # whose random numbers lie row after row
        return "C"
    following = _weights(store, rest[0].path).W.shape[1]
    return order_between(x if learns else None, len(x), units, following)
