"""The one line below a message that shows the way on."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated, Any, Literal, get_args, get_origin

from nntrain.config import spellings
from nntrain.config.experiment import Experiment
from nntrain.config.grammar import (
    allows_none,
    family_in,
    fields,
    homes,
    is_family,
    is_spec,
    meaning,
    noun,
    nouns,
    options,
    required,
)
from nntrain.config.scalars import scalar
from nntrain.config.tree import KeyPath, ListNode, MappingNode, Node, ScalarNode, dotted, shortened
from nntrain.data.wording import listed, nearest, quoted
from nntrain.families import Activation, Family, Layer

_BOOLEANS = {"yes": "true", "on": "true", "y": "true", "no": "false", "off": "false", "n": "false"}


def did_you_mean(name: str, names: Sequence[str], fallback: str = "") -> str:
    """The nearest of `names`, else all of them, as `fallback: …`."""
    same = spellings.same(name, names)
    near = [same] if same else nearest(name, names)
    if near:
        return f"did you mean {' or '.join(map(quoted, near))}?"
    return f"{fallback} {listed(names, most=12)}" if fallback and names else ""


def hint_for_key(key: str, path: KeyPath, allowed: Sequence[str]) -> str:
    """What an unknown key at `path` probably stands for; `allowed` are the keys known there."""
    if same := spellings.same(key, allowed):
        return f"did you mean `{same}`?"
    if key.isdecimal():
        return "was this a decimal comma? numbers are written with a point, 0.5"
    parent = str(path[-2]) if len(path) > 1 else ""
    note = spellings.ours(f"{parent}.{key}", spellings.NOTES)
    if note := note or spellings.ours(key, spellings.NOTES):
        return note
    foreign = spellings.ours(key, spellings.KEYS)
    if foreign and (leaf := foreign.rpartition(".")[2]) in allowed:
        return f"did you mean `{leaf}`?"
    elsewhere = [foreign] if foreign else list(dict.fromkeys(map(dotted, homes(Experiment, key))))
    if elsewhere:
        return _elsewhere(elsewhere, path)
    return did_you_mean(key, allowed, "the keys here are") or "no keys can stand here"


def _elsewhere(places: Sequence[str], path: KeyPath) -> str:
    place = places[0]
    outer, _, leaf = place.rpartition(".")
    if not outer:
        return f"did you mean `{leaf}`{', at the top level' if len(path) > 1 else ''}?"
    if outer == "model.layers":
        return f"`{leaf}` belongs to a layer in `model.layers`"
    return f"did you mean `{place}`? write `{_written(place)}`"


def _written(place: str) -> str:
    """`a: {b: {c: …}}` for `a.b.c`."""
    outer, *inner = place.split(".")
    text = "…"
    for part in reversed(inner):
        text = f"{{{part}: {text}}}"
    return f"{outer}: {text}"


def hint_for_kind(word: str, family: type[Family]) -> str:
    """The kind that an unknown `type` probably stands for."""
    if kind := likely_kind(word, family):
        return spellings.ours(word, spellings.KIND_NOTES) or f"did you mean `{kind}`?"
    if family is Layer and (activation := spellings.same(word, Activation.kinds)):
        return f"write `{{type: activation, activation: {activation}}}`"
    return did_you_mean(word, list(family.kinds), f"the {nouns(family)} are")


def likely_kind(word: str, family: type[Family]) -> str | None:
    """The kind that `word` is another spelling of."""
    table = spellings.KINDS.get(noun(family), {})
    return spellings.same(word, family.kinds) or spellings.ours(word, table)


def hint_for_no_type(node: Node, family: type[Family]) -> str:
    """What a mapping without `type` probably should say."""
    keys = list(node.items) if isinstance(node, MappingNode) else []
    if len(keys) == 1 and (kind := spellings.same(keys[0], family.kinds)):
        return f"write `{{type: {kind}, …}}`"
    return f"the {nouns(family)} are {listed(family.kinds, most=12)}"


def hint_for_missing(spec: Any, name: str) -> str:
    """What a required key says."""
    if family := family_in(fields(spec)[name]):
        return _choice(family)
    about = meaning(spec, name).rstrip(".")
    return f"`{name}`: {about}" if about else f"write `{name}: …`"


def hint_for_value(node: Node, annotation: Any, path: KeyPath) -> str:
    """Why a value may have come out wrong, and what to write."""
    kinds: list[Any] = [_bare(option) for option in options(annotation)]
    if path[:1] == ("expect",):
        score = path[-1] if len(path) > 1 else "test_accuracy"
        return f'write `expect: {{{score}: ">= 0.95"}}`'
    if isinstance(node, ScalarNode):
        return _for_scalar(node, annotation, kinds, path)
    if isinstance(node, MappingNode) and _takes_list(kinds) and str not in kinds:
        return "each item of the list begins with `- `"
    spec = next(filter(is_spec, kinds), None)
    if isinstance(node, ListNode) and spec and not is_family(spec):
        return _as_mapping(spec, path)
    if isinstance(node, ListNode) and len(node.items) == 1 and not _takes_list(kinds):
        return "leave the brackets or `-` out"
    return ""


def _bare(option: Any) -> Any:
    return get_args(option)[0] if get_origin(option) is Annotated else option


def _takes_list(kinds: list[Any]) -> bool:
    return any(get_origin(kind) is tuple for kind in kinds)


def _for_scalar(node: ScalarNode, annotation: Any, kinds: list[Any], path: KeyPath) -> str:
    if node.value is None and not allows_none(annotation):
        words = [str(word) for kind in kinds for word in _words(kind)]
        if path and isinstance(path[-1], int):
            return "remove the item"
        return "write `none`" if "none" in words else "leave the key out to get its default"
    if isinstance(node.value, str):
        return _for_text(node, node.value, kinds, path)
    if _takes_list(kinds) and str not in kinds:
        return f"a list of one is written `[{shortened(node.written)}]`"
    if str in kinds:
        return f'quote it: "{shortened(node.written)}"'
    if int in kinds or float in kinds:
        return _for_number(node.value, annotation, kinds)
    if words := [str(word) for kind in kinds for word in _words(kind)]:
        return _for_word(node.written, words)
    spec = next((kind for kind in kinds if is_spec(kind)), None)
    return _as_mapping(spec, path) if spec else ""


def _for_number(value: Any, annotation: Any, kinds: list[Any]) -> str:
    if isinstance(value, bool):
        return ""
    if int in kinds and isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return f"write {int(value)}"
    bounded = any(
        "Lt(lt=1)" in repr(option) or "Le(le=1)" in repr(option) for option in options(annotation)
    )
    if bounded and 1 < value <= 100:
        return f"a share is a fraction: {value:g} % is {value / 100:g}"
    return ""


def _for_text(node: ScalarNode, text: str, kinds: list[Any], path: KeyPath) -> str:
    if int in kinds or float in kinds:
        return _for_numeric_text(node, text, kinds)
    if bool in kinds:
        word = _BOOLEANS.get(text.lower()) or (
            text.lower() if text.lower() in ("true", "false") else ""
        )
        return f"write {word}{', without quotes' if node.quoted else ''}" if word else ""
    if words := [str(word) for kind in kinds for word in _words(kind)]:
        return _for_word(text, words)
    if _takes_list(kinds) and str not in kinds:
        return f"a list of one is written `[{shortened(node.written)}]`"
    spec = next((kind for kind in kinds if is_spec(kind)), None)
    return _as_mapping(spec, path) if spec else ""


def _for_word(text: str, words: list[str]) -> str:
    if (word := spellings.ours(text, spellings.WORDS)) in words:
        return f"did you mean `{word}`?"
    return did_you_mean(text, words)


def _for_numeric_text(node: ScalarNode, text: str, kinds: list[Any]) -> str:
    words = [str(word) for kind in kinds for word in _words(kind)]
    if near := did_you_mean(text, words):
        return near
    value = scalar(text.strip() or "-")
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return "write the number without quotes"
    if re.fullmatch(r"[-+]?[0-9][0-9_]*", text):
        digits = text.replace("_", "")
        zero = "a leading zero makes it text: " if digits[0] == "0" else ""
        return f"{zero}write {int(digits[:30])}" if len(digits) < 30 else ""
    if re.fullmatch(r"[-+]?[0-9]+,[0-9]+", text):
        return f"write {text.replace(',', '.')}"
    if percent := re.fullmatch(r"([0-9]+(?:\.[0-9]+)?) ?%", text):
        return f"write {float(percent[1]) / 100:g}"
    return ""


def _words(kind: Any) -> tuple[Any, ...]:
    return get_args(kind) if get_origin(kind) is Literal else ()


def _choice(family: type[Family]) -> str:
    return f"the {nouns(family)} are {listed(family.kinds, most=12)}"


def _as_mapping(spec: Any, path: KeyPath) -> str:
    if is_family(spec):
        return _choice(spec)
    keys = [name for name in fields(spec) if required(spec, name)] or list(fields(spec))
    name = path[-1] if path and isinstance(path[-1], str) else ""
    return f"write `{name + ': ' if name else ''}{{{keys[0]}: …}}`"
