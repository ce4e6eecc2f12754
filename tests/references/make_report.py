"""Writes sklearn-report.json: what scikit-learn draws, which tests/test_report_curves.py expects.

    python tests/references/make_report.py

Needs scikit-learn 1.7 or later.
"""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any

import numpy as np

ROWS, CLASSES = 60, 3
PLACES = 2  # of a probability: many rows have equal ones


def entry(seed: int, classes: int) -> dict[str, Any]:
    metrics = importlib.import_module("sklearn.metrics")
    calibration = importlib.import_module("sklearn.calibration")
    rng = np.random.default_rng(seed)
    true = rng.integers(classes, size=ROWS)
    scores = rng.normal(size=(ROWS, classes)) + 1.5 * (true[:, None] == np.arange(classes))
    p = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    p = p.round(PLACES)
    weights = rng.integers(1, 4, size=ROWS).astype(float)
    found: dict[str, Any] = {"p": p, "true": true, "weights": weights, "classes": {}}
    for number in [1] if classes == 2 else range(classes):
        own = true == number, p[:, number]
        fall_out, recall, _ = metrics.roc_curve(
            *own, sample_weight=weights, drop_intermediate=False
        )
        precision, back, _ = metrics.precision_recall_curve(*own, sample_weight=weights)
        found["classes"][str(number)] = {
            "fall_out": fall_out,
            "recall": recall,
            "area": metrics.roc_auc_score(*own, sample_weight=weights),
            "precision": precision,
            "precision_recall": back,
            "average": metrics.average_precision_score(*own, sample_weight=weights),
        }
    right = p.argmax(axis=1) == true
    share, sure = calibration.calibration_curve(right, p.max(axis=1), n_bins=15)
    return found | {"share": share, "sure": sure}


def plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: plain(inside) for key, inside in value.items()}
    return value.tolist() if isinstance(value, np.ndarray) else float(value)


if __name__ == "__main__":
    entries = {"report of two": plain(entry(5, 2)), "report of three": plain(entry(6, CLASSES))}
    path = Path(__file__).with_name("sklearn-report.json")
    path.write_text(json.dumps(entries, indent=None) + "\n", encoding="utf-8")
