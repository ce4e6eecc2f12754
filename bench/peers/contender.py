"""What all contenders share: their arguments, their threads, and the line that they print."""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")

# libraries read how many threads they may have when they are loaded, NumPy by the next import
if "--threads" in sys.argv[:-1] and "numpy" not in sys.modules:
    os.environ |= dict.fromkeys(THREADS, sys.argv[sys.argv.index("--threads") + 1])

from workloads import WORKLOADS, Workload, scaled_down  # noqa: E402


def arguments(*modes: str) -> argparse.Namespace:
    """`--workload`, `--threads`, `--mode`, `--epochs`, `--no-dropout`, `--tiny`.

    modes: what this contender can do, the first by default.
    """
    parser = argparse.ArgumentParser()
    parser.add_argument("--workload", required=True, choices=list(WORKLOADS))
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--mode", choices=modes, default=modes[0])
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--no-dropout", action="store_true")
    parser.add_argument("--once", action="store_true", help="one pass of a prediction")
    parser.add_argument("--tiny", action="store_true", help="a few rows")
    return parser.parse_args()


def workload_of(given: argparse.Namespace) -> Workload:
    w = WORKLOADS[given.workload]
    if given.tiny:
        w = scaled_down(w)
    if given.once and w.passes:
        w = replace(w, passes=1, epochs=1)
    return replace(
        w,
        epochs=given.epochs or w.epochs,
        dropout=0.0 if given.no_dropout else w.dropout,
    )


def use_one_core(threads: int) -> None:
    """For a library that heeds no variable: one thread is one core."""
    if threads == 1:
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def since_start() -> float:
    """Seconds since this process was started, in steps of 10 ms."""
    ticks = int(Path("/proc/self/stat").read_text().rsplit(")", 1)[1].split()[19])
    up = float(Path("/proc/uptime").read_text().split()[0])
    return up - ticks / os.sysconf("SC_CLK_TCK")


def compete(
    w: Workload, epoch: Callable[[int], object], loss: Callable[[], float], label: str
) -> None:
    """Run the epochs and print what they took."""
    seconds, first = [], 0.0
    for number in range(w.epochs):
        start = time.perf_counter()
        epoch(number)
        seconds.append(time.perf_counter() - start)
        first = first or since_start()
    tell(w, label, seconds, first, loss())


def tell(
    w: Workload, label: str, seconds: list[float], first: float, loss: float, **more: float
) -> None:
    """One line of JSON.  The first epoch is a warm-up where there are others."""
    rows = w.rows * max(w.passes, 1)
    used = resource.getrusage(resource.RUSAGE_SELF)
    facts = {
        "contender": label,
        "workload": w.name,
        "samples_per_s": round(rows / statistics.median(seconds[1:] or seconds), 1),
        "epoch_s": [round(s, 5) for s in seconds],
        "first_epoch_s": round(first, 3),
        "final_loss": round(loss, 7),
        "peak_rss_mb": round(used.ru_maxrss / 1024, 1),
        **more,
    }
    print(json.dumps(facts))
