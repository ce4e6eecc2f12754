"""Plugins: Python files of the user's own whose kinds a config may name.

A plugin is code, and code runs only where the user has named its file in this very command: in the
config that is given to it, or by `--plugin FILE`.  What lies in a run folder or a model file only
says which plugins are needed, by their SHA-256; `require` refuses where they were not named.
"""

from __future__ import annotations

import ast
import dataclasses
import hashlib
import sys
import traceback
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

from nntrain.config.experiment import Experiment
from nntrain.config.tree import ListNode, Node, Place, ScalarNode, child, shortened
from nntrain.errors import ConfigError, Problem
from nntrain.families import FAMILIES, Family, Spec
from nntrain.values import dataclass
from nntrain.wording import listed, nearest, quoted

MOST_BYTES = 1 << 20
Kinds = dict[type[Family], dict[str, type[Family]]]


@dataclass(frozen=True)
class Plugin:
    """A file that was run.

    name: that of the file, without its folder.
    kinds: the names of the kinds that it has added.
    """

    name: str
    path: Path
    sha256: str
    text: bytes
    kinds: tuple[str, ...]

    @property
    def notes(self) -> list[str]:
        if self.kinds:
            return []
        return [f"the plugin {self.path} has no kinds: no subclass of Layer, Loss, … is in it"]

    def facts(self) -> dict[str, str]:
        """What a model file says of it."""
        return {"name": self.name, "sha256": self.sha256}


_RUN: dict[str, Plugin] = {}  # what this process has run, by SHA-256
_OWNERS: dict[type[Spec], str] = {}  # of a kind: the SHA-256 of the file that it is from


def load_plugins(paths: Iterable[str | Path]) -> list[Plugin]:
    """Run files of the user's own, so that configs and models may name the kinds in them.

    A file that this process has run before is not run again.  Raises `ConfigError`.
    """
    return [_loaded(Path(path), Place("--plugin"), ()) for path in paths]


def have_run() -> bool:
    """Whether this process has run any."""
    return bool(_RUN)


def plugins_of(root: Node, config: Path) -> list[Plugin]:
    """Run what the key `plugins` of a config names, by paths relative to its folder."""
    listed_there = child(root, "plugins")
    if not isinstance(listed_there, ListNode):
        return []
    found, problems = [], []
    for number, node in enumerate(listed_there.items):
        if isinstance(node, ScalarNode) and isinstance(node.value, str):
            path = config.parent / node.value.replace("\0", "�")
            try:
                found.append(_loaded(path, node.place, ("plugins", number)))
            except ConfigError as error:
                problems.append(error)
                continue
            twins = [each for each in found[:-1] if each.name == found[-1].name]
            if twins and twins[0] != found[-1]:
                message = f"there are two plugins of the name {quoted(twins[0].name)}"
                problems.append(ConfigError(node.place.problem(("plugins", number), message)))
    if problems:
        raise ConfigError(*(p for error in problems for p in error.problems)) from problems[0]
    return found


def used_by(experiment: Experiment) -> list[Plugin]:
    """The plugins whose kinds an experiment has, in the order of their names."""
    needed = {_OWNERS[type(spec)] for spec in _specs(experiment) if type(spec) in _OWNERS}
    return sorted((_RUN[sha256] for sha256 in needed), key=lambda each: (each.name, each.sha256))


def used_with(experiment: Experiment, others: Any) -> list[Plugin]:
    """The same with the plugins whose kinds other values, such as those of a sweep, may name."""
    words = set(_words(others))
    named = [each for each in _RUN.values() if words & set(each.kinds)]
    return list(dict.fromkeys([*used_by(experiment), *named]))


def require(facts: Any, what: str) -> None:
    """Refuse what needs plugins that this process was not told to run.

    facts: the name and the SHA-256 of each, from a model file or a manifest; ValueError where they
    are nothing of the kind.
    """
    if not isinstance(facts, list) or not all(_is_fact(fact) for fact in facts):
        raise ValueError("what it says of its plugins is no list of names and SHA-256s")
    missing = [fact for fact in facts if fact["sha256"] not in _RUN]
    for fact in facts:
        if plugin := _RUN.get(fact["sha256"]):  # a copy under another name: bytes stay the same
            _RUN[fact["sha256"]] = replace(plugin, name=fact["name"])
    if missing:
        raise ConfigError(*(_refusal(fact, what) for fact in missing))


def _is_fact(fact: Any) -> bool:
    if not isinstance(fact, Mapping):
        return False
    name, sha256 = fact.get("name"), fact.get("sha256")
    return (
        isinstance(name, str)
        and isinstance(sha256, str)
        and len(sha256) == 64
        and name == Path(name).name
        and name.endswith(".py")
        and name == shortened(name, 200)
    )


def _refusal(fact: Mapping[str, str], what: str) -> Problem:
    name, wanted = fact["name"], fact["sha256"]
    for plugin in _RUN.values():
        if plugin.path.name == name:
            return Problem(
                f"{what} needs another version of the plugin {quoted(name)}\n"
                f"  needed: SHA-256 {wanted}\n"
                f"  given:  SHA-256 {plugin.sha256}, {plugin.path}",
                hint="give the file that it was trained with; a run folder keeps a copy in "
                "plugins/",
            )
    return Problem(
        f"{what} needs the plugin {quoted(name)}, SHA-256 {wanted}",
        hint=f"a plugin is code, which runs only if you say so: --plugin {name} (the path of a "
        "file that you trust; a run folder keeps a copy in plugins/)",
    )


def _specs(value: Any) -> Iterator[Spec]:
    """All sections and kinds in an experiment."""
    if isinstance(value, Spec):
        yield value
        for each in dataclasses.fields(value):  # type: ignore[arg-type]
            yield from _specs(getattr(value, each.name))
    elif isinstance(value, (tuple, list)):
        for item in value:
            yield from _specs(item)
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _specs(item)


def _words(value: Any) -> Iterator[str]:
    """All text in a tree of mappings and lists."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _words(item)
    elif isinstance(value, (tuple, list)):
        for item in value:
            yield from _words(item)


def _loaded(path: Path, place: Place, key: tuple[str | int, ...]) -> Plugin:
    text = _read(path, place, key)
    sha256 = hashlib.sha256(text).hexdigest()
    if sha256 in _RUN:
        return _RUN[sha256]
    before: Kinds = {family: dict(family.kinds) for family in FAMILIES}
    module = ModuleType(f"nntrain_plugin_{sha256[:16]}")
    module.__file__ = str(path)
    sys.modules[module.__name__] = module  # where annotations that are text are looked up
    try:
        _run(text, path, module)
        added = list(_added(before))
        _check(added, before, text, path)
    except BaseException:
        for family, kinds in before.items():
            family.kinds.clear()
            family.kinds.update(kinds)
        del sys.modules[module.__name__]
        raise
    names = tuple(kind.kind for kind in added)
    plugin = Plugin(path.name, path, sha256, text, names)
    _RUN[sha256] = plugin
    _OWNERS.update(dict.fromkeys(added, sha256))
    if added:
        from nntrain.config.schema import validator

        validator.cache_clear()  # those that were made know the old kinds only
    return plugin


def _read(path: Path, place: Place, key: tuple[str | int, ...]) -> bytes:
    shown = f"`{shortened(str(path), 200)}`"
    try:
        if path.is_file() and path.suffix == ".py":
            text = path.read_bytes()
            if len(text) > MOST_BYTES:
                raise ConfigError(place.problem(key, f"the plugin {shown} is longer than 1 MiB"))
            return text
        message, hint = f"there is no file {shown}", ""
        if path.exists():
            message = f"{shown} is no Python file, whose name ends with .py"
        there = [each.name for each in sorted(path.parent.glob("*.py"))]
        if near := nearest(path.name, there):
            hint = f"did you mean {' or '.join(f'`{path.parent / name}`' for name in near)}?"
        elif there:
            hint = f"Python files there: {listed(there, most=5)}"
    except OSError as error:
        message, hint = f"{shown} can not be read: {error.strerror or error}", ""
    raise ConfigError(place.problem(key, message, hint))


def _run(text: bytes, path: Path, module: ModuleType) -> None:
    """Run a file; what it raises becomes a short message, with the line of the file."""
    try:
        exec(compile(text, str(path), "exec", dont_inherit=True), module.__dict__)  # noqa: S102
    except SyntaxError as error:
        inside = error.filename == str(path)
        raise ConfigError(_at(text, path, error.lineno or 0 if inside else 0, error.msg)) from error
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # SystemExit too: a plugin does not end the command
        frames = traceback.extract_tb(error.__traceback__)
        lines = [frame.lineno for frame in frames if frame.filename == str(path)]
        said = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        hint = "--debug shows the whole traceback"
        raise ConfigError(
            _at(text, path, lines[-1] or 0 if lines else 0, shortened(said, 200), hint)
        ) from error


def _added(before: Kinds) -> Iterator[type[Family]]:
    for family, known in before.items():
        for name, kind in family.kinds.items():
            if known.get(name) is not kind:
                yield kind


def _check(added: list[type[Family]], before: Kinds, text: bytes, path: Path) -> None:
    problems = []
    for kind in added:
        line = _line_of(kind.__name__, text)
        if old := next((k[kind.kind] for k in before.values() if _hides(kind, k)), None):
            problems.append(_at(text, path, line, f"`{kind.kind}` {_taken(old, path)}"))
        elif why := _unfit(kind):
            problems.append(_at(text, path, line, f"`{kind.__name__}`: {why}"))
    if problems:
        raise ConfigError(*problems)


def _hides(kind: type[Family], known: Mapping[str, type[Family]]) -> bool:
    old = known.get(kind.kind)
    return old is not None and kind.kinds.get(kind.kind) is kind and _family(kind) is _family(old)


def _family(kind: type[Family]) -> type[Family]:
    return next(family for family in FAMILIES if issubclass(kind, family))


def _taken(old: type[Family], path: Path) -> str:
    """Why a name can not be had once more."""
    owner = _RUN.get(_OWNERS.get(old, ""))
    if owner is None:
        return f"is a kind of nntrain already ({old.__name__}): give the class another name"
    if owner.path.resolve() == path.resolve():
        return "was loaded before the file was changed: begin a new Python process"
    return f"is a kind of the plugin {owner.path} already: give the class another name"


def _unfit(kind: type[Family]) -> str:
    """What keeps a class from being a kind; nothing if all is well."""
    params: Any = kind.__dict__.get("__dataclass_params__")
    if params is None or not params.frozen:
        return "a kind needs `@dataclass(frozen=True)` above its class"
    from nntrain.config.schema import judgeable

    return judgeable(kind)


def _line_of(name: str, text: bytes) -> int:
    found = [n for n in ast.walk(ast.parse(text)) if isinstance(n, ast.ClassDef) and n.name == name]
    return found[0].lineno if found else 0


def _at(text: bytes, path: Path, line: int, message: str, hint: str = "") -> Problem:
    """A problem in a line of a plugin."""
    lines = text.decode("utf-8", errors="replace").splitlines()
    source = lines[line - 1] if 0 < line <= len(lines) else ""
    column = len(source) - len(source.lstrip()) + 1 if source else 0
    return Place(str(path), line, column, source).problem((), message, hint)
