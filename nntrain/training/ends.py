"""Ends of a straight line: a loss and its gradient, in arrays that are made once.

Where all rows count the same, their `share` goes into constants, which saves a pass.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import numpy as np

from nntrain.families import Array, Loss
from nntrain.losses import BinaryCrossEntropy, CrossEntropy, MeanSquaredError
from nntrain.training.stages import Order

MOST_CLASSES = 64  # a matrix of so many rows and columns costs less than what it saves
SMALL = 0.01  # a loss of which rounding may take more than a hundred-thousandth

End = tuple[Callable[[Array, Array], float], Array]
"""`finish(target, weights) -> value` of the predictions that stand in their array now, and the
array where it leaves the gradient by them."""


def end_order(loss: Loss, classes: int) -> Order:
    """How predictions should lie: those of a class side by side, numbers as the target does."""
    return "F" if type(loss) is CrossEntropy and classes <= MOST_CLASSES else "C"


def counts_alike(loss: Loss) -> bool:
    """Whether there is a form for rows that all count the same, and the loss says no other.

    A subclass, such as one of a plugin, has rules of its own, so it is none of these.
    """
    kinds = (CrossEntropy, BinaryCrossEntropy, MeanSquaredError)
    return type(loss) in kinds and getattr(loss, "class_weight", None) is None


def make_end(loss: Loss, z: Array, target: Array, share: float | None) -> End:
    """The loss of the predictions z, always in the same array.   share: of each row, None where
    they differ.   target: one that has the shape of all.

    A loss that has no form of its own here is computed as anywhere else.
    """
    if type(loss) is CrossEntropy and target.ndim == 1 and end_order(loss, z.shape[1]) == "F":
        if share is None:
            return _weighed_cross_entropy(loss, z)
        return _cross_entropy(loss, z, share)
    if share is not None and target.shape == z.shape and target.dtype == z.dtype:
        if type(loss) is MeanSquaredError:
            return _mean_squared_error(z, share)
        if type(loss) is BinaryCrossEntropy:
            return _binary_cross_entropy(loss, z, share)
    return _as_it_is(loss, z)


def _as_it_is(loss: Loss, z: Array) -> End:
    """A loss of any kind; one of a plugin may come out in double, which no product here takes."""
    d = np.empty_like(z)

    def finish(target: Array, weights: Array) -> float:
        value, found = loss(z, target, weights)
        np.copyto(d, found)
        return value

    return finish, d


def _cross_entropy(loss: CrossEntropy, z: Array, share: float) -> End:
    """Σᵢ share · (log Σₖ e^zᵢₖ - Σₖ tᵢₖ zᵢₖ), its gradient share · (softmax(zᵢ) - tᵢ).

    Only differences of scores count.  A product takes them from the first class in a fifth of the
    time of finding the largest and taking that away; this is done after all where a number has left
    its range, or the loss is so small that digits of it are lost.
    """
    (rows, classes), dtype, scores = z.shape, z.dtype, z.T
    truth, from_first = _truth(loss, classes, dtype) * dtype.type(share), np.eye(classes)
    from_first[:, 0] -= 1.0
    sums = np.full((classes, classes), 1.0 / share, dtype)  # a product makes them for each class
    terms, factors = (np.empty((classes + 1, rows), dtype) for _ in range(2))  # of the loss:
    turned, log, t = terms[:classes], terms[classes], factors[:classes]
    factors[classes] = -share  # of the logarithms, of `total`, which is divided by the share
    least, all_factors = rows * share * math.log(share), factors.ravel()
    p, total = (np.empty((classes, rows), dtype) for _ in range(2))
    top, each, first = np.empty(rows, dtype), np.full(rows, share, dtype), total[0]
    take, differences, sum_up = truth.take, from_first.astype(dtype).dot, terms.ravel().dot
    logs_and_gradient = [
        partial(np.exp, turned, p),
        partial(sums.dot, p, total),
        partial(np.log, first, log),
        partial(np.divide, p, total, p),
        partial(np.subtract, p, t, p),
    ]

    def carefully() -> float:
        np.maximum.reduce(z, 1, out=top)
        np.subtract(scores, top, turned)
        for run in logs_and_gradient:
            run()
        np.multiply(first, each, top)
        np.log(top, log)
        return -float(sum_up(all_factors))

    def finish(target: Array, weights: Array) -> float:
        take(target, 1, t, "clip")
        differences(scores, turned)
        for run in logs_and_gradient:
            run()
        value: float = least - float(sum_up(all_factors))
        return value if SMALL < value < math.inf else carefully()

    return finish, p.T


def _weighed_cross_entropy(loss: CrossEntropy, z: Array) -> End:
    """The same with a weight for each row."""
    rows, classes = z.shape
    truth, sums = _truth(loss, classes, z.dtype), np.ones((classes, classes), z.dtype)
    top, true = np.empty(rows, z.dtype), np.empty(rows, z.dtype)
    turned, p, total, t = (np.empty((classes, rows), z.dtype) for _ in range(4))

    def finish(target: Array, weights: Array) -> float:
        np.maximum.reduce(z, 1, out=top)
        np.subtract(z.T, top, turned)
        np.exp(turned, p)
        sums.dot(p, total)
        truth.take(target, 1, t, "clip")
        np.multiply(turned, t, turned)
        np.add.reduce(turned, 0, out=true)
        np.log(total[0], top)
        np.subtract(top, true, top)
        value = weights.dot(top)
        np.divide(p, total, p)
        np.subtract(p, t, p)
        np.multiply(p, weights, p)
        return float(value)

    return finish, p.T


def _truth(loss: CrossEntropy, classes: int, dtype: np.dtype[np.generic]) -> Array:
    """Column k: what a row of class k should give for each class."""
    truth = np.eye(classes) * (1.0 - loss.label_smoothing) + loss.label_smoothing / classes
    return truth.astype(dtype)


def _mean_squared_error(z: Array, share: float) -> End:
    error, outputs = np.empty_like(z, order="C"), z.shape[1]
    e_dot, e_flat = error.ravel().dot, error.ravel()
    factor = np.array(2.0 * share / outputs, z.dtype)

    def finish(target: Array, weights: Array) -> float:
        np.subtract(z, target, error)
        value: float = float(e_dot(e_flat)) * share / outputs
        np.multiply(error, factor, error)
        return value

    return finish, error


def _binary_cross_entropy(loss: BinaryCrossEntropy, z: Array, share: float) -> End:
    """max(z, 0) - z t + log(1 + e^-|z|), its gradient σ(z) - t, both by share / outputs."""
    smooth, factor = loss.label_smoothing, share / z.shape[1]
    zeros, d, t, values, far = (np.zeros_like(z, order="C") for _ in range(5))
    half, each, sum_of = np.array(0.5, z.dtype), np.array(factor, z.dtype), np.ones(z.size).dot
    flat = values.ravel()

    def finish(target: Array, weights: Array) -> float:
        if smooth:
            np.multiply(target, 1.0 - smooth, t)
            target = np.add(t, 0.5 * smooth, t)
        np.abs(z, far)
        np.negative(far, far)
        np.exp(far, far)
        np.log1p(far, values)
        np.maximum(z, zeros, out=far)
        np.add(values, far, values)
        np.multiply(z, target, far)
        np.subtract(values, far, values)
        np.multiply(z, half, d)
        np.tanh(d, d)
        np.multiply(d, half, d)
        np.add(d, half, d)
        np.subtract(d, target, d)
        np.multiply(d, each, d)
        value: float = float(sum_of(flat)) * factor
        return value

    return finish, d
