"""Threads: how many the linear algebra may have, said before NumPy loads it, and how many we."""

from __future__ import annotations

import os
import sys

_allowed = 1

VARIABLES = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")

CAN_FORK = all(hasattr(os, name) for name in ("fork", "memfd_create", "sched_getaffinity"))
"""Whether processes can train together here: on Linux they can."""


def pin(threads: int) -> None:
    """Give every library of linear algebra this many threads, if none is loaded yet.

    One that begins with more keeps them waiting, and some round otherwise even when told later.
    """
    if "numpy" not in sys.modules:
        os.environ |= dict.fromkeys(VARIABLES, str(threads))


def are_pinned() -> bool:
    """Whether the environment says one thread; it counts when NumPy is loaded."""
    return all(os.environ.get(name) == "1" for name in VARIABLES[:2])


def allow(threads: int) -> None:
    """From here on `side_by_side` may use this many threads of Python; before, one."""
    global _allowed
    _allowed = threads


def use_for_training(threads: int | None) -> None:
    """For training: each of the processes that share it has one thread of linear algebra."""
    pin(1 if CAN_FORK else threads or 1)
    allow(threads or cores())


def use_all_cores() -> None:
    """For what is not training: a thread of Python on each core, with one of linear algebra."""
    pin(1)
    allow(cores())


def allowed() -> int:
    """How many threads of Python may compute at a time."""
    return _allowed


def cores() -> int:
    """Cores that this process may use: those of the machine, or as many as its container has."""
    affinity = hasattr(os, "sched_getaffinity")
    own = len(os.sched_getaffinity(0)) if affinity else os.cpu_count() or 1
    return min(own, _of_container() or own)


def _of_container() -> int | None:
    """The cores that the time of a control group is worth, if it is limited (cgroup v2)."""
    try:
        with open("/sys/fs/cgroup/cpu.max", encoding="ascii") as file:  # noqa: PTH123
            quota, period = file.read().split()
        return max(1, -(-int(quota) // int(period)))
    except (OSError, ValueError):  # there is none, or it says `max`
        return None
