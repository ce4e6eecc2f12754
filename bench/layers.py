"""Forward and backward of single layers beside PyTorch's, one thread, float32.

    python bench/layers.py --torch-python PATH [--rounds 5] [--only norm]

Both contenders are processes that take turns, case by case, and wait while the other works.
"""

from __future__ import annotations

import argparse
import importlib
import os
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

PEERS = Path(__file__).parent / "peers"
IGNORED = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")
sys.path.insert(0, str(PEERS))
cases: Any = importlib.import_module("layer_cases")


class Contender:
    """A process that times one layer when it is told its number."""

    def __init__(self, python: str, script: str):
        environment = {k: v for k, v in os.environ.items() if k not in IGNORED}
        for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
            environment[name] = "1"
        self.script = script
        self.process = subprocess.Popen(
            [python, str(PEERS / script)],
            env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    def seconds(self, number: int) -> float:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{number}\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise SystemExit(f"{cases.CASES[number].key}: {self.script} has ended")
        return float(answer)

    def end(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--torch-python", required=True)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", default="", help="cases with this in their name")
    given = parser.parse_args()
    numbers = [i for i, case in enumerate(cases.CASES) if given.only in case.name]
    ours = Contender(sys.executable, "layers_with_nntrain.py")
    theirs = Contender(given.torch_python, "layers_with_torch.py")
    rounds = [
        {i: (ours.seconds(i), theirs.seconds(i)) for i in numbers} for _ in range(given.rounds)
    ]
    ours.end()
    theirs.end()
    print("| layer, batch | nntrain, ms | PyTorch, ms | PyTorch's time / nntrain's |")
    print("| --- | --- | --- | --- |")
    for i in numbers:
        mine, other = (statistics.median(found[i][k] for found in rounds) for k in (0, 1))
        ratios = [found[i][1] / found[i][0] for found in rounds]
        span = f"{statistics.median(ratios):.2f} [{min(ratios):.2f} to {max(ratios):.2f}]"
        print(f"| {cases.CASES[i].key} | {mine * 1e3:.3f} | {other * 1e3:.3f} | {span} |")


if __name__ == "__main__":
    main()
