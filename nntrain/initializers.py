"""Initializers: the first values of the weights.

fan_in is the number of inputs that one output sums over, fan_out the number of outputs that one
input reaches; the last axis of a weight holds the outputs.
"""

from __future__ import annotations

import math

import numpy as np

from nntrain.families import Array, Initializer, PositiveFloat, Shape
from nntrain.values import dataclass


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
    """All 0: biases.

    Keras's default for biases; PyTorch's `Linear` draws them from U(±1/√fan_in).
    """

    def __call__(self, shape: Shape, generator: np.random.Generator) -> Array:
        return np.zeros(shape)


@dataclass(frozen=True)
class Ones(Initializer):
    """All 1: factors.

    Keras's and PyTorch's default for γ of a normalisation.
    """

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
class Constant(Initializer):
    """All `value`.

    value: any number.
    """

    value: float

    def __call__(self, shape: Shape, generator: np.random.Generator) -> Array:
        return np.full(shape, float(self.value))


@dataclass(frozen=True)
class Uniform(Initializer):
    """U(low, high): mean (low + high) / 2, variance (high - low)² / 12.

    low, high: the bounds, Keras's `minval` and `maxval` with its values.
    """

    low: float = -0.05
    high: float = 0.05

    def __call__(self, shape: Shape, generator: np.random.Generator) -> Array:
        return self.low + (self.high - self.low) * generator.random(shape)


@dataclass(frozen=True)
class Normal(Initializer):
    """N(mean, stddev²).

    mean, stddev: with Keras's values; PyTorch's `normal_` has a deviation of 1.
    """

    mean: float = 0.0
    stddev: PositiveFloat = 0.05

    def __call__(self, shape: Shape, generator: np.random.Generator) -> Array:
        return generator.normal(self.mean, self.stddev, shape)


@dataclass(frozen=True)
class TruncatedNormal(Initializer):
    """N(mean, stddev²) without what is further than 2 stddev from the mean; that is drawn again.

    mean, stddev: of the normal distribution before the cut.  The values that are left have
        variance 0.774 stddev², a deviation of 0.880 stddev.

    Keras's `truncated_normal`; PyTorch's `trunc_normal_` cuts at ±2 whatever the deviation.
    """

    mean: float = 0.0
    stddev: PositiveFloat = 0.05

    def __call__(self, shape: Shape, generator: np.random.Generator) -> Array:
        values = generator.normal(size=math.prod(shape))
        while len(outside := np.flatnonzero(np.abs(values) > 2.0)):
            values[outside] = generator.normal(size=len(outside))
        return self.mean + self.stddev * values.reshape(shape)


@dataclass(frozen=True)
class Orthogonal(Initializer):
    """gain · Q, whose columns (or rows, where these are fewer) are orthonormal.

    gain: a factor; every signal keeps its length times the gain, where the matrix is square.

    Saxe, McClelland, Ganguli 2014, arXiv:1312.6120.  Q of a normal matrix A = QR, each column
    times the sign of R's diagonal, so that all orthogonal matrices are equally likely (Mezzadri
    2007, arXiv:math-ph/0609050).  A weight of more than two axes is taken as
    (all but the last, last), as in Keras; PyTorch keeps outputs first, so it is the transpose.
    """

    gain: PositiveFloat = 1.0

    def __call__(self, shape: Shape, generator: np.random.Generator) -> Array:
        columns = shape[-1] if shape else 1
        rows = math.prod(shape[:-1])
        tall = generator.normal(size=(max(rows, columns), min(rows, columns)))
        Q, R = np.linalg.qr(tall)
        Q *= np.copysign(self.gain, np.diagonal(R))
        return (Q if rows >= columns else Q.T).reshape(shape)


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
    """U(-a, a) of variance 1 / fan_in.   LeCun et al. 1998, *Efficient BackProp*, eq. 16.

    The same in Keras.
    """

    def __call__(self, shape: Shape, generator: np.random.Generator) -> Array:
        return _uniform(shape, generator, 1.0 / fans(shape)[0])


@dataclass(frozen=True)
class LecunNormal(Initializer):
    """N(0, 1 / fan_in).   LeCun et al. 1998, *Efficient BackProp*, eq. 16.  Keras truncates it."""

    def __call__(self, shape: Shape, generator: np.random.Generator) -> Array:
        return _normal(shape, generator, 1.0 / fans(shape)[0])
