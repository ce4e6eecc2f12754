"""What a training leaves when it is over: its report, or the way on."""

from __future__ import annotations

import shlex
import sys
import traceback
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from nntrain.errors import MachineError

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
            traceback.print_exc()
        what = error if isinstance(error, MachineError) else f"{type(error).__name__}: {error}"
        Printer(sys.stderr)(f"note: there is no new report.html: {what}")
        return None
    return run.folder.report
