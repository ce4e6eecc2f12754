"""Soak: one process trains for a long time, and its memory must stay flat.

    python -m tests.soak --minutes 30 --epochs 12000 --runs 1000 [--folder DIR]

First one small run of many epochs, then whole runs of every kind in turn (reading, training,
checkpoints, scores), until the time is over and there were enough of each.  Memory is what is
resident and not mapped from a file (RssAnon) and the blocks that Python's allocator has given
out.  Flat means that between the second and the last quarter of the measurements neither grew by
more than 5 %.  Prints the figures as JSON; exits 1 where memory is not flat.
"""

from __future__ import annotations

import argparse
import gc
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from nntrain.config import load
from nntrain.data.dataset import Dataset
from nntrain.events import EpochEnded
from nntrain.run.run import Run
from nntrain.training.fit import fit
from tests.kill import CONFIGS, write_files

GROWTH = 1.05
MEASUREMENTS = 100  # of each part, about


class Memory(NamedTuple):
    """What this process has at one moment."""

    kilobytes: int
    blocks: int

    @staticmethod
    def now() -> Memory:
        gc.collect()
        lines = Path("/proc/self/status").read_text().splitlines()
        anonymous = next(line for line in lines if line.startswith("RssAnon"))
        return Memory(int(anonymous.split()[1]), sys.getallocatedblocks())


def begin(config: Path, folder: Path, *sets: str) -> Run:
    loaded = load(config, list(sets))
    experiment = loaded.experiment
    dataset = Dataset.load(experiment.data, loaded.data_path, experiment.loss.goal, experiment.seed)
    return Run.start(loaded, dataset, folder / "run", overwrite=True)


def epochs(folder: Path, count: int) -> Iterator[None]:
    """One run; yields after each epoch."""
    sets = (f"trainer.max_epochs={count}", "early_stopping=null", "trainer.checkpoint_seconds=1")
    for event in fit(begin(folder / "mlp.yaml", folder, *sets)):
        if isinstance(event, EpochEnded):
            yield


def runs(folder: Path, count: int, until: float) -> Iterator[None]:
    """Runs of two epochs, one after the other; yields after each."""
    names, done = list(CONFIGS), 0
    while done < count or time.monotonic() < until:
        config = folder / f"{names[done % len(names)]}.yaml"
        for _ in fit(begin(config, folder, "trainer.max_epochs=2")):
            pass
        done += 1
        yield


def figures(part: Iterator[None], every: int) -> dict[str, Any]:
    """How often it went round, and what it took on the way."""
    began, found, count = time.monotonic(), list[Memory](), 0
    for _ in part:
        count += 1
        if count % every == 0:
            found.append(Memory.now())
    quarter = len(found) // 4
    early, late = found[quarter : 2 * quarter], found[-quarter:]
    medians = {
        name: [
            statistics.median(getattr(memory, name) for memory in some) for some in (early, late)
        ]
        for name in Memory._fields
    }
    return {
        "rounds": count,
        "seconds": round(time.monotonic() - began, 1),
        **medians,
        "most_kilobytes": max(memory.kilobytes for memory in found),
        "flat": all(late <= GROWTH * early for early, late in medians.values()),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--epochs", type=int, default=12_000)
    parser.add_argument("--runs", type=int, default=1_000)
    parser.add_argument("--folder", help="where to write the runs; else a temporary folder")
    given = parser.parse_args()
    until = time.monotonic() + 60 * given.minutes
    with tempfile.TemporaryDirectory(dir=given.folder) as place:
        write_files(Path(place))
        found = {
            "epochs": figures(
                epochs(Path(place), given.epochs), max(1, given.epochs // MEASUREMENTS)
            ),
            "runs": figures(
                runs(Path(place), given.runs, until), max(1, given.runs // MEASUREMENTS)
            ),
        }
    print(json.dumps(found, indent=1))
    return 0 if all(part["flat"] for part in found.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
