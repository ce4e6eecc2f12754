"""One process, measured from outside: what it printed, how long it took, its memory, and whether
others disturbed it."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

IGNORED = (
    "OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE", "PYTHONDONTWRITEBYTECODE",
    "OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS",
)  # fmt: skip
TICKS = os.sysconf("SC_CLK_TCK")
LOOK = 0.02  # seconds from one look at the memory to the next


def environment() -> dict[str, str]:
    """Ours without what would steer a contender; each sets its own number of threads."""
    return {name: value for name, value in os.environ.items() if name not in IGNORED}


def run(
    words: Sequence[str], *, timeout: float, neighbour: int = 0, place: str | None = None
) -> dict[str, Any]:
    """The facts that a command prints as JSON, if it does, with `process_s` and `foreign`.

    foreign: the share of one core that went to others, but for the neighbour (a process id).
    failed: why there are no facts.
    """
    before, start = _busy() - _own(neighbour), time.perf_counter()
    process = subprocess.Popen(
        words, env=environment(), cwd=place, text=True, start_new_session=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        out, err = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        return {"failed": f"more than {timeout:.0f} s"}
    seconds = time.perf_counter() - start
    foreign = (_busy() - _own(neighbour) - before) / seconds
    if process.returncode:
        return {"failed": (err or out).strip().splitlines()[-1:]}
    last = out.strip().splitlines()[-1:]
    facts = json.loads(last[0]) if last and last[0].startswith("{") else {}
    return {**facts, "process_s": seconds, "foreign": round(max(0.0, foreign), 3)}


def _busy() -> float:
    """Seconds that all cores have worked."""
    cells = Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]
    user, nice, system, _, _, interrupts, soft, _ = map(int, cells)
    return (user + nice + system + interrupts + soft) / TICKS


def _own(neighbour: int) -> float:
    """Seconds of ours, of what we started and is over, and of the neighbour."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    mine = sum(u.ru_utime + u.ru_stime for u in used)
    return mine + (sum(map(_seconds, tree(neighbour))) if neighbour else 0.0)


def _seconds(process: int) -> float:
    try:
        cells = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return 0.0
    return (int(cells[11]) + int(cells[12])) / TICKS


def tree(process: int) -> list[int]:
    """A process and all that it started."""
    found = [process]
    for one in found:
        for children in Path(f"/proc/{one}/task").glob("*/children"):
            try:
                found += map(int, children.read_text().split())
            except OSError:
                continue  # it has just ended
    return found


def peak_memory(words: Sequence[str], timeout: float, place: str | None = None) -> float | None:
    """The most MB that a command and its workers held at one time, by PSS.

    PSS (proportional set size) counts a page that n processes map as 1/n in each, so what workers
    share counts once, and so do pages of the libraries' files.  Looking takes time of its own:
    this is no run to take times from.
    """
    quiet = subprocess.DEVNULL
    process = subprocess.Popen(
        words, env=environment(), cwd=place, stdout=quiet, stderr=quiet, start_new_session=True
    )
    most, end = 0, time.perf_counter() + timeout
    while process.poll() is None:
        if time.perf_counter() > end:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            return None
        most = max(most, sum(map(_pss, tree(process.pid))))
        time.sleep(LOOK)
    return most / 1024 if process.returncode == 0 else None


def _pss(process: int) -> int:
    try:
        text = Path(f"/proc/{process}/smaps_rollup").read_text()
    except OSError:
        return 0
    return next((int(t.split()[1]) for t in text.splitlines() if t.startswith("Pss:")), 0)


@contextmanager
def busy_neighbour(python: str) -> Iterator[int]:
    """Two processes that multiply matrices without end; yields the id of the first of them."""
    words = [python, str(Path(__file__).parent / "peers" / "neighbour.py")]
    process = subprocess.Popen(words, env={**environment(), "OPENBLAS_NUM_THREADS": "1"})
    try:
        time.sleep(1.0)  # until it is at work
        yield process.pid
    finally:
        process.terminate()
        process.wait()
