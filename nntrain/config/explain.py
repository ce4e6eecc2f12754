"""From what pydantic found to what a person is told, at its place in the file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple, get_origin

from nntrain.config.advice import advice
from nntrain.config.experiment import Experiment
from nntrain.config.grammar import (
    article,
    below,
    describe,
    family_in,
    fields,
    is_family,
    is_spec,
    noun,
    options,
    owner,
    required,
    settled,
)
from nntrain.config.hints import (
    hint_for_key,
    hint_for_kind,
    hint_for_missing,
    hint_for_no_type,
    likely_kind,
    the_kinds,
)
from nntrain.config.tree import (
    KeyPath,
    ListNode,
    MappingNode,
    Node,
    ScalarNode,
    child,
    find,
    place_of,
    shortened,
)
from nntrain.errors import Problem
from nntrain.families import Family
from nntrain.wording import listed, quoted

_KEY_ERRORS = ("missing", "unexpected_keyword_argument")


class _Spot(NamedTuple):
    """Where an error is: its key path, what stands there, and what may stand there."""

    path: KeyPath
    node: Node
    annotation: Any


def explain(errors: Sequence[Mapping[str, Any]], section: str, root: MappingNode) -> list[Problem]:
    """The problems in one section, each once."""
    start = _Spot((section,), root.items[section], fields(Experiment)[section])
    found = [(error, _spot(error, start)) for error in errors]
    inner = [
        (*spot.path, error["loc"][-1]) if error["type"] == _KEY_ERRORS[1] else spot.path
        for error, spot in found
    ]
    problems: dict[tuple[str, KeyPath], Problem] = {}
    for error, spot in found:
        path = (*spot.path, error["loc"][-1]) if error["loc"] else spot.path
        if error["type"] == "unexpected_keyword_argument":
            problems["key", path] = unknown_key(root, path, spot.annotation)
        elif error["type"] == "missing" and is_spec(spot.annotation):
            if not is_misspelt(str(path[-1]), spot.node, spot.path, spot.annotation):
                problems["key", path] = missing(root, path, spot.annotation)
        elif not any(_inside(other, spot.path) for other in inner):
            problems["value", spot.path] = _value(root, spot, error)
            for path, kind in _keys_of_a_likely_kind(spot):
                problems["key", path] = unknown_key(root, path, kind)
    return list(problems.values())


def _inside(inner: KeyPath, outer: KeyPath) -> bool:
    return len(inner) > len(outer) and inner[: len(outer)] == outer


def _spot(error: Mapping[str, Any], spot: _Spot) -> _Spot:
    """Follow an error's place through the tree, past the names that pydantic adds for unions."""
    about_key = error["type"] in _KEY_ERRORS
    for part in error["loc"][:-1] if about_key else error["loc"]:
        members = options(spot.annotation)
        if len(members) > 1:
            spot = _Spot(spot.path, spot.node, _member(spot, members))
        elif is_family(members[0]):
            spot = _Spot(spot.path, spot.node, settled(members[0], spot.node))
        else:
            node = child(spot.node, part)
            annotation = below(spot.annotation, spot.node, part)
            if node is None or annotation is None:
                break
            spot = _Spot((*spot.path, part), node, annotation)
    members = options(spot.annotation)
    return _Spot(spot.path, spot.node, members[0]) if about_key and len(members) == 1 else spot


def _member(spot: _Spot, members: tuple[Any, ...]) -> Any:
    """The member of a union that a list or a mapping means; the whole union for a scalar."""
    for member in members:
        is_mapping = is_spec(member) or get_origin(member) is Mapping
        if isinstance(spot.node, MappingNode) and is_mapping:
            return member
        if isinstance(spot.node, ListNode) and get_origin(member) is tuple:
            return member
    return spot.annotation


def _keys_of_a_likely_kind(spot: _Spot) -> Iterator[tuple[KeyPath, Any]]:
    """The unknown keys of a mapping whose `type` is a foreign word for a kind of ours."""
    family, word = family_in(spot.annotation), child(spot.node, "type")
    if family is None or not isinstance(spot.node, MappingNode) or not isinstance(word, ScalarNode):
        return
    if likely := likely_kind(str(word.value), family):
        kind: Any = family.kinds[likely]
        for key in spot.node.items:
            if key != "type" and key not in fields(kind):
                yield (*spot.path, key), kind


def _value(root: Node, spot: _Spot, error: Mapping[str, Any]) -> Problem:
    family = family_in(spot.annotation)
    if family and isinstance(spot.node, MappingNode):
        return _kind(root, spot.path, spot.node, family)
    if error["type"] == "value_error":
        return place_of(root, spot.path).problem(spot.path, str(error["ctx"]["error"]))
    return wrong_value(root, spot.path, spot.annotation)


def _kind(root: Node, path: KeyPath, node: MappingNode, family: type[Family]) -> Problem:
    """A mapping that names no kind, or one that does not exist."""
    named = node.items.get("type")
    if named is None:
        message = f"`type` is missing: which {noun(family)} is it?"
        return place_of(root, path).problem(path, message, hint_for_no_type(node, family))
    named_at = path if node.bare else (*path, "type")
    if not isinstance(named, ScalarNode) or not isinstance(named.value, str):
        message = f"expected the name of {article(noun(family))}, got {shown(named)}"
        hint = the_kinds(family)
    else:
        message = f"unknown {noun(family)} {quoted(named.value)}"
        hint = hint_for_kind(named.value, family)
    return named.place.problem(named_at, message, hint)


def wrong_value(root: Node, path: KeyPath, annotation: Any) -> Problem:
    """A value that may not stand where it does."""
    node, spec = find(root, path) or root, owner(root, path)
    is_gate = path[:1] == ("expect",) and len(path) > 1
    expected = 'text such as ">= 0.95"' if is_gate else describe(annotation)
    message = f"expected {expected}, got {shown(node)}"
    is_null = isinstance(node, ScalarNode) and node.value is None
    if spec and is_null and required(spec, str(path[-1])):
        hint = hint_for_missing(spec, str(path[-1]))
    else:
        hint = advice(node, annotation, path)
    return place_of(root, path).problem(path, message, hint)


def no_mapping(root: Node) -> Problem:
    """A config that does not consist of keys."""
    hint = f"the keys are {listed(fields(Experiment), most=12)}"
    return root.place.problem((), f"expected a mapping of `key: value`, got {shown(root)}", hint)


def unknown_key(root: Node, path: KeyPath, spec: Any) -> Problem:
    """A key that means nothing where it stands."""
    allowed = list(fields(spec))
    place = place_of(root, path, key=True)
    return place.problem(path, "unknown key", hint_for_key(str(path[-1]), path, allowed))


def missing(root: Node, path: KeyPath, spec: Any) -> Problem:
    """A required key that is not there; the place is the mapping that lacks it."""
    message = f"the key `{path[-1]}` is missing"
    hint = hint_for_missing(spec, str(path[-1]))
    return place_of(root, path[:-1]).problem(path[:-1], message, hint)


def is_misspelt(name: str, node: Node, path: KeyPath, spec: Any) -> bool:
    """True if a key of `node` is but another spelling of a missing one: one problem, not two."""
    allowed = list(fields(spec))
    unknown = [key for key in getattr(node, "items", ()) if key not in (*allowed, "type")]
    hints = (hint_for_key(key, (*path, key), allowed) for key in unknown)
    return any(f"did you mean `{name}`" in hint for hint in hints)


def shown(node: Node) -> str:
    """A value as a message shows it."""
    if isinstance(node, MappingNode):
        return shown(node.items["type"]) if node.bare else "a mapping"
    if isinstance(node, ListNode):
        return f"a list of {len(node.items)}" if node.items else "an empty list"
    if node.value is None and not node.written:
        return "nothing"
    if isinstance(node.value, str):
        text = shortened(node.value)
        return f'the text "{text}"' if node.quoted or not text.strip() else quoted(node.value)
    return shortened(node.written)
