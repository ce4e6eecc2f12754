"""What an unknown key or kind probably stands for, and what a missing key says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nntrain.config import spellings
from nntrain.config.docstrings import meaning
from nntrain.config.experiment import Experiment
from nntrain.config.grammar import family_in, fields, homes, noun, nouns
from nntrain.config.tree import KeyPath, MappingNode, Node, dotted
from nntrain.families import FAMILIES, Activation, Family, Layer
from nntrain.wording import listed, nearest, quoted


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
    here = ".".join(map(str, path[-2:]))
    if note := spellings.ours(here, spellings.NOTES) or spellings.ours(key, spellings.NOTES):
        return note
    foreign = spellings.ours(key, spellings.KEYS)
    if foreign and (leaf := foreign.rpartition(".")[2]) in allowed:
        return f"did you mean `{leaf}`?"
    places = [foreign] if foreign else map(dotted, homes(Experiment, key))
    here = dotted(tuple(part for part in path if isinstance(part, str)))
    for place in places:
        return _of_another_kind(key) if place == here else _elsewhere(place, path)
    return did_you_mean(key, allowed, "the keys here are") or "no keys can stand here"


def _of_another_kind(key: str) -> str:
    kinds: list[Any] = [kind for family in FAMILIES for kind in family.kinds.values()]
    return f"`{key}` is a key of {listed(kind.kind for kind in kinds if key in fields(kind))}"


def _elsewhere(place: str, path: KeyPath) -> str:
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
    return did_you_mean(word, list(family.kinds)) or the_kinds(family)


def likely_kind(word: str, family: type[Family]) -> str | None:
    """The kind that `word` is another spelling of."""
    table = spellings.KINDS.get(noun(family), {})
    return spellings.same(word, family.kinds) or spellings.ours(word, table)


def hint_for_no_type(node: Node, family: type[Family]) -> str:
    """What a mapping without `type` probably should say."""
    keys = list(node.items) if isinstance(node, MappingNode) else []
    if len(keys) == 1 and (kind := spellings.same(keys[0], family.kinds)):
        return f"write `{{type: {kind}, …}}`"
    return the_kinds(family)


def hint_for_missing(spec: Any, name: str) -> str:
    """What a required key says."""
    if family := family_in(fields(spec)[name]):
        return the_kinds(family)
    about = meaning(spec, name).rstrip(".")
    return f"`{name}`: {about}" if about else f"write `{name}: …`"


def the_kinds(family: type[Family]) -> str:
    """All that a place for `family` may choose from, however many."""
    return f"the {nouns(family)} are {listed(sorted(family.kinds), most=len(family.kinds))}"
