"""Other rows made of training rows, a batch at a time."""

from __future__ import annotations

from typing import Any, ClassVar, Literal, NamedTuple

import numpy as np

from nntrain.arrays import Array, Shape
from nntrain.families.kind import Family
from nntrain.rng import Stream, normals

Inputs = Literal["images", "series", "arrays", "any"]


class Rows(NamedTuple):
    """A batch: x (N, …), target (N, …), and lengths (N,) where rows have their own."""

    x: Array
    target: Array
    lengths: Array | None = None


class Draws:
    """Random numbers for the rows of one batch: a function of (seed, kind, step, row)."""

    def __init__(self, seed: int, *purpose: str | int):
        self._streams = {kind: Stream(seed, *purpose, kind) for kind in ("uniform", "normal")}
        self._step = self._rows = 0

    def at(self, step: int, rows: int) -> Draws:
        """The numbers of another step, whose batch has so many rows."""
        self._step, self._rows = step, rows
        return self

    def uniform(self, width: int, dtype: Any = np.float64) -> Array:
        """In [0, 1), (rows, width)."""
        words = self._words("uniform", width) >> np.uint64(11)
        return (words * 2.0**-53).astype(dtype, copy=False)

    def normal(self, width: int, dtype: Any = np.float64) -> Array:
        """Of mean 0 and deviation 1, (rows, width)."""
        words = self._words("normal", (width + 1) // 2)  # two numbers of a word
        return normals(words.reshape(-1), dtype).reshape(self._rows, -1)[:, :width]

    def _words(self, kind: str, each: int) -> Array:
        words = self._streams[kind].words(self._step << 48, self._rows * each)
        return words.reshape(self._rows, each)


class Augmentation(Family):
    """Makes other rows of training rows: `augmentation(rows, draws) -> rows`.

    1. Never write into what it gets; returning it unchanged is allowed.
    2. Random numbers come from `draws` alone, so that a row of a step is the same however often
       the training was stopped and in whatever portions the batch is computed.
    3. Where rows have lengths, these stay, and what is beyond them stays zeros.

    inputs: what it takes: `images` (H, W, C), `series` (T, C), `arrays` (one of these), `any`.
    mixes: rows become mixtures of two, and so do their targets; classes come as shares (N, C).
    """

    inputs: ClassVar[Inputs]
    mixes: ClassVar[bool] = False

    def __call__(self, rows: Rows, draws: Draws) -> Rows:
        raise NotImplementedError

    def misfit(self, shape: Shape) -> str:
        """Why rows of this shape are not for it; empty if they are."""
        return ""
