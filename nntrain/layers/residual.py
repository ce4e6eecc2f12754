"""Residual: layers that learn what is to be added to their input."""

from __future__ import annotations

from dataclasses import field, replace
from typing import Annotated

import numpy as np

from nntrain.call import Call
from nntrain.families import (
    Activation,
    Array,
    Backward,
    Builder,
    Built,
    Layer,
    Shape,
)
from nntrain.initializers import HeUniform
from nntrain.layers.activations import Identity
from nntrain.layers.chain import chain, chain_lengths
from nntrain.limits import Gt, Le
from nntrain.values import dataclass

MOST_BLOCKS = 500


@dataclass(frozen=True)
class Residual(Layer):
    """y = f(x P + F(x)), `repeat` times.   (…, D) -> (…, E), the shape that F gives.

    layers: F, one after the other; they may change the last axis only.
    repeat: this many such blocks follow each other, each with weights of its own.
    activation: f; left out, the identity.

    P is the identity where E = D, else a learned matrix (D, E) without bias, drawn as He draws:
    on images that is a 1 × 1 convolution.  The gradient reaches x past all of F, so that deep
    networks learn: dx = dz Pᵀ + F's dx, dP = xᵀ dz, with z = x P + F(x).

    He et al. 2016, arXiv:1512.03385, eq. 1 and 2; with f the identity arXiv:1603.05027.

    Where P is needed, torchvision's ResNet normalises after it; PyTorch and Keras have no such
    layer, one writes `x + F(x)`.
    """

    layers: tuple[Layer, ...]
    repeat: Annotated[int, Gt(0), Le(MOST_BLOCKS)] = 1
    activation: Activation = field(default_factory=Identity)

    def build(self, shape: Shape, store: Builder) -> Built:
        if not self.layers:
            raise ValueError("expected at least one layer in `layers`, got an empty list")
        if self.repeat > 1:
            return chain([replace(self, repeat=1)] * self.repeat, shape, store, "blocks")
        needs_dx = store.learns
        inner, out = chain(self.layers, shape, store)
        P, dP = _projection(shape, out, store)
        activate, out = self.activation.build(out, store)

        def forward(x: Array, call: Call) -> tuple[Array, Backward]:
            y, inner_backward = inner(x, call)
            z = y + (x if P is None else _times(x, P))
            y, activation_backward = activate(z, call)

            def backward(dy: Array) -> Array | None:
                dz = activation_backward(dy)
                if dz is None:  # nothing in here learns
                    return None
                dx = inner_backward(dz)
                if dP is not None:
                    np.matmul(_flat(x).T, _flat(dz), out=dP)
                if dx is None or not needs_dx:
                    return None
                return dx + (dz if P is None else _times(dz, P.T))

            return y, backward

        return Built(forward, out)

    def lengths(self, n: Array) -> Array | None:
        lengths: Array | None = n
        for _ in range(self.repeat):
            lengths = None if lengths is None else chain_lengths(self.layers, lengths)
        return lengths


def _projection(
    shape: Shape, out: Shape, store: Builder
) -> tuple[Array, Array] | tuple[None, None]:
    """P and dP, where the layers do not give the shape that they take."""
    if out == shape:
        return None, None
    if not out or not shape or out[:-1] != shape[:-1]:
        raise ValueError(
            f"x + F(x) needs equal shapes up to the last axis: x is {shape}, the layers give {out}"
        )
    return store.weight("projection", (shape[-1], out[-1]), HeUniform())


def _flat(x: Array) -> Array:
    """The rows of all axes but the last, (…, D) -> (M, D)."""
    return x.reshape(-1, x.shape[-1])


def _times(x: Array, W: Array) -> Array:
    """x W, (…, D) -> (…, E), as one product."""
    y: Array = _flat(x) @ W
    return y.reshape(*x.shape[:-1], W.shape[-1])
