"""What a network must be like where series differ in length: each batch has another one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from nntrain.families import Array, Layer, Shape
from nntrain.layers.chain import LayerError
from nntrain.layers.positional import PositionalEncoding
from nntrain.network import plan


class Fault(NamedTuple):
    """The path of the first layer, or weight, that depends on the length, and how it does."""

    path: str
    message: str


def fault(layers: Sequence[Layer], shape: Shape) -> Fault | None:
    """What keeps these layers, which fit `shape` (steps, …), from taking any number of steps."""
    steps, *rest = shape
    found = plan(layers, shape)
    try:  # what rounds in two ways may be equal for even numbers
        longer, _ = (plan(layers, (n, *rest)) for n in (2 * steps, 2 * steps + 1))
    except LayerError as error:
        return Fault(error.path, f"this layer fits some only: {error.message}")
    kinds = {row.path: row.kind for row in found.layers}
    for name, row in found.weights.items():
        if kinds.get(name.rpartition(".")[0]) == PositionalEncoding.kind:
            continue  # it has a row for each step, and uses those that a series has
        if longer.weights[name].shape != row.shape:
            return Fault(name, "the weights of this layer depend on it")
    shapes = [{row.path: row.shape for row in each.layers} for each in (found, longer)]
    n: Array | None = np.array([steps])
    for i, layer in enumerate(layers):
        path = f"layers.{i}"
        n = None if n is None else layer.lengths(n)
        if n is None and shapes[0][path] != shapes[1][path]:
            return Fault(path, "behind this layer, padding can not be told from steps")
    return None
