"""Writes scikit-learn's balanced class weights into sklearn-class-weights.json.

Run by hand, in an environment that has scikit-learn:

    python -m tests.references.make_class_weights
"""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np

from tests.references.make import write

TARGETS = {"two": [0, 1, 0, 0, 0, 0], "three": [2, 0, 1, 1, 2, 2, 2, 1, 2, 2]}

if __name__ == "__main__":
    tools: Any = importlib.import_module("sklearn.utils.class_weight")
    entries = {}
    for name, target in TARGETS.items():
        found = tools.compute_class_weight("balanced", classes=np.unique(target), y=target)
        entries[f"balanced {name}"] = {"target": target, "weights": found.tolist()}
    write("sklearn-class-weights", entries)
