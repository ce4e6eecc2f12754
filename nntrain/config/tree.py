"""The tree that a config file says: values, each with the place where it was written."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import field
from typing import Any

from nntrain.errors import ConfigError, Problem
from nntrain.values import dataclass

KeyPath = tuple[str | int, ...]
Scalar = str | int | float | bool | None

DEEPEST = 100
TOO_DEEP = f"more than {DEEPEST} levels of lists and mappings in each other"
LONGEST_VALUE = 60
LONGEST_LINE = 160
BEFORE = 60  # letters of a long line before the place that is meant


@dataclass(frozen=True)
class Place:
    """Where something was written; `line` and `column` count from 1, 0 is unknown."""

    file: str = ""
    line: int = 0
    column: int = 0
    source: str = ""

    def problem(self, path: KeyPath, message: str, hint: str = "") -> Problem:
        """A problem here, with as much of the line as a terminal can show."""
        source, caret = printable(self.source), self.column
        if self.column > LONGEST_LINE:
            source = "…" + source[self.column - 1 - BEFORE :]
            caret = BEFORE + 2
        if len(source) > LONGEST_LINE + 1:
            source = source[:LONGEST_LINE] + "…"
        return Problem(
            message, self.file, self.line, self.column, source, dotted(path), hint, caret
        )


@dataclass(frozen=True)
class ScalarNode:
    """One value.  `written` is its text in the file; `quoted` tells `"3"` from `3`."""

    value: Scalar
    place: Place
    written: str = ""
    quoted: bool = False


@dataclass(frozen=True)
class ListNode:
    items: tuple[Node, ...]
    place: Place


@dataclass(frozen=True)
class MappingNode:
    """A mapping; `keys` has the place of each key.  `bare`: written as one word, its `type`."""

    items: dict[str, Node]
    place: Place
    keys: dict[str, Place] = field(default_factory=dict)
    bare: bool = False


Node = ScalarNode | ListNode | MappingNode


def plain(node: Node) -> Any:
    """The value of a tree without its places; lists become tuples, as frozen things need."""
    if isinstance(node, MappingNode):
        return {key: plain(item) for key, item in node.items.items()}
    if isinstance(node, ListNode):
        return tuple(plain(item) for item in node.items)
    return node.value


def from_plain(value: Any, place: Place, deepest: int = DEEPEST) -> Node:
    """The tree of mappings, lists and scalars that come from no file of the user's."""
    if deepest < 0:
        raise ConfigError(place.problem((), TOO_DEEP))
    if isinstance(value, dict):
        items = {str(key): from_plain(item, place, deepest - 1) for key, item in value.items()}
        return MappingNode(items, place, dict.fromkeys(items, place))
    if isinstance(value, (list, tuple)):
        return ListNode(tuple(from_plain(item, place, deepest - 1) for item in value), place)
    return ScalarNode(value, place, str(value))


def child(node: Node, key: str | int) -> Node | None:
    """What stands below `node` at one key or index; None where nothing does."""
    if isinstance(node, MappingNode):
        return node.items.get(str(key))
    if isinstance(node, ListNode) and isinstance(key, int) and 0 <= key < len(node.items):
        return node.items[key]
    return None


def find(root: Node, path: KeyPath) -> Node | None:
    node: Node | None = root
    for key in path:
        node = child(node, key) if node else None
    return node


def place_of(root: Node, path: KeyPath, *, key: bool = False) -> Place:
    """Where `path` was written (or its last key); of a default, what it would stand in."""
    place = root.place
    node = root
    for depth, part in enumerate(path):
        below = child(node, part)
        if below is None:
            return place
        at_key = node.keys[str(part)] if isinstance(node, MappingNode) else below.place
        whole = isinstance(below, (MappingNode, ListNode)) and below.place.line != at_key.line
        last = depth == len(path) - 1
        place = at_key if whole or (key and last) else below.place
        node = below
    return place


def dotted(path: KeyPath) -> str:
    """`model.layers.0.units`."""
    return shortened(".".join(map(str, path)), 120)


def printable(text: str) -> str:
    """`text` with one harmless character for each that could move or hide what a terminal shows."""
    return "".join(
        " " if char == "\t" else "�" if unicodedata.category(char) in _HARMFUL else char
        for char in text
    )


_HARMFUL = {"Cc", "Cf", "Cs", "Zl", "Zp"}


def shortened(text: str, longest: int = LONGEST_VALUE) -> str:
    """`text` in one line, without control characters, and not longer than `longest`."""
    text = printable(re.sub(r"\s*[\r\n]+\s*", " ", text))
    return text if len(text) <= longest else text[: longest - 1] + "…"
