"""The workload in scikit-learn's MLPClassifier, which has no dropout.   Argument: threads.

The threads are those of the environment (OPENBLAS_NUM_THREADS), set by the caller.  `partial_fit`
keeps the optimizer's state from epoch to epoch and makes one pass over the rows.
"""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
import workload as w

neural: Any = importlib.import_module("sklearn.neural_network")
x, y = w.rows()
epoch_now = 0


def shared_order(rows: Any, random_state: Any = None) -> Any:
    return w.order(epoch_now) if len(rows) == w.ROWS else rows


perceptron: Any = importlib.import_module("sklearn.neural_network._multilayer_perceptron")
perceptron.shuffle = shared_order
network = neural.MLPClassifier(
    tuple(w.SIZES[1:-1]), solver="adam", alpha=0.0, batch_size=w.BATCH, learning_rate_init=w.RATE,
    shuffle=True, random_state=0,
)  # fmt: skip
network.partial_fit(x[: w.BATCH], y[: w.BATCH], classes=np.arange(w.SIZES[-1]))
for layer, (W, b) in enumerate(w.weights()):
    network.coefs_[layer][...] = W
    network.intercepts_[layer][...] = b


def final() -> float:
    return w.mean_loss(np.log(np.maximum(network.predict_proba(x), 1e-30)), y)


def epoch(number: int) -> None:
    global epoch_now
    epoch_now = number
    network.partial_fit(x, y)


w.report(epoch, final)
