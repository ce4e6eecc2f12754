"""Completing: how the beginning of a key, or of `key=value`, can go on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, get_args, get_origin

from nntrain.config.asked import names
from nntrain.config.docstrings import meaning, summary
from nntrain.config.experiment import Experiment
from nntrain.config.grammar import default, fields, is_family, is_spec, kind_of, options, required
from nntrain.config.layering import layered
from nntrain.config.tree import ListNode, Node, child
from nntrain.config.writing import inline
from nntrain.errors import NNTrainError
from nntrain.families import to_plain


class Way(NamedTuple):
    """One way to go on: the whole text, and what it means."""

    text: str
    about: str = ""


def tree(config: str) -> Node | None:
    """What a config says, as far as it can be read."""
    try:
        return layered(Path(config)).root if config else None
    except NNTrainError:
        return None


def settings(begun: str, root: Node | None = None) -> list[Way]:
    """How `--set` goes on: to the next part of a key, or to a value behind `=`."""
    path, equals, value = begun.partition("=")
    *outer, last = path.split(".")
    places = [(Experiment, root)]
    for part in outer:
        places = [deeper for place in places for deeper in _inside(*place, part)]
    if not equals:
        before = "".join(f"{part}." for part in outer)
        found = [way for place in places for way in _keys(*place)]
        ways = [Way(before + way.text, way.about) for way in found if way.text.startswith(last)]
    elif last == "type" and outer:
        words = [way for annotation, _ in places for way in _values(annotation)]
        ways = [Way(f"{path}={way.text}", way.about) for way in words if way.text.startswith(value)]
    else:
        places = [deeper for place in places for deeper in _inside(*place, last)]
        words = [way for annotation, _ in places for way in _values(annotation)]
        words += [way for place in outer_specs(outer, root) for way in _usual(place, last)]
        ways = [Way(f"{path}={way.text}", way.about) for way in words if way.text.startswith(value)]
    first: dict[str, Way] = {}
    for way in ways:
        first.setdefault(way.text, way)
    return list(first.values())


def asked(begun: str) -> list[Way]:
    """How `--explain` goes on."""
    return [Way(name) for name in dict.fromkeys(names()) if name.startswith(begun)]


def outer_specs(outer: list[str], root: Node | None) -> list[Any]:
    places = [(Experiment, root)]
    for part in outer:
        places = [deeper for place in places for deeper in _inside(*place, part)]
    return [spec for annotation, node in places for spec in _specs(annotation, node)]


def _specs(annotation: Any, node: Node | None) -> Iterator[Any]:
    """What has keys there: a section, the kind that the config has, or else all kinds."""
    for option in options(annotation):
        if is_family(option):
            there = kind_of(option, node) if node else None
            yield from [there] if there else option.kinds.values()
        elif is_spec(option):
            yield option


def _inside(annotation: Any, node: Node | None, part: str) -> Iterator[tuple[Any, Node | None]]:
    below = child(node, int(part) if part.isdecimal() else part) if node else None
    for spec in _specs(annotation, node):
        if part in fields(spec):
            yield fields(spec)[part], below
    for option in options(annotation):
        if get_origin(option) is tuple and part.isdecimal():
            yield get_args(option)[0], below
        elif get_origin(option) is Mapping:
            yield get_args(option)[1], below


def _keys(annotation: Any, node: Node | None) -> Iterator[Way]:
    """Keys of sections end with a point, since something must follow; of lists come numbers."""
    for spec in _specs(annotation, node):
        for key, inner in fields(spec).items():
            deeper = any(is_spec(option) for option in options(inner)) or isinstance(
                child(node, key) if node else None, ListNode
            )
            if deeper:
                yield Way(f"{key}.", meaning(spec, key))
            if not deeper or any(map(is_family, options(inner))):
                yield Way(f"{key}=", meaning(spec, key))
    if any(map(is_family, options(annotation))):
        yield Way("type=", "the kind")
    if isinstance(node, ListNode):
        for i, item in enumerate(node.items):
            kind = child(item, "type")
            yield Way(f"{i}.", str(getattr(kind, "value", "")))


def _values(annotation: Any) -> Iterator[Way]:
    for option in options(annotation):
        if get_origin(option) is Annotated:
            option = get_args(option)[0]
        if get_origin(option) is Literal:
            yield from (Way(str(word)) for word in get_args(option))
        elif is_family(option):
            yield from (Way(word, summary(kind)) for word, kind in option.kinds.items())
        elif option is bool:
            yield from (Way("true"), Way("false"))
    if type(None) in get_args(annotation):
        yield Way("null")


def _usual(spec: Any, key: str) -> Iterator[Way]:
    """The default, where it is short."""
    if key in fields(spec) and not required(spec, key):
        value = to_plain(default(spec, key))
        if not isinstance(value, (dict, list)) and value not in (None, ""):
            yield Way(inline(value), "the default")
