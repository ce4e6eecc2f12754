"""What checkpoints cost: training 784-512-256-10 with the default interval, and without.

    python bench/checkpoints.py [--rounds 5] [--epochs 24] [--folder DIR]

Rounds are interleaved; a ratio is that of a round.  The share is the time inside of
`write_checkpoint`, which tells more than a ratio where others use the machine.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np

from nntrain.config import load
from nntrain.data.dataset import Dataset
from nntrain.data.features import Scaled
from nntrain.data.parts import Part
from nntrain.data.preprocessing import Preprocessor
from nntrain.data.targets import Classes
from nntrain.run.run import Run
from nntrain.training.fit import fit

ROWS = 60_000
CONFIG = """
data: {path: none.csv, target: y, split: {validation: 0, test: 0}}
model:
  layers:
    - {type: dense, units: 512, activation: relu}
    - {type: dropout, rate: 0.2}
    - {type: dense, units: 256, activation: relu}
    - {type: dropout, rate: 0.2}
    - {type: dense, units: auto}
loss: cross_entropy
"""


def data() -> Dataset:
    """Random rows; what they are does not matter to the clock."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(ROWS, 784)).astype(np.float32)
    y = rng.integers(0, 10, ROWS)
    features = tuple(Scaled(f"p{i}", 0.0, 0.0, 1.0) for i in range(784))
    target = Classes("y", tuple("0123456789"), binary=False)
    preprocessor = Preprocessor("classes", features, target)
    parts = {"train": Part(x, y, y, np.arange(ROWS))}
    return Dataset("none.csv", "", 0, preprocessor, parts, (), ())


def train(dataset: Dataset, folder: Path, trainer: str) -> tuple[float, list[float]]:
    """Seconds from the first step to the last, and of each checkpoint in between."""
    config = folder / "config.yaml"
    config.write_text(f"{CONFIG}trainer: {trainer}\n")
    run = Run.start(load(config), dataset, folder / "run", overwrite=True)
    write, took = run.write_checkpoint, list[float]()

    def timed() -> None:
        began = time.perf_counter()
        write()
        took.append(time.perf_counter() - began)

    run.write_checkpoint = timed  # type: ignore[method-assign]
    began = time.perf_counter()
    for _ in fit(run):
        pass
    return time.perf_counter() - began, took


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=24)
    parser.add_argument("--folder", help="where to write, on the disk to be measured")
    given = parser.parse_args()
    dataset, ratios, shares, each = data(), list[float](), list[float](), list[float]()
    common = f"max_epochs: {given.epochs}, batch_size: 128"
    with tempfile.TemporaryDirectory(dir=given.folder) as place:
        for _ in range(given.rounds):
            seconds, took = train(dataset, Path(place), f"{{{common}}}")
            without, _ = train(dataset, Path(place), f"{{{common}, checkpoint_seconds: 1e9}}")
            ratios.append(seconds / without)
            shares.append(sum(took[:-1]) / seconds)  # the last one is written in any case
            each += took
            print(f"{seconds:.1f} s with {len(took) - 1} checkpoints, {without:.1f} s without")
    low, high = min(ratios), max(ratios)
    print(f"with / without: {statistics.median(ratios):.4f} [{low:.4f} to {high:.4f}]")
    print(f"share of the time: {statistics.median(shares):.2%} [to {max(shares):.2%}]")
    print(f"one checkpoint: {1000 * statistics.median(each):.0f} ms [to {1000 * max(each):.0f} ms]")


if __name__ == "__main__":
    main()
