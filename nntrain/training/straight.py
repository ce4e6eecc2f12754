"""A straight line: forward, loss and backward of a chain of layers, without a detour.

A small network spends most of a step around its numbers: on new arrays, on pairs of functions made
for each call, on products that begin slowly; a deep one on arrays that lie as its products do not
like them.  For a chain of layers that `chains.py` knows, and one number of rows, all arrays can be
made once, lie as the products like them, and be filled again.  What comes out is what the network
and its loss give, but for the last digits.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from nntrain.call import Call
from nntrain.families import Array, Layer, Loss, Shape
from nntrain.store import Store
from nntrain.training.chains import Placed, chain_of, weights_of
from nntrain.training.ends import counts_alike, make_end
from nntrain.training.stages import Given, Rooms, way_back
from nntrain.training.staging import Staging

Line = Callable[[Array, Array, Array, Call], float]
"""`line(x, target, weights, call) -> loss`: sets the gradients of all weights."""


LARGEST = 1 << 24  # numbers of one layer: beyond, to make arrays anew costs little beside the work


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
    if not store.weights or not store.weights.keys() <= {*weights_of(chain)}:
        return otherwise  # of other layers, a lookup, an activation
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


def _line(
    chain: Sequence[Placed], store: Store, loss: Loss, x: Array, target: Array, share: float | None
) -> Line:
    """All arrays for batches like this one, and what fills them."""
    rows, is_flat = len(x), x.ndim == 2
    given = Given(x.reshape(rows, -1), Call())
    stages = Staging(store, loss, given, Rooms(store.theta.dtype)).all(chain)
    finish, d = make_end(loss, stages[-1].y, target, share)
    forward = [run for stage in stages for run in stage.forward]
    backward, _ = way_back(stages, d)

    def line(x: Array, target: Array, weights: Array, call: Call) -> float:
        given.x, given.call = x if is_flat else x.reshape(rows, -1), call
        for run in forward:
            run()
        value = finish(target, weights)
        for run in backward:
            run()
        return value

    return line
