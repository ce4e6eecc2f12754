"""Lock: one process at a time writes into a run folder.

The lock belongs to the open file, so that the system takes it back from a process that was
killed: there are no stale locks.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from nntrain.errors import MachineError

HELD = (errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES)  # by another process; Windows says EACCES


@contextmanager
def locked(path: Path, *, wait: bool = False) -> Iterator[None]:
    """Hold the lock file at `path`; a `MachineError` if another process holds it.

    wait: until that one lets it go, instead; it must hold it for moments only.
    """
    if path.exists() and not path.is_file():
        raise MachineError(f"{path}: can not be locked: it is no regular file")
    try:
        file = path.open("ab")
    except OSError as error:
        raise MachineError(f"{path}: can not be written: {error.strerror or error}") from None
    with file:
        try:
            _take(file, wait=wait)
        except OSError as error:
            if error.errno not in HELD:
                raise MachineError(f"{path}: can not be locked: {error.strerror}") from None
            raise MachineError(
                f"{path.parent}: another process is training in this folder\n"
                "  wait for its end, or choose another --output-dir"
            ) from None
        yield


def is_locked(path: Path) -> bool:
    """Whether some process holds the lock."""
    if not path.exists():
        return False
    try:
        with locked(path):
            return False
    except MachineError:
        return True


def _take(file: IO[bytes], *, wait: bool) -> None:
    if os.name == "nt":
        import msvcrt

        how = msvcrt.LK_LOCK if wait else msvcrt.LK_NBLCK  # type: ignore[attr-defined]
        msvcrt.locking(file.fileno(), how, 1)  # type: ignore[attr-defined]
    else:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
