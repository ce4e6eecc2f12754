"""Asked: what there is to say of a key, a kind or a section that somebody names.

A name is a path in the config (`optimizer.betas`, `model.layers.0.units`), a kind (`dense`), a key
of a kind (`dense.units`), or a key alone (`units`), which may stand in several places.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field
from typing import Annotated, Any, get_args, get_origin

from nntrain.config.docstrings import meaning, paragraphs, rest, summary
from nntrain.config.examples import example
from nntrain.config.experiment import Experiment
from nntrain.config.grammar import (
    default,
    describe,
    fields,
    is_family,
    is_spec,
    kind_of,
    nouns,
    options,
    required,
)
from nntrain.config.hints import hint_for_key
from nntrain.config.reference import EXTENDS, INSIDE_KINDS, sections
from nntrain.config.tree import Node, child
from nntrain.errors import ConfigError
from nntrain.families import FAMILIES, Family, to_plain
from nntrain.values import dataclass
from nntrain.wording import listed, nearest, quoted


@dataclass(frozen=True)
class Answer:
    """About one thing that a name may mean.

    of: the kinds that have such a key, or the family of a kind.
    example: a value; written: as a config has it.
    keys, kinds: what can be chosen inside, by name, with its default and its meaning.
    formula: the first lines of a kind; its meaning is then the rest of what is known.
    """

    name: str
    meaning: str = ""
    takes: str = ""
    default: Any = None
    required: bool = False
    example: Any = None
    written: Any = None
    of: tuple[str, ...] = ()
    keys: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    kinds: Mapping[str, str] = field(default_factory=dict)
    formula: str = ""

    def to_plain(self) -> dict[str, Any]:
        """In JSON types, without what does not apply."""
        plain = {name: getattr(self, name) for name in ("name", "meaning")}
        if self.takes:
            known = ("takes", "default", "required", "example", "written")
            plain |= {name: getattr(self, name) for name in known}
        if self.of:
            plain["of"] = list(self.of)
        if self.keys:
            plain["keys"] = {key: {"default": d, "meaning": m} for key, (d, m) in self.keys.items()}
        if self.kinds:
            plain["kinds"] = self.kinds
        return {**plain, "formula": self.formula} if self.formula else plain


@dataclass(frozen=True)
class _Spot:
    """A place of the grammar: what may stand there, and whose key it is."""

    annotation: Any
    owner: Any = None
    key: str = ""
    node: Node | None = None


def answers(name: str, root: Node | None = None) -> list[Answer]:
    """All that `name` may mean; `root` is a config that says which kinds are there."""
    parts = name.strip().split(".")
    if parts == ["extends"]:
        base = "base.yaml"
        return [Answer("extends", EXTENDS, "text", example=base, written={"extends": base})]
    spots = _walk(parts, [_Spot(Experiment, node=root)])
    if not spots and root is not None:  # nothing of the kind that the config has
        spots = _walk(parts, [_Spot(Experiment)])
    outer = parts[:-1] if spots else []
    spots = spots or _elsewhere(parts)
    if not spots:
        raise _unknown(name, parts, root)
    return list(_merged([_answer(spot, outer) for spot in spots]))


def _walk(parts: list[str], spots: list[_Spot]) -> list[_Spot]:
    for part in parts:
        spots = [deeper for spot in spots for deeper in _below(spot, part)]
    return spots


def _below(spot: _Spot, part: str) -> Iterator[_Spot]:
    node = child(spot.node, int(part) if part.isdecimal() else part) if spot.node else None
    for option in options(spot.annotation):
        if get_origin(option) is Annotated:
            option = get_args(option)[0]
        args = get_args(option)
        if is_family(option):
            if part in option.kinds:
                yield _Spot(option.kinds[part], node=spot.node)
            there = kind_of(option, spot.node) if spot.node else None
            for kind in [there] if there else option.kinds.values():
                if part in fields(kind):
                    yield _Spot(fields(kind)[part], kind, part, node)
        elif is_spec(option) and part in fields(option):
            yield _Spot(fields(option)[part], option, part, node)
        elif get_origin(option) is tuple and part.isdecimal():
            yield _Spot(args[0] if args[-1] is Ellipsis else args[min(int(part), len(args) - 1)],
                        node=node)  # fmt: skip
        elif get_origin(option) is Mapping:
            yield _Spot(args[1], node=node)


def _elsewhere(parts: list[str]) -> list[_Spot]:
    """Kinds, sections and their keys, wherever they are."""
    first, *inner = parts
    kinds = [kind for family in FAMILIES for word, kind in family.kinds.items() if word == first]
    families = [f for f in FAMILIES if first in (f.__name__.lower(), nouns(f))]
    if spots := _walk(inner, [_Spot(one) for one in [*kinds, *families]]):
        return spots
    owners = [spec for _, spec in [*sections(Experiment), *INSIDE_KINDS]]
    owners += [kind for family in FAMILIES for kind in family.kinds.values()]
    spots = [
        _Spot(fields(owner)[first], owner, first) for owner in owners if first in fields(owner)
    ]
    return _walk(inner, spots)


def _answer(spot: _Spot, outer: list[str]) -> Answer:
    if spot.owner is None:
        return _of_place(spot)
    inner = [option for option in options(spot.annotation) if is_spec(option)]
    whole = _of_place(_Spot(inner[0], node=spot.node)) if inner else Answer("")
    must, found = required(spot.owner, spot.key), example(spot.owner, spot.key)
    return Answer(
        name=spot.key,
        meaning=meaning(spot.owner, spot.key),
        takes=describe(spot.annotation),
        default=None if must else to_plain(default(spot.owner, spot.key)),
        required=must,
        example=found,
        written=_written(spot, found, outer),
        of=(_called(spot.owner),),
        keys=whole.keys,
        kinds=whole.kinds,
    )


def _written(spot: _Spot, value: Any, outer: list[str]) -> Any:
    """The example with what stands around it, as far as that is known."""
    kind = _called(spot.owner)
    inner: Any = {**({"type": kind} if kind else {}), spot.key: value}
    for part in reversed(outer):
        if part != kind:
            inner = [inner] if part.isdecimal() else {part: inner}
    return inner


def _of_place(spot: _Spot) -> Answer:
    """A kind, a section, a choice of kinds, or an item of a list."""
    option = options(spot.annotation)[0]
    if is_family(option):
        there = kind_of(option, spot.node) if spot.node else None
        if there is None:
            kinds = {word: summary(kind) for word, kind in sorted(option.kinds.items())}
            return Answer(option.__name__.lower(), f"One of the {nouns(option)}.", kinds=kinds)
        option = there
    if not is_spec(option):
        return Answer("", takes=describe(spot.annotation))
    keys = {key: (_shown(option, key), meaning(option, key)) for key in fields(option)}
    more = "  ".join(" ".join(text.split()) for text in rest(option))
    if issubclass(option, Family):
        family = next(f for f in FAMILIES if issubclass(option, f))
        about = {"of": (f"{family.__name__.lower()}s",), "formula": paragraphs(option)[0]}
        return Answer(option.kind, more, keys=keys, **about)  # type: ignore[arg-type]
    return Answer(option.__name__, f"{summary(option)}  {more}".strip(), keys=keys)


def _shown(spec: Any, key: str) -> str:
    from nntrain.config.writing import inline

    return "" if required(spec, key) else inline(_brief(to_plain(default(spec, key))))


def _brief(value: Any) -> Any:
    """A kind by its word alone, a section as `{…}`."""
    if isinstance(value, dict):
        return value.get("type", {})
    return value


def _called(owner: Any) -> str:
    return owner.kind if issubclass(owner, Family) else ""


def _merged(found: list[Answer]) -> Iterator[Answer]:
    """What several kinds say alike, once, with the names of all of them."""
    by_words: dict[str, list[Answer]] = {}
    for answer in found:
        words = repr(
            [answer.meaning, answer.takes, answer.default, answer.required, answer.formula]
        )
        by_words.setdefault(words, []).append(answer)
    for same in by_words.values():
        kinds = tuple(dict.fromkeys(kind for answer in same for kind in answer.of if kind))
        yield Answer(**{**vars(same[0]), "of": kinds})


def _unknown(name: str, parts: list[str], root: Node | None) -> ConfigError:
    """Suggests a key of the last place that there is, else another spelling of ours."""
    spots, at = [_Spot(Experiment, node=root)], 0
    while deeper := _walk(parts[at : at + 1], spots):
        spots, at = deeper, at + 1
    there = [key for spot in spots for option in options(spot.annotation) for key in _keys(option)]
    if at:
        near = [".".join([*parts[:at], key]) for key in nearest(parts[at], there)]
        hint = "" if near else hint_for_key(parts[at], (parts[at],), sorted(set(there)))
    else:
        near = nearest(name, names())
        words = {word for known in names() for word in known.split(".")}
        hint = hint_for_key(parts[-1], (parts[-1],), sorted(words))
    if near:
        hint = f"did you mean {listed(near)}?"
    elif hint.startswith("the keys here are") and not at:
        hint = "`nntrain schema --docs` prints all that there is"
    return ConfigError(f"--explain: there is no key or kind {quoted(name)}", hint=hint)


def _keys(option: Any) -> list[str]:
    if is_family(option):
        inside = [key for kind in option.kinds.values() for key in fields(kind)]
        return [*inside, *option.kinds]
    return list(fields(option)) if is_spec(option) else []


def names() -> Iterator[str]:
    """What can be asked for: paths of keys, kinds, and keys of kinds."""
    yield "extends"
    for place, spec in sections(Experiment):
        yield from (f"{place}.{key}".strip(".") for key in fields(spec))
    for family in FAMILIES:
        for word, kind in family.kinds.items():
            yield word
            yield from (f"{word}.{key}" for key in fields(kind))
