"""Losses of classes: raw scores in, the right class as target.

Class weights are factors of rows (`Loss.row_weights`): the loss of a batch is
Σᵢ c(tᵢ) Lᵢ / Σᵢ c(tᵢ), as in PyTorch and scikit-learn.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import ClassVar, Literal, TypeVar

import numpy as np

from nntrain.families import Array, Loss, NonNegativeFloat, PositiveFloat, Rate, Task
from nntrain.losses.rows import mean_over_outputs, softmax
from nntrain.values import dataclass

ClassWeight = Literal["balanced"] | Mapping[str, PositiveFloat] | None


@dataclass(frozen=True)
class CrossEntropy(Loss):
    """L = -Σᵢ wᵢ · log softmax(zᵢ)[tᵢ].   prediction: logits z (N, C); target: class (N,).

    label_smoothing: s; the truth is 1 - s + s / C for the class and s / C for the others
        (Szegedy et al. 2016, arXiv:1512.00567, section 7).
    class_weight: how much rows of each class count, such as {yes: 3}, 1 where nothing is said;
        `balanced`: as much as the rows of every other class together, n / (C · count).

    Logits, because log and softmax in one step neither overflow nor lose digits
    (Goodfellow, Bengio, Courville, *Deep Learning*, 2016, section 6.2.2.3).  The same as
    PyTorch's `CrossEntropyLoss`, which weighs the smoothed shares each by its own class where it
    has class weights too; Keras needs `from_logits=True`.

    Of sequences, (N, T, C) with classes (N, T), the mean over the steps of each row; a step whose
    class is -1 does not count, and class weights are those of steps.

    Where rows are mixed, the target is shares of classes (N, C) with the sum 1 in the place of
    one class: L = -Σᵢ wᵢ Σₖ tᵢₖ log softmax(zᵢ)ₖ, each share times the weight of its class.
    """

    task: ClassVar[Task] = "classes"
    applies: ClassVar[str] = "softmax"
    takes_shares: ClassVar[bool] = True
    label_smoothing: Rate = 0.0
    class_weight: ClassWeight = None

    def __call__(self, prediction: Array, target: Array, weights: Array) -> tuple[float, Array]:
        if target.dtype.kind == "f":
            return self._of_shares(prediction, target, weights)
        z, target, weights = as_rows(prediction, target, weights, self.class_weight)
        rows, smooth = np.arange(len(target)), self.label_smoothing
        p = z - z.max(axis=1, keepdims=True)
        log_true = p[rows, target]
        if smooth:
            log_true *= 1.0 - smooth
            log_true += smooth * p.mean(axis=1)
        np.exp(p, out=p)
        total = p.sum(axis=1)
        value = float(weights @ (np.log(total) - log_true))
        p *= (weights / total)[:, None]
        if smooth:
            p -= (weights * (smooth / p.shape[1]))[:, None]
        p[rows, target] -= weights * (1.0 - smooth)
        return value, p.reshape(prediction.shape)

    def _of_shares(self, z: Array, target: Array, weights: Array) -> tuple[float, Array]:
        """The same for shares of classes, (N, C)."""
        if isinstance(self.class_weight, Mapping):  # `row_weights` has their sum
            target = target * _numbers(self.class_weight).astype(target.dtype)
            target /= target.sum(axis=1, keepdims=True)
        if self.label_smoothing:
            target = target * (1.0 - self.label_smoothing)
            target += self.label_smoothing / target.shape[1]
        p: Array = z - z.max(axis=1, keepdims=True)
        true = np.einsum("nc,nc->n", target, p)
        np.exp(p, out=p)
        total = p.sum(axis=1)
        value = float(weights @ (np.log(total) - true))
        p /= total[:, None]
        p -= target
        p *= weights[:, None]
        return value, p

    def link(self, prediction: Array) -> Array:
        """softmax: the probability of each class, (N, C)."""
        return softmax(prediction)

    def row_weights(self, target: Array) -> Array | None:
        return factors_of_rows(self.class_weight, target)

    def settled(self, classes: Sequence[str], counts: Sequence[int]) -> CrossEntropy:
        return settled(self, classes, counts)


@dataclass(frozen=True)
class BinaryCrossEntropy(Loss):
    """L = Σᵢ wᵢ · mean over outputs of -[t log σ(z) + (1 - t) log(1 - σ(z))].

    label_smoothing: s; the truth is (1 - s) t + s / 2, as Keras has it.
    class_weight: as in `cross_entropy`; {second class: c} is PyTorch's `pos_weight` of c, but for
        the mean being divided by the sum of the weights.

    prediction: logits z (N, K); target: 0 or 1, (N, K).  Computed as
    max(z, 0) - z t + log(1 + e^-|z|), which is stable for every z.  The same as PyTorch's
    `BCEWithLogitsLoss`; Keras needs `from_logits=True`.
    """

    task: ClassVar[Task] = "binary"
    applies: ClassVar[str] = "sigmoid"
    takes_shares: ClassVar[bool] = True
    label_smoothing: Rate = 0.0
    class_weight: ClassWeight = None

    def __call__(self, prediction: Array, target: Array, weights: Array) -> tuple[float, Array]:
        z = prediction
        if isinstance(self.class_weight, Mapping):  # of a share, each class by its own
            first, second = self.class_weight.values()
            target = target * second / ((1.0 - target) * first + target * second)
        if self.label_smoothing:
            target = target * (1.0 - self.label_smoothing) + 0.5 * self.label_smoothing
        values = np.maximum(z, 0.0) - z * target + np.log1p(np.exp(-np.abs(z)))
        d = self.link(z)
        d -= target
        return mean_over_outputs(values, d, weights)

    def link(self, prediction: Array) -> Array:
        """σ(z): the probability of the second class, (N, K)."""
        half = prediction * 0.5
        np.tanh(half, out=half)
        half *= 0.5
        half += 0.5
        return half

    def row_weights(self, target: Array) -> Array | None:
        second = target[:, 0]
        shares = np.stack([1.0 - second, second], axis=1)
        return factors_of_rows(self.class_weight, shares)

    def settled(self, classes: Sequence[str], counts: Sequence[int]) -> BinaryCrossEntropy:
        return settled(self, classes, counts)


@dataclass(frozen=True)
class Focal(Loss):
    """L = -Σᵢ wᵢ · (1 - pᵢ)^γ log pᵢ,   pᵢ = softmax(zᵢ)[tᵢ].   z (N, C), class (N,).

    gamma: γ; how little rows count that are right already.  0 is `cross_entropy`.
    class_weight: the paper's α, but for each class; see `cross_entropy`.

    For two classes or more; two of them have two outputs here.  Lin et al. 2017,
    arXiv:1708.02002, eq. 4 and 5, with softmax in the place of σ.  Keras's
    `CategoricalFocalCrossentropy` multiplies everything by its `alpha` of 0.25.
    """

    task: ClassVar[Task] = "classes"
    applies: ClassVar[str] = "softmax"
    gamma: NonNegativeFloat = 2.0
    class_weight: ClassWeight = None

    def __call__(self, prediction: Array, target: Array, weights: Array) -> tuple[float, Array]:
        z, target, weights = as_rows(prediction, target, weights, self.class_weight)
        rows = np.arange(len(target))
        p = z - z.max(axis=1, keepdims=True)
        log_true = p[rows, target]
        np.exp(p, out=p)
        total = p.sum(axis=1)
        log_true -= np.log(total)
        p /= total[:, None]
        wrong = -np.expm1(log_true)  # 1 - p
        hard = wrong**self.gamma
        value = -float(weights @ (hard * log_true))
        # dL/d(log p) = -(1 - p)^γ (1 - γ p log p / (1 - p)); the last factor is -1 where p = 1
        ratio = np.divide(log_true, wrong, out=np.full_like(wrong, -1.0), where=wrong > 0.0)
        ratio *= p[rows, target]
        slope = weights * hard * (1.0 - self.gamma * ratio)
        p *= slope[:, None]
        p[rows, target] -= slope
        return value, p.reshape(prediction.shape)

    def link(self, prediction: Array) -> Array:
        """softmax: the probability of each class, (N, C)."""
        return softmax(prediction)

    def row_weights(self, target: Array) -> Array | None:
        return factors_of_rows(self.class_weight, target)

    def settled(self, classes: Sequence[str], counts: Sequence[int]) -> Focal:
        return settled(self, classes, counts)


@dataclass(frozen=True)
class Hinge(Loss):
    """L = Σᵢ wᵢ · Σ over j ≠ tᵢ of max(0, margin - zᵢ[tᵢ] + zᵢⱼ) / C.   z (N, C), class (N,).

    margin: by how much the score of the right class must lead.
    squared: true for the square of each term.
    class_weight: see `cross_entropy`.

    A linear support-vector machine for classes (Weston & Watkins 1999); PyTorch's
    `MultiMarginLoss`, where `squared` is `p=2`.  What is shown is softmax of the scores: it
    orders the classes as the scores do, but is no measured probability.
    """

    task: ClassVar[Task] = "classes"
    applies: ClassVar[str] = "softmax"
    margin: PositiveFloat = 1.0
    squared: bool = False
    class_weight: ClassWeight = None

    def __call__(self, prediction: Array, target: Array, weights: Array) -> tuple[float, Array]:
        z, target, weights = as_rows(prediction, target, weights, self.class_weight)
        rows, classes = np.arange(len(target)), z.shape[1]
        behind = z - z[rows, target][:, None]
        behind += self.margin
        np.maximum(behind, 0.0, out=behind)
        behind[rows, target] = 0.0
        if self.squared:
            value = float(weights @ np.einsum("nc,nc->n", behind, behind)) / classes
            behind *= (weights * (2.0 / classes))[:, None]
        else:
            value = float(weights @ behind.sum(axis=1)) / classes
            behind = (behind > 0.0) * (weights * (1.0 / classes))[:, None]
        behind[rows, target] = -behind.sum(axis=1)
        return value, behind.reshape(prediction.shape)

    def link(self, prediction: Array) -> Array:
        """softmax of the scores, (N, C)."""
        return softmax(prediction)

    def row_weights(self, target: Array) -> Array | None:
        return factors_of_rows(self.class_weight, target)

    def settled(self, classes: Sequence[str], counts: Sequence[int]) -> Hinge:
        return settled(self, classes, counts)


def as_rows(
    prediction: Array, target: Array, weights: Array, class_weight: ClassWeight
) -> tuple[Array, Array, Array]:
    """Scores (M, C), classes (M,) and weights (M,) of rows, or of all steps of sequences."""
    if target.ndim == 1:
        return prediction, target, weights
    target = target.reshape(len(target), -1)
    shares = (target >= 0).astype(weights.dtype)
    target = np.maximum(target, 0)
    if isinstance(class_weight, Mapping):
        shares *= _numbers(class_weight).astype(weights.dtype)[target]
    totals = shares.sum(axis=1)
    shares *= np.divide(weights, totals, out=np.zeros_like(totals), where=totals > 0.0)[:, None]
    return prediction.reshape(-1, prediction.shape[-1]), target.reshape(-1), shares.reshape(-1)


def factors_of_rows(class_weight: ClassWeight, target: Array) -> Array | None:
    """The factor of each row's class, (N,), or the mean of those that it has shares of; of
    sequences none, whose steps have it."""
    mixed = target.dtype.kind == "f"
    if class_weight is None or (target.ndim > 1 and not mixed):
        return None
    if not isinstance(class_weight, Mapping):
        raise TypeError(f"class_weight {class_weight!r} is not settled")
    numbers = _numbers(class_weight)
    found: Array = target @ numbers if mixed else numbers[target]
    return found


def _numbers(settled: Mapping[str, float]) -> Array:
    return np.array(list(settled.values()))


L = TypeVar("L", CrossEntropy, Focal, Hinge, BinaryCrossEntropy)


def settled(loss: L, classes: Sequence[str], counts: Sequence[int]) -> L:
    """The loss with a number for each class, in their order."""
    given = loss.class_weight
    if given is None:
        return loss
    if isinstance(given, Mapping):
        return replace(loss, class_weight={name: given.get(name, 1.0) for name in classes})
    if len(counts) != len(classes):
        raise ValueError("`class_weight: balanced` needs to know how many rows each class has")
    share = sum(counts) / len(classes)
    return replace(
        loss, class_weight={name: share / n for name, n in zip(classes, counts, strict=True)}
    )
