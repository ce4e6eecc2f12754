"""The workload that all contenders train: 784-512-256-10, ReLU, dropout, Adam, batches of 128.

Same rows, same first weights, float32.  Needs NumPy alone, since every contender's own
environment imports it.
"""

from __future__ import annotations

import json
import resource
import statistics
import time
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np

SIZES = [784, 512, 256, 10]
ROWS, BATCH, EPOCHS, RATE = 20_096, 128, 4, 1e-3


def rows() -> tuple[Any, Any]:
    """Ten noisy patterns of 784 pixels; one label in ten is random, so that losses stay apart."""
    rng = np.random.default_rng(784)
    y = rng.integers(0, 10, ROWS)
    patterns = rng.random((10, SIZES[0]), dtype=np.float32)
    x = 0.2 * patterns[y] + rng.random((ROWS, SIZES[0]), dtype=np.float32) - 0.5
    noisy = rng.random(ROWS) < 0.1
    return np.clip(x, 0, 1).astype(np.float32), np.where(noisy, rng.integers(0, 10, ROWS), y)


def weights() -> list[tuple[Any, Any]]:
    """W (in, out) and b of each layer."""
    rng = np.random.default_rng(512)
    return [
        (
            (rng.standard_normal((a, b)) * (2 / a) ** 0.5).astype(np.float32),
            np.zeros(b, np.float32),
        )
        for a, b in pairwise(SIZES)
    ]


def order(epoch: int) -> Any:
    return np.random.default_rng([13, epoch]).permutation(ROWS)


def report(epoch: Callable[[int], None], loss: Callable[[], float]) -> None:
    """Run the epochs and print one line of JSON; the first epoch is a warm-up."""
    seconds = []
    for number in range(EPOCHS):
        start = time.perf_counter()
        epoch(number)
        seconds.append(time.perf_counter() - start)
    tell(seconds, loss())


def tell(seconds: list[float], loss: float) -> None:
    speed = ROWS / statistics.median(seconds[1:])
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"samples_per_second": speed, "loss": loss, "peak_mb": peak}))


def mean_loss(logits: Any, y: Any) -> float:
    z = logits - logits.max(axis=1, keepdims=True)
    log_p = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
    return float(-log_p[np.arange(len(y)), y].mean())
