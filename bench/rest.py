"""What a run spends on everything but its steps: start, reading, validation, checkpoints, …

    python bench/rest.py [--workloads W1 W2 W4] [--seconds 10] [--threads 1]

Runs `nntrain fit` on a workload's data with 15 % validation rows and accuracy, for some ten
seconds, in a process in which the functions of each phase are timed from outside; what a phase
calls of another counts there alone.  Prints shares of the whole process.
"""

from __future__ import annotations

import argparse
import importlib
import json
import re
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent / "peers"))

PHASES = {
    "reading and splitting": ["nntrain.data.dataset:Dataset.load"],
    "config and checks": ["nntrain.cli.fit:load_config"],
    "run folder, first weights": ["nntrain.run.run:Run.start"],
    "steps": ["nntrain.training.fit:_train"],
    "validation and metrics": ["nntrain.training.fit:evaluate"],
    "checkpoints": ["nntrain.run.run:Run.write_checkpoint"],
    "Insight": [
        "nntrain.training.insight:Insight.look", "nntrain.training.insight:Insight.__init__",
    ],
    "tables of the run": ["nntrain.run.run:Run.add_row", "nntrain.run.run:Run.write_history"],
    "best weights, averages": ["nntrain.run.run:Run.keep_as_best"],
    "display": ["nntrain.display.view:_logged"],
    "scores and baselines at the end": ["nntrain.training.fit:_finish"],
    "model file": ["nntrain.run.run:Run.write_model"],
    "report": ["nntrain.cli.fit:leave_report"],
}  # fmt: skip


class Clock:
    """Seconds by phase; what is inside of another phase is taken from it."""

    def __init__(self) -> None:
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self.open = ["other"]
        self.since = time.perf_counter()

    def turn(self) -> None:
        now = time.perf_counter()
        self.seconds[self.open[-1]] += now - self.since
        self.since = now

    def timed(self, function: Callable[..., Any], phase: str) -> Callable[..., Any]:
        def call(*given: Any, **named: Any) -> Any:
            self.enter(phase)
            try:
                found = function(*given, **named)
            finally:
                self.leave()
            if phase == "display" and callable(found):  # what sees the events
                return self.timed(found, phase)
            return self.through(found, phase) if hasattr(found, "send") else found

        return call

    def through(self, generator: Any, phase: str) -> Any:
        """A generator is timed each time that it goes on."""
        while True:
            self.enter(phase)
            try:
                item = next(generator)
            except StopIteration as end:
                return end.value
            finally:
                self.leave()
            yield item

    def enter(self, phase: str) -> None:
        self.turn()
        self.open.append(phase)

    def leave(self) -> None:
        self.turn()
        self.open.pop()


def wrap(clock: Clock) -> None:
    """Time the functions of all phases."""
    for phase, places in PHASES.items():
        for place in places:
            module, _, name = place.partition(":")
            owner: Any = importlib.import_module(module)
            *path, last = name.split(".")
            for part in path:
                owner = getattr(owner, part)
            found = owner.__dict__[last] if isinstance(owner, type) else getattr(owner, last)
            kind = type(found) if isinstance(found, staticmethod | classmethod) else None
            inner = clock.timed(found.__func__ if kind else found, phase)
            setattr(owner, last, kind(inner) if kind else inner)


def one(config: str, threads: str) -> None:
    """The process that is measured: prints seconds by phase as JSON, the last line of stderr."""
    from contender import since_start

    from nntrain.cli import app

    clock = Clock()
    wrap(clock)  # loads what the command will need
    clock.turn()
    clock.seconds.clear()
    clock.seconds["start"] = since_start()
    sys.argv = ["nntrain", "fit", config, "-o", str(Path(config).with_name("run")), "--overwrite"]
    sys.argv += ["--threads", threads]
    try:
        app.main()
    except SystemExit:
        pass
    finally:
        clock.turn()
        print(json.dumps(clock.seconds), file=sys.stderr)


def measure(name: str, seconds: float, threads: int) -> dict[str, float]:
    """Seconds by phase of a run of about `seconds`."""
    from measuring import environment
    from with_nntrain import config_of
    from workloads import WORKLOADS, file_of

    work = WORKLOADS[name]
    text = config_of(work, file_of(work)).replace("validation: 0", "validation: 0.15")
    if not work.squared:
        text += "metrics: [accuracy]\n"
    with tempfile.TemporaryDirectory() as place:
        config = Path(place) / f"{name}.yaml"
        epochs, found = 3, dict[str, float]()
        for _ in range(2):  # the first run says how many epochs take that long
            config.write_text(re.sub("max_epochs: [0-9]+", f"max_epochs: {epochs}", text))
            words = [sys.executable, __file__, "--one", str(config), str(threads)]
            done = subprocess.run(
                words, env=environment(), capture_output=True, text=True, check=True
            )
            found = json.loads(done.stderr.splitlines()[-1])
            epochs = max(3, round(epochs * seconds / found["steps"]))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--workloads", nargs="*", default=["W1", "W2", "W4"])
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        one(*given.one)
        return
    found = {name: measure(name, given.seconds, given.threads) for name in given.workloads}
    print(f"| share of the process, % | {' | '.join(found)} |")
    print(f"| --- |{' --- |' * len(found)}")
    for phase in ("start", *PHASES, "other"):
        shares = (100 * f.get(phase, 0.0) / sum(f.values()) for f in found.values())
        print(f"| {phase} | {' | '.join(f'{share:.2f}' for share in shares)} |")
    print(f"| seconds in all | {' | '.join(f'{sum(f.values()):.1f}' for f in found.values())} |")


if __name__ == "__main__":
    main()
