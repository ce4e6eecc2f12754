"""A page of YAML with a comment on each line."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable
from typing import NamedTuple

from nntrain.wording import in_yaml

WIDTH = 110  # characters of a line, comment included
COMMENTS_AT = 52  # the column where comments begin at the latest, unless the line is longer
NARROWEST = 30  # characters that a comment has at least


class Line(NamedTuple):
    """A line of YAML, and why it says what it says."""

    text: str
    why: str

    def indented(self, by: int) -> Line:
        return Line(" " * by + self.text, self.why)


def page(lines: Iterable[Line]) -> str:
    """The lines with their comments below each other."""
    lines = list(lines)
    at = min(COMMENTS_AT, max(len(line.text) for line in lines) + 2)
    written = []
    for text, why in lines:
        room = max(WIDTH - max(at, len(text) + 2) - 2, NARROWEST)
        first, *rest = textwrap.wrap(why, room, break_long_words=False) or [""]
        written.append(f"{text:<{at - 2}}  # {first}".rstrip())
        written += [f"{'':<{max(at, len(text) + 2)}}# {more}" for more in rest]
    return "\n".join(written) + "\n"


def scalar(text: str) -> str:
    """A text as YAML reads it back: plain where that is sure, else between double quotes."""
    if text.isascii() and text.isprintable():
        return in_yaml(text)
    return '"' + "".join(map(_escaped, text)) + '"'


def file_name(path: str) -> str:
    """A path, which needs its quotes more seldom."""
    if re.fullmatch(
        r"(?:\.\./)*(?:[A-Za-z_][\w.-]*/)*[A-Za-z_][\w-]*\.[A-Za-z][\w.-]*", path, re.ASCII
    ):
        return path
    return scalar(path)


def names(texts: Iterable[str]) -> str:
    """A list of texts, in one line."""
    return f"[{', '.join(map(scalar, texts))}]"


def _escaped(letter: str) -> str:
    if letter in '"\\':
        return "\\" + letter
    if letter.isprintable():
        return letter
    code = ord(letter)
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"
