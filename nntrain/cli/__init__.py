"""The command line: one file a command.  Importing this imports no NumPy."""

import sys


def main() -> None:
    """Run the command line; Ctrl-C ends it, also while it is still being loaded."""
    try:
        from nntrain.cli.app import main as run
    except KeyboardInterrupt:
        sys.exit(130)
    run()


__all__ = ["main"]
