"""Convolution, pooling and their like as ONNX nodes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from nntrain.export.activations import activated
from nntrain.export.graph import Graph, Value
from nntrain.export.layers import Write
from nntrain.families import Layer
from nntrain.layers import (
    AveragePool1d,
    AveragePool2d,
    Conv1d,
    Conv2d,
    Conv2dTranspose,
    GlobalAveragePool1d,
    GlobalAveragePool2d,
    GlobalMaxPool1d,
    GlobalMaxPool2d,
    MaxPool1d,
    MaxPool2d,
    Upsample2d,
    ZeroPadding2d,
)
from nntrain.layers.windows import Pair, Windows, pair, same

Pool = MaxPool1d | MaxPool2d | AveragePool1d | AveragePool2d


def channels_first(graph: Graph, x: str, axes: int) -> str:
    return graph("Transpose", x, perm=[0, axes + 1, *range(1, axes + 1)])


def channels_last(graph: Graph, x: str, axes: int) -> str:
    return graph("Transpose", x, perm=[0, *range(2, axes + 2), 1])


def _conv2d(graph: Graph, layer: Conv2d, x: Value) -> str:
    size, dilation = pair(layer.kernel_size), pair(layer.dilation_rate)
    before, after = ((0, 0), (0, 0)) if layer.padding == "valid" else same(size, dilation)
    return _convolved(
        graph, layer, x, graph.own("W").transpose(3, 2, 0, 1),
        (*before, *after), pair(layer.strides), dilation,
    )  # fmt: skip


def _conv1d(graph: Graph, layer: Conv1d, x: Value) -> str:
    windows = layer.windows()
    return _convolved(
        graph, layer, x, graph.own("W").transpose(2, 1, 0),
        (windows.before[1], windows.after[1]), (layer.strides,), (layer.dilation_rate,),
    )  # fmt: skip


def _convolved(
    graph: Graph,
    layer: Conv1d | Conv2d,
    x: Value,
    kernel: np.ndarray,
    pads: Sequence[int],
    strides: Sequence[int],
    dilations: Sequence[int],
) -> str:
    axes = len(strides)
    turned = channels_first(graph, x.name, axes)
    if layer.padding == "reflect":
        ends = [0, 0, *pads[:axes], 0, 0, *pads[axes:]]
        turned = graph("Pad", turned, graph.constant(ends, np.int64), mode="reflect")
        pads = [0] * len(pads)
    given = [turned, graph.constant(kernel)]
    if layer.use_bias:
        given.append(graph.constant(graph.own("b")))
    z = graph("Conv", *given, pads=[*pads], strides=[*strides], dilations=[*dilations])
    return activated(graph, layer.activation, channels_last(graph, z, axes))


def _conv2d_transpose(graph: Graph, layer: Conv2dTranspose, x: Value) -> str:
    size, stride, dilation = map(pair, (layer.kernel_size, layer.strides, layer.dilation_rate))
    before, beyond = (0, 0), (0, 0)
    if layer.padding == "same":
        before = same(size, dilation)[0]
        reach = Windows(size, stride, dilation).reach
        beyond = (reach[0] - stride[0] - before[0], reach[1] - stride[1] - before[1])
    given = [
        channels_first(graph, x.name, 2),
        graph.constant(graph.own("W").transpose(2, 3, 0, 1)),
    ]
    if layer.use_bias:
        given.append(graph.constant(graph.own("b")))
    z = graph(
        "ConvTranspose", *given, strides=[*stride], dilations=[*dilation],
        pads=[*before, *(max(0, n) for n in beyond)],
        output_padding=[max(0, -n) for n in beyond],
    )  # fmt: skip
    return activated(graph, layer.activation, channels_last(graph, z, 2))


def _pool(graph: Graph, layer: Pool, x: Value) -> str:
    axes = len(x.shape) - 1
    size, strides = (
        _along(value, axes) for value in (layer.pool_size, layer.strides or layer.pool_size)
    )
    ends = [(k - 1) // 2 if layer.padding == "same" else 0 for k in size]
    rest = [k - 1 - n if layer.padding == "same" else 0 for k, n in zip(size, ends, strict=True)]
    largest = isinstance(layer, MaxPool1d | MaxPool2d)
    more: dict[str, Any] = {} if largest else {"count_include_pad": 0}
    y = graph(
        "MaxPool" if largest else "AveragePool", channels_first(graph, x.name, axes),
        kernel_shape=[*size], strides=[*strides], pads=[*ends, *rest], **more,
    )  # fmt: skip
    return channels_last(graph, y, axes)


def _along(value: int | Pair, axes: int) -> tuple[int, ...]:
    """One number for each axis."""
    return pair(value) if axes == 2 else pair(value)[:1]


def _over_all(op: str) -> Write:
    def write(graph: Graph, layer: Layer, x: Value) -> str:
        axes = graph.constant(range(1, len(x.shape)), np.int64)
        return graph(op, x.name, axes, keepdims=0)

    return write


def _upsample(graph: Graph, layer: Upsample2d, x: Value) -> str:
    scales = graph.constant([1.0, 1.0, *pair(layer.size)])
    linear = layer.interpolation == "bilinear"
    y = graph(
        "Resize", channels_first(graph, x.name, 2), "", scales,
        mode="linear" if linear else "nearest", nearest_mode="floor",
        coordinate_transformation_mode="half_pixel" if linear else "asymmetric",
    )  # fmt: skip
    return channels_last(graph, y, 2)


def _zero_padding(graph: Graph, layer: ZeroPadding2d, x: Value) -> str:
    p, q = pair(layer.padding)
    ends = graph.constant([0, p, q, 0, 0, p, q, 0], np.int64)
    return graph("Pad", x.name, ends)


WRITERS: dict[type[Layer], Write] = {
    AveragePool1d: _pool,
    AveragePool2d: _pool,
    Conv1d: _conv1d,
    Conv2d: _conv2d,
    Conv2dTranspose: _conv2d_transpose,
    GlobalAveragePool1d: _over_all("ReduceMean"),
    GlobalAveragePool2d: _over_all("ReduceMean"),
    GlobalMaxPool1d: _over_all("ReduceMax"),
    GlobalMaxPool2d: _over_all("ReduceMax"),
    MaxPool1d: _pool,
    MaxPool2d: _pool,
    Upsample2d: _upsample,
    ZeroPadding2d: _zero_padding,
}
