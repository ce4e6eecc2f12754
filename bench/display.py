"""What the live view costs a training: in a terminal of its own, with it and with -q, in turn.

    python bench/display.py [--rounds 4] [--epochs 600]

A 20-64-32-3 network on 10,000 generated rows.  The time of the whole process counts, by the clock
and by what its processor did; ratios within a round, and their median.
"""

from __future__ import annotations

import argparse
import os
import pty
import statistics
import sys
import tempfile
import termios
import threading
import time
from pathlib import Path

import numpy as np

CONFIG = """\
name: display
data: {path: display.csv, target: kind}
model:
  layers:
    - {type: dense, units: 64, activation: relu}
    - {type: dense, units: 32, activation: relu}
    - {type: dense, units: auto}
loss: cross_entropy
metrics: [accuracy]
trainer: {batch_size: 32}
"""
ROWS, COLUMNS, CLASSES = 10_000, 20, 3
SIZE = (40, 120)  # lines, letters


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--epochs", type=int, default=600)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        write(Path(place))
        rounds = []
        for _ in range(given.rounds):
            on, off = run(place, given.epochs), run(place, given.epochs, "-q")
            rounds.append((on, off))
            print(
                f"live {on[0]:.2f} s ({on[1]:.2f} s of processor, {on[2]:,} bytes drawn), "
                f"-q {off[0]:.2f} s ({off[1]:.2f} s)"
            )
    for number, name in ((0, "by the clock"), (1, "by processor time")):
        ratios = [100 * (on[number] / off[number] - 1) for on, off in rounds]
        middle, ends = statistics.median(ratios), (min(ratios), max(ratios))
        print(f"the live view costs {middle:+.2f} % {name} [{ends[0]:+.2f} to {ends[1]:+.2f}]")


def write(place: Path) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(ROWS, COLUMNS))
    kind = np.argmax(x @ rng.normal(size=(COLUMNS, CLASSES)) + rng.normal(size=(ROWS, 3)), axis=1)
    lines = [",".join([*(f"x{i}" for i in range(COLUMNS)), "kind"])]
    lines += [",".join([*(f"{v:.4f}" for v in r), "abc"[k]]) for r, k in zip(x, kind, strict=True)]
    (place / "display.csv").write_text("\n".join(lines) + "\n")
    (place / "display.yaml").write_text(CONFIG)


def run(place: str, epochs: int, *flags: str) -> tuple[float, float, int]:
    """Seconds by the clock and of the processor, and bytes that came to the terminal."""
    words = [str(Path(sys.executable).with_name("nntrain")), "fit", "display.yaml", *flags]
    words += ["--set", f"trainer.max_epochs={epochs}", "-o", "run", "--overwrite"]
    began = time.perf_counter()
    child, terminal = pty.fork()
    if not child:
        os.chdir(place)
        termios.tcsetwinsize(2, SIZE)
        os.environ["TERM"] = "xterm-256color"
        os.execv(words[0], words)  # noqa: S606
    read: list[int] = []
    reader = threading.Thread(target=drain, args=(terminal, read))
    reader.start()
    _, status, used = os.wait4(child, 0)
    took = time.perf_counter() - began
    reader.join()
    os.close(terminal)
    assert status == 0
    return took, used.ru_utime + used.ru_stime, sum(read)


def drain(terminal: int, read: list[int]) -> None:
    try:
        while found := os.read(terminal, 65536):
            read.append(len(found))
    except OSError:  # the terminal is gone when the process is
        pass


if __name__ == "__main__":
    main()
