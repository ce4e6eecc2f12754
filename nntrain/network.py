"""Network: layers that stand on a store and can be called."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from nntrain.arrays import keep_freed_memory
from nntrain.call import INFERENCE, Call
from nntrain.families import Array, Backward, Builder, Built, Group, Layer, Shape
from nntrain.layers.chain import chain
from nntrain.layers.lookup import Lookup
from nntrain.store import Plan, Store


class Network:
    """Layers built for inputs of `shape` (without the batch axis).

    seed: the first weights and all random numbers follow from it.
    groups: of the optimizer, for the order of the weights.
    columns: where each column of the table stands on the last axis of the input.
    lookup: what replaces columns that are numbers of categories, before the first layer.
    input_gradient: also find the gradient with respect to the input, which training leaves out.

    `widest` is the most numbers that any layer makes of one row.
    """

    def __init__(
        self,
        layers: Sequence[Layer],
        shape: Shape,
        seed: int = 0,
        *,
        dtype: Any = np.float32,
        groups: Sequence[Group] = (),
        columns: Mapping[str, slice] | None = None,
        lookup: Lookup | None = None,
        input_gradient: bool = False,
    ):
        keep_freed_memory()
        self.plan = plan(layers, shape, columns, lookup)
        self.store = Store(
            self.plan, seed, dtype, learns=input_gradient, groups=groups, columns=columns
        )
        self.forward, self.shape = _whole(layers, shape, self.store, lookup)
        self.widest = max(math.prod(s) for s in (shape, *(row.shape for row in self.plan.layers)))

    def __call__(self, x: Array, call: Call = INFERENCE) -> tuple[Array, Backward]:
        """Output (N, …) for `x` (N, …), and the way back that fills `store.grad`."""
        y, back = self.forward(x, call)

        def backward(dy: Array) -> Array | None:
            dx = back(dy)
            self.store.add_shared()
            return dx

        return y, backward


def plan(
    layers: Sequence[Layer],
    shape: Shape,
    columns: Mapping[str, slice] | None = None,
    lookup: Lookup | None = None,
) -> Plan:
    """What building these layers would make, counted before anything is allocated.

    Raises `LayerError` for the first layer that does not fit where it stands.
    """
    counted = Plan(columns=columns or {})
    _whole(layers, shape, counted, lookup)
    return counted


def _whole(layers: Sequence[Layer], shape: Shape, store: Builder, lookup: Lookup | None) -> Built:
    """The chain of the layers, with the lookup before it, which is called `columns`."""
    if lookup is None:
        return chain(layers, shape, store)
    with store.at("columns"):
        first, wider = lookup.build(shape, store)
        store.record(lookup.kind, wider)
    store.columns = lookup.places(store.columns)
    rest, end = chain(layers, wider, store)

    def forward(x: Array, call: Call) -> tuple[Array, Backward]:
        y, first_backward = first(x, call)
        if call.watch:
            call.watch("columns", y, None)
        z, rest_backward = rest(y, call)

        def backward(dz: Array) -> Array | None:
            dy = rest_backward(dz)
            if dy is None:
                raise ValueError("the layers behind a lookup learn, so it must get a gradient")
            if call.watch:
                call.watch("columns", y, dy)
            return first_backward(dy)

        return z, backward

    return Built(forward, end)
