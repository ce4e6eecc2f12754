"""Results on stdout."""

from __future__ import annotations

import errno
import os
import sys
from typing import Any

from nntrain.display.annotations import harmless
from nntrain.display.printer import encodable
from nntrain.errors import MachineError


def show(*lines: str) -> None:
    """Print results.  A reader that has gone (`| head`) changes nothing; a full disk is told."""
    try:
        print(*(encodable(harmless(line), sys.stdout) for line in lines), sep="\n", flush=True)
    except BrokenPipeError:
        discard_stdout()
    except OSError as error:
        if error.errno != errno.EIO:
            raise unwritable(error) from None
        discard_stdout()  # a terminal that is gone reads no more than a pipe that is closed


def print_json(value: Any) -> None:
    """One JSON object on a line of its own."""
    import json  # here, since most commands start without it

    # as JSON may write it, and no command for GitHub Actions
    show(json.dumps(value, allow_nan=False).replace("##[", "#\\u0023["))


def discard_stdout() -> None:
    """Send what is still to be written nowhere, so that nothing complains at the end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def unwritable(error: OSError) -> MachineError:
    discard_stdout()
    return MachineError(f"stdout: can not be written: {error.strerror or error}")
