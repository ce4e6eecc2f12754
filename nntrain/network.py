"""Network: layers that stand on a store and can be called."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from nntrain.call import INFERENCE, Call
from nntrain.families import Array, Backward, Layer, Shape
from nntrain.layers.chain import chain
from nntrain.layers.dense import Dense
from nntrain.layers.embedding import Embedding
from nntrain.store import Plan, Store


class Network:
    """Layers built for inputs of `shape` (without the batch axis).

    seed: the first weights and all random numbers follow from it.
    input_gradient: also find the gradient with respect to the input, which training leaves out.
    """

    def __init__(
        self,
        layers: Sequence[Layer],
        shape: Shape,
        seed: int = 0,
        *,
        dtype: Any = np.float32,
        input_gradient: bool = False,
    ):
        self.plan = plan(layers, shape)
        self.store = Store(self.plan, seed, dtype, learns=input_gradient)
        self.forward, self.shape = chain(layers, shape, self.store)

    def __call__(self, x: Array, call: Call = INFERENCE) -> tuple[Array, Backward]:
        """Output (N, …) for `x` (N, …), and the way back that fills `store.grad`."""
        y, back = self.forward(x, call)

        def backward(dy: Array) -> Array | None:
            dx = back(dy)
            self.store.add_shared()
            return dx

        return y, backward


def plan(layers: Sequence[Layer], shape: Shape) -> Plan:
    """What building these layers would make, counted before anything is allocated.

    Raises `LayerError` for the first layer that does not fit where it stands.
    """
    counted = Plan()
    chain(layers, shape, counted)
    return counted


def settle_units(layers: Sequence[Layer], outputs: int) -> tuple[Layer, ...]:
    """The same layers with `units: auto` replaced by the number of outputs."""
    return tuple(
        replace(layer, units=outputs)
        if isinstance(layer, Dense) and layer.units == "auto"
        else layer
        for layer in layers
    )


def settle_vocabulary(layers: Sequence[Layer], size: int) -> tuple[Layer, ...]:
    """The same layers with `input_dim: auto` replaced by the number of tokens."""
    return tuple(
        replace(layer, input_dim=size)
        if isinstance(layer, Embedding) and layer.input_dim == "auto"
        else layer
        for layer in layers
    )
