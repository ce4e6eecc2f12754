"""A small terminal: what people see after all the escape codes of the live view, line by line."""

from __future__ import annotations

import io
import re
import unicodedata

CODE = re.compile(r"\x1b\[(\??)(\d*)(?:;[\d;]*)?([A-Za-z])")


class Terminal(io.StringIO):
    """A stream that says it is a terminal, and knows what one would show.

    lines: all that is above and on the screen.  shown: whether the cursor is.
    It knows the codes that the view uses and fails at others; where lines wrap, it wraps.
    """

    encoding = "utf-8"

    def __init__(self, width: int = 80) -> None:
        super().__init__()
        self.width, self.lines, self.shown = width, [""], True
        self.row = self.column = 0

    def isatty(self) -> bool:
        return True

    def write(self, text: str) -> int:
        at = 0
        while at < len(text):
            if found := CODE.match(text, at):
                self._obey(found[1], found[2], found[3])
                at = found.end()
            else:
                self._put(text[at])
                at += 1
        return super().write(text)

    def resize(self, width: int) -> None:
        """Lines that are too long are wrapped, as tmux does; the cursor stays on its letter."""
        rows: list[str] = []
        for number, line in enumerate(self.lines):
            if number == self.row:
                row = len(rows) + self.column // width
            rows += [line[i : i + width] for i in range(0, len(line), width)] or [""]
        self.width, self.lines, self.row = width, rows, row
        self.column %= width

    def _obey(self, private: str, number: str, code: str) -> None:
        count = int(number or 1)
        match code:
            case "A":
                self.row = max(0, self.row - count)
            case "K":
                self.lines[self.row] = self.lines[self.row][: self.column]
            case "J":
                self.lines = self.lines[: self.row + 1]
                self.lines[self.row] = self.lines[self.row][: self.column]
            case "h" | "l" if private and number == "25":
                self.shown = code == "h"
            case "h" | "l" if private and number == "2026":
                pass
            case "m":
                pass
            case _:
                raise AssertionError(f"an escape code that is not known: {private}{number}{code}")

    def _put(self, letter: str) -> None:
        if letter == "\r":
            self.column = 0
        elif letter == "\n":
            self.row, self.column = self.row + 1, 0
            if self.row == len(self.lines):
                self.lines.append("")
        else:
            assert unicodedata.category(letter)[0] != "C", f"{letter!r} is no letter"
            if self.column == self.width:
                self._put("\n")
            line = self.lines[self.row].ljust(self.column)
            self.lines[self.row] = line[: self.column] + letter + line[self.column + 1 :]
            self.column += 1

    @property
    def text(self) -> str:
        return "\n".join(line.rstrip() for line in self.lines).rstrip("\n") + "\n"
