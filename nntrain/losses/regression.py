"""Losses of numbers: how far predictions are from targets.

Predictions and targets are (N, K), or (N, T, K) for sequences; targets are standardised unless
`data.preprocessing.target.scale` says otherwise, and so are the distances here.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

import numpy as np

from nntrain.families import Array, Loss, PositiveFloat, Task
from nntrain.limits import Gt, Lt
from nntrain.losses.rows import mean_over_outputs
from nntrain.values import dataclass


@dataclass(frozen=True)
class MeanSquaredError(Loss):
    """L = Σᵢ wᵢ · mean over outputs of (pᵢ - tᵢ)².   prediction, target (N, K).

    With equal weights this is PyTorch's `MSELoss`; scikit-learn's MLP halves it.

    Keras's `MeanSquaredError`.
    """

    task: ClassVar[Task] = "numbers"

    def __call__(self, prediction: Array, target: Array, weights: Array) -> tuple[float, Array]:
        error = prediction - target  # (N, K)
        flat = error.reshape(len(error), -1)
        rows = np.einsum("nk,nk->n", flat, flat)
        outputs = flat.shape[1]
        value = float(weights @ rows) / outputs
        flat *= (weights * (2.0 / outputs))[:, None]
        return value, flat.reshape(error.shape)


@dataclass(frozen=True)
class MeanAbsoluteError(Loss):
    """L = Σᵢ wᵢ · mean over outputs of |pᵢ - tᵢ|.   prediction, target (N, K).

    Its best constant is the median, so single far-off rows move it little.  The derivative is 0
    where the error is.  PyTorch's `L1Loss`.

    Keras's `MeanAbsoluteError`.
    """

    task: ClassVar[Task] = "numbers"

    def __call__(self, prediction: Array, target: Array, weights: Array) -> tuple[float, Array]:
        error = prediction - target
        return mean_over_outputs(np.abs(error), np.sign(error), weights)


@dataclass(frozen=True)
class Huber(Loss):
    """L = Σᵢ wᵢ · mean over outputs of e² / 2 where |e| ≤ δ, else δ (|e| - δ / 2);  e = p - t.

    delta: δ, from where on the loss grows along a line.

    Huber 1964, *Robust estimation of a location parameter*.  PyTorch's `HuberLoss`; its
    `SmoothL1Loss` is this divided by δ.
    """

    task: ClassVar[Task] = "numbers"
    delta: PositiveFloat = 1.0

    def __call__(self, prediction: Array, target: Array, weights: Array) -> tuple[float, Array]:
        error = prediction - target
        slope = np.clip(error, -self.delta, self.delta)
        error -= 0.5 * slope
        error *= slope
        return mean_over_outputs(error, slope, weights)


@dataclass(frozen=True)
class LogCosh(Loss):
    """L = Σᵢ wᵢ · mean over outputs of log cosh(pᵢ - tᵢ).   prediction, target (N, K).

    Near e² / 2 for small errors, |e| - log 2 for large ones, smooth between.  Computed as
    |e| + log(1 + (e^(-2|e|) - 1) / 2), which never overflows.  Keras's `LogCosh`.
    """

    task: ClassVar[Task] = "numbers"

    def __call__(self, prediction: Array, target: Array, weights: Array) -> tuple[float, Array]:
        error = prediction - target
        far = np.abs(error)
        values = np.expm1(far * -2.0)
        values *= 0.5
        np.log1p(values, out=values)
        values += far
        return mean_over_outputs(values, np.tanh(error), weights)


@dataclass(frozen=True)
class Quantile(Loss):
    """L = Σᵢ wᵢ · mean over outputs of max(q e, (q - 1) e);   e = t - p.

    q: which quantile to learn: at the best constant a share q of the targets is below.  With 0.5
        it is half of `mean_absolute_error`.

    Koenker & Bassett 1978, *Regression quantiles*; also called pinball loss.

    scikit-learn's `mean_pinball_loss`; PyTorch and Keras have none.
    """

    task: ClassVar[Task] = "numbers"
    q: Annotated[float, Gt(0), Lt(1)] = 0.5

    def __call__(self, prediction: Array, target: Array, weights: Array) -> tuple[float, Array]:
        error = target - prediction
        values = np.maximum(error * self.q, error * (self.q - 1.0))
        slope = np.sign(error)  # 1, 0, -1 become -q, 0, 1 - q
        slope *= -0.5
        slope += np.abs(slope) * (1.0 - 2.0 * self.q)
        return mean_over_outputs(values, slope, weights)


@dataclass(frozen=True)
class EuclideanDistance(Loss):
    """L = Σᵢ wᵢ · ‖pᵢ - tᵢ‖, with ‖e‖ = √ Σₖ eₖ².   prediction, target: points (N, K).

    Not squared: a point that is twice as far costs twice as much.  The derivative is e / ‖e‖, a
    step of length 1, and 0 where the points are the same.  Of sequences of points (N, T, K) the
    mean over the steps.  scikit-learn has it as `euclidean_distances`, PyTorch as
    `PairwiseDistance`, which adds an ε to each e.
    """

    task: ClassVar[Task] = "numbers"

    def __call__(self, prediction: Array, target: Array, weights: Array) -> tuple[float, Array]:
        error = prediction - target
        distance = np.sqrt(np.einsum("...k,...k->...", error, error))
        error *= _inverse(distance)[..., None]
        return mean_over_outputs(distance, error, weights)


@dataclass(frozen=True)
class CosineSimilarity(Loss):
    """L = Σᵢ wᵢ · (1 - pᵢ · tᵢ / (‖pᵢ‖ ‖tᵢ‖)).   prediction, target (N, K), K > 1.

    Only directions count.  A vector of length 0 has none: the loss is 1, the derivative 0.  Of
    sequences of vectors (N, T, K) the mean over the steps.  PyTorch's `CosineEmbeddingLoss` for
    equal pairs; Keras's has no 1, and so ends at -1.
    """

    task: ClassVar[Task] = "numbers"
    unscaled: ClassVar[str] = "angles between targets"
    least_targets: ClassVar[int] = 2

    def __call__(self, prediction: Array, target: Array, weights: Array) -> tuple[float, Array]:
        by_length = _inverse(_length(prediction))[..., None]
        p = prediction * by_length
        t = target * _inverse(_length(target))[..., None]
        cosine = np.einsum("...k,...k->...", p, t)
        p *= cosine[..., None]
        p -= t
        p *= by_length  # (cos p / ‖p‖ - t / ‖t‖) / ‖p‖
        return mean_over_outputs(1.0 - cosine, p, weights)


def _length(vectors: Array) -> Array:
    length: Array = np.sqrt(np.einsum("...k,...k->...", vectors, vectors))
    return length


def _inverse(lengths: Array) -> Array:
    """1 / length, and 0 where there is none."""
    return np.divide(1.0, lengths, out=np.zeros_like(lengths), where=lengths > 0.0)
