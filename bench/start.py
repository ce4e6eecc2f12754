"""How long commands take from process start, side by side.

    python bench/start.py --sklearn-python PATH [--rounds 11]

Rounds are interleaved (every command once, then again), medians quoted.  The interpreters'
bytecode is compiled in a round that is not counted.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent
WRONG = "data: {path: x.csv, target: y}\nmodel: {layers: [{type: linear, units: 3}]}\nlr: 0.1\n"
IGNORED = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE", "PYTHONDONTWRITEBYTECODE")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--sklearn-python", required=True)
    parser.add_argument("--rounds", type=int, default=11)
    given = parser.parse_args()
    nntrain = str(Path(sys.executable).with_name("nntrain"))
    with tempfile.TemporaryDirectory() as place:
        Path(place, "wrong.yaml").write_text(WRONG)
        iris = str(ROOT / "configs" / "iris.yaml")
        commands = {
            "python -c pass": [sys.executable, "-c", "pass"],
            "nntrain --help": [nntrain, "--help"],
            "a config error": [nntrain, "fit", "wrong.yaml"],
            "nntrain fit configs/iris.yaml": [nntrain, "fit", iris, "-o", "run", "--overwrite"],
            "import sklearn.neural_network": [
                given.sklearn_python, "-c", "import sklearn.neural_network",
            ],
        }  # fmt: skip
        times = measure(commands, place, given.rounds)
    bare = statistics.median(times["python -c pass"])
    print("| command | median ms | min to max | over bare python |")
    print("| --- | --- | --- | --- |")
    for name, found in times.items():
        middle = statistics.median(found)
        span = f"{min(found) * 1e3:.0f} to {max(found) * 1e3:.0f}"
        print(f"| `{name}` | {middle * 1e3:.0f} | {span} | {(middle - bare) * 1e3:+.0f} |")


def measure(commands: dict[str, list[str]], place: str, rounds: int) -> dict[str, list[float]]:
    """Seconds of each command in each round; the first round is left out."""
    times: dict[str, list[float]] = {name: [] for name in commands}
    environment = {k: v for k, v in os.environ.items() if k not in IGNORED}
    for _ in range(rounds + 1):
        for name, words in commands.items():
            start = time.perf_counter()
            subprocess.run(words, cwd=place, env=environment, capture_output=True, check=False)
            times[name].append(time.perf_counter() - start)
    return {name: found[1:] for name, found in times.items()}


if __name__ == "__main__":
    main()
