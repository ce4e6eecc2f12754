"""An experiment as YAML text, with every default, that reads back as an equal experiment."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml

from nntrain.config.experiment import Experiment
from nntrain.config.layering import PATHS
from nntrain.config.scalars import scalar
from nntrain.config.tree import Node, plain
from nntrain.families import to_plain

_LONGEST = 88
_MAP, _LIST = "tag:yaml.org,2002:map", "tag:yaml.org,2002:seq"


class _Writer(yaml.SafeDumper):
    """Block style, but what fits into one line in one line; no aliases."""

    def ignore_aliases(self, data: Any) -> bool:
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)


def as_config(root: Node, written_in: Path, folder: Path, comment: Sequence[str] = ()) -> str:
    """A tree as the text of a config file for `folder`, with the paths in it as seen from there.

    written_in: the folder that these are relative to so far.
    """
    value = plain(root)
    data = value.get("data", {})
    for key in PATHS:
        if data.get(key):
            data[key] = _moved(data[key], written_in, folder)
    if value.get("plugins"):
        value["plugins"] = _moved(value["plugins"], written_in, folder)
    head = "".join(f"# {line}".rstrip() + "\n" for line in comment)
    return head + as_yaml(value)


def _moved(path: Any, before: Path, now: Path) -> Any:
    """A path, or each of several, as seen from the folder `now`."""
    if not isinstance(path, str):
        return tuple(_moved(one, before, now) for one in path)
    if Path(path).is_absolute():
        return path
    whole = os.path.normpath(os.path.join(os.path.realpath(before), path))  # noqa: PTH118
    try:
        return os.path.relpath(whole, os.path.realpath(now))
    except ValueError:  # another drive
        return whole


def resolved(experiment: Experiment) -> str:
    """YAML text of all that `experiment` says, defaults included."""
    return as_yaml(to_plain(experiment))


def as_yaml(plain: Any) -> str:
    """YAML text of mappings, lists and scalars."""
    return yaml.dump(
        to_plain(plain), Dumper=_Writer, sort_keys=False, allow_unicode=True, width=1 << 20
    )


def one_line(key: str, value: Any) -> str:
    """`key: value` as one line of YAML, whatever is in it."""
    return f"{inline(key)}: {inline(value)}"


def is_long(value: Any) -> bool:
    """Whether a list is written with an item a line."""
    return isinstance(value, list) and any(isinstance(item, dict) for item in value)


def _text(writer: _Writer, text: str) -> yaml.ScalarNode:
    plain = isinstance(scalar(text), str) and not re.search("[\n\r\x85\u2028\u2029]", text)
    style = None if plain else '"'
    return writer.represent_scalar("tag:yaml.org,2002:str", text, style=style)


def _mapping(writer: _Writer, value: dict[str, Any]) -> yaml.MappingNode:
    node = writer.represent_mapping("tag:yaml.org,2002:map", value.items(), flow_style=False)
    node.flow_style = "type" in value and _fits(value)
    return node


def _list(writer: _Writer, value: list[Any]) -> yaml.SequenceNode:
    flow = all(not isinstance(item, (dict, list)) for item in value) and _fits(value)
    return writer.represent_sequence("tag:yaml.org,2002:seq", value, flow_style=flow)


def _fits(value: Any) -> bool:
    return len(repr(value)) <= _LONGEST


def _flow(writer: _Writer, value: dict[str, Any]) -> yaml.MappingNode:
    return writer.represent_mapping("tag:yaml.org,2002:map", value.items(), flow_style=True)


_Writer.add_representer(str, _text)
_Writer.add_representer(dict, _mapping)
_Writer.add_representer(list, _list)
_Writer.add_representer(tuple, lambda writer, value: _list(writer, list(value)))


class _OneLine(_Writer):
    """Everything in one line."""

    def represent_mapping(self, tag: str, mapping: Any, flow_style: bool | None = None) -> Any:
        return super().represent_mapping(tag, mapping, flow_style=True)

    def represent_sequence(self, tag: str, sequence: Any, flow_style: bool | None = None) -> Any:
        return super().represent_sequence(tag, sequence, flow_style=True)


_OneLine.add_representer(dict, lambda writer, value: writer.represent_mapping(_MAP, value.items()))
_OneLine.add_representer(list, lambda writer, value: writer.represent_sequence(_LIST, value))


def inline(value: Any) -> str:
    """A value as YAML in one line: `[0.9, 0.999]`, `null`, `"3"`."""
    text = yaml.dump(
        [value], Dumper=_OneLine, sort_keys=False, allow_unicode=True, width=float("inf")
    )
    return str(text)[1:-2]


def commented(value: Any, comment: Callable[[tuple[str | int, ...]], str]) -> list[str]:
    """YAML with a value a line, and behind each what `comment` says of its path."""
    rows = list(_rows(value, (), "", ""))
    width = min(max(len(text) for text, path in rows if path), _LONGEST // 2)
    return [f"{text.ljust(width)}  # {comment(path)}" if path else text for text, path in rows]


def _rows(
    value: Any, path: tuple[str | int, ...], first: str, pad: str
) -> Iterator[tuple[str, tuple[str | int, ...]]]:
    """Lines, each with the path of its value, if it has one; the first begins with `first`."""
    for key, item in value.items():
        start, here = f"{first}{inline(key)}:", (*path, key)
        if isinstance(item, dict) and item:
            yield start, ()
            yield from _rows(item, here, f"{pad}  ", f"{pad}  ")
        elif is_long(item):
            yield start, ()
            for i, each in enumerate(item):
                if isinstance(each, dict) and each:
                    yield from _rows(each, (*here, i), f"{pad}  - ", f"{pad}    ")
                else:
                    yield f"{pad}  - {inline(each)}", (*here, i)
        else:
            yield f"{start} {inline(item)}", here
        first = pad
