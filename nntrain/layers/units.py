"""What the data settles of a network: how wide its end is, and how many tokens come in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from nntrain.families import Layer
from nntrain.layers.dense import Dense
from nntrain.layers.embedding import Embedding
from nntrain.layers.graph import Graph
from nntrain.layers.residual import Residual
from nntrain.layers.wiring import names


def settle_units(
    layers: Sequence[Layer], outputs: int, widths: Sequence[int] = ()
) -> tuple[Layer, ...]:
    """The same layers, `units: auto` in the last one with units as the number of outputs.

    widths: of each target, where there are several.  A graph at the end with as many outputs
    gives one to each.  What can not be told stays `auto`.
    """
    settled = list(layers)
    for i in reversed(range(len(settled))):
        if isinstance(settled[i], (Graph, Residual)) or hasattr(settled[i], "units"):
            settled[i] = _settled(settled[i], outputs, widths)
            break
    return tuple(settled)


def _settled(layer: Layer, outputs: int, widths: Sequence[int]) -> Layer:
    if isinstance(layer, Graph):
        return _settled_graph(layer, outputs, widths)
    if isinstance(layer, Residual):
        return replace(layer, layers=settle_units(layer.layers, outputs))
    if isinstance(layer, Dense) and layer.units == "auto":
        return replace(layer, units=outputs)
    return layer


def _settled_graph(graph: Graph, outputs: int, widths: Sequence[int]) -> Graph:
    ends = names(graph.outputs)
    widths = (outputs,) if len(ends) == 1 else widths
    if len(ends) != len(widths):
        return graph
    nodes = dict(graph.nodes)
    for name, width in zip(ends, widths, strict=True):
        if name in nodes:
            layers = settle_units(nodes[name].layers, width)
            nodes[name] = replace(nodes[name], layers=layers)
    return replace(graph, nodes=nodes)


def settle_vocabulary(layers: Sequence[Layer], size: int) -> tuple[Layer, ...]:
    """The same layers with every `input_dim: auto` replaced by the number of tokens."""
    return tuple(_with_vocabulary(layer, size) for layer in layers)


def _with_vocabulary(layer: Layer, size: int) -> Layer:
    if isinstance(layer, Embedding) and layer.input_dim == "auto":
        return replace(layer, input_dim=size)
    if isinstance(layer, Residual):
        return replace(layer, layers=settle_vocabulary(layer.layers, size))
    if isinstance(layer, Graph):
        nodes = {
            name: replace(node, layers=settle_vocabulary(node.layers, size))
            for name, node in layer.nodes.items()
        }
        return replace(layer, nodes=nodes)
    return layer
