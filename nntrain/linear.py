"""Linear models: ridge in closed form, logistic regression by L-BFGS.  What a network must beat.

Both minimise mean loss + penalty / 2 · |W|²; the intercept is free.  With n rows the penalty is
scikit-learn's `alpha / n` of `Ridge` and `1 / (C · n)` of `LogisticRegression`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from nntrain.arrays import Array

MEMORY = 10  # pairs of steps that L-BFGS keeps


class Linear(NamedTuple):
    """z = (x - center) / scale · W + b.   x (N, D) -> (N, K).

    For two classes K is 1 and z the logit of the second one.
    """

    weight: Array
    bias: Array
    center: Array
    scale: Array

    def __call__(self, x: Array) -> Array:
        z: Array = ((x - self.center) / self.scale) @ self.weight + self.bias
        return z

    def probabilities(self, x: Array) -> Array:
        """Of each class, (N, C); also where there are two."""
        return np.exp(_log_softmax(self(x)))


def ridge(
    x: Array, y: Array, penalties: Sequence[float], weights: Array | None = None
) -> list[Linear]:
    """A ridge regression for each penalty, from one decomposition.   x (N, D), y (N, K).

    weights: (N,), how much each row counts.
    """
    shares = _shares(len(x), weights)
    center, scale = _placed(x, shares)
    middle, roots = shares @ y, np.sqrt(shares)[:, None]
    z, aim = roots * ((x - center) / scale), roots * (y - middle)
    wide = len(z) < z.shape[1]  # then rows times rows is the smaller matrix, and says the same
    values, vectors = np.linalg.eigh(z @ z.T if wide else z.T @ z)
    turned, values = vectors.T @ (aim if wide else z.T @ aim), np.maximum(values, 0.0)[:, None]
    found = [vectors @ (turned / (values + max(penalty, 1e-12))) for penalty in penalties]
    return [Linear(z.T @ weight if wide else weight, middle, center, scale) for weight in found]


def logistic(
    x: Array,
    target: Array,
    classes: int,
    penalty: float,
    weights: Array | None = None,
    start: Linear | None = None,
    most_steps: int = 200,
    close: float = 1e-6,
) -> Linear:
    """Multinomial logistic regression; for two classes the usual one.   x (N, D), target (N,).

    weights: (N,), how much each row counts.  start: where to begin.
    close: the largest number in a gradient that is as good as none.
    """
    shares = _shares(len(x), weights)
    center, scale = (start.center, start.scale) if start else _placed(x, shares)
    outputs = 1 if classes == 2 else classes
    z = np.ones((len(x), x.shape[1] + 1))
    z[:, :-1] = (x - center) / scale
    rows = np.arange(len(x))
    shape = (z.shape[1], outputs)

    def loss(flat: Array) -> tuple[float, Array]:
        theta = flat.reshape(shape)
        logs = _log_softmax(z @ theta)  # (N, C)
        value = -float(shares @ logs[rows, target])
        error = np.exp(logs)
        error[rows, target] -= 1.0
        error *= shares[:, None]
        gradient = z.T @ (error[:, 1:] if outputs == 1 else error)
        gradient[:-1] += penalty * theta[:-1]
        return value + 0.5 * penalty * float(np.square(theta[:-1]).sum()), gradient.ravel()

    theta = np.zeros(shape)
    if start:
        theta[:-1], theta[-1] = start.weight, start.bias
    theta = minimum(loss, theta.ravel(), most_steps, close).reshape(shape)
    return Linear(theta[:-1], theta[-1], center, scale)


def minimum(
    loss: Callable[[Array], tuple[float, Array]], start: Array, most_steps: int, close: float
) -> Array:
    """Where a smooth convex `loss` is lowest: L-BFGS, Liu and Nocedal 1989, halving its steps."""
    theta, pairs = start, list[tuple[Array, Array]]()
    value, gradient = loss(theta)
    for _ in range(most_steps):
        if np.abs(gradient).max() < close:
            break
        step = _direction(gradient, pairs)
        slope, size = float(gradient @ step), 1.0
        if not pairs:
            size = min(1.0, 1.0 / float(np.abs(gradient).sum()))
        new, (lower, turned) = theta + size * step, loss(theta + size * step)
        while not lower <= value + 1e-4 * size * slope:
            size *= 0.5
            if size < 1e-10:
                return theta
            new, (lower, turned) = theta + size * step, loss(theta + size * step)
        moved, bent = new - theta, turned - gradient
        if moved @ bent > 1e-12 * float(bent @ bent):
            pairs = [*pairs[1 - MEMORY :], (moved, bent)]
        theta, value, gradient = new, lower, turned
    return theta


def _direction(gradient: Array, pairs: list[tuple[Array, Array]]) -> Array:
    """-H g, with the inverse curvature H that the last steps have shown."""
    g, shares = gradient.copy(), list[float]()
    for moved, bent in reversed(pairs):
        shares.append(float(moved @ g) / float(moved @ bent))
        g -= shares[-1] * bent
    if pairs:
        moved, bent = pairs[-1]
        g *= float(moved @ bent) / float(bent @ bent)
    for (moved, bent), share in zip(pairs, reversed(shares), strict=True):
        g += (share - float(bent @ g) / float(moved @ bent)) * moved
    return -g


def _shares(rows: int, weights: Array | None) -> Array:
    """How much each row counts, (N,); their sum is 1."""
    counts = np.ones(rows) if weights is None else weights.astype(np.float64)
    shares: Array = counts / counts.sum()
    return shares


def _placed(x: Array, shares: Array) -> tuple[Array, Array]:
    """What centers the inputs, and brings those to size 1 that are far from it.

    Inputs that were scaled before stay as they are, so that the penalty means what it says.
    """
    center = shares @ x
    spread = np.sqrt(shares @ np.square(x - center))
    size = float(np.sqrt(np.square(spread).mean()))
    far = not 0.1 <= size <= 10.0
    return center, np.where(spread > 0, spread, 1.0) if far else np.ones_like(spread)


def _log_softmax(z: Array) -> Array:
    """log p (N, C) of logits (N, C), or of those of the second of two classes, (N, 1)."""
    if z.shape[1] == 1:
        z = np.concatenate([np.zeros_like(z), z], axis=1)
    z = z - z.max(axis=1, keepdims=True)
    logs: Array = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
    return logs
