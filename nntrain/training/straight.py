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
from nntrain.training.stages import Order, Stage, Weights, dense, dropout, order_between

Line = Callable[[Array, Array, Array, Call], float]
"""`line(x, target, weights, call) -> loss`: sets the gradients of all weights."""


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
    chain = chain_of(layers, shape)
    own = {f"{path}.{name}" for path, _ in chain for name in "Wb"}
    if not own or not store.weights.keys() <= own:  # of a lookup, or an activation
        return otherwise
    widest = max(max(W.shape) for W in store.weights.values())
    even = counts_alike(loss) and not weighted
    lines: dict[tuple[int, float], Line] = {}  # by the number of rows, and the share of each

    def line(x: Array, target: Array, weights: Array, call: Call) -> float:
        key = (len(x), weights.item(0) if even else 0.0)
        if key not in lines:
            is_large = len(x) * widest > LARGEST
            lines[key] = (
                otherwise if is_large else _line(chain, store, loss, x, target, key[1] or None)
            )
        return lines[key](x, target, weights, call)

    return line


def chain_of(layers: Sequence[Layer], shape: Shape) -> list[Placed]:
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
    rows = len(x)
    stages = _stages(chain, store, loss, x.reshape(rows, -1))
    end = make_end(loss, stages[-1].y, target, share)
    forwards = [stage.forward for stage in stages]
    backwards = [stage.backward for stage in reversed(stages) if stage.backward]

    def line(x: Array, target: Array, weights: Array, call: Call) -> float:
        y = x.reshape(rows, -1)
        for forward in forwards:
            y = forward(y, call)
        value, d = end(y, target, weights)
        for backward in backwards:
            d = backward(d)
        return value

    return line


def _stages(chain: Sequence[Placed], store: Store, loss: Loss, x: Array) -> list[Stage]:
    """What each layer does to rows like x."""
    stages, y, learns = list[Stage](), x, False
    for place, (path, layer) in enumerate(chain):
        if isinstance(layer, Dropout):
            stage = dropout(y, layer.rate, draw_of(store.seed, f"{path}.mask"), learns=learns)
        else:
            weights = _weights(store, path)
            order = _order(y, learns, weights, chain[place + 1 :], store, loss)
            stage = dense(y, weights, layer.activation, order, learns=learns)
            learns = True
        stages.append(stage)
        y = stage.y
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
