"""Sweeps are killed at random moments and gone on with, by one process or by several at once.

    python -m tests.sweep_kill --kills 5 --trials 25 --processes 1 --seed 1

At the end there must be as many trials as were asked for, each begun once and ended once; with one
process they must be those of a sweep that nobody killed.
"""

from __future__ import annotations

import argparse
import csv
import json
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from tests.conftest import CONFIG, write_points

COMMAND = [sys.executable, "-c", "from nntrain.cli import main; main()", "sweep"]
SPACE = """\
sweep:
  method: tpe
  min_epochs: 20
  space:
    optimizer: [{type: adam}, {type: sgd, momentum: 0.5}]
    optimizer.learning_rate: {min: 1e-4, max: 0.1, log: true}
    optimizer.momentum: {min: 0.1, max: 0.95, when: {optimizer: sgd}}
    model.layers.0.units: [4, 8, 16]
    model.layers.1.rate: {min: 0.0, max: 0.5, step: 0.1}
"""
CREATED, STATE = 4, 6  # the journal's words for a trial that begins, and for one that changes
ENDED = (1, 2, 3)  # complete, pruned, failed


def write(folder: Path, epochs: int) -> Path:
    trainer = f"max_epochs: {epochs}, batch_size: 16, checkpoint_seconds: 0.05"
    text = CONFIG.replace("max_epochs: 6, batch_size: 16", trainer)
    return write_points(folder, config=text + SPACE)


def table(folder: Path) -> list[list[str]]:
    """The trials without the seconds that they took."""
    with (folder / "trials.csv").open(newline="") as file:
        return [[*row[:4], *row[5:]] for row in csv.reader(file)]


def start(*words: str | Path) -> subprocess.Popen[bytes]:
    said = subprocess.DEVNULL
    return subprocess.Popen([*COMMAND, *map(str, words), "-q"], stdout=said, stderr=said)


def killed(config: Path, out: Path, kills: int, trials: int, processes: int, rng: Any) -> int:
    """A sweep whose processes are killed one after the other; how many kills there were."""
    running = [start(config, "-o", out, "--trials", str(trials))]
    while not (out / "journal.jsonl").exists():
        assert running[0].poll() is None
        time.sleep(0.01)
    done = 0
    while done < kills:
        while len(running) < processes:
            running.append(start("--resume", out))
        time.sleep(rng.uniform(0.1, 1.5))
        victim = running.pop(rng.randrange(len(running)))
        if victim.poll() is not None:
            break
        victim.kill()
        victim.wait()
        done += 1
    for process in running:
        assert process.wait() == 0
    last = subprocess.run([*COMMAND, "--resume", str(out), "-q"], capture_output=True, check=False)
    assert last.returncode == 0, last.stderr.decode()
    return done


def check(out: Path, trials: int) -> Counter[str]:
    """No trial lost, none begun or ended twice; how many of each kind there are."""
    lines = [json.loads(line) for line in (out / "journal.jsonl").read_text().splitlines()]
    assert sum(line["op_code"] == CREATED for line in lines) == trials
    ended = Counter(
        line["trial_id"] for line in lines if line["op_code"] == STATE and line["state"] in ENDED
    )
    assert sorted(ended) == list(range(trials)), "lost"
    assert set(ended.values()) == {1}, "ended twice"
    summary = json.loads((out / "summary.json").read_text())
    assert summary["status"] == "completed"
    names = [trial["trial"] for trial in summary["trials"]]
    assert names == [f"trial-{number:03d}" for number in range(1, trials + 1)]
    assert not list(out.glob(".trial-*.lock"))
    for trial in summary["trials"]:
        own = json.loads((out / trial["trial"] / "summary.json").read_text())
        assert own["epochs"] == trial["epochs"]
        is_best = trial["trial"] == summary["best"]["trial"]
        assert (out / trial["trial"] / "model.safetensors").exists() == is_best
    return Counter(summary["counts"])


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--kills", type=int, default=5)
    parser.add_argument("--trials", type=int, default=25)
    parser.add_argument("--epochs", type=int, default=400)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        config, out, whole = write(Path(place), asked.epochs), Path(place, "out"), Path(place, "w")
        rng = random.Random(asked.seed)  # noqa: S311
        done = killed(config, out, asked.kills, asked.trials, asked.processes, rng)
        counts = check(out, asked.trials)
        print(f"{done} kills, {asked.processes} at once: {dict(counts)}, none lost or doubled")
        if asked.processes == 1:
            assert start(config, "-o", whole, "--trials", str(asked.trials)).wait() == 0
            assert table(out) == table(whole), "other trials than without kills"
            print("the trials are those of a sweep that nobody killed")


if __name__ == "__main__":
    main()
