"""Writes sklearn-metrics.json: the scores of scikit-learn, which tests/test_metrics.py expects.

    python tests/references/make_metrics.py

Needs scikit-learn 1.7 or later.  What it lacks (calibration error, perplexity, bits) stands here as
the papers have it, one row at a time.
"""

from __future__ import annotations

import importlib
import json
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Score = Callable[[Array, Array, Array], float]
"""`score(true, shown, weights)`"""

ROWS = 16
NAMES = ("ant", "bee", "cow", "dog")


def chosen(shown: Array) -> Array:
    return shown.argmax(axis=1) if shown.shape[1] > 1 else (shown[:, 0] > 0.5).astype(int)


def both(shown: Array) -> Array:
    return shown if shown.shape[1] > 1 else np.hstack([1 - shown, shown])


def calibration(true: Array, shown: Array, weights: Array, bins: int) -> float:
    """Guo et al. 2017, equations 2 and 3."""
    total = 0.0
    p = both(shown)
    for m in range(1, bins + 1):
        rows = [i for i in range(len(p)) if (m - 1) / bins < max(p[i]) <= m / bins]
        size = sum(weights[i] for i in rows)
        if size:
            right = sum(weights[i] for i in rows if np.argmax(p[i]) == true[i]) / size
            sure = sum(weights[i] * max(p[i]) for i in rows) / size
            total += float(size / weights.sum() * abs(right - sure))
    return total


def surprise(true: Array, shown: Array, weights: Array) -> float:
    rows = (w * math.log(p[t]) for t, p, w in zip(true, shown, weights, strict=True))
    return float(-sum(rows) / weights.sum())


def second(shown: Array) -> Array:
    """As scikit-learn wants it: the second of two classes in one column."""
    return shown if shown.shape[1] > 1 else shown[:, 0]


def of_choices(function: Any, **options: Any) -> Score:
    return lambda t, p, w: function(t, chosen(p), sample_weight=w, **options)


def of_numbers(function: Any) -> Score:
    return lambda t, p, w: function(t, p, sample_weight=w)


def in_bins(bins: int) -> Score:
    return lambda t, p, w: calibration(t, p, w, bins)


def within(metrics: Any, k: int) -> Score:
    return lambda t, p, w: metrics.top_k_accuracy_score(t, p, k=k, sample_weight=w)


def scores(metrics: Any) -> dict[str, list[tuple[dict[str, Any], Score]]]:
    """Our spec of each metric and the score of the others, by what is scored."""
    classes: list[tuple[dict[str, Any], Score]] = [
        ({"type": "accuracy"}, of_choices(metrics.accuracy_score)),
        ({"type": "balanced_accuracy"}, of_choices(metrics.balanced_accuracy_score)),
        ({"type": "matthews"}, of_choices(metrics.matthews_corrcoef)),
        ({"type": "log_loss"}, lambda t, p, w: metrics.log_loss(t, both(p), sample_weight=w)),
        ({"type": "brier"},
         lambda t, p, w: metrics.brier_score_loss(t, second(p), sample_weight=w)),
        ({"type": "roc_auc"},
         lambda t, p, w: metrics.roc_auc_score(t, second(p), sample_weight=w, multi_class="ovr")),
        ({"type": "average_precision"},
         lambda t, p, w: metrics.average_precision_score(t, second(p), sample_weight=w)),
        *(({"type": "calibration_error", "bins": bins}, in_bins(bins)) for bins in (15, 4)),
    ]  # fmt: skip
    for ratio in ("precision", "recall", "f1"):
        function = getattr(metrics, f"{ratio}_score")
        for average in ("macro", "micro", "weighted"):
            classes.append(({"type": f"{ratio}_{average}"}, of_choices(function, average=average)))
        one = of_choices(function, labels=[1], average="macro")
        classes.append(({"type": ratio, "positive": "bee"}, one))
    several: list[tuple[dict[str, Any], Score]] = [
        *(({"type": "top_k", "k": k}, within(metrics, k)) for k in (1, 2, 3)),
        ({"type": "perplexity"}, lambda t, p, w: math.exp(surprise(t, p, w))),
        ({"type": "bits_per_character"}, lambda t, p, w: surprise(t, p, w) / math.log(2)),
    ]
    squares = of_numbers(metrics.mean_squared_error)
    numbers: list[tuple[dict[str, Any], Score]] = [
        ({"type": "mae"}, of_numbers(metrics.mean_absolute_error)),
        ({"type": "mse"}, squares),
        ({"type": "rmse"}, lambda t, p, w: math.sqrt(squares(t, p, w))),
        ({"type": "mape"}, of_numbers(metrics.mean_absolute_percentage_error)),
        ({"type": "r2"}, of_numbers(metrics.r2_score)),
        ({"type": "explained_variance"}, of_numbers(metrics.explained_variance_score)),
    ]
    return {
        "classes": classes + several, "binary": classes, "numbers": numbers, "number": numbers,
    }  # fmt: skip


def entries() -> Iterator[tuple[str, dict[str, Any]]]:
    metrics: Any = importlib.import_module("sklearn.metrics")
    rng = np.random.default_rng(11)
    several = rng.dirichlet(np.ones(4), ROWS).round(2)  # two places: there are ties
    several[:, 3] = (1 - several[:, :3].sum(axis=1)).round(2)
    two = rng.uniform(0.05, 0.95, (ROWS, 1)).round(1)
    likely = np.where(rng.random(ROWS) < 0.6, several.argmax(axis=1), rng.integers(0, 4, ROWS))
    numbers, near = rng.normal(size=(2, ROWS, 3)).round(3)
    data = {
        "classes": (np.where(np.arange(ROWS) < 4, np.arange(ROWS), likely), several),
        "binary": (np.where(rng.random(ROWS) < 0.7, two[:, 0] > 0.5, two[:, 0] < 0.5), two),
        "numbers": (numbers, numbers + near),
        "number": (numbers[:, :1], numbers[:, :1] + near[:, :1]),
    }
    unequal = rng.choice([0.25, 0.5, 1.0, 3.0], ROWS)
    unequal[7] = 0.0
    kinds = scores(metrics)
    for task, (true, shown) in data.items():
        for spec, score in kinds[task]:
            for name, weights in {"equal": np.ones(ROWS), "weighted": unequal}.items():
                target = true[:, None] if task == "binary" else true
                value = float(score(true.astype(int) if true.ndim == 1 else true, shown, weights))
                words = " ".join(str(part) for part in spec.values())
                yield f"{words} of {task}, {name}", {
                    "spec": spec, "shown": shown.tolist(), "target": (target * 1.0).tolist(),
                    "weights": weights.tolist(), "score": value,
                }  # fmt: skip


if __name__ == "__main__":
    found = dict(entries())
    lines = (f"{json.dumps(key)}: {json.dumps(found[key], sort_keys=True)}" for key in found)
    path = Path(__file__).with_name("sklearn-metrics.json")
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
