"""What a training leaves when it is over: its report, or the way on."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from nntrain.errors import MachineError

ENDED = "error: the ranks were ended before the training: one of them was killed, or failed"
WATCH = 'read word || printf "%s\\n" "$@" >&2'  # no word comes: this process is gone

if TYPE_CHECKING:
    from nntrain.config import Experiment, Plugin
    from nntrain.run.folder import RunFolder
    from nntrain.run.run import Run


def way_on(folder: RunFolder, experiment: Experiment) -> str:
    """The command that goes on with a run."""
    from nntrain.config import used_by

    return going_on("fit", folder, used_by(experiment))


def going_on(command: str, folder: RunFolder, plugins: Iterable[Plugin]) -> str:
    """The same for any command with `--resume`."""
    flags = [word for each in plugins for word in ("--plugin", str(each.path))]
    return shlex.join(["nntrain", command, "--resume", str(folder.path), *flags])


@contextmanager
def last_words(way_on: str) -> Iterator[None]:
    """Inside, the end of one rank, whose launcher then kills all of them, is told with the way on.

    The dead say nothing: a shell in a session of its own, which no launcher knows, waits for a
    word of this process, and speaks if it is gone without one.
    """
    from nntrain.team import everyone

    team = everyone()
    if team.size == 1:
        yield
        return
    team.way_on = f"go on with any number of ranks, or without mpiexec: {way_on}"
    if os.name != "posix":
        yield
        return
    import subprocess  # here: few are ranks

    lines = [ENDED, f"  {team.way_on}"]
    with subprocess.Popen(  # noqa: S603  # no word of it is for the shell
        ["/bin/sh", "-c", WATCH, "sh", *lines],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    ) as watch:
        try:
            yield
        finally:
            watch.communicate(b"over\n")


def leave_report(run: Run, *, debug: bool = False) -> Path | None:
    """The page of this run.  All is saved by now, so whatever goes wrong here is but a note."""
    from nntrain.display.printer import Printer

    try:
        from nntrain.report.page import page
        from nntrain.report.told import at_the_end
        from nntrain.run.archive import write_whole

        write_whole(run.folder.report, page([at_the_end(run)]).encode())
    except Exception as error:
        if debug:
            sys.excepthook(type(error), error, error.__traceback__)
        what = error if isinstance(error, MachineError) else f"{type(error).__name__}: {error}"
        Printer(sys.stderr)(f"note: there is no new report.html: {what}")
        return None
    return run.folder.report
