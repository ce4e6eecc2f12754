"""Recurrent layers and attention as ONNX nodes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from nntrain.export.graph import Graph, Value
from nntrain.export.layers import Write
from nntrain.families import Array, Layer
from nntrain.layers import Gru, Lstm, MultiHeadAttention, SimpleRnn

Cell = SimpleRnn | Gru | Lstm
ORDER = {SimpleRnn: (0,), Gru: (1, 0, 2), Lstm: (0, 3, 1, 2)}  # ONNX's gates, by their place here
FAR_BELOW = -1e30  # a score that counts as nothing


def _recurrent(graph: Graph, layer: Cell, x: Value) -> str:
    directions = ("forward", "backward") if layer.bidirectional else ("",)
    parts = [_weights(graph, layer, f"{name}." if name else "") for name in directions]
    W, R, B = (graph.constant(np.stack(arrays)) for arrays in zip(*parts, strict=True))
    more: dict[str, Any] = {"linear_before_reset": 1} if isinstance(layer, Gru) else {}
    op = {SimpleRnn: "RNN", Gru: "GRU", Lstm: "LSTM"}[type(layer)]
    read = graph("Transpose", x.name, perm=[1, 0, 2])
    whole, last = graph.several(
        op, (read, W, R, B), 2, hidden_size=layer.units,
        direction="bidirectional" if layer.bidirectional else "forward", **more,
    )  # fmt: skip
    width = layer.units * len(directions)
    if layer.return_sequences:  # (T, directions, N, H)
        return graph.reshaped(graph("Transpose", whole, perm=[2, 0, 1, 3]), (0, 0, width))
    return graph.reshaped(graph("Transpose", last, perm=[1, 0, 2]), (0, width))


def _weights(graph: Graph, layer: Cell, prefix: str) -> tuple[Array, Array, Array]:
    """W (gates · H, D), R (gates · H, H) and both biases (2 · gates · H,), as ONNX has them."""
    order = ORDER[type(layer)]
    W, U = (_by_gate(graph.own(prefix + name), order) for name in ("W", "U"))
    b = graph.own(prefix + "b").reshape(len(order), -1)[list(order)]
    of_state = np.zeros_like(b)
    if isinstance(layer, Gru):
        of_state[2] = graph.own(prefix + "c")
    return W, U, np.concatenate([b.ravel(), of_state.ravel()])


def _by_gate(W: Array, order: Sequence[int]) -> Array:
    """(D, gates · H) as (gates · H, D), the gates in ONNX's order."""
    gates = W.T.reshape(len(order), -1, len(W))[list(order)]
    return gates.reshape(-1, len(W))


def _attention(graph: Graph, layer: MultiHeadAttention, x: Value) -> str:
    heads = layer.heads
    width = layer.key_dim or x.shape[-1] // heads
    qkv = _plus(graph, graph("MatMul", x.name, graph.constant(graph.own("W"))), "b")
    apart = graph.reshaped(qkv, (0, 0, 3, heads, width))
    by_head = graph("Transpose", apart, perm=[2, 0, 3, 1, 4])  # (3, N, heads, T, key_dim)
    q, k, v = (graph("Gather", by_head, graph.constant(i, np.int64), axis=0) for i in range(3))
    scores = graph("MatMul", q, graph("Transpose", k, perm=[0, 1, 3, 2]))
    scores = graph("Mul", scores, graph.constant(1.0 / math.sqrt(width)))
    if layer.causal:
        size = graph("Shape", scores, start=2)
        far = graph("Expand", graph.constant(FAR_BELOW), size)
        later = graph("Trilu", far, graph.constant(1, np.int64), upper=1)
        scores = graph("Add", scores, later)
    mixed = graph("MatMul", graph("Softmax", scores, axis=-1), v)
    flat = graph.reshaped(graph("Transpose", mixed, perm=[0, 2, 1, 3]), (0, 0, heads * width))
    return _plus(graph, graph("MatMul", flat, graph.constant(graph.own("W_o"))), "b_o")


def _plus(graph: Graph, z: str, name: str) -> str:
    return graph("Add", z, graph.constant(graph.own(name)))


WRITERS: dict[type[Layer], Write] = {
    Gru: _recurrent,
    Lstm: _recurrent,
    MultiHeadAttention: _attention,
    SimpleRnn: _recurrent,
}
