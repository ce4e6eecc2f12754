"""What the convolutions share: products of windows with a kernel, in both directions."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from nntrain.arrays import sum_of_rows
from nntrain.families import Array, Builder, Initializer
from nntrain.layers.windows import BLOCK, Pair, Windows

SMALL = 1_000_000  # multiplications in a product that OpenBLAS does without packing
NARROW = 16  # filters of which two places are found at once


def fits(windows: Windows, shape: Pair, padding: str) -> None:
    """Refuse an image that no window fits into, or that has too little to mirror."""
    ends = zip(shape, windows.reach, windows.before, windows.after, strict=True)
    for n, reach, before, after in ends:
        if n + before + after < reach:
            raise ValueError(f"a kernel that reaches over {reach} points needs as many, got {n}")
        most = max(before, after)
        if padding == "reflect" and n <= most:
            raise ValueError(f"{most} mirrored points need at least {most + 1}, got {n}")


class Bias:
    """b (filters,), where there is one."""

    def __init__(self, used: bool, filters: int, initializer: Initializer, store: Builder):
        self.used = used
        if used:
            self.b, self.db = store.weight("b", (filters,), initializer, decays=False)

    def add(self, z: Array) -> Array:
        """z + b, in place; whole lines at once, as a few channels make short runs."""
        if self.used:
            line = np.tile(self.b, z.shape[-2])
            lines = z.reshape(-1, len(line))
            lines += line
        return z

    def gradient(self, dz: Array) -> None:
        """db = Σ dz, set."""
        if self.used:
            flat = dz.reshape(-1, dz.shape[-1])
            sum_of_rows(flat, out=self.db)


def correlate(
    x: Array, W: Array, windows: Windows, bias: Bias | None = None, out: Array | None = None
) -> Array:
    """z (N, H', W', F): the products of all windows of x with W (kh, kw, C, F), and b.

    out: room for z.
    """
    height, width = windows.count((x.shape[1], x.shape[2]))
    filters = W.shape[-1]
    z = np.empty((len(x), height, width, filters), x.dtype) if out is None else out
    if _pays_in_pairs(W, windows) and width % 2 == 0:
        W, windows = _in_pairs(W, windows)
    kernel = W.reshape(-1, W.shape[-1])
    flat = z.reshape(len(x), height * width * filters // kernel.shape[1], kernel.shape[1])
    for part, columns in windows.columns(x):
        product(columns, kernel, flat[part])
        if bias:
            bias.add(z[part])  # still in the cache
    return z


def _pays_in_pairs(W: Array, windows: Windows) -> bool:
    """Few filters leave half of a processor's width to the products: 0.7 of the speed of 32."""
    _, wide, channels, filters = W.shape
    side_by_side = windows.stride == windows.dilation == (1, 1)
    return side_by_side and filters <= NARROW and channels >= NARROW // 2 and wide > 2


def _in_pairs(W: Array, windows: Windows) -> tuple[Array, Windows]:
    """A kernel with twice the filters, and windows, for two places of z side by side.

    What they see is but one column more than what one of them does, so less is copied.
    """
    tall, wide, channels, filters = W.shape
    both = np.zeros((tall, wide + 1, channels, 2, filters), W.dtype)
    both[:, :-1, :, 0] = both[:, 1:, :, 1] = W
    wider = Windows((tall, wide + 1), (1, 2), (1, 1), windows.before, windows.after)
    return both.reshape(tall, wide + 1, channels, 2 * filters), wider


def kernel_gradient(x: Array, dz: Array, windows: Windows, dW: Array) -> None:
    """dW (kh, kw, C, F) = Σ windowsᵀ dz, set."""
    flat = dz.reshape(len(dz), -1, dz.shape[-1])
    total = dW.reshape(-1, dW.shape[-1])
    total.fill(0.0)
    for part, columns in windows.columns(x):
        total += product_over_windows(columns, flat[part])


def product(columns: Array, kernel: Array, out: Array) -> None:
    """out (images, S, F) = columns (images, S, K) times the kernel (K, F)."""
    columns, out = _in_pieces(columns, out, 8)
    np.matmul(columns, kernel, out=out)


def product_over_windows(columns: Array, dz: Array) -> Array:
    """columnsᵀ dz (K, F), summed over the images, for columns (images, S, K), dz (images, S, F)."""
    columns, dz = _in_pieces(columns, dz, 48)
    total: Array = np.matmul(columns.swapaxes(1, 2), dz).sum(axis=0)
    return total


def _in_pieces(columns: Array, rows: Array, least: int) -> tuple[Array, Array]:
    """Columns (images, S, K) and what belongs to them (images, S, F), as a product likes them.

    Many products of some windows of an image each, if they are small, which is fastest (1.2 to 1.8
    times); one for all, where these would be of less than `least` windows.
    """
    n, places, points = columns.shape
    filters = rows.shape[-1]
    size = _piece(places, SMALL // (points * filters), least)
    if size == places or not columns.flags.c_contiguous:
        return columns, rows
    return columns.reshape(-1, size or n * places, points), rows.reshape(
        -1, size or n * places, filters
    )


@lru_cache(maxsize=64)
def _piece(places: int, most: int, least: int) -> int:
    """The largest part of so many that divides them evenly; 0 if there is none."""
    parts = (places // k for k in range(1, places // least + 1) if places % k == 0)
    return next((part for part in parts if part <= most), 0)


def spread(z: Array, W: Array, windows: Windows, shape: Pair) -> Array:
    """x (N, *shape, F): each z is laid, times W (kh, kw, C, F), onto what its window would see.

    The transpose of `correlate`.  Where windows stand side by side, it is itself a correlation
    with the kernel turned around, which takes half the time of adding up; where they do not, it
    would be one of zeros for the most part, which takes twice the time.
    """
    way = _turned if windows.stride == (1, 1) else _added
    return way(z, W, windows, shape)


def _turned(z: Array, W: Array, windows: Windows, shape: Pair) -> Array:
    return correlate(z, W[::-1, ::-1], around(windows))


def around(windows: Windows) -> Windows:
    """The windows of z in which a point of x was seen, for windows side by side."""
    before = [r - 1 - b for r, b in zip(windows.reach, windows.before, strict=True)]
    after = [r - 1 - a for r, a in zip(windows.reach, windows.after, strict=True)]
    return Windows(
        windows.size, (1, 1), windows.dilation, (before[0], before[1]), (after[0], after[1])
    )


def _added(z: Array, W: Array, windows: Windows, shape: Pair) -> Array:
    n, height, width, channels = z.shape
    (top, left), (bottom, right) = windows.before, windows.after
    filters, points = W.shape[-1], W.shape[0] * W.shape[1]
    kernel = W.transpose(2, 0, 1, 3).reshape(channels, -1)
    room = np.zeros((n, shape[0] + top + bottom, shape[1] + left + right, filters), z.dtype)
    step = max(1, BLOCK // (height * width * points * filters))
    for at in range(0, n, step):
        rows = z[at : at + step].reshape(-1, channels)
        products = (rows @ kernel).reshape(-1, height, width, points, filters)
        places = windows.points(room[at : at + step], height, width)
        for i, place in enumerate(places):
            place += products[:, :, :, i]
    return np.ascontiguousarray(windows.inside(room, (n, *shape)))
