"""Origins: every value of a config, defaults included, and where each came from."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from nntrain.config.layering import COMMAND_LINE
from nntrain.config.load import Loaded
from nntrain.config.tree import KeyPath, Place, find, printable, shortened
from nntrain.config.writing import commented, is_long
from nntrain.families import to_plain


class Value(NamedTuple):
    """One value that is no mapping and no list of mappings.

    origin: `file:line`, `--set key=value`, `default`, or what it was made from.
    """

    path: KeyPath
    value: Any
    origin: str

    @property
    def key(self) -> str:
        return ".".join(map(str, self.path))


def values(loaded: Loaded) -> Iterator[Value]:
    """All of them, in the order of the sections."""
    for path, value in leaves(to_plain(loaded.experiment)):
        yield Value(path, value, origin(loaded, path))


def head(loaded: Loaded) -> str:
    """A line about the text, for whoever finds it without its origin."""
    return f"{printable(str(loaded.path))} with every default; paths are relative to its folder"


def resolved_with_origins(loaded: Loaded) -> list[str]:
    """The whole config as YAML that `fit` takes, each value with its origin in a comment."""
    plain = to_plain(loaded.experiment)
    return commented(plain, lambda path: origin(loaded, path))


def leaves(value: Any, path: KeyPath = ()) -> Iterator[tuple[KeyPath, Any]]:
    """What stands in a tree of mappings and lists, and where; lists of scalars are whole."""
    if isinstance(value, dict) and value:
        for key, item in value.items():
            yield from leaves(item, (*path, key))
    elif is_long(value):
        for i, item in enumerate(value):
            yield from leaves(item, (*path, i))
    else:
        yield path, value


def origin(loaded: Loaded, path: KeyPath) -> str:
    node = find(loaded.root, path)
    if node is not None:
        return _told(node.place)
    if path == ("name",):
        return "the name of the file"
    if path[0] == "metrics" and find(loaded.root, ("metrics",)) is None:
        return "default for this loss"
    return "default"


def _told(place: Place) -> str:
    if place.file == COMMAND_LINE:
        return f"{COMMAND_LINE} {shortened(place.source.strip())}"
    return f"{printable(place.file)}:{place.line}"
