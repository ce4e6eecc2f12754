"""Normalisation: inputs of mean 0 and deviation 1 for the layer that follows.

They differ in what mean and deviation are taken over: the rows of a batch and all places
(`batch_norm`), the places of one channel (`instance_norm`) or of a group of channels
(`group_norm`), or the channels of one place (`layer_norm`, `rms_norm`).  The mean is subtracted
before anything is squared, so large means cost no digits.
"""

from __future__ import annotations

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
from nntrain.layers.standardising import (
    Affine,
    Places,
    mean_of_places,
    normalise,
    normalise_as_known,
    of_each,
    of_groups,
)
from nntrain.layers.standardising_rows import normalise_rows
from nntrain.values import dataclass


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
                each = places.mean_of_all(channels)
                y, mu, var, back = normalise(flat, each, of_each, affine, eps)
                n = places.count
                if n > 1:
                    follow(mean, mu[0, 0, :channels], next_mean)
                    follow(variance, var[0, 0, :channels] * (n / (n - 1)), next_variance)
                else:
                    np.copyto(next_mean, mean)
                    np.copyto(next_variance, variance)
            else:
                s = 1.0 / np.sqrt(variance + eps)
                y, back = normalise_as_known(flat, mean, s, affine)

            def backward(dy: Array) -> Array | None:
                dx = back(keep_valid(dy, call.lengths).reshape(flat.shape))
                return None if dx is None else keep_valid(dx.reshape(x.shape), call.lengths)

            return y.reshape(x.shape), backward

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
        affine, eps = Affine(shape[-1], store), float(self.eps)

        def forward(x: Array, call: Call) -> tuple[Array, Backward]:
            y, back = normalise_rows(x.reshape(-1, x.shape[-1]), affine, eps)

            def backward(dy: Array) -> Array | None:
                dx = back(keep_valid(dy, call.lengths).reshape(y.shape))
                return None if dx is None else dx.reshape(x.shape)

            return y.reshape(x.shape), backward

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
        affine, eps = Affine(shape[-1], store, shifts=False), float(self.eps)

        def forward(x: Array, call: Call) -> tuple[Array, Backward]:
            y, back = normalise_rows(x.reshape(-1, x.shape[-1]), affine, eps, centers=False)

            def backward(dy: Array) -> Array | None:
                dx = back(keep_valid(dy, call.lengths).reshape(y.shape))
                return None if dx is None else dx.reshape(x.shape)

            return y.reshape(x.shape), backward

        return Built(forward, shape)


def _over_places(shape: Shape, groups: int, eps: float, store: Builder) -> Built:
    """Normalised by the statistics of each row, over its places and groups of channels."""
    channels = shape[-1]
    affine, group = Affine(channels, store), of_groups(channels, groups)

    def forward(x: Array, call: Call) -> tuple[Array, Backward]:
        places = Places(x, channels, call.lengths)
        flat = x.reshape(len(x), -1, places.line)
        whole = call.lengths is None
        mean = mean_of_places(x, channels) if whole else places.mean_of_rows(channels)
        y, _, _, back = normalise(flat, mean, group, affine, eps)

        def backward(dy: Array) -> Array | None:
            dx = back(keep_valid(dy, call.lengths).reshape(flat.shape))
            return None if dx is None else keep_valid(dx.reshape(x.shape), call.lengths)

        return y.reshape(x.shape), backward

    return Built(forward, shape)
