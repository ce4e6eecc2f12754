"""Windows: what convolution and pooling see of an image at once.

Images are (N, height, width, channels); a signal (N, steps, channels) is an image of height 1.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.lib.stride_tricks import as_strided

from nntrain.families import Array, Shape
from nntrain.values import dataclass

Pair = tuple[int, int]

BLOCK = 524_288  # numbers: the columns of one block of images stay near a core


def pair(value: int | Pair) -> Pair:
    """(height, width) of what a config may give as one number."""
    return (value, value) if isinstance(value, int) else value


@dataclass(frozen=True)
class Windows:
    """Windows of `size` points that are `dilation` apart; the next window starts `stride` further.

    before, after: points that are added at both ends of an axis, zeros if nothing else is said.
    """

    size: Pair
    stride: Pair = (1, 1)
    dilation: Pair = (1, 1)
    before: Pair = (0, 0)
    after: Pair = (0, 0)

    @property
    def reach(self) -> Pair:
        """From the first point of a window to its last, both counted."""
        return _reach(self.size[0], self.dilation[0]), _reach(self.size[1], self.dilation[1])

    def count(self, shape: Pair) -> Pair:
        """How many windows there are in an image of this height and width."""
        height, width = (
            (n + before + after - reach) // stride + 1
            for n, before, after, reach, stride in zip(
                shape, self.before, self.after, self.reach, self.stride, strict=True
            )
        )
        return height, width

    def columns(
        self, x: Array, tile: Pair = (1, 1), *, lasting: bool = False
    ) -> Iterator[tuple[slice, Array]]:
        """Blocks of images, each as what its windows see: (images, windows, points · channels).

        tile: the order of the windows.  Those that stand first in a tile of so many rows and
            columns of windows come first, and so on; what makes no whole tile is left out.
        lasting: otherwise the array of a block is overwritten by the next.
        """
        n, *image, channels = x.shape
        height, width = self.count((image[0], image[1]))
        places = (*tile, height // tile[0], width // tile[1])
        many, points = math.prod(places), self.size[0] * self.size[1] * channels
        step = max(1, min(n, BLOCK // max(1, many * points)))
        padded = self.padding(x[:step])
        room = None
        for at in range(0, n, step):
            part = slice(at, min(at + step, n))
            block = self.pad(x[part], padded)
            seen = self.view(block, places)
            if seen.flags.c_contiguous:  # windows of one point: nothing to copy
                yield part, seen.reshape(len(block), many, points)
                continue
            if room is None or lasting:
                room = _room(seen, channels)
            columns = room[: len(block)]
            np.copyto(columns, seen)
            yield part, _flat(columns, channels)

    def numbers(self, shape: Shape) -> int:
        """How many `columns` gives of images (N, H, W, C)."""
        n, *image, channels = shape
        return n * math.prod(self.count((image[0], image[1]))) * math.prod(self.size) * channels

    def view(self, padded: Array, places: tuple[int, int, int, int]) -> Array:
        """(N, *places, *size, channels): the points of every window, without a copy.

        places: rows and columns of a tile, and of tiles.
        """
        n, down, right, channel = padded.strides
        tall, wide = down * self.stride[0], right * self.stride[1]
        strides = (
            n, tall, wide, tall * places[0], wide * places[1],
            down * self.dilation[0], right * self.dilation[1], channel,
        )  # fmt: skip
        shape = (len(padded), *places, *self.size, padded.shape[-1])
        return as_strided(padded, shape, strides, writeable=False)

    def points(self, padded: Array, height: int, width: int) -> Iterator[Array]:
        """For each place in a window, row by row, what all windows have there, as a view."""
        for i in range(self.size[0]):
            for j in range(self.size[1]):
                top, left = i * self.dilation[0], j * self.dilation[1]
                down, right = self.stride
                yield padded[
                    :,
                    top : top + (height - 1) * down + 1 : down,
                    left : left + (width - 1) * right + 1 : right,
                ]

    def padding(self, x: Array, value: float = 0.0) -> Array | None:
        """Room for `pad`, the added points set; None if there are none."""
        if not any((*self.before, *self.after)):
            return None
        (top, left), (bottom, right) = self.before, self.after
        n, height, width, channels = x.shape
        return np.full((n, top + height + bottom, left + width + right, channels), value, x.dtype)

    def pad(self, x: Array, room: Array | None) -> Array:
        """`x` with the points added at its ends."""
        if room is None:
            return x
        block = room[: len(x)]
        np.copyto(self.inside(block, x.shape), x)
        return block

    def inside(self, padded: Array, shape: Shape) -> Array:
        """Where the image stands in a padded one."""
        top, left = self.before
        return padded[:, top : top + shape[1], left : left + shape[2]]


def _reach(size: int, dilation: int) -> int:
    return (size - 1) * dilation + 1


def _room(seen: Array, channels: int) -> Array:
    """Room for the windows; with one channel, whole planes are copied, one for each point."""
    if channels > 1:
        return np.empty(seen.shape, seen.dtype)
    n, *places = seen.shape[:5]
    planes = np.empty((n, *seen.shape[5:], *places), seen.dtype)
    return planes.transpose(0, 4, 5, 6, 7, 1, 2, 3)


def _flat(columns: Array, channels: int) -> Array:
    n, many, points = len(columns), math.prod(columns.shape[1:5]), math.prod(columns.shape[5:])
    if channels > 1:
        return columns.reshape(n, many, points)
    return columns.transpose(0, 5, 6, 7, 1, 2, 3, 4).reshape(n, points, many).swapaxes(1, 2)


def same(size: Pair, dilation: Pair) -> tuple[Pair, Pair]:
    """Points to add before and after, so that there are ceil(n / stride) windows.

    They do not depend on n, so that a longer batch leaves the windows where they are.
    """
    extra = [_reach(k, d) - 1 for k, d in zip(size, dilation, strict=True)]
    before = (extra[0] // 2, extra[1] // 2)
    return before, (extra[0] - before[0], extra[1] - before[1])
