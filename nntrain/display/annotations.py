"""What GitHub Actions reads in the output: annotations on lines of files.

The runner takes any line that begins with `::` for a command, so what comes from data is kept from
beginning a line like that.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

NEWLINES = {"%": "%25", "\r": "%0D", "\n": "%0A"}
IN_PROPERTIES = {**NEWLINES, ":": "%3A", ",": "%2C"}
COMMAND = re.compile(r"^(\s*):(?=:)", re.MULTILINE)


def on_actions() -> bool:
    return os.environ.get("GITHUB_ACTIONS") == "true"


def annotation(
    level: str, message: str, *, file: str = "", line: int = 0, column: int = 0, title: str = ""
) -> str:
    """`::error file=a.yaml,line=3,col=5::message`; places that are not known are left out."""
    from nntrain.display import text  # here, since most commands start without it

    place = {"file": _in_workspace(file) if file else "", "line": line, "col": column}
    known = {key: str(value) for key, value in {**place, "title": title}.items() if value}
    properties = ",".join(
        f"{key}={_escaped(text.printable(value), IN_PROPERTIES)}" for key, value in known.items()
    )
    lines = "\n".join(map(text.printable, message.splitlines()))
    return f"::{level}{' ' * bool(properties)}{properties}::{_escaped(lines, NEWLINES)}"


def harmless(line: str) -> str:
    """The line so that the runner takes nothing in it for a command."""
    if not on_actions():
        return line
    return COMMAND.sub(r"\1·", line).replace("##[", "#·[")


def _escaped(value: str, letters: Mapping[str, str]) -> str:
    return "".join(letters.get(letter, letter) for letter in value)


def _in_workspace(file: str) -> str:
    """As the repository has it, whatever folder the command runs in."""
    workspace = os.environ.get("GITHUB_WORKSPACE")
    path = Path(os.path.abspath(file))  # `..` goes, links stay  # noqa: PTH100
    if not workspace or not path.is_relative_to(workspace):
        return file
    return path.relative_to(workspace).as_posix()
