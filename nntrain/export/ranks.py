"""Ranks as ONNX nodes: a number by its place among training rows, see `data/ranks.py`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from nntrain.data.ranks import MIDDLE, TAIL
from nntrain.export.graph import Graph

DOUBLE = 11
Rational = Sequence[Sequence[float]]


def share_below(graph: Graph, v: str, quantiles: Sequence[float]) -> str:
    """p of each value v (…): between two quantiles by a straight line, where some are equal to v
    in the middle of them."""
    last = len(quantiles) - 1
    known = graph.constant(quantiles, np.float64)
    each = graph("Unsqueeze", v, graph.constant([-1], np.int64))
    low = graph("Sub", _count(graph, graph("LessOrEqual", known, each)), _number(graph, 1))
    high = graph(
        "Sub", _number(graph, last + 1), _count(graph, graph("GreaterOrEqual", known, each))
    )
    low, high = (
        graph("Min", graph("Max", place, _number(graph, 0)), _number(graph, last))
        for place in (low, high)
    )
    from_low, to_high = (graph("Gather", known, place, axis=0) for place in (low, high))
    width = graph("Sub", to_high, from_low)
    flat = graph("LessOrEqual", width, _real(graph, 0.0))
    way = graph("Div", graph("Sub", v, from_low), graph("Where", flat, _real(graph, 1.0), width))
    way = graph("Where", flat, _real(graph, 0.5), way)
    start, end = (graph("Cast", place, to=DOUBLE) for place in (low, high))
    rank = graph("Add", start, graph("Mul", way, graph("Sub", end, start)))
    share = graph("Div", rank, _real(graph, max(last, 1)))
    edge = 0.5 / (last + 1)
    return graph("Min", graph("Max", share, _real(graph, edge)), _real(graph, 1.0 - edge))


def normal_quantile(graph: Graph, p: str) -> str:
    """Φ⁻¹(p).   Wichura 1988, AS 241."""
    q = graph("Sub", p, _real(graph, 0.5))
    r = graph("Sub", _real(graph, 0.180625), graph("Mul", q, q))
    middle = graph("Mul", q, _ratio(graph, r, MIDDLE))
    below = graph("Min", p, graph("Sub", _real(graph, 1.0), p))
    far = graph("Sqrt", graph("Neg", graph("Log", below)))
    tail = _ratio(graph, graph("Sub", far, _real(graph, 1.6)), TAIL)
    tail = graph("Mul", tail, graph("Sign", q))
    is_tail = graph("Greater", graph("Abs", q), _real(graph, 0.425))
    return graph("Where", is_tail, tail, middle)


def _ratio(graph: Graph, r: str, of: Rational) -> str:
    over, under = (_polynomial(graph, r, powers) for powers in of)
    return graph("Div", over, under)


def _polynomial(graph: Graph, r: str, powers: Sequence[float]) -> str:
    """The highest power first (Horner)."""
    value = _real(graph, powers[0])
    for power in powers[1:]:
        value = graph("Add", graph("Mul", value, r), _real(graph, power))
    return value


def _count(graph: Graph, true: str) -> str:
    ones = graph("Cast", true, to=7)
    return graph("ReduceSum", ones, graph.constant([-1], np.int64), keepdims=0)


def _real(graph: Graph, value: float) -> str:
    return graph.constant(value, np.float64)


def _number(graph: Graph, value: int) -> str:
    return graph.constant(value, np.int64)
