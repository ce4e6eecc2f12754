"""Loss functions: what training makes small.

Each returns the weighted sum over the rows and its derivative by the prediction; the weights sum
to 1 over the whole batch, so the result is the mean.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from nntrain.families import Array, Loss, Task


@dataclass(frozen=True)
class MeanSquaredError(Loss):
    """L = Σᵢ wᵢ · mean over outputs of (pᵢ - tᵢ)².   prediction, target (N, K).

    With equal weights this is PyTorch's `MSELoss`; scikit-learn's MLP halves it.
    """

    task: ClassVar[Task] = "numbers"

    def __call__(self, prediction: Array, target: Array, weights: Array) -> tuple[float, Array]:
        error = prediction - target  # (N, K)
        rows = np.einsum("nk,nk->n", error, error)
        outputs = prediction.shape[1]
        value = float(weights @ rows) / outputs
        error *= (weights * (2.0 / outputs))[:, None]
        return value, error


@dataclass(frozen=True)
class CrossEntropy(Loss):
    """L = -Σᵢ wᵢ · log softmax(zᵢ)[tᵢ].   prediction: logits z (N, C); target: class (N,).

    Logits, because log and softmax in one step neither overflow nor lose digits
    (Goodfellow, Bengio, Courville, *Deep Learning*, 2016, section 6.2.2.3).  The same as
    PyTorch's `CrossEntropyLoss`; Keras needs `from_logits=True`.
    """

    task: ClassVar[Task] = "classes"

    def __call__(self, prediction: Array, target: Array, weights: Array) -> tuple[float, Array]:
        rows = np.arange(len(target))
        p = prediction - prediction.max(axis=1, keepdims=True)
        log_true = p[rows, target]
        np.exp(p, out=p)
        total = p.sum(axis=1)
        value = float(weights @ (np.log(total) - log_true))
        p *= (weights / total)[:, None]
        p[rows, target] -= weights
        return value, p

    def link(self, prediction: Array) -> Array:
        """softmax: the probability of each class, (N, C)."""
        p: Array = prediction - prediction.max(axis=1, keepdims=True)
        np.exp(p, out=p)
        np.divide(p, p.sum(axis=1, keepdims=True), out=p)
        return p


@dataclass(frozen=True)
class BinaryCrossEntropy(Loss):
    """L = Σᵢ wᵢ · mean over outputs of -[t log σ(z) + (1 - t) log(1 - σ(z))].

    prediction: logits z (N, K); target: 0 or 1, (N, K).  Computed as
    max(z, 0) - z t + log(1 + e^-|z|), which is stable for every z.  The same as PyTorch's
    `BCEWithLogitsLoss`; Keras needs `from_logits=True`.
    """

    task: ClassVar[Task] = "binary"

    def __call__(self, prediction: Array, target: Array, weights: Array) -> tuple[float, Array]:
        z = prediction
        rows = (np.maximum(z, 0.0) - z * target + np.log1p(np.exp(-np.abs(z)))).mean(axis=1)
        d = self.link(z)
        d -= target
        d *= (weights * (1.0 / z.shape[1]))[:, None]
        return float(weights @ rows), d

    def link(self, prediction: Array) -> Array:
        """σ(z): the probability of the second class, (N, K)."""
        half = prediction * 0.5
        np.tanh(half, out=half)
        half *= 0.5
        half += 0.5
        return half
