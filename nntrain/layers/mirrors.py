"""Mirrors: an image or a signal with its own mirror image around it, the padding `reflect`.

The points at the edge are not repeated.
"""

from __future__ import annotations

import numpy as np

from nntrain.families import Array
from nntrain.layers.windows import Windows


class Mirror:
    """Of images (N, H, W, C)."""

    def __init__(self, windows: Windows):
        self.before, self.after = windows.before, windows.after
        self.windows = Windows(windows.size, windows.stride, windows.dilation)

    def extend(self, x: Array) -> Array:
        ends = list(zip(self.before, self.after, strict=True))
        return np.pad(x, [(0, 0), *ends, (0, 0)], mode="reflect")

    def fold(self, dx: Array) -> Array:
        """The way back: what was mirrored gives its gradient to what it mirrored."""
        for axis, (before, after) in enumerate(zip(self.before, self.after, strict=True), start=1):
            rows = np.moveaxis(dx, axis, 0)
            n = len(rows) - before - after
            inner = rows[before : before + n].copy()
            if before:
                inner[1 : before + 1] += rows[:before][::-1]
            if after:
                inner[n - 1 - after : n - 1] += rows[before + n :][::-1]
            dx = np.moveaxis(inner, 0, axis)
        return dx


class MirrorOfRows:
    """Of signals (N, T, C), each row at its own end.

    What is mirrored may be longer than the row; it then goes back and forth, as in `np.pad`.
    """

    def __init__(self, windows: Windows):
        self.before, self.after = windows.before[1], windows.after[1]
        self.windows = Windows(windows.size, windows.stride, windows.dilation)

    def extend(self, x: Array, lengths: Array | None) -> Array:
        """(N, before + T + after, C), 0 beyond the mirror image at the end of a row."""
        ends = _ends(x, lengths)
        extended: Array = x[np.arange(len(x))[:, None], self._shown(x.shape[1], ends)]
        if lengths is not None:
            places = np.arange(extended.shape[1]) - self.before
            beyond = (places >= ends[:, None] + self.after) | (ends[:, None] == 0)
            extended[beyond] = 0.0
        return extended

    def fold(self, d: Array, lengths: Array | None) -> Array:
        """The way back (N, T, C), for a gradient that is 0 where `extend` gave no step of a row."""
        steps = d.shape[1] - self.before - self.after
        ends = _ends(d, lengths, steps)
        shown, rows = self._shown(steps, ends), np.arange(len(d))
        dx = d[:, self.before : self.before + steps].copy()
        if lengths is not None:
            dx[np.arange(steps) >= ends[:, None]] = 0.0
        for k in range(self.before):
            dx[rows, shown[:, k]] += d[:, k]
        for k in range(self.after):
            places = self.before + ends + k
            dx[rows, shown[rows, places]] += d[rows, places]
        return dx

    def _shown(self, steps: int, ends: Array) -> Array:
        """The step of its row that each place shows, (N, before + steps + after)."""
        period = np.maximum(2 * (ends - 1), 1)[:, None]  # there and back
        place = np.arange(-self.before, steps + self.after) % period
        shown: Array = np.minimum(place, period - place)
        return shown


def _ends(x: Array, lengths: Array | None, steps: int = 0) -> Array:
    return np.full(len(x), steps or x.shape[1]) if lengths is None else lengths
