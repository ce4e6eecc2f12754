"""What a rule finds, and what rules share."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from nntrain.config.tree import KeyPath
from nntrain.wording import quoted

TASKS = {
    "classes": "classes",
    "binary": "two classes",
    "numbers": "numbers",
    "heads": "several targets",
}


class Finding(NamedTuple):
    """What a rule says about the value at `path`, or about its key."""

    path: KeyPath
    message: str
    hint: str = ""
    about_key: bool = False


Findings = Iterator[Finding]


def twice(path: KeyPath, names: Sequence[str]) -> Findings:
    for i, name in enumerate(names):
        if name in names[:i]:
            yield Finding((*path, i), f"{quoted(name)} stands in this list twice")
