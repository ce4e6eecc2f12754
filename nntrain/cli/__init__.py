"""The command line: one file a command.  Importing this imports no NumPy."""

import gc
import sys
from typing import NoReturn


def command() -> NoReturn:
    """The whole process: what is installed as `nntrain`."""
    status = 0
    try:
        main()
    except SystemExit as left:
        if not isinstance(left.code, int | None):
            raise
        status = left.code or 0
    from nntrain.cli.ending import end

    end(status)


def main() -> None:
    """Run the command line; Ctrl-C ends it, also while it is still being loaded.

    Nothing that is loaded is garbage, so Python looks for none until a command begins to work
    (`loading.begin_work`), nor among what ends with the process: that is a tenth of a short run.
    """
    gc.disable()
    try:
        from nntrain.cli.app import main as run
    except KeyboardInterrupt:
        sys.exit(130)
    try:
        run()
    finally:
        gc.freeze()


__all__ = ["command", "main"]
