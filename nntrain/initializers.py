"""Initializers: the first values of the weights.

fan_in is the number of inputs that one output sums over, fan_out the number of outputs that one
input reaches; the last axis of a weight holds the outputs.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from nntrain.families import Array, Initializer, Shape


def fans(shape: Shape) -> tuple[int, int]:
    """fan_in and fan_out of a weight (..., in, out); the axes before them are a receptive field."""
    if len(shape) < 2:
        size = math.prod(shape)
        return size, size
    field = math.prod(shape[:-2])
    return field * shape[-2], field * shape[-1]


def _uniform(shape: Shape, generator: np.random.Generator, variance: float) -> Array:
    limit = math.sqrt(3.0 * variance)  # U(-a, a) has variance a² / 3
    return generator.uniform(-limit, limit, shape)


def _normal(shape: Shape, generator: np.random.Generator, variance: float) -> Array:
    return generator.normal(0.0, math.sqrt(variance), shape)


@dataclass(frozen=True)
class Zeros(Initializer):
    """All 0: biases."""

    def __call__(self, shape: Shape, generator: np.random.Generator) -> Array:
        return np.zeros(shape)


@dataclass(frozen=True)
class Ones(Initializer):
    """All 1: factors."""

    def __call__(self, shape: Shape, generator: np.random.Generator) -> Array:
        return np.ones(shape)


@dataclass(frozen=True)
class UnitForget(Initializer):
    """0, and 1 in the second quarter of the outputs: b of an `lstm`.

    The forget gate stands there, so the state is kept at first.  Jozefowicz, Zaremba & Sutskever
    2015, *An empirical exploration of recurrent network architectures*; Keras's `unit_forget_bias`.
    """

    def __call__(self, shape: Shape, generator: np.random.Generator) -> Array:
        values = np.zeros(shape)
        if shape:
            values[..., shape[-1] // 4 : shape[-1] // 2] = 1.0
        return values


@dataclass(frozen=True)
class GlorotUniform(Initializer):
    """U(-a, a) of variance 2 / (fan_in + fan_out).   For sigmoid, tanh, softmax.

    Glorot & Bengio 2010, eq. 16.  Also called Xavier; Keras's default.
    """

    def __call__(self, shape: Shape, generator: np.random.Generator) -> Array:
        return _uniform(shape, generator, 2.0 / sum(fans(shape)))


@dataclass(frozen=True)
class GlorotNormal(Initializer):
    """N(0, 2 / (fan_in + fan_out)).   Glorot & Bengio 2010, eq. 12.  Keras truncates it."""

    def __call__(self, shape: Shape, generator: np.random.Generator) -> Array:
        return _normal(shape, generator, 2.0 / sum(fans(shape)))


@dataclass(frozen=True)
class HeUniform(Initializer):
    """U(-a, a) of variance 2 / fan_in.   For relu and its relatives.

    He et al. 2015, arXiv:1502.01852, eq. 10.  PyTorch's `Linear` uses variance 1 / (3 fan_in).
    """

    def __call__(self, shape: Shape, generator: np.random.Generator) -> Array:
        return _uniform(shape, generator, 2.0 / fans(shape)[0])


@dataclass(frozen=True)
class HeNormal(Initializer):
    """N(0, 2 / fan_in).   He et al. 2015, arXiv:1502.01852, eq. 10.  Keras truncates it."""

    def __call__(self, shape: Shape, generator: np.random.Generator) -> Array:
        return _normal(shape, generator, 2.0 / fans(shape)[0])


@dataclass(frozen=True)
class LecunUniform(Initializer):
    """U(-a, a) of variance 1 / fan_in.   LeCun et al. 1998, *Efficient BackProp*, eq. 16."""

    def __call__(self, shape: Shape, generator: np.random.Generator) -> Array:
        return _uniform(shape, generator, 1.0 / fans(shape)[0])


@dataclass(frozen=True)
class LecunNormal(Initializer):
    """N(0, 1 / fan_in).   LeCun et al. 1998, *Efficient BackProp*, eq. 16.  Keras truncates it."""

    def __call__(self, shape: Shape, generator: np.random.Generator) -> Array:
        return _normal(shape, generator, 1.0 / fans(shape)[0])
