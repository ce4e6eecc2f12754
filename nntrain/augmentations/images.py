"""Augmentations of images (N, H, W, C)."""

from __future__ import annotations

import math
from typing import Annotated, ClassVar, Literal

import numpy as np

from nntrain.augmentations.sampling import mapped, moved
from nntrain.families import Augmentation, Draws, PositiveFloat, PositiveInt, Shape
from nntrain.families.augmentation import Inputs, Rows
from nntrain.limits import Gt, Le, Lt
from nntrain.values import dataclass


@dataclass(frozen=True)
class Shift(Augmentation):
    """y[i, j] = x[i - a, j - b],   a and b whole numbers in [-pixels, pixels].   (H, W, C)

    pixels: the largest shift, down or up and right or left.

    The edges are repeated.  Keras's `RandomTranslation` takes shares of the size, torchvision's
    `RandomAffine` as well.
    """

    inputs: ClassVar[Inputs] = "images"
    pixels: PositiveInt = 2

    def __call__(self, rows: Rows, draws: Draws) -> Rows:
        u = draws.uniform(2)
        steps = (u * (2 * self.pixels + 1)).astype(np.int64) - self.pixels
        return rows._replace(x=moved(rows.x, steps[:, 0], steps[:, 1]))

    def misfit(self, shape: Shape) -> str:
        if self.pixels < min(shape[:2]):
            return ""
        return f"`pixels: {self.pixels}` moves images of {shape[0]} × {shape[1]} out of sight"


@dataclass(frozen=True)
class Flip(Augmentation):
    """y is x mirrored, half of the times.   (H, W, C)

    direction: `horizontal` swaps left and right, `vertical` top and bottom; `both` does each of
        the two half of the times.

    Keras's `RandomFlip`; torchvision's `RandomHorizontalFlip` and `RandomVerticalFlip`.  Not for
    what means something else in a mirror, such as letters and digits.
    """

    inputs: ClassVar[Inputs] = "images"
    direction: Literal["horizontal", "vertical", "both"] = "horizontal"

    def __call__(self, rows: Rows, draws: Draws) -> Rows:
        x, u = rows.x.copy(), draws.uniform(2)
        if self.direction != "horizontal":
            some = np.flatnonzero(u[:, 0] < 0.5)
            x[some] = x[some, ::-1]
        if self.direction != "vertical":
            some = np.flatnonzero(u[:, 1] < 0.5)
            x[some] = x[some, :, ::-1]
        return rows._replace(x=x)


@dataclass(frozen=True)
class Rotate(Augmentation):
    """y is x turned around its middle by an angle in [-degrees, degrees].   (H, W, C)

    degrees: the largest angle, either way.

    Bilinear; the edges are repeated.  Keras's `RandomRotation` takes shares of a turn,
    torchvision's `RandomRotation` fills with 0.
    """

    inputs: ClassVar[Inputs] = "images"
    degrees: Annotated[float, Gt(0), Le(180)] = 10.0

    def __call__(self, rows: Rows, draws: Draws) -> Rows:
        angle = draws.uniform(1)[:, 0] * (2.0 * self.degrees) - self.degrees
        angle *= math.pi / 180.0
        cos, sin = np.cos(angle), np.sin(angle)
        matrix = np.stack([cos, sin, -sin, cos], axis=1).reshape(-1, 2, 2)
        return rows._replace(x=mapped(rows.x, matrix))


@dataclass(frozen=True)
class Zoom(Augmentation):
    """y is x made larger by a factor in [1 - by, 1 + by], from its middle.   (H, W, C)

    by: how much larger or smaller at most.

    Bilinear; where it is smaller, the edges are repeated.  Keras's `RandomZoom` with the other
    sign; torchvision's `RandomAffine` with `scale`.
    """

    inputs: ClassVar[Inputs] = "images"
    by: Annotated[float, Gt(0), Lt(1)] = 0.1

    def __call__(self, rows: Rows, draws: Draws) -> Rows:
        factor = 1.0 + (2.0 * draws.uniform(1) - 1.0) * self.by  # (N, 1)
        matrix = np.eye(2) / factor[:, :, None]
        return rows._replace(x=mapped(rows.x, matrix))


@dataclass(frozen=True)
class Brightness(Augmentation):
    """y = x + b,   b in [-by, by], one number an image.   (H, W, C)

    by: the largest change, in the units that the network sees: with `scale: standard` a deviation
        of the pixels of a channel is 1.

    torchvision's `ColorJitter(brightness=…)` multiplies; Keras's `RandomBrightness` adds.
    """

    inputs: ClassVar[Inputs] = "images"
    by: PositiveFloat = 0.2

    def __call__(self, rows: Rows, draws: Draws) -> Rows:
        b = draws.uniform(1, rows.x.dtype) * (2.0 * self.by) - self.by
        return rows._replace(x=rows.x + b.reshape(-1, 1, 1, 1))


@dataclass(frozen=True)
class Cutout(Augmentation):
    """y = x, but 0 in a square of size × size around a random pixel.   (H, W, C)

    size: the side of the square, in pixels; at the edges a part of it is outside.

    DeVries & Taylor 2017, arXiv:1708.04552.  With `scale: standard`, 0 is the mean.  torchvision's
    `RandomErasing` keeps the square inside.
    """

    inputs: ClassVar[Inputs] = "images"
    size: PositiveInt = 8

    def __call__(self, rows: Rows, draws: Draws) -> Rows:
        u = draws.uniform(2)
        inside = []
        for axis in (0, 1):
            length = rows.x.shape[1 + axis]
            first = (u[:, axis, None] * length).astype(np.int64) - self.size // 2
            place = np.arange(length) - first
            inside.append((place >= 0) & (place < self.size))  # (N, H), (N, W)
        hidden = inside[0][:, :, None] & inside[1][:, None, :]
        return rows._replace(x=rows.x * ~hidden[..., None])

    def misfit(self, shape: Shape) -> str:
        if self.size < 2 * min(shape[:2]):
            return ""
        return f"`size: {self.size}` hides all of images of {shape[0]} × {shape[1]}"
