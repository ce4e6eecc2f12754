"""Chains that a straight line is made of: which layers there are, and where they are in the store.

They are `dense` and `dropout`, `layer_norm` and `rms_norm`, activations, and `residual` blocks of
these, for rows that are flat, or are made so.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple, TypeGuard

from nntrain.families import Layer, Shape
from nntrain.layers import (
    ActivationLayer,
    Dense,
    Dropout,
    Flatten,
    Identity,
    LayerNorm,
    Residual,
    RmsNorm,
)
from nntrain.layers.dropout import threshold_of

NAMES: dict[type[Layer], tuple[str, ...]] = {
    Dense: ("W", "b"),
    LayerNorm: ("gamma", "beta"),
    RmsNorm: ("gamma",),
    Residual: ("projection",),
}
"""What the weights are called that a stage of these layers learns."""


class Placed(NamedTuple):
    """A layer, its path in the store, and the layers inside of it, of which each is one."""

    path: str
    layer: Layer
    inside: Sequence[Placed] = ()


def chain_of(layers: Sequence[Layer], shape: Shape) -> list[Placed]:
    """What a line is made of; nothing if there is anything else among the layers."""
    try:
        return _placed(layers, "layers", is_flat=len(shape) == 1)
    except _OtherError:
        return []


def weights_of(chain: Sequence[Placed]) -> Iterator[str]:
    """Names of the weights that stages of these layers learn, if the layers have them."""
    for path, layer, inside in chain:
        yield from (f"{path}.{name}" for name in NAMES.get(type(layer), ()))
        yield from weights_of(inside)


class _OtherError(Exception):
    """A layer that is none of these."""


def _placed(layers: Sequence[Layer], above: str, *, is_flat: bool) -> list[Placed]:
    chain = list[Placed]()
    for i, layer in enumerate(layers):
        path, before = f"{above}.{i}", chain[-1].layer if chain else None
        if type(layer) is Flatten:
            is_flat = True
        elif type(layer) is Dropout and threshold_of(layer.rate)[0] == 0:
            continue
        elif type(layer) is Dropout:
            chain.append(Placed(path, layer))
        elif not is_flat:
            raise _OtherError
        elif type(layer) is ActivationLayer and _is_linear(before):
            chain[-1] = Placed(chain[-1].path, replace(before, activation=layer.activation))
        elif type(layer) is Residual:
            chain += _blocks(layer, path)
        elif type(layer) in (Dense, LayerNorm, RmsNorm, ActivationLayer):  # and no subclass
            chain.append(Placed(path, layer))
        else:
            raise _OtherError
    return chain


def _blocks(layer: Residual, path: str) -> list[Placed]:
    """A block is named apart only where there are several."""
    paths = [f"{path}.blocks.{i}" for i in range(layer.repeat)] if layer.repeat > 1 else [path]
    return [
        Placed(each, layer, _placed(layer.layers, f"{each}.layers", is_flat=True)) for each in paths
    ]


def _is_linear(layer: Layer | None) -> TypeGuard[Dense]:
    return type(layer) is Dense and layer.activation == Identity()
