"""Layers without weights: an activation of its own, and changes of shape."""

from __future__ import annotations

import math
from typing import Annotated, ClassVar

import numpy as np

from nntrain.call import Call
from nntrain.families import (
    Activation,
    Array,
    Backward,
    Builder,
    Built,
    Layer,
    NonNegativeInt,
    PositiveInt,
    Shape,
)
from nntrain.layers.signals import image
from nntrain.limits import Ge
from nntrain.values import dataclass


@dataclass(frozen=True)
class ActivationLayer(Layer):
    """y = f(x), the activation as a layer of its own.   (…) -> (…)

    activation: f.

    Keras's `Activation`; PyTorch has a module for each function.
    """

    kind: ClassVar[str] = "activation"
    activation: Activation

    def build(self, shape: Shape, store: Builder) -> Built:
        return self.activation.build(shape, store)


@dataclass(frozen=True)
class Flatten(Layer):
    """All axes of a row become one.   (a, b, …) -> (a · b · …,)

    As in PyTorch and Keras; channels of images come last here, so that PyTorch has another order.
    """

    def build(self, shape: Shape, store: Builder) -> Built:
        width = math.prod(shape)

        def forward(x: Array, call: Call) -> tuple[Array, Backward]:
            return x.reshape(len(x), width), lambda dy: dy.reshape(x.shape)

        return Built(forward, (width,))

    def lengths(self, n: Array) -> None:
        return None


@dataclass(frozen=True)
class Reshape(Layer):
    """The numbers of a row in another shape, in the same order.   (a, b, …) -> shape

    shape: the new shape, without the batch axis; one of the numbers may be -1, which stands for
        what is left over.

    Keras's `Reshape`; PyTorch's `Tensor.reshape`, where the batch axis is written too.
    """

    shape: tuple[Annotated[int, Ge(-1)], ...]

    def build(self, shape: Shape, store: Builder) -> Built:
        new = _filled(self.shape, shape)

        def forward(x: Array, call: Call) -> tuple[Array, Backward]:
            return x.reshape(len(x), *new), lambda dy: dy.reshape(x.shape)

        return Built(forward, new)

    def lengths(self, n: Array) -> None:
        return None


def _filled(wanted: Shape, shape: Shape) -> Shape:
    """The shape that is wanted, -1 filled in."""
    size, known = math.prod(shape), math.prod(n for n in wanted if n != -1)
    if not wanted or 0 in wanted or wanted.count(-1) > 1:
        raise ValueError(f"expected sizes above 0, at most one of them -1, got {list(wanted)}")
    if size % known or (-1 not in wanted and size != known):
        needs = f"a multiple of {known}" if -1 in wanted else f"{known}"
        raise ValueError(f"the shape {list(wanted)} needs {needs} numbers, got {size} as {shape}")
    return tuple(size // known if n == -1 else n for n in wanted)


@dataclass(frozen=True)
class Permute(Layer):
    """The axes of a row in another order.   (a, b, …) -> (…)

    dims: the old axes in their new order, counted from 1, since axis 0 is the batch: [2, 1] swaps
        the two axes of a row.  The same in Keras and, with the 0 in front, in PyTorch.
    """

    dims: tuple[PositiveInt, ...]

    def build(self, shape: Shape, store: Builder) -> Built:
        axes = [*range(1, len(shape) + 1)]
        if sorted(self.dims) != axes:
            raise ValueError(f"expected the axes {axes} in some order, got {list(self.dims)}")
        order = (0, *self.dims)
        back = np.argsort(order)

        def forward(x: Array, call: Call) -> tuple[Array, Backward]:
            y = np.ascontiguousarray(x.transpose(order))
            return y, lambda dy: np.ascontiguousarray(dy.transpose(back))

        return Built(forward, tuple(shape[i - 1] for i in self.dims))

    def lengths(self, n: Array) -> Array | None:
        return n if self.dims[0] == 1 else None


@dataclass(frozen=True)
class ZeroPadding2d(Layer):
    """Zeros around an image.   (H, W, C) -> (H + 2 p, W + 2 q, C)

    padding: the points to add at each end of height and width, (p, q), or one number for both.

    Keras's `ZeroPadding2D`, PyTorch's `ZeroPad2d`.
    """

    padding: NonNegativeInt | tuple[NonNegativeInt, NonNegativeInt] = 1

    def build(self, shape: Shape, store: Builder) -> Built:
        height, width, channels = image(self.kind, shape)
        p, q = (self.padding,) * 2 if isinstance(self.padding, int) else self.padding
        out = (height + 2 * p, width + 2 * q, channels)

        def forward(x: Array, call: Call) -> tuple[Array, Backward]:
            y = np.zeros((len(x), *out), x.dtype)
            y[:, p : p + height, q : q + width] = x
            return y, lambda dy: dy[:, p : p + height, q : q + width]

        return Built(forward, out)
