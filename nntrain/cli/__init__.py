"""The command line: one file a command.  Importing this imports no NumPy."""

import gc
import sys


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


__all__ = ["main"]
