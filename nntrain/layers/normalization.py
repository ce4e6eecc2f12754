"""Normalisation: inputs of mean 0 and deviation 1 for the layer that follows.

They differ in what mean and deviation are taken over: the rows of a batch and all places
(`batch_norm`), the places of one channel (`instance_norm`) or of a group of channels
(`group_norm`), or the channels of one place (`layer_norm`, `rms_norm`).  The mean is subtracted
before anything is squared, so large means cost no digits.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from nntrain.call import Call
from nntrain.families import (
    Array,
    Backward,
    Builder,
    Built,
    Layer,
    PositiveFloat,
    PositiveInt,
    Rate,
    Shape,
)
from nntrain.layers.signals import keep_valid
from nntrain.layers.standardising import Affine, Mean, Places, standardise


@dataclass(frozen=True)
class BatchNorm(Layer):
    """y = γ (x - μ) / √(σ² + ε) + β.   (…, C) -> (…, C);   γ, β (C,).

    In training μ and σ² are mean and variance of each channel over the batch and all places; at
    inference they are the running ones, which follow as running = momentum · running +
    (1 - momentum) · batch.  Ioffe & Szegedy 2015, arXiv:1502.03167, algorithms 1 and 2.

    momentum: the share of the running statistics that stays in one step, as in Keras (0.99
        there); PyTorch's `momentum` is 1 minus it (0.1 there).
    eps: ε, which keeps the root away from 0; Keras has 1e-3.

    The running variance is the unbiased one, n / (n - 1) times that of the batch, as in PyTorch;
    Keras takes that of the batch.  One single value has no variance: then y = β, and the running
    statistics stay.  Steps beyond the length of a row do not count.  Shared by several nodes of a
    graph, it follows the statistics of the last of them, where PyTorch's follow each in turn.
    """

    momentum: Rate = 0.9
    eps: PositiveFloat = 1e-5

    def build(self, shape: Shape, store: Builder) -> Built:
        channels = shape[-1]
        affine = Affine(channels, store)
        mean, next_mean = store.buffer("mean", (channels,), 0.0)
        variance, next_variance = store.buffer("variance", (channels,), 1.0)
        momentum, eps = float(self.momentum), float(self.eps)

        def follow(running: Array, now: Array, following: Array) -> None:
            np.multiply(running, momentum, out=following)
            following += (1.0 - momentum) * now

        def forward(x: Array, call: Call) -> tuple[Array, Backward]:
            places = Places(x, channels, call.lengths, call.team)
            flat = x.reshape(1, -1, places.line)
            if call.training:
                hat, mu, var, back = standardise(flat, places.mean_of_all(channels), eps)
                n = places.count
                if n > 1:
                    follow(mean, mu[0, 0, :channels], next_mean)
                    follow(variance, var[0, 0, :channels] * (n / (n - 1)), next_variance)
                else:
                    np.copyto(next_mean, mean)
                    np.copyto(next_variance, variance)
            else:
                scale = np.tile(1.0 / np.sqrt(variance + eps), places.times)
                hat = flat - np.tile(mean, places.times)
                hat *= scale
                back = _times(scale)

            def backward(dy: Array) -> Array | None:
                dhat = affine.backward(keep_valid(dy, call.lengths).reshape(flat.shape), hat)
                if dhat is None:
                    return None
                return keep_valid(back(dhat).reshape(x.shape), call.lengths)

            return affine.forward(hat).reshape(x.shape), backward

        return Built(forward, shape)


@dataclass(frozen=True)
class GroupNorm(Layer):
    """y = γ (x - μ) / √(σ² + ε) + β, over groups of channels.   (…, C) -> (…, C);   γ, β (C,).

    μ and σ² are those of one row, over all places and the channels of one group.  Wu & He 2018,
    arXiv:1803.08494, eq. 7; the same in PyTorch and Keras.

    groups: how many groups of neighbouring channels; must divide C.
    eps: ε, which keeps the root away from 0; Keras has 1e-3.

    Steps beyond the length of a row do not count.
    """

    groups: PositiveInt = 32
    eps: PositiveFloat = 1e-5

    def build(self, shape: Shape, store: Builder) -> Built:
        channels, groups = shape[-1], self.groups
        if channels % groups:
            raise ValueError(f"{groups} groups need a multiple of {groups} channels, got {shape}")
        return _over_places(shape, groups, float(self.eps), store)


@dataclass(frozen=True)
class InstanceNorm(Layer):
    """y = γ (x - μ) / √(σ² + ε) + β, each channel for itself.   (…, C) -> (…, C);   γ, β (C,).

    μ and σ² are those of one row and channel, over all its places.  Ulyanov, Vedaldi, Lempitsky
    2016, arXiv:1607.08022, eq. 4.

    eps: ε, which keeps the root away from 0.

    PyTorch's `InstanceNorm2d` has γ and β only with `affine=True`.  Steps beyond the length of a
    row do not count.
    """

    eps: PositiveFloat = 1e-5

    def build(self, shape: Shape, store: Builder) -> Built:
        if len(shape) < 2:
            message = f"instance_norm needs several places in each channel, got {shape}"
            raise ValueError(f"{message}; `layer_norm` normalises over the channels")
        return _over_places(shape, shape[-1], float(self.eps), store)


@dataclass(frozen=True)
class LayerNorm(Layer):
    """y = γ (x - μ) / √(σ² + ε) + β, over the last axis.   (…, D) -> (…, D);   γ, β (D,).

    Ba, Kiros, Hinton 2016, arXiv:1607.06450, eq. 3.  The last axis alone, as Keras has it by
    default; PyTorch's `normalized_shape` may name more axes.

    eps: ε, which keeps the root away from 0; Keras has 1e-3.
    """

    eps: PositiveFloat = 1e-5

    def build(self, shape: Shape, store: Builder) -> Built:
        affine, mean, eps = Affine(shape[-1], store), _mean_of_row(shape[-1]), float(self.eps)

        def forward(x: Array, call: Call) -> tuple[Array, Backward]:
            hat, _, _, back = standardise(x, mean, eps)

            def backward(dy: Array) -> Array | None:
                dhat = affine.backward(keep_valid(dy, call.lengths), hat)
                return None if dhat is None else back(dhat)

            return affine.forward(hat), backward

        return Built(forward, shape)


@dataclass(frozen=True)
class RmsNorm(Layer):
    """y = γ x / √(mean(x²) + ε), over the last axis.   (…, D) -> (…, D);   γ (D,).

    `layer_norm` without mean and shift, which costs less.  Zhang & Sennrich 2019,
    arXiv:1910.07467, eq. 4.

    eps: ε, which keeps the root away from 0; PyTorch takes the smallest that float32 can tell.
    """

    eps: PositiveFloat = 1e-6

    def build(self, shape: Shape, store: Builder) -> Built:
        affine, mean = Affine(shape[-1], store, shifts=False), _mean_of_row(shape[-1])
        eps = float(self.eps)

        def forward(x: Array, call: Call) -> tuple[Array, Backward]:
            scale = 1.0 / np.sqrt(mean(x * x) + eps)
            hat = x * scale

            def backward(dy: Array) -> Array | None:
                dhat = affine.backward(keep_valid(dy, call.lengths), hat)
                if dhat is None:
                    return None
                dx: Array = hat * mean(dhat * hat)
                np.subtract(dhat, dx, out=dx)
                dx *= scale
                return dx

            return affine.forward(hat), backward

        return Built(forward, shape)


def _over_places(shape: Shape, groups: int, eps: float, store: Builder) -> Built:
    """Normalised by the statistics of each row, over its places and groups of channels."""
    channels = shape[-1]
    affine = Affine(channels, store)

    def forward(x: Array, call: Call) -> tuple[Array, Backward]:
        places = Places(x, channels, call.lengths)
        flat = x.reshape(len(x), -1, places.line)
        hat, _, _, back = standardise(flat, places.mean_of_rows(groups), eps)

        def backward(dy: Array) -> Array | None:
            dhat = affine.backward(keep_valid(dy, call.lengths).reshape(flat.shape), hat)
            if dhat is None:
                return None
            return keep_valid(back(dhat).reshape(x.shape), call.lengths)

        return affine.forward(hat).reshape(x.shape), backward

    return Built(forward, shape)


def _mean_of_row(width: int) -> Mean:
    """Over the last axis: a product with a vector takes a quarter of the time of a sum."""

    def mean(a: Array) -> Array:
        found: Array = a.reshape(-1, width) @ np.full(width, 1.0 / width, a.dtype)
        return found.reshape(*a.shape[:-1], 1)

    return mean


def _times(scale: Array) -> Callable[[Array], Array]:
    return lambda d: d * scale
