"""Samples per second of training 784-512-256-10, side by side with PyTorch and scikit-learn.

    python bench/train.py --torch-python PATH --sklearn-python PATH [--rounds 5] [--threads 2]

Each contender is a process of its own, rounds are interleaved, ratios are taken within a round.
Final losses are compared first, with dropout 0 (scikit-learn has none).
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

PEERS = Path(__file__).parent / "peers"
IGNORED = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")


def run(words: list[str], threads: int) -> dict[str, Any]:
    """What a contender measured."""
    environment = {k: v for k, v in os.environ.items() if k not in IGNORED}
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        environment[name] = str(threads)
    done = subprocess.run(words, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{words}: {done.stderr}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def contenders(given: argparse.Namespace, threads: int, dropout: float) -> dict[str, list[str]]:
    rest = [str(threads), str(dropout)]
    torch = [given.torch_python, str(PEERS / "with_torch.py"), *rest]
    return {
        "nntrain": [sys.executable, str(PEERS / "with_nntrain.py"), *rest],
        "PyTorch eager": [*torch, "eager"],
        "PyTorch, fused Adam": [*torch, "fused"],
        "scikit-learn (no dropout)": [given.sklearn_python, str(PEERS / "with_sklearn.py"), *rest],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--torch-python", required=True)
    parser.add_argument("--sklearn-python", required=True)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, nargs="*", default=[2, 1])
    given = parser.parse_args()
    losses = {n: run(c, 1)["loss"] for n, c in contenders(given, 1, 0.0).items()}
    told = ", ".join(f"{name} {loss:.4f}" for name, loss in losses.items())
    print(f"Final loss without dropout: {told}.\n")
    print("| threads | contender | samples/s | nntrain / contender | peak MB |")
    print("| --- | --- | --- | --- | --- |")
    for threads in given.threads:
        words = contenders(given, threads, 0.2)
        rounds = [{n: run(c, threads) for n, c in words.items()} for _ in range(given.rounds)]
        for name in words:
            speeds = [found[name]["samples_per_second"] for found in rounds]
            ratios = [
                r["nntrain"]["samples_per_second"] / s for r, s in zip(rounds, speeds, strict=True)
            ]
            span = f"{statistics.median(ratios):.2f} [{min(ratios):.2f} to {max(ratios):.2f}]"
            peak = statistics.median(found[name]["peak_mb"] for found in rounds)
            print(
                f"| {threads} | {name} | {statistics.median(speeds):,.0f} | {span} | {peak:.0f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
