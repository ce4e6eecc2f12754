"""Is the learning rate that `nntrain lr-find` suggests any good?  Against that of the config.

    python bench/lr_find.py [NAME …] [--seeds 3]

Each config is trained as it is shipped and with the suggested rate, from the same seeds, in one
process after the other; the table has the means of the best validation loss.  `default` is the
optimizer's own rate, which a config without one would have.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import fmean

ROOT = Path(__file__).parent.parent
COMMAND = [sys.executable, "-c", "from nntrain.cli import main; main()"]
NAMES = ["penguins", "iris", "auto-mpg", "titanic", "digits"]
DEFAULT = 0.001  # of adam, which they all use


def run(*words: str) -> dict[str, object]:
    done = subprocess.run([*COMMAND, *words, "--json", "-q"], capture_output=True, check=True)
    found: dict[str, object] = json.loads(done.stdout)
    return found


def loss(config: str, rate: float, seed: int) -> float:
    """The validation loss of the best epoch."""
    with tempfile.TemporaryDirectory() as place:
        sets = [f"optimizer.learning_rate={rate!r}", "expect={}", f"seed={seed}"]
        words = [word for one in sets for word in ("--set", one)]
        metrics = run("fit", config, "-o", f"{place}/run", *words)["metrics"]
    assert isinstance(metrics, dict)
    return float(metrics["validation_loss"])


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("names", nargs="*", default=NAMES)
    parser.add_argument("--seeds", type=int, default=3)
    asked = parser.parse_args()
    head = ("config", "shipped", "suggested", "loss shipped", "loss suggested", "loss default")
    print("  ".join(f"{cell:>14}" for cell in head))
    for name in asked.names:
        config = str(ROOT / "configs" / f"{name}.yaml")
        found = run("lr-find", config)
        shipped, suggested = (float(str(found[key])) for key in ("learning_rate", "suggestion"))
        rates = (shipped, suggested, DEFAULT)
        losses = [fmean(loss(config, rate, seed) for seed in range(asked.seeds)) for rate in rates]
        cells = [name, f"{shipped:g}", f"{suggested:g}", *(f"{value:.4f}" for value in losses)]
        print("  ".join(f"{cell:>14}" for cell in cells), flush=True)


if __name__ == "__main__":
    main()
