"""Ranks of MPI beside one process and beside local workers: samples a second, by turns.

    python bench/ranks.py

Synthetic data; the weights' part of a step, its sums and its messages are those of a training.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

NETWORKS: dict[str, tuple[tuple[int, ...], int, tuple[str, ...]]] = {
    "small: 784-512-256-10, batch 128": (
        (784,),
        128,
        (
            "{type: dense, units: 512, activation: relu}",
            "{type: dropout, rate: 0.2}",
            "{type: dense, units: 256, activation: relu}",
        ),
    ),
    "middle: CNN of 28 × 28, batch 64": (
        (28, 28, 1),
        64,
        (
            "{type: conv2d, filters: 16, kernel_size: 3, activation: relu}",
            "{type: max_pool2d}",
            "{type: conv2d, filters: 32, kernel_size: 3, activation: relu}",
            "{type: max_pool2d}",
            "{type: flatten}",
            "{type: dense, units: 64, activation: relu}",
        ),
    ),
    "wide: 1024-2048-2048-1024-10, batch 256": (
        (1024,),
        256,
        (
            "{type: dense, units: 2048, activation: relu}",
            "{type: dense, units: 2048, activation: relu}",
            "{type: dense, units: 1024, activation: relu}",
        ),
    ),
}
KINDS = ("1 process", "2 workers", "2 ranks", "4 ranks")
SECONDS, ROUNDS = 1.2, 2


def run_of(name: str, workers: int) -> Any:
    import numpy as np

    from nntrain.config import parse
    from nntrain.data.dataset import Dataset
    from nntrain.run.folder import RunFolder
    from nntrain.run.model import build_model
    from nntrain.run.processes import Processes
    from nntrain.run.run import Run

    shape, batch, layers = NETWORKS[name]
    rows, rng = 4 * batch, np.random.default_rng(1)
    path = Path(os.environ["BENCH_RANKS"]) / "data.npz"  # a folder of this network's
    if not path.exists():
        np.savez(path, x=rng.normal(size=(rows, *shape)).astype("f4"), y=rng.integers(0, 10, rows))
    chain = ", ".join([*layers, "{type: dense, units: auto}"])
    text = f"data: {{path: data.npz, target: y}}\nmodel: {{layers: [{chain}]}}\n"
    text += f"loss: cross_entropy\noptimizer: adam\ntrainer: {{batch_size: {batch}}}\n"
    experiment = parse(text, "")
    dataset = Dataset.load(experiment.data, path, experiment.loss.goal, 0)
    model = build_model(experiment, dataset.preprocessor)
    return Run._assemble(RunFolder(Path(os.devnull)), model, dataset, Processes(workers, workers))


def measure(name: str, workers: int) -> None:
    """Samples a second of this process, its workers or its ranks."""
    from nntrain.training.fit import upcoming
    from nntrain.training.together import stepping

    run = run_of(name, workers)
    batches, done, began = upcoming(run), 0, 0.0
    with stepping(run, upcoming) as step:
        for number, batch in enumerate(batches):
            if number == 3:
                began = time.perf_counter()
            step(batch, number, 1e-3)
            done += len(batch.x) if number >= 3 else 0
            if number > 5 and time.perf_counter() - began > SECONDS:
                break
    print(json.dumps(done / (time.perf_counter() - began)))


def inside(name: str, kind: str) -> None:
    from nntrain.threads import pin

    pin(1)
    if "ranks" not in kind:
        measure(name, int(kind[0]))
        return
    from nntrain.cli.ranks import _help, _join, _lead
    from nntrain.launched import place

    ranks = _join(place(os.environ))
    if ranks.rank:
        _help(ranks)
    else:
        _lead(ranks, lambda: measure(name, 1))


def main() -> None:
    import tempfile

    mpiexec = Path(sys.executable).with_name("mpiexec")
    for name in NETWORKS:
        found: dict[str, list[float]] = {kind: [] for kind in KINDS}
        with tempfile.TemporaryDirectory() as folder:
            for _ in range(ROUNDS):
                for kind in KINDS:
                    words = [sys.executable, __file__, name, kind]
                    if "ranks" in kind:
                        words = [str(mpiexec), "-n", kind[0], *words]
                    environment = os.environ | {"BENCH_RANKS": folder}
                    told = subprocess.check_output(words, env=environment, text=True)
                    found[kind].append(float(told))
        one = max(found[KINDS[0]])
        print(name)
        for kind, speeds in found.items():
            print(f"  {kind:9}  {max(speeds):9,.0f} samples/s  {max(speeds) / one:.2f}", flush=True)


if __name__ == "__main__":
    if sys.argv[1:]:
        inside(*sys.argv[1:])
    else:
        main()
