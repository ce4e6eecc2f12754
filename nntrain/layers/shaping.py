"""Layers without weights: an activation of its own, and changes of shape."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from nntrain.call import Call
from nntrain.families import Activation, Array, Backward, Builder, Built, Layer, Shape


@dataclass(frozen=True)
class ActivationLayer(Layer):
    """y = f(x), the activation as a layer of its own.   (…) -> (…)

    activation: f.
    """

    kind: ClassVar[str] = "activation"
    activation: Activation

    def build(self, shape: Shape, store: Builder) -> Built:
        return self.activation.build(shape, store)


@dataclass(frozen=True)
class Flatten(Layer):
    """All axes of a row become one.   (a, b, …) -> (a · b · …,)"""

    def build(self, shape: Shape, store: Builder) -> Built:
        width = math.prod(shape)

        def forward(x: Array, call: Call) -> tuple[Array, Backward]:
            return x.reshape(len(x), width), lambda dy: dy.reshape(x.shape)

        return Built(forward, (width,))

    def lengths(self, n: Array) -> None:
        return None
