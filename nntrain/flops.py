"""How much a network computes: floating-point operations of one row, layer by layer.

A product of matrices takes two for each weight at each place where the weight is used; that is what
PyTorch's counter of operations counts, and most of the time.  A layer without a product is counted
as one for each number that it takes or gives, whichever are more; one that only moves numbers as
none.  Biases and activations of layers that have a product are left out.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

from nntrain.families import Use
from nntrain.layers.attention import MultiHeadAttention
from nntrain.layers.convolution import Conv1d, Conv2d
from nntrain.layers.embedding import Embedding
from nntrain.layers.graph import Graph
from nntrain.layers.positional import PositionalEncoding
from nntrain.layers.residual import Residual
from nntrain.layers.shaping import Flatten, Permute, Reshape
from nntrain.store import Plan, WeightRow

MOVES = (Embedding, Flatten, Permute, Reshape)  # no arithmetic
HOLDS = (Graph, Residual)  # what is inside counts for itself
ADDS = (PositionalEncoding,)  # its weights are no factors
INSIDE = ("U", "W_o")  # of recurrent layers and attention: what they multiply learns in any case


class Flops(NamedTuple):
    """Operations of one row: in a forward pass, and in a training step without the update."""

    forward: int = 0
    training: int = 0

    def plus(self, other: Flops) -> Flops:
        return Flops(self.forward + other.forward, self.training + other.training)


def flops(plan: Plan) -> dict[str, Flops]:
    """By the path of each layer; as with parameters, a layer has those of the layers inside."""
    found = dict.fromkeys((row.path for row in plan.layers), Flops())
    matrices: dict[str, list[WeightRow]] = {path: [] for path in found}
    for weight in plan.weights.values():
        if len(weight.shape) > 1:
            matrices[next(path for path in _above(weight.name) if path in found)].append(weight)
    for path, use in plan.uses:
        own = of_use(use, matrices[path])
        for outer in (path, *_above(path)):
            if outer in found:
                found[outer] = found[outer].plus(own)
    return found


def total(plan: Plan) -> Flops:
    """Of the whole network."""
    each = flops(plan)
    whole = Flops()
    for path, own in each.items():
        if not any(outer in each for outer in _above(path)):
            whole = whole.plus(own)
    return whole


def of_use(use: Use, matrices: list[WeightRow]) -> Flops:
    """What a layer computes itself in one of its places, without the layers inside of it.

    matrices: its own weights that are no vectors.
    """
    layer, found = use.layer, Flops()
    if isinstance(layer, MOVES):
        return found
    if not matrices or isinstance(layer, ADDS):
        each = 0 if isinstance(layer, HOLDS) else max(math.prod(use.takes), math.prod(use.gives))
        return Flops(each, each * (1 + use.needs_dx))
    places = math.prod((use.gives if isinstance(layer, Conv1d | Conv2d) else use.takes)[:-1])
    for weight in matrices:
        once = 2 * weight.size * places
        goes_on = use.needs_dx or weight.name.rpartition(".")[2] in INSIDE
        found = found.plus(Flops(once, once * (2 + goes_on)))  # y and dW, and dx
    if isinstance(layer, MultiHeadAttention):
        inner = next(weight.shape[0] for weight in matrices if weight.name.endswith(".W_o"))
        once = 2 * 2 * places**2 * inner  # q kᵀ, and its softmax times v
        found = found.plus(Flops(once, 3 * once))
    return found


def _above(path: str) -> Iterator[str]:
    """`a.b` and `a`, for `a.b.c`."""
    while path := path.rpartition(".")[0]:
        yield path
