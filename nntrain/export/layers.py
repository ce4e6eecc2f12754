"""Layers as ONNX nodes: those that look at one place at a time, and those that nest others.

Images keep their channels last, as in nntrain; where ONNX wants them first, they are turned there
and back.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from nntrain.errors import ConfigError
from nntrain.export.activations import WRITERS as ACTIVATIONS
from nntrain.export.activations import activated
from nntrain.export.graph import Graph, Value
from nntrain.families import Activation, Layer, Shape
from nntrain.layers import (
    ActivationLayer,
    BatchNorm,
    Dense,
    DropConnect,
    Dropout,
    Embedding,
    Flatten,
    GaussianNoise,
    GroupNorm,
    InstanceNorm,
    LayerNorm,
    Permute,
    PositionalEncoding,
    Reshape,
    Residual,
    RmsNorm,
)
from nntrain.layers import (
    Graph as GraphLayer,
)
from nntrain.layers.wiring import INPUT, names, order
from nntrain.store import Plan

Write = Callable[[Graph, Any, Value], str]
"""`write(graph, layer, x) -> y`: adds nodes, and gives the name of the output."""


def chained(graph: Graph, layers: Sequence[Layer], x: Value, called: str = "layers") -> Value:
    """Layers one after the other, as `layers.chain` builds them."""
    for i, layer in enumerate(layers):
        with graph.at(f"{called}.{i}"):
            x = Value(written(graph, layer, x), shape_after(layer, x.shape, graph))
    return x


def written(graph: Graph, layer: Layer, x: Value) -> str:
    write = writers().get(type(layer))
    if write is None:
        raise ConfigError(f"export: {graph.path} is a `{layer.kind}`, which has no form in ONNX")
    activation = getattr(layer, "activation", None)
    if isinstance(activation, Activation) and type(activation) not in ACTIVATIONS:
        message = f"export: {graph.path} has the activation `{activation.kind}`"
        raise ConfigError(f"{message}, which has no form in ONNX")
    return write(graph, layer, x)


def writers() -> dict[type[Layer], Write]:
    """How each kind of layer is written."""
    from nntrain.export.recurrent import WRITERS as RECURRENT  # here: they need what stands above
    from nntrain.export.spatial import WRITERS as SPATIAL

    return {**WRITERS, **SPATIAL, **RECURRENT}


def shape_after(layer: Layer, shape: Shape, graph: Graph) -> Shape:
    """What the layer makes of a shape, by the plan that is made for training too."""
    return layer.build(shape, Plan(columns=dict(graph.columns))).shape


def _dense(graph: Graph, layer: Dense, x: Value) -> str:
    z = graph("MatMul", x.name, graph.constant(graph.own("W")))
    if layer.use_bias:
        z = graph("Add", z, graph.constant(graph.own("b")))
    return activated(graph, layer.activation, z)


def _activation(graph: Graph, layer: ActivationLayer, x: Value) -> str:
    return activated(graph, layer.activation, x.name)


def _nothing(graph: Graph, layer: Layer, x: Value) -> str:
    return x.name


def _flatten(graph: Graph, layer: Flatten, x: Value) -> str:
    return graph.reshaped(x.name, (0, math.prod(x.shape)))


def _reshape(graph: Graph, layer: Reshape, x: Value) -> str:
    return graph.reshaped(x.name, (0, *shape_after(layer, x.shape, graph)))


def _permute(graph: Graph, layer: Permute, x: Value) -> str:
    return graph("Transpose", x.name, perm=[0, *layer.dims])


def _embedding(graph: Graph, layer: Embedding, x: Value) -> str:
    E = graph.own("E")
    return graph("Gather", graph.constant(E), inside(graph, x.name, len(E), 0), axis=0)


def inside(graph: Graph, x: str, count: int, otherwise: int) -> str:
    """Whole numbers from 0 to count - 1; what is none of them becomes `otherwise`."""
    ids = graph("Cast", x, to=7)
    zero, most = graph.constant(0, np.int64), graph.constant(count, np.int64)
    strange = graph("Or", graph("Less", ids, zero), graph("GreaterOrEqual", ids, most))
    return graph("Where", strange, graph.constant(otherwise, np.int64), ids)


def _affine(graph: Graph, hat: str) -> str:
    return graph(
        "Add",
        graph("Mul", hat, graph.constant(graph.own("gamma"))),
        graph.constant(graph.own("beta")),
    )


def _batch_norm(graph: Graph, layer: BatchNorm, x: Value) -> str:
    scale = 1.0 / np.sqrt(graph.own("variance") + layer.eps)
    centred = graph("Sub", x.name, graph.constant(graph.own("mean")))
    return _affine(graph, graph("Mul", centred, graph.constant(scale)))


def _layer_norm(graph: Graph, layer: LayerNorm, x: Value) -> str:
    gamma, beta = graph.constant(graph.own("gamma")), graph.constant(graph.own("beta"))
    return graph("LayerNormalization", x.name, gamma, beta, axis=-1, epsilon=float(layer.eps))


def _rms_norm(graph: Graph, layer: RmsNorm, x: Value) -> str:
    squares = graph("Mul", x.name, x.name)
    mean = graph("ReduceMean", squares, graph.constant([-1], np.int64), keepdims=1)
    root = graph("Sqrt", graph("Add", mean, graph.constant(layer.eps)))
    return graph("Mul", graph("Div", x.name, root), graph.constant(graph.own("gamma")))


def _group_norm(graph: Graph, layer: GroupNorm | InstanceNorm, x: Value) -> str:
    channels = x.shape[-1]
    groups = layer.groups if isinstance(layer, GroupNorm) else channels
    apart = graph.reshaped(x.name, (0, -1, groups, channels // groups))
    axes = graph.constant([1, 3], np.int64)
    centred = graph("Sub", apart, graph("ReduceMean", apart, axes, keepdims=1))
    variance = graph("ReduceMean", graph("Mul", centred, centred), axes, keepdims=1)
    root = graph("Sqrt", graph("Add", variance, graph.constant(layer.eps)))
    hat = graph("Reshape", graph("Div", centred, root), graph("Shape", x.name))
    return _affine(graph, hat)


def _residual(graph: Graph, layer: Residual, x: Value) -> str:
    if layer.repeat > 1:
        return chained(graph, [replace(layer, repeat=1)] * layer.repeat, x, "blocks").name
    inner, past = chained(graph, layer.layers, x), x.name
    if graph.has("projection"):
        past = graph("MatMul", past, graph.constant(graph.own("projection")))
    return activated(graph, layer.activation, graph("Add", inner.name, past))


def _graph(graph: Graph, layer: GraphLayer, x: Value) -> str:
    values = dict(_sources(graph, layer, x))
    columns, graph.columns = graph.columns, {}
    for name in order(layer.inputs, layer.nodes, layer.outputs):
        node = layer.nodes[name]
        joined = _joined(graph, node.combine, [values[other] for other in names(node.input)])
        owner = node.share or name
        with graph.at(f"nodes.{owner}"):
            values[name] = chained(graph, layer.nodes[owner].layers, joined)
    graph.columns = columns
    return _joined(graph, "concatenate", [values[name] for name in names(layer.outputs)]).name


def _sources(graph: Graph, layer: GraphLayer, x: Value) -> dict[str, Value]:
    if not layer.inputs:
        return {INPUT: x}
    found = {}
    for name, each in layer.inputs.items():
        places = np.concatenate([np.r_[graph.columns[column]] for column in names(each)])
        taken = graph("Gather", x.name, graph.constant(places, np.int64), axis=-1)
        found[name] = Value(taken, (*x.shape[:-1], len(places)))
    return found


def _joined(graph: Graph, how: str | None, values: Sequence[Value]) -> Value:
    if len(values) == 1:
        return values[0]
    if how == "concatenate":
        width = sum(value.shape[-1] for value in values)
        joined = graph("Concat", *(value.name for value in values), axis=-1)
        return Value(joined, (*values[0].shape[:-1], width))
    result = values[0].name
    for value in values[1:]:
        result = graph("Add" if how == "add" else "Mul", result, value.name)
    return Value(result, values[0].shape)


def _positional(graph: Graph, layer: PositionalEncoding, x: Value) -> str:
    steps = graph("Gather", graph("Shape", x.name), graph.constant(1, np.int64), axis=0)
    zero, one = graph.constant(0, np.int64), graph.constant(1, np.int64)
    places = graph("Range", zero, steps, one)
    if layer.learned:
        p = graph.own("p")
        known = graph("Min", places, graph.constant(len(p) - 1, np.int64))
        return graph("Add", x.name, graph("Gather", graph.constant(p), known, axis=0))
    width = x.shape[-1]
    pairs = np.arange(width) // 2
    slowness = graph.constant(10_000.0 ** (2.0 * pairs / width), np.float64)
    phase = graph.constant((np.arange(width) % 2) * (math.pi / 2.0), np.float64)
    column = graph("Unsqueeze", graph("Cast", places, to=11), graph.constant([1], np.int64))
    waves = graph("Sin", graph("Add", graph("Div", column, slowness), phase))
    return graph("Add", x.name, graph("Cast", waves, to=1))


WRITERS: dict[type[Layer], Write] = {
    ActivationLayer: _activation,
    BatchNorm: _batch_norm,
    Dense: _dense,
    DropConnect: _dense,
    Dropout: _nothing,
    Embedding: _embedding,
    Flatten: _flatten,
    GaussianNoise: _nothing,
    GraphLayer: _graph,
    GroupNorm: _group_norm,
    InstanceNorm: _group_norm,
    LayerNorm: _layer_norm,
    Permute: _permute,
    PositionalEncoding: _positional,
    Reshape: _reshape,
    Residual: _residual,
    RmsNorm: _rms_norm,
}
