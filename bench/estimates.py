"""What `nntrain check` foretells of memory and time, beside what a training takes.

    python bench/estimates.py [CONFIG …] [--seconds 4]

For each config: the estimate of `check --json`, then a `fit` of as many epochs as should take some
seconds (2 to 300), watched every 5 ms for its anonymous memory (RssAnon).
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
NNTRAIN = [sys.executable, "-c", "from nntrain.cli import main; main()"]
WIDE = (
    "model.layers=[{type: dense, units: 2048, activation: relu}, "
    "{type: dense, units: 2048, activation: relu}, {type: dense, units: auto}]"
)
CASES: list[tuple[str, list[str]]] = [
    *((name, []) for name in ("penguins", "digits", "digits-autoencoder", "digits-cnn")),
    ("fashion-mnist", []), ("japanese-vowels", []), ("sunspots", []), ("paradise-lost", []),
    ("digits", [WIDE, "trainer.batch_size=256"]),
]  # fmt: skip


def anonymous(pid: int) -> int:
    """Bytes of anonymous memory of a process."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return sum(1024 * int(line.split()[1]) for line in lines if line.startswith("RssAnon:"))


def told(config: Path, sets: list[str]) -> dict[str, Any]:
    done = subprocess.run(
        [*NNTRAIN, "check", str(config), "--json", "-q", *_flags(sets)],
        capture_output=True, check=True,
    )  # fmt: skip
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def taken(config: Path, sets: list[str], epochs: int, folder: Path) -> tuple[int, float]:
    """The most memory, and the seconds of an epoch."""
    given = [*sets, f"trainer.max_epochs={epochs}", "expect={}", "early_stopping=null"]
    words = [*NNTRAIN, "fit", str(config), "-o", str(folder / "run"), "--overwrite"]
    most = 0
    with subprocess.Popen(
        [*words, *_flags(given)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        while process.poll() is None:
            most = max(most, anonymous(process.pid))
            time.sleep(0.005)
    assert process.returncode == 0
    summary = json.loads((folder / "run" / "summary.json").read_text())
    return most, summary["seconds"] / summary["epochs"]


def _flags(sets: list[str]) -> list[str]:
    return [word for given in sets for word in ("--set", given)]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("configs", nargs="*", type=Path)
    parser.add_argument("--seconds", type=float, default=4.0)
    asked = parser.parse_args()
    cases = [(path, list[str]()) for path in asked.configs]
    cases = cases or [(ROOT / "configs" / f"{name}.yaml", sets) for name, sets in CASES]
    print("| config | memory told | taken | ratio | an epoch told | taken | ratio |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    ratios = []
    for config, sets in cases:
        foretold = told(config, sets)
        says, seconds = foretold["memory"]["total"], foretold["seconds"]["epoch"]
        epochs = max(2, min(300, round(asked.seconds / seconds)))
        with tempfile.TemporaryDirectory() as folder:
            memory, epoch = taken(config, sets, epochs, Path(folder))
        ratios.append((says / memory, seconds / epoch))
        name = config.stem + (" (wide)" if sets else "")
        print(
            f"| {name} | {says / 1e6:.0f} MB | {memory / 1e6:.0f} MB | {ratios[-1][0]:.2f} "
            f"| {1e3 * seconds:.3g} ms | {1e3 * epoch:.3g} ms | {ratios[-1][1]:.2f} |",
            flush=True,
        )
    for what, column in zip(("memory", "time"), zip(*ratios, strict=True), strict=True):
        low, middle, high = min(column), statistics.median(column), max(column)
        print(f"{what}: told / taken {middle:.2f} ({low:.2f} to {high:.2f})")


if __name__ == "__main__":
    main()
