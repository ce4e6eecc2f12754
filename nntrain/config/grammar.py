"""What may stand where in a config: the annotations of its dataclasses, read as a grammar."""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Iterator, Mapping
from dataclasses import MISSING
from functools import cache
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from nntrain.config.experiment import Experiment
from nntrain.config.tree import KeyPath, ListNode, MappingNode, Node, ScalarNode, child
from nntrain.families import Averaging, Family, Layer, Schedule, Source, Spec
from nntrain.limits import Ge, Gt, Le, Len, Lt
from nntrain.wording import listed, quoted

_NOUNS = {
    Averaging: "average", Layer: "layer", Schedule: "learning-rate schedule", Source: "file format",
}  # fmt: skip


def fields(spec: Any) -> dict[str, Any]:
    """The keys of a mapping that describes `spec`, each with the annotation of its value."""
    return _fields(spec)


@cache
def _fields(spec: Any) -> dict[str, Any]:
    hints = get_type_hints(spec, include_extras=True)
    return {field.name: hints[field.name] for field in dataclasses.fields(spec)}


def required(spec: type[Spec], name: str) -> bool:
    field = spec.__dataclass_fields__[name]  # type: ignore[attr-defined]
    return field.default is MISSING and field.default_factory is MISSING


def default(spec: type[Spec], name: str) -> Any:
    """What a key that was left out stands for; None for a required one too."""
    field = spec.__dataclass_fields__[name]  # type: ignore[attr-defined]
    if field.default_factory is not MISSING:
        return field.default_factory()
    return None if field.default is MISSING else field.default


def options(annotation: Any) -> tuple[Any, ...]:
    """The members of a union, without None; of anything else, itself."""
    if get_origin(annotation) in (Union, types.UnionType):
        return tuple(
            inner for arg in get_args(annotation) if arg is not type(None) for inner in options(arg)
        )
    return (annotation,)


def allows_none(annotation: Any) -> bool:
    return annotation is Any or type(None) in get_args(annotation)


def is_family(annotation: Any) -> bool:
    """True for `Layer`, not for `Dense`."""
    return isinstance(annotation, type) and "kinds" in annotation.__dict__


def is_spec(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, Spec)


def family_in(annotation: Any) -> type[Family] | None:
    return next((option for option in options(annotation) if is_family(option)), None)


def kind_of(family: type[Family], node: Node) -> type[Family] | None:
    """The kind that a mapping names by its `type`."""
    named = child(node, "type")
    return family.kinds.get(str(named.value)) if isinstance(named, ScalarNode) else None


def settled(option: Any, node: Node) -> Any:
    """`option` itself, or the kind that `node` names where it is a family."""
    return (kind_of(option, node) or option) if is_family(option) else option


def below(annotation: Any, node: Node, key: str | int) -> Any:
    """The annotation of what stands at `key` in `node`; None where nothing may."""
    for option in options(annotation):
        option = settled(option, node)
        args = get_args(option)
        if is_spec(option) and not is_family(option) and key in fields(option):
            return fields(option)[str(key)]
        if get_origin(option) is tuple and isinstance(key, int):
            return args[0] if args[-1] is Ellipsis else args[min(key, len(args) - 1)]
        if get_origin(option) is Mapping:
            return args[1]
    return None


def owner(root: Node, path: KeyPath) -> Any:
    """The spec that the last key of `path` is a key of; None for a list's item or a free name."""
    annotation: Any = Experiment
    node = root
    for key in path[:-1]:
        annotation, deeper = below(annotation, node, key), child(node, key)
        if annotation is None or deeper is None:
            return None
        node = deeper
    specs = (settled(option, node) for option in options(annotation))
    return next((spec for spec in specs if is_spec(spec) and path[-1] in fields(spec)), None)


def unfold(node: Node, annotation: Any) -> Node:
    """`node` with each bare word in a place for a kind as `{type: word}`."""
    if isinstance(node, MappingNode):
        items = {
            key: unfold(item, below(annotation, node, key)) for key, item in node.items.items()
        }
        return MappingNode(items, node.place, node.keys, node.bare)
    if isinstance(node, ListNode):
        unfolded = (unfold(item, below(annotation, node, i)) for i, item in enumerate(node.items))
        return ListNode(tuple(unfolded), node.place)
    if family_in(annotation) and isinstance(node.value, str):
        return MappingNode({"type": node}, node.place, {"type": node.place}, bare=True)
    return node


def homes(spec: Any, key: str, path: KeyPath = ()) -> Iterator[KeyPath]:
    """Everywhere below `spec` where `key` is a key; lists and kinds leave no trace in a path."""
    for name, annotation in fields(spec).items():
        if name == key:
            yield (*path, name)
        for option in options(annotation):
            inner = get_args(option)[0] if get_origin(option) is tuple else option
            kinds = inner.kinds.values() if is_family(inner) else [inner] if is_spec(inner) else []
            for kind in kinds:
                if len(path) < 3:  # layers hold layers
                    yield from homes(kind, key, (*path, name))


def describe(annotation: Any) -> str:
    """What may stand here, in words: "a whole number above 0 or `auto`"."""
    words = [_words(option)[0] for option in options(annotation)]
    if allows_none(annotation) and annotation is not Any:
        words.append("null")
    if len(words) == 1:
        return words[0]
    comma = "," if any("," in word for word in words) else ""
    return f"{', '.join(words[:-1])}{comma} or {words[-1]}"


def noun(family: type[Family]) -> str:
    return _NOUNS.get(family, family.__name__.lower())


def nouns(family: type[Family]) -> str:
    word = noun(family)
    return word + ("es" if word.endswith("s") else "s")


def article(word: str) -> str:
    return f"{'an' if word[0] in 'aeiou' else 'a'} {word}"


def _words(option: Any) -> tuple[str, str]:
    """What one member of a union is called: one of it, several of it."""
    metadata: tuple[Any, ...] = ()
    if get_origin(option) is Annotated:
        option, *rest = get_args(option)
        metadata = tuple(rest)
    origin, args = get_origin(option), get_args(option)
    if origin is Literal:
        one = quoted(str(args[0])) if len(args) == 1 else f"one of {listed(map(str, args))}"
        return one, one
    if origin is tuple:
        count = "" if args[-1] is Ellipsis else f"{len(args)} "
        several = f"{count}{_words(args[0])[1]}"
        return f"a list of {several}", f"lists of {several}"
    if origin is Mapping:
        return f"a mapping from names to {describe(args[1])}", "mappings"
    if is_family(option):
        return article(noun(option)), nouns(option)
    if is_spec(option):
        keys = f"with the keys {listed(fields(option), most=6)}"
        return f"a mapping {keys}", f"mappings {keys}"
    return _scalar_words(option, metadata)


def _scalar_words(option: Any, metadata: tuple[Any, ...]) -> tuple[str, str]:
    if option is bool:
        return "true or false", "true or false"
    if option is str:
        lengths = [limit for limit in metadata if isinstance(limit, Len)]
        one = any(limit.max_length == 1 for limit in lengths)
        return ("one character", "characters") if one else ("text", "texts")
    if option in (int, float):
        name = "whole number" if option is int else "number"
        bounds = _bounds(metadata)
        return f"a {name}{bounds}", f"{name}s{bounds}"
    return "a value", "values"


def _bounds(metadata: tuple[Any, ...]) -> str:
    low = next((limit for limit in metadata if isinstance(limit, (Gt, Ge))), None)
    high = next((limit for limit in metadata if isinstance(limit, (Lt, Le))), None)
    least = low.gt if isinstance(low, Gt) else low.ge if low else None
    most = high.lt if isinstance(high, Lt) else high.le if high else None
    if low and high:
        left, right = "(["[isinstance(low, Ge)], ")]"[isinstance(high, Le)]
        return f" in {left}{least}, {most}{right}"
    if low:
        return f" above {least}" if isinstance(low, Gt) else f" of {least} or more"
    if high:
        return f" below {most}" if isinstance(high, Lt) else f" of {most} or less"
    return ""
