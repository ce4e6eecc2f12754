"""scikit-learn's MLPClassifier and MLPRegressor, which have no dropout: W1, W2, W3, W7.

`partial_fit` keeps the optimizer's state from epoch to epoch and makes one pass over the rows.
"""

from __future__ import annotations

import importlib
import sys
from typing import Any

import contender as c
import numpy as np
import workloads as w

given = c.arguments("fit")
perceptron: Any = importlib.import_module("sklearn.neural_network._multilayer_perceptron")
work = c.workload_of(given)
if work.kind != "mlp":
    sys.exit(f"scikit-learn can not express {work.name}")
x, y = w.read(work)
now = 0  # the epoch


def shared_order(rows: Any, random_state: Any = None) -> Any:
    return w.order(work, now) if len(rows) == work.rows else rows


perceptron.shuffle = shared_order
# its squared error is the sum over the outputs, halved: the learning rate makes up for it
rate = work.rate * (2 / work.sizes[-1] if work.squared else 1)
kind = perceptron.MLPRegressor if work.squared else perceptron.MLPClassifier
network = kind(
    hidden_layer_sizes=work.sizes[1:-1],
    solver="adam" if work.momentum is None else "sgd",
    alpha=0.0,
    batch_size=min(work.batch, len(x)),
    learning_rate_init=rate,
    momentum=work.momentum or 0.9,
    nesterovs_momentum=False,
    random_state=0,
)


def begin() -> None:
    """Make its weights, by one step, then put the shared ones and a new optimizer in place."""
    some, classes = x[: work.batch], np.arange(work.sizes[-1])
    if work.squared:
        network.partial_fit(some, y[: work.batch])
    else:
        network.partial_fit(some, np.arange(len(some)) % len(classes), classes=classes)
    p = w.weights(work)
    for i in range(len(work.sizes) - 1):
        network.coefs_[i][...] = p[f"W{i}"]
        network.intercepts_[i][...] = p[f"b{i}"]
    optimizer = network._optimizer
    for name in ("ms", "vs", "velocities"):
        for moment in getattr(optimizer, name, ()):
            moment[...] = 0
    optimizer.t = 0
    network.t_ = 0


def train() -> None:
    def epoch(number: int) -> None:
        global now
        now = number
        network.partial_fit(x, y)

    def final() -> float:
        if work.squared:
            return float(((network.predict(x) - y) ** 2).mean())
        p = network.predict_proba(x)[np.arange(len(x)), y]
        return float(-np.log(np.maximum(p, 1e-30)).mean())

    c.compete(work, epoch, final, "sklearn")


def predict() -> None:
    chosen: list[Any] = []

    def epoch(number: int) -> None:
        for _ in range(work.passes):
            places = range(0, work.rows, work.batch)
            chosen[:] = [np.concatenate([network.predict(x[i : i + work.batch]) for i in places])]

    c.compete(work, epoch, lambda: float(chosen[0].mean()), "sklearn")


begin()
(predict if work.passes else train)()
