"""What does `nntrain sweep` find?  Its best settings against those of the shipped configs.

    python bench/sweep.py [NAME …] [--trials 40] [--seeds 5]

The first trial of each sweep is the config as it is shipped, so the best one is at least as good on
the validation rows that it was chosen by.  Whether it is a better setting and not only a luckier
one is what other seeds tell: other splits of the rows, other first weights; the means of both.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import fmean
from typing import Any

ROOT = Path(__file__).parent.parent
COMMAND = [sys.executable, "-c", "from nntrain.cli import main; main()"]
RATES = "    optimizer.learning_rate: {min: 5e-4, max: 5e-2, log: true}\n"
DECAY = "    optimizer.weight_decay: {min: 1e-4, max: 0.3, log: true}\n"
BATCH = "    trainer.batch_size: [8, 16, 32, 64]\n"
UNITS = "    model.layers.0.units: {min: 8, max: 128, log: true}\n"
DROPOUT = "    model.layers.1.rate: {min: 0.0, max: 0.6, step: 0.1}\n"
SPACES = {
    "penguins": RATES + DECAY + BATCH + UNITS + DROPOUT,
    "auto-mpg": RATES + DECAY + BATCH + UNITS,
    "iris": RATES + DECAY + BATCH + UNITS,
    "titanic": RATES + DECAY + BATCH + UNITS + DROPOUT,
}


def run(*words: str | Path) -> dict[str, Any]:
    command = [*COMMAND, *map(str, words), "--json", "-q"]
    done = subprocess.run(command, capture_output=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def over_seeds(config: Path, seeds: int, place: Path) -> tuple[float, float]:
    """Means of the validation and the test loss."""
    found = []
    for seed in range(1, seeds + 1):
        words = ("--seed", str(seed), "--set", "expect={}", "--overwrite", "-o", place)
        found.append(run("fit", config, *words)["metrics"])
    return tuple(fmean(m[f"{part}_loss"] for m in found) for part in ("validation", "test"))  # type: ignore[return-value]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("names", nargs="*", default=list(SPACES))
    parser.add_argument("--trials", type=int, default=40)
    parser.add_argument("--seeds", type=int, default=5)
    asked = parser.parse_args()
    print("validation loss of the sweep's own split, then means over other seeds")
    head = ("config", "shipped", "best", "completed", "pruned", "seconds",
            "shipped: val", "test", "best: val", "test")  # fmt: skip
    print("  ".join(f"{cell:>12}" for cell in head))
    for name in asked.names:
        with tempfile.TemporaryDirectory() as place:
            shipped, config = ROOT / "configs" / f"{name}.yaml", Path(place, f"{name}.yaml")
            config.write_text(f"extends: {shipped}\nsweep:\n  space:\n{SPACES[name]}")
            out = Path(place, "out")
            found = run("sweep", config, "-o", out, "--trials", str(asked.trials))
            counts, first, best = found["counts"], found["trials"][0], found["best"]
            means = [
                *over_seeds(shipped, asked.seeds, Path(place, "run")),
                *over_seeds(out / "best.yaml", asked.seeds, Path(place, "run")),
            ]
        cells = [
            name, f"{first['score']:.4f}", f"{best['score']:.4f}", str(counts.get("completed", 0)),
            str(counts.get("pruned", 0)), f"{found['seconds']:.1f}", *(f"{m:.4f}" for m in means),
        ]  # fmt: skip
        print("  ".join(f"{cell:>12}" for cell in cells), flush=True)


if __name__ == "__main__":
    main()
