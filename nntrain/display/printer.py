"""Printer: lines to a stream that may break, without ever stopping what is being told."""

from __future__ import annotations

import os
from typing import TextIO

from nntrain.display.annotations import harmless


class Printer:
    """Prints lines; falls silent where the stream does not take them.

    A reader that has gone (`| head`) or an encoding without our letters must not end a training
    or change its exit code.
    """

    def __init__(self, stream: TextIO, *, quiet: bool = False):
        self.stream, self.silent = stream, quiet

    @property
    def width(self) -> int | None:
        """Letters in a line of the terminal; None where there is none, and lines may be long."""
        try:
            return os.get_terminal_size(self.stream.fileno()).columns or None
        except (OSError, ValueError, AttributeError):  # no terminal
            return None

    def __call__(self, line: str) -> None:
        self.raw(harmless(line))

    def raw(self, line: str) -> None:
        """Also what GitHub Actions takes for a command."""
        if self.silent:
            return
        try:
            print(encodable(line, self.stream), file=self.stream, flush=True)
        except (OSError, ValueError):
            self.silent = True


def encodable(line: str, stream: TextIO) -> str:
    """The line with what the stream can't encode replaced."""
    encoding = stream.encoding or "ascii"
    return line.encode(encoding, "replace").decode(encoding)
