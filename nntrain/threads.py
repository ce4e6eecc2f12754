"""Threads: how many the linear algebra may have, said before NumPy loads it."""

from __future__ import annotations

import os
import sys

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
