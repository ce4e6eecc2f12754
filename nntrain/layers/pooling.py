"""Pooling: what stands in a window becomes one number, so that images and signals get smaller."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np

from nntrain.call import Call
from nntrain.families import Array, Backward, Builder, Built, Layer, PositiveInt, Shape
from nntrain.layers.signals import image, keep_valid, padding_of, signal, valid_steps
from nntrain.layers.windows import Pair, Windows, pair, same
from nntrain.values import dataclass

Size = PositiveInt | tuple[PositiveInt, PositiveInt]
Padding = Literal["valid", "same"]
Back = Callable[[Array], Array]
LOWEST = -np.inf


@dataclass(frozen=True)
class MaxPool2d(Layer):
    """y = the largest x in each window.   (H, W, C) -> (H', W', C)

    pool_size: the height and width of a window, or one number for both.
    strides: how far apart the windows are; left out, as far as they are large.
    padding: `valid` takes whole windows: H' = (H - pool) // stride + 1; `same` goes beyond the
        edge, where nothing counts: H' = ceil(H / stride).

    The first of several largest gets the gradient, as in PyTorch.  `same` adds (pool - 1) // 2
    before, as PyTorch's `padding=pool//2` for odd sizes; Keras adds less where the stride is
    larger than 1 and divides H.

    Goodfellow, Bengio, Courville 2016, *Deep Learning*, section 9.3.
    """

    pool_size: Size = 2
    strides: Size | None = None
    padding: Padding = "valid"

    def build(self, shape: Shape, store: Builder) -> Built:
        height, width, channels = image(self.kind, shape)
        windows = _windows(self.pool_size, self.strides, self.padding)
        out = _count(windows, (height, width))
        return Built(Largest(windows), (*out, channels))


@dataclass(frozen=True)
class Largest:
    """A `max_pool2d`; `pooled.py` knows it by this."""

    windows: Windows

    def __call__(self, x: Array, call: Call) -> tuple[Array, Backward]:
        is_even = not (x.shape[1] % 2 or x.shape[2] % 2)
        halves = self.windows == Windows((2, 2), (2, 2)) and is_even
        return _max_of_pairs(x) if halves else _max(x, self.windows)


@dataclass(frozen=True)
class MaxPool1d(Layer):
    """y = the largest x in each window of steps.   (T, C) -> (T', C)

    pool_size: the steps in a window.
    strides: how far apart the windows are; left out, as far as they are large.
    padding: `valid` takes whole windows: T' = (T - pool) // stride + 1; `same` goes beyond the
        ends, where nothing counts: T' = ceil(T / stride).

    Steps beyond the length of a row do not count.  See `max_pool2d`.
    """

    pool_size: PositiveInt = 2
    strides: PositiveInt | None = None
    padding: Padding = "valid"

    def lengths(self, n: Array) -> Array:
        return valid_steps(n, _along(self))

    def build(self, shape: Shape, store: Builder) -> Built:
        steps, channels = signal(self.kind, shape)
        windows = _along(self)
        out = _count(windows, (1, steps))

        def forward(x: Array, call: Call) -> tuple[Array, Backward]:
            row = keep_valid(x, call.lengths, LOWEST, least=_least(windows))
            y, back = _max(row[:, None], windows)
            n = None if call.lengths is None else self.lengths(call.lengths)
            y = keep_valid(y[:, 0], n)  # no infinity goes on from here
            return y, lambda dy: back(keep_valid(dy, n)[:, None])[:, 0, : x.shape[1]]

        return Built(forward, (out[1], channels))


@dataclass(frozen=True)
class AveragePool2d(Layer):
    """y = the mean of x in each window.   (H, W, C) -> (H', W', C)

    pool_size: the height and width of a window, or one number for both.
    strides: how far apart the windows are; left out, as far as they are large.
    padding: as in `max_pool2d`.

    Beyond the edge nothing counts, as in Keras; PyTorch counts zeros there unless it is told
    `count_include_pad=False`.

    Goodfellow, Bengio, Courville 2016, *Deep Learning*, section 9.3.
    """

    pool_size: Size = 2
    strides: Size | None = None
    padding: Padding = "valid"

    def build(self, shape: Shape, store: Builder) -> Built:
        height, width, channels = image(self.kind, shape)
        windows = _windows(self.pool_size, self.strides, self.padding)
        out = _count(windows, (height, width))
        inside = np.ones((1, height, width, 1), bool)

        def forward(x: Array, call: Call) -> tuple[Array, Backward]:
            return _average(x, windows, inside)

        return Built(forward, (*out, channels))


@dataclass(frozen=True)
class AveragePool1d(Layer):
    """y = the mean of x in each window of steps.   (T, C) -> (T', C)

    pool_size: the steps in a window.
    strides: how far apart the windows are; left out, as far as they are large.
    padding: as in `max_pool1d`.

    Beyond the ends, and beyond the length of a row, nothing counts.  See `average_pool2d`.
    """

    pool_size: PositiveInt = 2
    strides: PositiveInt | None = None
    padding: Padding = "valid"

    def lengths(self, n: Array) -> Array:
        return valid_steps(n, _along(self))

    def build(self, shape: Shape, store: Builder) -> Built:
        steps, channels = signal(self.kind, shape)
        windows = _along(self)
        out = _count(windows, (1, steps))

        def forward(x: Array, call: Call) -> tuple[Array, Backward]:
            row = keep_valid(x, call.lengths, least=_least(windows))
            if call.lengths is None:
                n, inside = None, np.ones((1, 1, x.shape[1], 1), bool)
            else:
                n, inside = self.lengths(call.lengths), ~padding_of(row, call.lengths)[:, None]
            y, back = _average(row[:, None], windows, inside)

            def backward(dy: Array) -> Array:
                dx = back(keep_valid(dy, n)[:, None])[:, 0, : x.shape[1]]
                return keep_valid(dx, call.lengths)

            return y[:, 0], backward

        return Built(forward, (out[1], channels))


def _windows(pool: int | Pair, strides: int | Pair | None, padding: Padding) -> Windows:
    size = pair(pool)
    before, after = same(size, (1, 1)) if padding == "same" else ((0, 0), (0, 0))
    return Windows(size, pair(strides or size), (1, 1), before, after)


def _along(pool: MaxPool1d | AveragePool1d) -> Windows:
    strides = pool.strides or pool.pool_size
    return _windows((1, pool.pool_size), (1, strides), pool.padding)


def _least(windows: Windows) -> int:
    """The steps that make one window, with what is added at both ends."""
    return windows.reach[1] - windows.before[1] - windows.after[1]


def _count(windows: Windows, shape: Pair) -> Pair:
    out = windows.count(shape)
    if min(out) < 1:
        flat = windows.size[0] == shape[0] == 1
        window, whole = (
            str(size[1]) if flat else f"{size[0]} × {size[1]}" for size in (windows.size, shape)
        )
        raise ValueError(f"a window of {window} does not fit into {whole}")
    return out


def _max(x: Array, windows: Windows) -> tuple[Array, Back]:
    """The largest of each window, for windows of any kind: one pass for each of their points."""
    padded = windows.pad(x, windows.padding(x, LOWEST))
    out = windows.count((x.shape[1], x.shape[2]))
    first, *others = windows.points(padded, *out)
    y = first.copy()
    for point in others:
        np.maximum(y, point, out=y)

    def backward(dy: Array) -> Array:
        dpadded = np.zeros_like(padded)
        open_ = np.ones(y.shape, bool)  # windows whose largest is still to be found
        for point, dpoint in zip(
            windows.points(padded, *out), windows.points(dpadded, *out), strict=True
        ):
            here = point == y
            here &= open_
            open_ ^= here
            dpoint += dy * here
        return windows.inside(dpadded, x.shape)

    return y, backward


def _max_of_pairs(x: Array) -> tuple[Array, Back]:
    """The same for windows of 2 × 2, side by side: the larger of two, twice.

    Pairs of pixels are a few numbers each, which NumPy copies faster than it compares them.
    """
    n, height, width, channels = x.shape
    pairs = x.reshape(n, height, width // 2, 2, channels)
    left, right = (np.ascontiguousarray(pairs[..., side, :]) for side in (0, 1))
    left_wins = left >= right
    lines = np.maximum(left, right, out=left).reshape(n, height // 2, 2, width // 2 * channels)
    upper, lower = lines[:, :, 0], lines[:, :, 1]
    upper_wins = upper >= lower
    y = np.maximum(upper, lower).reshape(n, height // 2, width // 2, channels)

    def backward(dy: Array) -> Array:
        dlines = np.empty_like(lines)
        _share(dy.reshape(upper.shape), upper_wins, dlines[:, :, 0], dlines[:, :, 1])
        dx = np.empty_like(pairs)
        _share(dlines.reshape(left_wins.shape), left_wins, dx[..., 0, :], dx[..., 1, :])
        return dx.reshape(x.shape)

    return y, backward


def _share(dy: Array, first_wins: Array, first: Array, second: Array) -> None:
    """The winner of two gets all of dy."""
    np.multiply(dy, first_wins, out=first)
    np.subtract(dy, first, out=second)


def _average(x: Array, windows: Windows, inside: Array) -> tuple[Array, Back]:
    """The mean over those points of each window that are `inside`, where all others are 0."""
    padded = windows.pad(x, windows.padding(x))
    out = windows.count((x.shape[1], x.shape[2]))
    first, *others = windows.points(padded, *out)
    y = first.copy()
    for point in others:
        y += point
    counted = sum(
        point.astype(x.dtype)
        for point in windows.points(windows.pad(inside, windows.padding(inside)), *out)
    )
    share = 1.0 / np.maximum(counted, 1.0)
    y *= share

    def backward(dy: Array) -> Array:
        dpadded = np.zeros_like(padded)
        dpoint = dy * share
        for place in windows.points(dpadded, *out):
            place += dpoint
        return windows.inside(dpadded, x.shape)

    return y, backward
