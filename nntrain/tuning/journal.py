"""Journal: what a sweep has tried, in one file that is only ever appended to.

optuna writes and reads it.  Its own locks are files that a killed process leaves behind, so that
the others wait for half a minute; this one belongs to the open file, and the system takes it back.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock
from optuna.study import StudyDirection

from nntrain.errors import MachineError
from nntrain.run.archive import damaged
from nntrain.run.lock import locked

NAME = "sweep"


class SystemLock(JournalFileOpenLock):
    """One process at a time appends to the journal."""

    def __init__(self, journal: Path):
        super().__init__(str(journal))
        self.journal = journal
        self.held = ExitStack()

    def acquire(self) -> bool:
        lock = self.journal.with_name(f".{self.journal.name}.lock")
        self.held.enter_context(locked(lock, wait=True))
        self._mend()
        return True

    def release(self) -> None:
        self.held.close()

    def _mend(self) -> None:
        """Take away half a line, which a process left that was killed while it wrote."""
        with self.journal.open("r+b") as file:
            size = file.seek(0, 2)
            end, stretch = size, 1 << 16
            while end:
                start = max(0, end - stretch)
                file.seek(start)
                if (last := file.read(end - start).rfind(b"\n")) >= 0:
                    end = start + last + 1
                    break
                end = start
            if end < size:
                file.truncate(end)


def open_study(path: Path, *, maximize: bool) -> optuna.Study:
    """The study of a journal, which begins with the file."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        backend = JournalFileBackend(str(path), lock_obj=SystemLock(path))
        direction = StudyDirection.MAXIMIZE if maximize else StudyDirection.MINIMIZE
        return optuna.create_study(
            storage=JournalStorage(backend), study_name=NAME, direction=direction,
            load_if_exists=True,
        )  # fmt: skip
    except (ValueError, KeyError, TypeError, AssertionError) as error:
        raise damaged(path, str(error)) from None
    except OSError as error:
        raise MachineError(f"{path}: can not be read: {error.strerror or error}") from None


@contextmanager
def quietly() -> Iterator[None]:
    """optuna warns of what is experimental in it, which is not the user's doing."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
