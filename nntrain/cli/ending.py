"""Ending: the end of a process in which nothing is left to do.

Python takes a process apart object by object, which takes as long as 400 steps of a small network,
and what it gives back one by one the system takes back at once.
"""

from __future__ import annotations

import atexit
import os
import sys
import threading
from typing import NoReturn


def end(status: int) -> NoReturn:
    """End this process with this exit code, at once if nobody could miss the rest."""
    if not _is_all_done():
        sys.exit(status)
    atexit._run_exitfuncs()
    try:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
    except (OSError, ValueError):  # Python says what became of it
        sys.exit(status)
    os._exit(status)


def _is_all_done() -> bool:
    """Whether nothing comes after the command: no other thread, no library or plugin that may have
    an end of its own, no tool that looks on."""
    if threading.active_count() > 1 or "mpi4py" in sys.modules:
        return False
    if sys.gettrace() or sys.getprofile() or sys.flags.inspect:
        return False
    plugins = sys.modules.get("nntrain.config.plugins")
    return plugins is None or not plugins.have_run()
