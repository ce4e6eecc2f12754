"""Several sources, one tree: a config that extends another, and `--set` on top of both.

Every value keeps the place of the source that it came from.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from nntrain.config.document import parse_document, read_text
from nntrain.config.experiment import Experiment
from nntrain.config.grammar import default, family_in, fields, is_spec, options, unfold
from nntrain.config.tree import (
    KeyPath,
    ListNode,
    MappingNode,
    Node,
    Place,
    Scalar,
    ScalarNode,
    child,
    dotted,
    shortened,
)
from nntrain.errors import ConfigError, Problem
from nntrain.families import Family
from nntrain.wording import listed, nearest, quoted

COMMAND_LINE = "--set"
MOST_FOLDERS = 20  # in which a config of nearly the name is looked for
PATHS = ("path", "validation_path", "test_path")  # keys of `data`


class Layered(NamedTuple):
    """The tree of all sources, the text of the first, and the mistakes found on the way."""

    root: Node
    text: str
    problems: list[Problem]


def layered(path: Path, sets: Iterable[str] = (), text: str | None = None) -> Layered:
    """The tree that `path`, what it extends and `sets` (`a.b=value`) say together.

    text: what is in the file, where it is none that could be read.
    """
    text = existing(path) if text is None else text
    problems: list[Problem] = []
    root = _extended(path, text, (os.path.realpath(path),), problems)
    for number, given in enumerate(sets, 1):
        try:
            root = _set(root, given, number, problems)
        except ConfigError as error:
            problems += error.problems
    return Layered(_from_folder_of(path, root), text, problems)


def existing(path: Path, place: Place | None = None) -> str:
    """The text of a config file; where there is none, the problem names the nearest files.

    place: where the file was named, if not on the command line.
    """
    place = place or Place()
    try:
        if path.is_dir():
            inside = _configs(path)
            hint = f"did you mean {named(path / inside[0])}?" if inside else ""
            message = f"{named(path)} is a folder, not a config file"
        elif not path.exists():
            message, hint = f"there is no file {named(path)}", _near_files(path)
        else:
            return read_text(path)
    except OSError as error:
        message, hint = f"{named(path)} can not be read: {error.strerror}", ""
    raise ConfigError(place.problem((), message, hint))


def named(path: Path) -> str:
    """A path as a message shows it."""
    return f"`{shortened(str(path), 200)}`"


def _near_files(path: Path) -> str:
    """Configs of nearly this name, in its folder or in one below; else those of its folder."""
    folder = path.parent
    there = [folder / name for name in _configs(folder)]
    below = [
        folder / inner / name for inner in _folders(folder) for name in _configs(folder / inner)
    ]
    for files in (there, below):
        if near := nearest(path.stem, [file.stem for file in files]):
            near = [path.stem] if path.stem in near else near
            found = [file for stem in near for file in files if file.stem == stem][:3]
            return f"did you mean {' or '.join(map(named, found))}?"
    return f"configs there: {listed((file.name for file in there), 5)}" if there else ""


def _configs(folder: Path) -> list[str]:
    try:
        return sorted(
            file.name
            for file in folder.iterdir()
            if file.suffix in (".yaml", ".yml") and not file.name.startswith(".")
        )
    except OSError:
        return []


def _folders(folder: Path) -> list[str]:
    """Some of those inside, but no hidden ones."""
    try:
        inside = [entry.name for entry in os.scandir(folder) if entry.is_dir()]
    except OSError:
        return []
    return sorted(name for name in inside if not name.startswith("."))[:MOST_FOLDERS]


def _extended(path: Path, text: str, above: tuple[str, ...], problems: list[Problem]) -> Node:
    """The tree of one file, laid over that of the file that it extends."""
    document = parse_document(text, str(path))
    problems += document.problems
    root = unfold(document.root, Experiment)
    if not isinstance(root, MappingNode) or "extends" not in root.items:
        return root
    extends = root.items["extends"]
    if not isinstance(extends, ScalarNode) or not isinstance(extends.value, str):
        message = "expected the path of one config file"
        raise ConfigError(extends.place.problem(("extends",), message))
    base = _tidy(path.parent / extends.value.replace("\0", "�"))
    if os.path.realpath(base) in above:
        message = f"{named(base)} extends itself, in a circle"
        raise ConfigError(extends.place.problem(("extends",), message))
    base_text = existing(base, extends.place)
    below = _extended(base, base_text, (*above, os.path.realpath(base)), problems)
    return overlay(below, without(root, "extends"))


def _tidy(path: Path) -> Path:
    """`path` without `..`, where that is the same file (links can make it another)."""
    tidy = os.path.normpath(path)
    return Path(tidy) if os.path.realpath(tidy) == os.path.realpath(path) else path


def overlay(base: Node, over: Node) -> Node:
    """`over` laid on `base`: mappings merge, lists replace, `null` deletes a key.

    A mapping of another `type` replaces too: the keys of one kind mean nothing to another.
    """
    if not isinstance(base, MappingNode) or not isinstance(over, MappingNode):
        return over
    kinds = {_type(base), _type(over)} - {None}
    if len(kinds) > 1:
        return over
    merged = base
    for key, item in over.items.items():
        if isinstance(item, ScalarNode) and item.value is None:
            merged = without(merged, key)
        else:
            below = merged.items.get(key)
            merged = _with(merged, key, overlay(below, item) if below else item, over.keys[key])
    return replace(merged, place=over.place, bare=base.bare and over.bare)


def _type(node: MappingNode) -> Scalar:
    named = node.items.get("type")
    return named.value if isinstance(named, ScalarNode) else None


def _with(node: MappingNode, key: str, item: Node, place: Place) -> MappingNode:
    return replace(
        node, items={**node.items, key: item}, keys={**node.keys, key: place}, bare=False
    )


def without(node: MappingNode, key: str) -> MappingNode:
    """`node` without one of its keys."""
    items = {name: item for name, item in node.items.items() if name != key}
    keys = {name: place for name, place in node.keys.items() if name != key}
    return replace(node, items=items, keys=keys)


def _set(root: Node, given: str, number: int, problems: list[Problem]) -> Node:
    """`root` with one `a.b=value` put in; its place is its number among the others."""
    key, equals, value = given.partition("=")
    place = Place(COMMAND_LINE, number, 1, given)
    path = key_path(key)
    if not equals or "" in path:
        message = f"expected KEY=VALUE, got {quoted(given)}"
        hint = "write it like --set optimizer.learning_rate=0.01"
        raise ConfigError(place.problem((), message, hint))
    if value.strip():
        above = "\n" * (number - 1)  # so that the value's place comes out right
        text = above + " " * (len(key) + 1) + value
        document = parse_document(text, COMMAND_LINE, source=above + given)
        problems += document.problems
        node = document.root
    else:
        node = ScalarNode(None, replace(place, column=len(key) + 2))
    return put(root, path, node, place)


def key_path(dotted: str) -> KeyPath:
    """`model.layers.0.units` as the keys and indices that it consists of."""
    return tuple(int(part) if part.isdecimal() else part for part in dotted.strip().split("."))


def put(root: Node, path: KeyPath, value: Node, place: Place) -> Node:
    """`root` with `value` at `path`, which is written at `place`; null takes the key away."""
    return unfold(_put(root, path, value, place, ()), Experiment)


def _put(root: Node, path: KeyPath, value: Node, place: Place, done: KeyPath) -> Node:
    """`root` with `value` at `path`; `done` is the way that was already gone."""
    if not path:
        return value
    key, *rest = path
    here = (*done, key)
    if isinstance(root, ListNode):
        index = _index(root, key, place, done)
        item = _put(root.items[index], tuple(rest), value, place, here)
        return replace(root, items=(*root.items[:index], item, *root.items[index + 1 :]))
    if not isinstance(root, MappingNode):
        message = f"`{dotted(done)}` is {_called(root)}, which has no keys"
        raise ConfigError(_under(place, done).problem(here, message))
    name = str(key)
    if not rest and isinstance(value, ScalarNode) and value.value is None:
        return without(root, name)
    old = root.items.get(name) or (_made(here, place) if rest else None)
    new = _put(old, tuple(rest), value, place, here) if old else value
    return _with(root, name, new, _under(place, done))


def _index(node: ListNode, key: str | int, place: Place, done: KeyPath) -> int:
    if isinstance(key, int) and key < len(node.items):
        return key
    last = len(node.items) - 1
    message = (
        f"`{dotted(done)}` is a list: expected an index from 0 to {last}, got {quoted(str(key))}"
    )
    if last < 0:
        message = f"`{dotted(done)}` is an empty list"
    raise ConfigError(_under(place, done).problem((*done, key), message))


def _called(node: Node) -> str:
    return f"`{shortened(node.written)}`" if isinstance(node, ScalarNode) else "a list"


def _under(place: Place, done: KeyPath) -> Place:
    """The place of the key that comes after `done` in `a.b.c=value`, which begins at `place`."""
    return replace(place, column=place.column + len(".".join(map(str, done))) + bool(done))


def _made(path: KeyPath, place: Place) -> MappingNode:
    """A mapping for a key that was left out: of the default's kind, where there is one."""
    kind = _default_kind(path)
    at = _under(place, path[:-1])
    if kind is None:
        return MappingNode({}, at)
    return MappingNode({"type": ScalarNode(kind, at, kind)}, at, {"type": at})


def _default_kind(path: KeyPath) -> str | None:
    spec: Any = Experiment
    for key in path[:-1]:
        inner = fields(spec).get(str(key))
        spec = next((option for option in options(inner) if is_spec(option)), None)
        if spec is None:
            return None
    name = str(path[-1])
    value = default(spec, name) if name in fields(spec) and family_in(fields(spec)[name]) else None
    return value.kind if isinstance(value, Family) else None


def _from_folder_of(config: Path, root: Node) -> Node:
    """`root` with the paths in it relative to the folder of `config`, wherever written."""
    if not isinstance(root, MappingNode):
        return root
    if plugins := root.items.get("plugins"):
        root = replace(root, items={**root.items, "plugins": _moved(plugins, config)})
    data = child(root, "data")
    if not isinstance(data, MappingNode):
        return root
    moved = {key: _moved(data.items[key], config) for key in PATHS if key in data.items}
    data = replace(data, items={**data.items, **moved})
    return replace(root, items={**root.items, "data": data})


def _moved(node: Node, config: Path) -> Node:
    """A path, or each of a list, as seen from the folder of `config`."""
    if isinstance(node, ListNode):
        return replace(node, items=tuple(_moved(item, config) for item in node.items))
    if not isinstance(node, ScalarNode) or not isinstance(node.value, str) or not node.value:
        return node
    written_in = Path() if node.place.file == COMMAND_LINE else Path(node.place.file).parent
    if written_in == config.parent or Path(node.value).is_absolute():
        return node
    file = Path(os.path.realpath(written_in), node.value)
    return replace(node, value=os.path.relpath(file, os.path.realpath(config.parent)))
