"""Kill: runs of several kinds are killed at random moments and resumed, and must end as if not.

    python -m tests.kill --kills 200 --inside 50 --resuming 50 --seed 1

Each run is a process of `nntrain fit`, forked from this one so that it need not import everything
again; it is killed by SIGKILL after a random time, or by itself at a random file operation: with
half of a file written, before or after a rename.  It is then resumed, and killed again, and so on,
until at last it may end.  `inside` counts the kills in the middle of a write, flush or rename,
`resuming` those between the start of `fit --resume` and its first step.
"""

from __future__ import annotations

import argparse
import json
import mmap
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from tests.conftest import write_points
from tests.disk import Disk

Rng = np.random.Generator

FILES = ("model.safetensors", "metrics.csv", "metrics.jsonl", "layers.csv")
FACTS = ("status", "epochs", "best_epoch", "metrics")

MLP = """\
name: mlp
data: {path: points.csv, target: kind}
model:
  layers:
    - {type: dense, units: 12, activation: tanh}
    - {type: batch_norm}
    - {type: dropout, rate: 0.2}
    - {type: dense, units: auto}
loss: cross_entropy
optimizer: {type: adam, learning_rate: 0.02, weight_decay: 0.01}
lr_schedule: {type: plateau, drop: 0.5, patience: 2, min_delta: 0.1}
averaging: {type: ema, decay: 0.9}
regularization: {l1: 1.0e-4, l2: 1.0e-3}
trainer:
  max_epochs: 30
  batch_size: 32
  micro_batch_size: 12
  gradient_noise: {eta: 1.0e-4, gamma: 0.55}
  checkpoint_seconds: 0
early_stopping: {monitor: validation_loss, patience: 4, min_delta: 0.02}
"""
CNN = """\
name: cnn
data: {path: images.npz, target: y}
model:
  layers:
    - {type: conv2d, filters: 6, kernel_size: 3, padding: same, activation: relu}
    - {type: batch_norm}
    - {type: max_pool2d}
    - {type: flatten}
    - {type: dropout, rate: 0.3}
    - {type: dense, units: auto}
loss: {type: cross_entropy, label_smoothing: 0.1}
optimizer: {type: sgd, momentum: 0.9, nesterov: true, learning_rate: 0.05}
lr_schedule: {type: cosine, warmup_epochs: 1}
averaging: {type: swa, start_epoch: 2, every: 2}
trainer: {max_epochs: 6, batch_size: 16, checkpoint_seconds: 0}
"""
LSTM = """\
name: lstm
data: {path: series.ts, target: class}
model:
  layers:
    - {type: lstm, units: 8, bidirectional: true}
    - {type: dropout, rate: 0.2}
    - {type: dense, units: auto}
loss: cross_entropy
optimizer: {type: nadam, learning_rate: 0.01}
trainer: {max_epochs: 12, batch_size: 16, gradient_clip_norm: 1.0, checkpoint_seconds: 0.005}
early_stopping: {monitor: validation_accuracy, patience: 4}
"""
TEXT = """\
name: text
data: {path: text.txt, window: {length: 12, stride: 12}}
model:
  layers:
    - {type: embedding, input_dim: auto, output_dim: 6}
    - {type: gru, units: 12, return_sequences: true}
    - {type: dropout, rate: 0.1}
    - {type: dense, units: auto}
loss: cross_entropy
optimizer: {type: lion, learning_rate: 0.003}
trainer: {max_epochs: 5, batch_size: 8, checkpoint_seconds: 0}
"""
CONFIGS = {"mlp": MLP, "cnn": CNN, "lstm": LSTM, "text": TEXT}


def write_files(folder: Path) -> None:
    """The configs and their data."""
    rng, rows = np.random.default_rng(4), 80
    write_points(folder)
    classes = rng.choice(["ant", "bee", "cow"], rows)
    np.savez(folder / "images.npz", x=rng.normal(size=(rows, 6, 6, 1)), y=classes)
    lines = ["@classLabel true ant bee cow", "@data"]
    for name in classes:
        steps = int(rng.integers(2, 9))
        channels = [",".join(map(str, rng.normal(size=steps).round(3))) for _ in range(2)]
        lines.append(":".join([*channels, str(name)]))
    (folder / "series.ts").write_text("\n".join(lines) + "\n")
    (folder / "text.txt").write_text("".join(rng.choice(list("abcd \n"), 1500)) + "\n")
    for name, config in CONFIGS.items():
        (folder / f"{name}.yaml").write_text(config)


class Marks:
    """What a process says of where it is, in memory that outlives it."""

    OPERATIONS, INSIDE, RESUMING = range(3)

    def __init__(self) -> None:
        self.memory = memoryview(mmap.mmap(-1, 4096)).cast("q")

    def clear(self) -> None:
        for place in range(3):
            self.memory[place] = 0

    def __getitem__(self, place: int) -> int:
        return int(self.memory[place])

    def __setitem__(self, place: int, value: int) -> None:
        self.memory[place] = value


class DeadlyDisk(Disk):
    """Kills this process at one of its operations."""

    def __init__(self, root: Path, marks: Marks, dies_at: int):
        super().__init__(root, self._count)
        self.marks, self.dies_at = marks, dies_at

    def _count(self, operation: str, path: Path) -> None:
        self.marks[Marks.OPERATIONS] += 1
        self.marks[Marks.INSIDE] = operation in (
            "write",
            "write on",
            "fsync",
            "replace",
            "replaced",
        )
        if self.marks[Marks.OPERATIONS] == self.dies_at:
            os.kill(os.getpid(), signal.SIGKILL)

    def done(self, operation: str, path: Path) -> None:
        self.marks[Marks.INSIDE] = operation == "write"  # its second half is still to come


def run_nntrain(words: list[str], folder: Path, marks: Marks, dies_at: int) -> NoReturn:
    """`nntrain words` in this process, which is its own; leaves with its exit code."""
    from nntrain.cli import main
    from nntrain.run.run import Run

    resume: Callable[..., Run] = Run.resume
    marks[Marks.RESUMING] = "--resume" in words

    def resumed(*arguments: Any, **named: Any) -> Run:
        run = resume(*arguments, **named)
        marks[Marks.RESUMING] = 0
        return run

    Run.resume = resumed  # type: ignore[method-assign]
    sys.argv = ["nntrain", *words]
    sys.stderr = sys.stdout = (folder.parent / f"{folder.name}.out").open("a")
    code: object = 1
    try:
        with DeadlyDisk(folder, marks, dies_at).installed():
            main()
        code = 0
    except SystemExit as end:
        code = end.code or 0
    finally:
        sys.stdout.flush()
        os._exit(code if isinstance(code, int) else 1)


@dataclass
class Driver:
    """Kills and resumes, and counts."""

    home: Path
    rng: Rng
    marks: Marks = field(default_factory=Marks)
    kills: int = 0
    inside: int = 0
    resuming: int = 0
    runs: int = 0
    unequal: list[str] = field(default_factory=list)
    operations: dict[str, int] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)

    def process(self, words: list[str], folder: Path, dies_at: int, after: float) -> int:
        """Run `nntrain words`; its exit code, or -9."""
        self.marks.clear()
        child = os.fork()
        if not child:
            run_nntrain(words, folder, self.marks, dies_at)
        if after:
            time.sleep(after)
            os.kill(child, signal.SIGKILL)
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

    def whole(self, name: str) -> None:
        """The run that nothing disturbs, and how long a resume of it takes."""
        folder, began = self.home / name, time.perf_counter()
        self.must_end(["fit", f"{name}.yaml", "-o", str(folder)], folder)
        self.seconds[name] = time.perf_counter() - began
        self.operations[name] = self.marks[Marks.OPERATIONS]

    def must_end(self, words: list[str], folder: Path) -> None:
        if code := self.process(words, folder, 0, 0.0):
            told = (folder.parent / f"{folder.name}.out").read_text()
            raise SystemExit(f"{folder}: exit code {code}\n{told}")

    def chain(self, name: str, deaths: int) -> None:
        """One run, killed so many times, then let go on to its end and compared."""
        folder = self.home / f"{name}-{self.runs}"
        self.runs += 1
        for _ in range(deaths):
            words = self.words(name, folder)
            resuming = "--resume" in words
            if self.rng.random() < 0.6:  # at a file operation
                most = 40 if resuming and self.rng.random() < 0.7 else self.operations[name]
                code = self.process(words, folder, int(self.rng.integers(1, most + 1)), 0.0)
            else:
                most_seconds = self.seconds[name] * (0.3 if resuming else 1.0)
                code = self.process(words, folder, 0, self.rng.uniform(0.001, most_seconds))
            if code == 0:
                break
            if code != -signal.SIGKILL:
                told = (folder.parent / f"{folder.name}.out").read_text()
                raise SystemExit(f"{folder}: exit code {code}\n{told}")
            self.kills += 1
            self.inside += self.marks[Marks.INSIDE]
            self.resuming += self.marks[Marks.RESUMING]
        self.must_end(self.words(name, folder), folder)
        if self.result(folder) != self.result(self.home / name):
            self.unequal.append(folder.name)

    def words(self, name: str, folder: Path) -> list[str]:
        """How this run begins or goes on."""
        if (folder / "manifest.json").exists():
            return ["fit", "--resume", str(folder)]
        return ["fit", f"{name}.yaml", "-o", str(folder), "--overwrite"]

    def result(self, folder: Path) -> list[Any]:
        summary = json.loads((folder / "summary.json").read_text())
        files = [(folder / name).read_bytes() for name in FILES]
        return [*files, *(summary[key] for key in FACTS)]


def drive(home: Path, seed: int, kills: int, inside: int, resuming: int) -> Driver:
    """Kill until all three numbers are reached."""
    import nntrain.cli.loading
    import nntrain.training.fit  # noqa: F401  # what is imported here, no process imports again

    write_files(home)
    os.chdir(home)
    driver = Driver(home, np.random.default_rng(seed))
    for name in CONFIGS:
        driver.whole(name)
    while driver.kills < kills or driver.inside < inside or driver.resuming < resuming:
        name = list(CONFIGS)[driver.runs % len(CONFIGS)]
        driver.chain(name, int(driver.rng.integers(1, 8)))
    return driver


def main() -> None:
    parser = argparse.ArgumentParser()
    for option in ("kills", "inside", "resuming", "seed"):
        parser.add_argument(f"--{option}", type=int, default=0)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        found = drive(Path(name), **vars(asked))
    print(
        f"{found.kills} kills in {found.runs} runs ({', '.join(CONFIGS)}): {found.inside} inside "
        f"a write, flush or rename, {found.resuming} while resuming; seed {asked.seed}"
    )
    if found.unequal:
        raise SystemExit(f"other results than in one go: {', '.join(found.unequal)}")
    print("all runs ended with the bytes, rows and best epoch of the runs in one go")


if __name__ == "__main__":
    main()
