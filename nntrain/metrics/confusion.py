"""Metrics that need no more than the confusion matrix: a row a true class, a column a chosen one.

Its entries are sums of row weights, (C, C) float64.  A share of nothing is 0, as with
scikit-learn's `zero_division=0`.  Two classes: shown (N, K), target (N, K) for K labels, whose
scores are averaged.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, Self

import numpy as np

from nntrain.families import Array, Metric, Task, knowing
from nntrain.metrics.labels import PerLabel
from nntrain.values import dataclass

Ratio = Callable[[Array, Array, Array], Array]
"""`ratio(hits, true, chosen)`: each (C,), the rows of a class that were found, are, were chosen."""


class ByConfusion(PerLabel):
    """A score that is read from the confusion matrix."""

    def label_sums(self, p: Array, true: Array, weights: Array) -> Array:
        classes = p.shape[1]
        place = true * classes + p.argmax(axis=1)
        return np.bincount(place, weights, classes * classes).reshape(classes, classes)


def share(part: Array, whole: Array) -> Array:
    """part / whole, and 0 where there is no whole."""
    return np.divide(part, whole, out=np.zeros(np.shape(whole)), where=np.asarray(whole) > 0)


def precision(hits: Array, true: Array, chosen: Array) -> Array:
    return share(hits, chosen)


def recall(hits: Array, true: Array, chosen: Array) -> Array:
    return share(hits, true)


def f1(hits: Array, true: Array, chosen: Array) -> Array:
    return share(2.0 * hits, true + chosen)


def _read(counts: Array) -> tuple[Array, Array, Array]:
    """hits, true, chosen, (C,) each."""
    return np.diagonal(counts), counts.sum(axis=1), counts.sum(axis=0)


def macro(ratio: Ratio, counts: Array) -> float:
    """The mean over the classes that some row has or was given."""
    hits, true, chosen = _read(counts)
    return float(ratio(hits, true, chosen)[true + chosen > 0].mean())


def micro(ratio: Ratio, counts: Array) -> float:
    """The ratio of the sums over all classes."""
    return float(ratio(*(rows.sum() for rows in _read(counts))))


def weighted(ratio: Ratio, counts: Array) -> float:
    """The mean over classes, each counting as often as it is true."""
    hits, true, chosen = _read(counts)
    return float(ratio(hits, true, chosen) @ true / true.sum())


@dataclass(frozen=True)
class OfOneClass(ByConfusion):
    """A score of one class against all others."""

    positive: str | None = None

    kind: ClassVar[str]
    classes: ClassVar[tuple[str, ...]] = ()  # of the target, once the data is known

    @property
    def name(self) -> str:
        return self.kind if self.positive is None else f"{self.kind}_{self.positive}"

    def can_score(self, task: Task) -> bool:
        """Of more than two classes one must be named."""
        return task == "binary" or (task == "classes" and self.positive is not None)

    def for_classes(self, classes: tuple[str, ...]) -> Self:
        return knowing(self, classes=classes)

    def of_class(self, ratio: Ratio, counts: Array) -> float:
        number = 1 if self.positive is None else self.classes.index(self.positive)
        return float(ratio(*_read(counts))[number])


@dataclass(frozen=True)
class Precision(OfOneClass, Metric):
    """Of the rows that were given one class, the share that have it.   shown (N, C), target (N,).

    positive: the class, and part of the score's name (`precision_spam`); left out, the second of
        two.

    scikit-learn's `precision_score` with `pos_label`.
    """

    def label_score(self, sums: Array) -> float:
        return self.of_class(precision, sums)


@dataclass(frozen=True)
class Recall(OfOneClass, Metric):
    """Of the rows that have one class, the share that were given it.   shown (N, C), target (N,).

    positive: the class, and part of the score's name (`recall_spam`); left out, the second of two.

    scikit-learn's `recall_score` with `pos_label`.
    """

    def label_score(self, sums: Array) -> float:
        return self.of_class(recall, sums)


@dataclass(frozen=True)
class F1(OfOneClass, Metric):
    """2 P R / (P + R) of precision P and recall R of one class.   shown (N, C), target (N,).

    positive: the class, and part of the score's name (`f1_spam`); left out, the second of two.

    scikit-learn's `f1_score` with `pos_label`.
    """

    def label_score(self, sums: Array) -> float:
        return self.of_class(f1, sums)


@dataclass(frozen=True)
class PrecisionMacro(ByConfusion, Metric):
    """The mean of all classes' precisions; a class that no row has or was given is left out.

    scikit-learn's `precision_score(average="macro")`.
    """

    def label_score(self, sums: Array) -> float:
        return macro(precision, sums)


@dataclass(frozen=True)
class RecallMacro(ByConfusion, Metric):
    """The mean of all classes' recalls; a class that no row has or was given is left out.

    scikit-learn's `recall_score(average="macro")`.
    """

    def label_score(self, sums: Array) -> float:
        return macro(recall, sums)


@dataclass(frozen=True)
class F1Macro(ByConfusion, Metric):
    """The mean of all classes' F1; a class that no row has or was given is left out.

    scikit-learn's `f1_score(average="macro")`.
    """

    def label_score(self, sums: Array) -> float:
        return macro(f1, sums)


@dataclass(frozen=True)
class PrecisionMicro(ByConfusion, Metric):
    """The precision of all classes taken together, which is the accuracy of one label.

    scikit-learn's `precision_score(average="micro")`.
    """

    def label_score(self, sums: Array) -> float:
        return micro(precision, sums)


@dataclass(frozen=True)
class RecallMicro(ByConfusion, Metric):
    """The recall of all classes taken together, which is the accuracy of one label.

    scikit-learn's `recall_score(average="micro")`.
    """

    def label_score(self, sums: Array) -> float:
        return micro(recall, sums)


@dataclass(frozen=True)
class F1Micro(ByConfusion, Metric):
    """The F1 of all classes taken together, which is the accuracy of one label.

    scikit-learn's `f1_score(average="micro")`.
    """

    def label_score(self, sums: Array) -> float:
        return micro(f1, sums)


@dataclass(frozen=True)
class PrecisionWeighted(ByConfusion, Metric):
    """The mean of the classes' precisions, each weighted by the rows that have the class.

    scikit-learn's `precision_score(average="weighted")`.
    """

    def label_score(self, sums: Array) -> float:
        return weighted(precision, sums)


@dataclass(frozen=True)
class RecallWeighted(ByConfusion, Metric):
    """The mean of the classes' recalls, each weighted by the rows that have the class.

    scikit-learn's `recall_score(average="weighted")`.
    """

    def label_score(self, sums: Array) -> float:
        return weighted(recall, sums)


@dataclass(frozen=True)
class F1Weighted(ByConfusion, Metric):
    """The mean of the classes' F1, each weighted by the rows that have the class.

    scikit-learn's `f1_score(average="weighted")`.
    """

    def label_score(self, sums: Array) -> float:
        return weighted(f1, sums)


@dataclass(frozen=True)
class BalancedAccuracy(ByConfusion, Metric):
    """The mean recall of the classes that some row has: 1 / C for guessing.

    Not `recall_macro`, where a class that was chosen but never true counts as 0.

    scikit-learn's `balanced_accuracy_score`.
    """

    def label_score(self, sums: Array) -> float:
        hits, true, _ = _read(sums)
        return float(share(hits, true)[true > 0].mean())


@dataclass(frozen=True)
class Matthews(ByConfusion, Metric):
    """The correlation of true and chosen class, from -1 to 1; 0 where one of them never varies.

    For more than two classes the R_K of Gorodkin, Computational Biology and Chemistry 28, 2004.

    scikit-learn's `matthews_corrcoef`.
    """

    def label_score(self, sums: Array) -> float:
        hits, true, chosen = _read(sums)
        both = hits.sum() * true.sum() - true @ chosen
        spread = (true.sum() ** 2 - true @ true) * (chosen.sum() ** 2 - chosen @ chosen)
        return float(both / np.sqrt(spread)) if spread > 0 else 0.0
