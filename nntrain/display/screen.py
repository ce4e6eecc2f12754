"""Screen: the last lines of a terminal, drawn again and again; what is above them stays.

Each picture is one write: every line is written over the old one, and only the rest of it erased,
so that nothing flickers.  Nothing is drawn by a thread; a picture costs what `draw` takes.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TextIO

from rich.console import Console
from rich.text import Text

from nntrain.display.printer import encodable

HIDE, SHOW = "\x1b[?25l", "\x1b[?25h"
BEGIN, END = "\x1b[?2026h", "\x1b[?2026l"  # terminals that know it show all in between at once
REST_OF_LINE, ALL_BELOW = "\x1b[K", "\x1b[J"


class Screen:
    """The lower part of a terminal.

    A terminal that does not take what is written is left alone from then on.
    """

    def __init__(self, stream: TextIO):
        self.stream, self.broken = stream, False
        self.console = Console(file=io.StringIO(), highlight=False, force_terminal=True)
        self.fancy = (stream.encoding or "").lower().replace("-", "").startswith("utf")
        self.widths: list[int] = []  # of the lines that are drawn over

    @property
    def size(self) -> tuple[int, int]:
        """Letters in a line, lines; at least what can be drawn on."""
        width, height = self.console.size
        return max(20, width), max(6, height)

    def draw(self, lines: Sequence[Text]) -> None:
        """Show these lines in place of those that were drawn before, and an empty one.

        The cursor is left there, and so is what the terminal says of a Ctrl-C.
        """
        lines = [*lines, Text("")]
        self._write(f"{HIDE}{self._over(lines)}")
        self.widths = [line.cell_len for line in lines]

    def leave(self, lines: Sequence[Text]) -> None:
        """Show these lines for good; what is drawn next comes below them."""
        self._write(self._over(lines, "\r\n" if lines else "\r"))
        self.widths = []

    def close(self) -> None:
        """Show the cursor, below what was left."""
        self._write(SHOW)

    def _over(self, lines: Sequence[Text], end: str = "\r") -> str:
        """From the first letter of what was drawn before, which a new width may have wrapped."""
        width, _ = self.size
        up = sum(max(1, -(-old // width)) for old in self.widths[:-1])
        rows = [
            text + (REST_OF_LINE if line.cell_len < width else "")
            for text, line in zip(self._styled(lines), lines, strict=True)
        ]
        if rows:  # before the last line, since a full one leaves the cursor on its last letter
            rows[-1] = ALL_BELOW + rows[-1]
        up_there = f"\r\x1b[{up}A" if up else "\r"
        return f"{BEGIN}{up_there}" + ("\r\n".join(rows) or ALL_BELOW) + end + END

    def _styled(self, lines: Sequence[Text]) -> list[str]:
        if not lines:
            return []
        with self.console.capture() as captured:
            whole = Text("\n").join(lines)
            self.console.print(whole, end="", soft_wrap=True)
        return captured.get().split("\n")

    def _write(self, text: str) -> None:
        if self.broken:
            return
        try:
            self.stream.write(encodable(text, self.stream))
            self.stream.flush()
        except (OSError, ValueError):
            self.broken = True
