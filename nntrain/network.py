"""Network: layers that stand on a store and can be called."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from nntrain.call import INFERENCE, Call
from nntrain.families import Array, Backward, Group, Layer, Shape
from nntrain.layers.chain import chain
from nntrain.store import Plan, Store


class Network:
    """Layers built for inputs of `shape` (without the batch axis).

    seed: the first weights and all random numbers follow from it.
    groups: of the optimizer, for the order of the weights.
    columns: where each column of the table stands on the last axis of the input.
    input_gradient: also find the gradient with respect to the input, which training leaves out.
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
        input_gradient: bool = False,
    ):
        self.plan = plan(layers, shape, columns)
        self.store = Store(
            self.plan, seed, dtype, learns=input_gradient, groups=groups, columns=columns
        )
        self.forward, self.shape = chain(layers, shape, self.store)

    def __call__(self, x: Array, call: Call = INFERENCE) -> tuple[Array, Backward]:
        """Output (N, …) for `x` (N, …), and the way back that fills `store.grad`."""
        y, back = self.forward(x, call)

        def backward(dy: Array) -> Array | None:
            dx = back(dy)
            self.store.add_shared()
            return dx

        return y, backward


def plan(layers: Sequence[Layer], shape: Shape, columns: Mapping[str, slice] | None = None) -> Plan:
    """What building these layers would make, counted before anything is allocated.

    Raises `LayerError` for the first layer that does not fit where it stands.
    """
    counted = Plan(columns=columns or {})
    chain(layers, shape, counted)
    return counted
