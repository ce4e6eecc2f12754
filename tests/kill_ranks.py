"""Jobs of several ranks are killed at random moments and gone on with, by any number of ranks.

    python -m tests.kill_ranks --kills 50 --seed 1

Each time SIGKILL meets one rank, chosen at random, from the start of the command on.  The job must
be over within ten seconds, with no process left.  Then the run goes on, with another number of
ranks or in one process, and at last it must end as a run that nobody killed, but for the last
digits.
"""

from __future__ import annotations

import argparse
import csv
import os
import random
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.kill import write_files

MPIEXEC = shutil.which("mpiexec", path=str(Path(sys.executable).parent)) or shutil.which("mpiexec")
SOON = 10.0  # seconds
NAMES = ("mlp", "cnn", "lstm")


class Job:
    """A command in several ranks."""

    def __init__(self, words: list[str], folder: Path):
        one = {"OPENBLAS_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"}
        self.said = ""
        self.file = tempfile.TemporaryFile("w+")  # noqa: SIM115  # closed with the job
        self.process = subprocess.Popen(
            words, cwd=folder, env=os.environ | one, stdout=self.file, stderr=subprocess.STDOUT
        )

    def ranks(self) -> list[int]:
        """The processes that live, in the order of their ranks."""
        found = {}
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                if (
                    int((folder / "stat").read_text().rpartition(")")[2].split()[1])
                    not in self.proxies()
                ):
                    continue
                for line in (folder / "environ").read_bytes().split(b"\0"):
                    if line.startswith(b"PMI_RANK="):
                        found[int(line[9:])] = int(folder.name)
            except (OSError, IndexError):
                continue
        return [found[rank] for rank in sorted(found)]

    def proxies(self) -> list[int]:
        """Processes of the launcher that start the ranks."""
        try:
            path = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
            return [int(word) for word in path.read_text().split()]
        except OSError:
            return []

    def end(self, seconds: float = 60.0) -> int:
        """Its exit code; a job that does not end is ended, and is an error."""
        try:
            code = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            for rank in self.ranks():
                os.kill(rank, signal.SIGKILL)
            self.process.kill()
            self.process.wait()
            raise
        finally:
            self.file.seek(0)
            self.said = self.file.read()
            self.file.close()
        return code


def launch(ranks: int, folder: Path, *words: str | Path) -> Job:
    """`mpiexec -n ranks nntrain ...`"""
    command = [str(MPIEXEC), "-n", str(ranks), sys.executable, "-m", "nntrain"]
    return Job([*command, *map(str, words)], folder)


def killed(folder: Path, name: str, run: Path, rng: random.Random) -> tuple[float, int]:
    """Start or go on, kill a rank at a random moment; how long the end took, and of how many."""
    count = rng.choice((2, 3, 4))
    goes_on = (run / "manifest.json").exists()
    words = ["--resume", str(run)] if goes_on else [f"{name}.yaml", "-o", str(run), "--overwrite"]
    job = launch(count, folder, "fit", *words, "-q")
    if rng.random() < 0.5:  # else most meet the start, where there is nothing to go on with
        while not (run / "checkpoint.safetensors").exists() and job.process.poll() is None:
            time.sleep(0.01)
        time.sleep(rng.uniform(0.0, 0.3))
    else:
        time.sleep(rng.uniform(0.2, 2.0 + 0.5 * count))
    there = job.ranks()
    if not there or job.process.poll() is not None:
        assert job.end() == 0, job.said
        return 0.0, 0
    os.kill(rng.choice(there), signal.SIGKILL)
    began = time.monotonic()
    job.end(SOON)
    while left := [rank for rank in there if Path(f"/proc/{rank}").exists()]:
        assert time.monotonic() - began < SOON, f"ranks are left: {left}, {job.said}"
        time.sleep(0.01)
    return time.monotonic() - began, count


def losses(run: Path) -> list[float]:
    with (run / "metrics.csv").open(newline="") as file:
        return [float(row["train_loss"]) for row in csv.DictReader(file)]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    rng, done, runs, worst = random.Random(asked.seed), 0, 0, 0.0  # noqa: S311
    times: list[float] = []
    resumed = with_other = 0
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        write_files(folder)
        for name in NAMES:
            assert launch(1, folder, "fit", f"{name}.yaml", "-o", name, "-q").end() == 0
        while done < asked.kills:
            name, run = NAMES[runs % len(NAMES)], folder / f"run-{runs}"
            last, runs = 0, runs + 1
            for _ in range(rng.randint(1, 5)):
                goes_on = (run / "manifest.json").exists()
                seconds, count = killed(folder, name, run, rng)
                if not count:
                    break
                resumed += goes_on
                with_other += goes_on and count != last
                times, done, last = [*times, seconds], done + 1, count
            if not last or (run / "summary.json").exists():
                continue  # it came to its end before the kill
            goes_on = (run / "manifest.json").exists()
            words = ["--resume", str(run)] if goes_on else [f"{name}.yaml", "-o", str(run)]
            count = rng.choice((1, 2, 4))
            resumed, with_other = resumed + goes_on, with_other + (goes_on and count != last)
            job = launch(count, folder, "fit", *words, "-q")
            assert job.end() == 0, job.said
            wanted, found = losses(folder / name), losses(run)
            assert len(wanted) == len(found)
            worst = max(worst, *(abs(a - b) for a, b in zip(wanted, found, strict=True)))
    assert worst < 1e-5, worst
    print(
        f"{done} ranks killed in {runs} runs: jobs were over within {max(times):.2f} s (median "
        f"{statistics.median(times):.2f}); they went on {resumed} times, {with_other} with "
        f"another number of ranks, and losses differ by {worst:.1g} at most"
    )


if __name__ == "__main__":
    main()
