"""Activations as ONNX nodes."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from nntrain.export.graph import Graph
from nntrain.families import Activation
from nntrain.layers import (
    Elu,
    Gelu,
    HardSigmoid,
    Identity,
    LeakyRelu,
    LogSoftmax,
    Mish,
    Prelu,
    Relu,
    Selu,
    Sigmoid,
    Silu,
    Softmax,
    Softplus,
    Softsign,
    Tanh,
)
from nntrain.layers.rectifiers import SELU_ALPHA, SELU_SCALE

Write = Callable[[Graph, Any, str], str]
"""`write(graph, activation, x) -> y`, names of values."""


def activated(graph: Graph, activation: Activation, x: str) -> str:
    """f(x)."""
    return WRITERS[type(activation)](graph, activation, x)


def _named(op: str) -> Write:
    return lambda graph, activation, x: graph(op, x)


def _identity(graph: Graph, activation: Activation, x: str) -> str:
    return x


def _silu(graph: Graph, activation: Activation, x: str) -> str:
    return graph("Mul", x, graph("Sigmoid", x))


def _mish(graph: Graph, activation: Activation, x: str) -> str:
    return graph("Mul", x, graph("Tanh", graph("Softplus", x)))


def _gelu(graph: Graph, activation: Gelu, x: str) -> str:
    half, one = graph.constant(0.5), graph.constant(1.0)
    if activation.approximate:
        cube = graph("Mul", x, graph("Mul", x, x))
        bent = graph("Add", x, graph("Mul", cube, graph.constant(0.044715)))
        gate = graph("Tanh", graph("Mul", bent, graph.constant(math.sqrt(2.0 / math.pi))))
    else:
        gate = graph("Erf", graph("Mul", x, graph.constant(math.sqrt(0.5))))
    return graph("Mul", graph("Mul", x, half), graph("Add", gate, one))


def _prelu(graph: Graph, activation: Prelu, x: str) -> str:
    return graph("PRelu", x, graph.constant(graph.own("alpha")))


WRITERS: dict[type[Activation], Write] = {
    Elu: lambda graph, f, x: graph("Elu", x, alpha=float(f.alpha)),
    Gelu: _gelu,
    HardSigmoid: lambda graph, f, x: graph("HardSigmoid", x, alpha=1.0 / 6.0, beta=0.5),
    Identity: _identity,
    LeakyRelu: lambda graph, f, x: graph("LeakyRelu", x, alpha=float(f.negative_slope)),
    LogSoftmax: lambda graph, f, x: graph("LogSoftmax", x, axis=-1),
    Mish: _mish,
    Prelu: _prelu,
    Relu: _named("Relu"),
    Selu: lambda graph, f, x: graph("Selu", x, alpha=SELU_ALPHA, gamma=SELU_SCALE),
    Sigmoid: _named("Sigmoid"),
    Silu: _silu,
    Softmax: lambda graph, f, x: graph("Softmax", x, axis=-1),
    Softplus: _named("Softplus"),
    Softsign: _named("Softsign"),
    Tanh: _named("Tanh"),
}
"""How each kind is written; one that is missing here is refused by name."""
