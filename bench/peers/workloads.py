"""The workloads: what every contender computes, from the same numbers, in the same order.

Data, first weights, order of the rows and settings follow from fixed seeds, so a ratio of speeds
compares equal work, and equal final losses show it.  NumPy is all that this needs, since each
contender's own environment imports it.

    python bench/peers/workloads.py [NAME …]      # writes the files that the contenders read

Weights are (in, out), kernels (height, width, in, out), gates of the LSTM in the order i, f, g, o.
"""

from __future__ import annotations

import os
import sys
import tempfile
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

import numpy as np

FOLDER = "NNTRAIN_BENCH_DATA"  # the environment's word for where the files are
BETAS, EPS = (0.9, 0.999), 1e-8
IMAGE, KERNEL = 28, 3
STEPS, INPUTS = 64, 16
NOISE = 0.1  # the share of random labels, so that losses stay apart from zero


@dataclass(frozen=True)
class Workload:
    """One network and its training, or its use.

    sizes: widths from input to output; of the CNN channels, then dense widths; of the LSTM inputs,
        units, classes; of the residual network inputs, width, classes.
    batch: rows in a step; where `passes` are made, rows in a forward pass of the peers.
    passes: how often all rows are predicted; 0 where the workload is a training.
    tolerance: how far final losses of two contenders may be apart.
    """

    name: str
    about: str
    kind: Literal["mlp", "cnn", "lstm", "residual"]
    sizes: tuple[int, ...]
    rows: int
    batch: int
    epochs: int
    rate: float = 1e-3
    momentum: float | None = None  # of SGD; None: Adam
    squared: bool = False  # the loss: squared error, else cross-entropy
    dropout: float = 0.0
    blocks: int = 0
    passes: int = 0
    tolerance: float = 1e-3


WORKLOADS = {
    w.name: w
    for w in (
        Workload("W1", "20-64-32-3, batch 32, Adam", "mlp", (20, 64, 32, 3), 10_016, 32, 10),
        Workload(
            "W2", "784-512-256-10, dropout, batch 128, Adam", "mlp", (784, 512, 256, 10), 20_096,
            128, 3, dropout=0.2, tolerance=5e-3,  # PyTorch's two Adams are 2.3e-3 apart
        ),
        Workload(
            "W3", "1024-2048-2048-1024, batch 256, momentum", "mlp", (1024, 2048, 2048, 1024),
            4096, 256, 3, rate=0.05, momentum=0.9, squared=True,
        ),
        Workload(
            "W4", "CNN of 16 and 32 channels, 28 × 28, batch 64, Adam", "cnn",
            (1, 16, 32, 128, 10), 6400, 64, 3,
            tolerance=1e-2,  # first weights moved by 1e-7 move it by 1.7e-2, PyTorch's by 3.7e-2
        ),
        Workload("W5", "LSTM 128, 64 steps, batch 32, Adam", "lstm", (16, 128, 10), 2048, 32, 3),
        Workload(
            "W6", "16 residual blocks of 256, layer norm, batch 128, Adam", "residual",
            (64, 256, 10), 6400, 128, 3, blocks=16, tolerance=3e-3,
        ),
        Workload(
            "W7a", "predict 1,000,000 rows, 20-64-32-3", "mlp", (20, 64, 32, 3), 1_000_000, 4096,
            4, passes=1,
        ),
        Workload(
            "W7b", "predict 10 × 100,000 rows, 784-512-256-10", "mlp", (784, 512, 256, 10),
            100_000, 4096, 2, passes=10,
        ),
    )
}  # fmt: skip


def scaled_down(w: Workload) -> Workload:
    """The same with so few rows that it runs in a moment."""
    return replace(w, rows=3 * (128 if w.passes else w.batch), epochs=2, passes=min(w.passes, 2))


# --------------------------------------------------------------------------------- rows


def rows_of(w: Workload) -> tuple[Any, Any]:
    """x (N, …) float32 and y: classes (N,) int64 or numbers (N, K) float32; None for a use."""
    rng = np.random.default_rng([2026, *w.name.encode()])
    if w.passes:
        return _normal(rng, w.rows, w.sizes[0]), None
    if w.squared:
        x = _normal(rng, w.rows, w.sizes[0])
        truth = np.tanh(x @ _normal(rng, w.sizes[0], w.sizes[-1]) / w.sizes[0] ** 0.5)
        return x, (truth + 0.1 * _normal(rng, *truth.shape)).astype(np.float32)
    if w.kind == "cnn":
        return _patterns(rng, w, (IMAGE, IMAGE, 1))
    if w.kind == "lstm":
        x = _normal(rng, w.rows, STEPS, INPUTS)
        return x, (x[:, -16:].mean(axis=1) @ _normal(rng, INPUTS, w.sizes[-1])).argmax(axis=1)
    if w.sizes[0] == IMAGE**2:
        return _patterns(rng, w, (IMAGE**2,))
    x = _normal(rng, w.rows, w.sizes[0])
    hidden = np.tanh(x @ _normal(rng, w.sizes[0], 16))
    scores = hidden @ _normal(rng, 16, w.sizes[-1]) + _normal(rng, w.rows, w.sizes[-1])
    return x, scores.argmax(axis=1)


def _normal(rng: np.random.Generator, *shape: int) -> Any:
    return rng.standard_normal(shape, dtype=np.float32)


def _patterns(rng: np.random.Generator, w: Workload, shape: tuple[int, ...]) -> tuple[Any, Any]:
    """Ten patterns under noise, values in [0, 1]."""
    y = rng.integers(0, w.sizes[-1], w.rows)
    patterns = rng.random((w.sizes[-1], *shape), dtype=np.float32)
    x = 0.2 * patterns[y] + rng.random((w.rows, *shape), dtype=np.float32) - 0.5
    noisy = rng.random(w.rows) < NOISE
    x = np.clip(x, 0, 1) if len(shape) == 1 else x
    return x.astype(np.float32), np.where(noisy, rng.integers(0, w.sizes[-1], w.rows), y)


def order(w: Workload, epoch: int) -> Any:
    """The rows of an epoch, in the order in which all contenders see them."""
    return np.random.default_rng([13, epoch]).permutation(w.rows)


# --------------------------------------------------------------------------------- files


def file_of(w: Workload) -> Path:
    """The file that every contender reads, made if it is missing.

    An npz file has x, and y, or y0, y1, … where numbers are predicted; a file to predict is npy.
    """
    folder = Path(os.environ.get(FOLDER) or Path(tempfile.gettempdir()) / "nntrain-bench")
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{w.name}-{w.rows}.{'npy' if w.passes else 'npz'}"
    if path.exists():
        return path
    x, y = rows_of(w)
    aside = path.with_name(f"{os.getpid()}-{path.name}")
    if w.passes:
        np.save(aside, x)
    elif w.squared:
        np.savez(aside, x=x, **{f"y{k}": column for k, column in enumerate(y.T)})
    else:
        np.savez(aside, x=x, y=y.astype(np.int64))
    aside.replace(path)
    return path


def read(w: Workload) -> tuple[Any, Any]:
    """x and y from the file."""
    path = file_of(w)
    if w.passes:
        return np.load(path), None
    with np.load(path) as found:
        if w.squared:
            y = np.stack([found[f"y{k}"] for k in range(w.sizes[-1])], axis=1)
        else:
            y = found["y"]
        return found["x"], y


# --------------------------------------------------------------------------------- first weights


def weights(w: Workload) -> dict[str, Any]:
    """First weights by name, in the order of the layers: He's normal ones, biases of 0."""
    rng, found = np.random.default_rng([11, *map(int, w.sizes)]), dict[str, Any]()

    def add(name: str, *shape: int, fan: int, factor: float = 1.0) -> None:
        found[f"W{name}"] = _normal(rng, *shape) * np.float32(factor * (2 / fan) ** 0.5)
        found[f"b{name}"] = np.zeros(shape[-1], np.float32)

    if w.kind == "mlp":
        for i, (a, b) in enumerate(pairwise(w.sizes)):
            add(str(i), a, b, fan=a)
    elif w.kind == "cnn":
        inputs, first, second, hidden, classes = w.sizes
        for i, (a, b) in enumerate(((inputs, first), (first, second))):
            add(f"conv{i}", KERNEL, KERNEL, a, b, fan=KERNEL**2 * a)
        flat = (IMAGE // 4) ** 2 * second
        add("0", flat, hidden, fan=flat)
        add("1", hidden, classes, fan=hidden)
    elif w.kind == "lstm":
        inputs, units, classes = w.sizes
        add("x", inputs, 4 * units, fan=2 * inputs)
        found["U"] = _normal(rng, units, 4 * units) * np.float32(units**-0.5)
        add("0", units, classes, fan=units)
    else:
        inputs, width, classes = w.sizes
        add("in", inputs, width, fan=inputs)
        for i in range(w.blocks):
            found[f"gamma{i}"], found[f"beta{i}"] = _affine(width)
            add(f"up{i}", width, width, fan=width)
            add(f"down{i}", width, width, fan=width, factor=0.25)
        found["gamma"], found["beta"] = _affine(width)
        add("out", width, classes, fan=width)
    return found


def _affine(width: int) -> tuple[Any, Any]:
    return np.ones(width, np.float32), np.zeros(width, np.float32)


def main() -> None:
    for name in sys.argv[1:] or WORKLOADS:
        print(file_of(WORKLOADS[name]))


if __name__ == "__main__":
    main()
