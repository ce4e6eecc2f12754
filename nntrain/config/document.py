"""From YAML text to a tree with places.

Read as a stream of events, so that neither depth nor aliases can cost more than a bound says, and
so that nothing but mappings, lists and scalars can come out.
"""

from __future__ import annotations

import re
from dataclasses import field
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from nntrain.config.scalars import scalar
from nntrain.config.syntax import explain_syntax
from nntrain.config.tree import (
    DEEPEST,
    TOO_DEEP,
    ListNode,
    MappingNode,
    Node,
    Place,
    ScalarNode,
    shortened,
)
from nntrain.errors import ConfigError, Problem
from nntrain.values import dataclass
from nntrain.wording import nearest, quoted

MOST_BYTES = 1 << 20
MOST_NODES = 100_000
NEW_CONFIG = "a config needs at least `data`, `model` and `loss`"

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
_UNREADABLE = re.compile(  # what YAML calls not printable
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufeff\ufffe\uffff]"
)


class Document(NamedTuple):
    """A tree, and the mistakes that did not keep it from being read."""

    root: Node
    problems: list[Problem]


def read_text(path: Path) -> str:
    """The text of a config file."""
    with path.open("rb") as file:
        data = file.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise ConfigError(Problem("longer than 1 MiB, which no config needs", str(path)))
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError(_not_utf8(str(path), data, error.start)) from None


def _not_utf8(file: str, data: bytes, at: int) -> Problem:
    before = data[:at].decode("utf-8-sig", errors="replace")
    lines = data.decode("utf-8-sig", errors="replace").splitlines() or [""]
    line = before.count("\n") + 1
    column = len(before) - (before.rfind("\n") + 1) + 1
    utf16 = data.startswith((b"\xff\xfe", b"\xfe\xff"))
    found = "UTF-16" if utf16 else f"the byte 0x{data[at]:02x}"
    source = "" if utf16 else lines[min(line, len(lines)) - 1]
    hint = "save the file as UTF-8 in your editor"
    return Place(file, line, column, source).problem((), f"expected UTF-8 text, got {found}", hint)


def parse_document(text: str, file: str, source: str | None = None) -> Document:
    """The tree of the one YAML document in `text`.

    source: the text to show in messages, where it is not `text` itself.
    Raises ConfigError where no tree can be made of it; lesser mistakes stand in the result.
    """
    reader = _Reader(file, _BREAK.split(text if source is None else source))
    if bad := _UNREADABLE.search(text):
        lines = _BREAK.split(text[: bad.start()])
        place = reader.place(len(lines) - 1, len(lines[-1]))
        code = f"U+{ord(bad[0]):04X}"
        raise ConfigError(place.problem((), f"the character {code} can not stand in YAML"))
    try:
        for event in yaml.parse(text, _LOADER):
            reader.read(event)
    except yaml.YAMLError as error:
        raise ConfigError(explain_syntax(error, reader.place)) from None
    if reader.root is None:
        raise ConfigError(Place(file, 1, 1).problem((), "the file is empty", NEW_CONFIG))
    return Document(reader.root, reader.problems)


@dataclass
class _Open:
    """A collection whose end has not come yet."""

    place: Place
    anchor: str | None
    is_mapping: bool
    items: list[tuple[str | None, Node]] = field(default_factory=list)
    keys: dict[str, Place] = field(default_factory=dict)
    key: str | None = None
    at_key: bool = True
    size: int = 1
    height: int = 1


class _Sized(NamedTuple):
    """A finished node, with the number of nodes in it (aliases unfolded) and its depth."""

    node: Node
    size: int
    height: int


class _Reader:
    """Builds the tree, event by event."""

    def __init__(self, file: str, lines: list[str]):
        self.file, self.lines = file, lines
        self.root: Node | None = None
        self.problems: list[Problem] = []
        self.stack: list[_Open] = []
        self.anchors: dict[str, _Sized] = {}

    def place(self, line: int, column: int) -> Place:
        source = self.lines[line] if line < len(self.lines) else ""
        return Place(self.file, line + 1, column + 1, source)

    def read(self, event: yaml.Event) -> None:
        mark: Any = event.start_mark
        place = self.place(mark.line, mark.column)
        if (tag := getattr(event, "tag", None)) not in (None, "!"):
            written = str(tag).replace("tag:yaml.org,2002:", "!!")
            message = f"tags are not read here, and this is one: {quoted(written)}"
            self.stop(place, message, "leave it out; text that begins with `!` needs quotes")
        if isinstance(event, yaml.ScalarEvent):
            self.read_scalar(event, place)
        elif isinstance(event, yaml.AliasEvent):
            self.read_alias(event, place)
        elif isinstance(event, yaml.CollectionStartEvent):
            self.open(event, place)
        elif isinstance(event, yaml.CollectionEndEvent):
            self.close()
        elif isinstance(event, yaml.DocumentStartEvent) and self.root is not None:
            self.stop(
                place, "a second document begins here", "a config is one document: drop `---`"
            )

    def read_scalar(self, event: yaml.ScalarEvent, place: Place) -> None:
        is_plain = event.style in (None, "")
        value = scalar(event.value) if is_plain else event.value
        node = ScalarNode(value, place, event.value, quoted=not is_plain)
        self.add(_Sized(node, 1, 0), event.anchor)

    def read_alias(self, event: yaml.AliasEvent, place: Place) -> None:
        name = str(event.anchor)
        if any(level.anchor == name for level in self.stack):
            self.stop(place, f"`*{name}` stands inside of what it repeats")
        if name not in self.anchors:
            near = nearest(name, self.anchors)
            hint = "text that begins with `*` needs quotes"
            hint = f"did you mean `*{near[0]}`?" if near else hint
            self.stop(place, f"`*{name}` repeats an anchor `&{name}` that is not above", hint)
        self.add(self.anchors[name], None, place)

    def open(self, event: yaml.CollectionStartEvent, place: Place) -> None:
        is_mapping = isinstance(event, yaml.MappingStartEvent)
        self.stack.append(_Open(place, event.anchor, is_mapping))
        self.check_depth(len(self.stack), place)

    def close(self) -> None:
        level = self.stack.pop()
        node: Node
        if level.is_mapping:
            items = {key: item for key, item in level.items if key is not None}
            node = MappingNode(items, level.place, level.keys)
        else:
            node = ListNode(tuple(item for _, item in level.items), level.place)
        self.add(_Sized(node, level.size, level.height), level.anchor)

    def add(self, made: _Sized, anchor: str | None, place: Place | None = None) -> None:
        """Put a finished node where it belongs: the root, a key, or the next item."""
        place = place or made.node.place
        if anchor:
            self.anchors[anchor] = made
        if not self.stack:
            self.root = made.node
            return
        level = self.stack[-1]
        level.size += made.size
        level.height = max(level.height, made.height + 1)
        self.check_depth(len(self.stack) + made.height, place)
        if level.size > MOST_NODES:
            self.stop(place, f"more than {MOST_NODES} values once the aliases are unfolded")
        if level.is_mapping and level.at_key:
            level.key = self.key_of(level, made.node, place)
        else:
            level.items.append((level.key, made.node))
        level.at_key = not level.at_key

    def key_of(self, level: _Open, node: Node, place: Place) -> str | None:
        """The name of a key; None, and a problem, where the key can not be used."""
        if not isinstance(node, ScalarNode):
            self.problems.append(place.problem((), "a key must be text, not a list or a mapping"))
            return None
        if not isinstance(node.value, str):
            written = shortened(node.written) or "null"
            hint = f'quote it: "{written}"'
            self.problems.append(place.problem((), f"the key `{written}` is not text", hint))
            return None
        if node.value == "<<" and not node.quoted:
            hint = "write the keys out, or put them in a file and use `extends: file.yaml`"
            self.problems.append(
                place.problem((), "`<<` (merging mappings) is not read here", hint)
            )
            return None
        if first := level.keys.get(node.value):
            message = (
                f"the key {quoted(node.value)} stands here twice: it is in line {first.line} too"
            )
            self.problems.append(place.problem((), message, "keep one of the two"))
            return None
        level.keys[node.value] = place
        return node.value

    def check_depth(self, depth: int, place: Place) -> None:
        if depth > DEEPEST:
            self.stop(place, TOO_DEEP)

    def stop(self, place: Place, message: str, hint: str = "") -> None:
        raise ConfigError(*self.problems, place.problem((), message, hint))
