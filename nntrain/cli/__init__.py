"""The command line: one file a command.  Importing this imports no NumPy."""

from nntrain.cli.app import main

__all__ = ["main"]
