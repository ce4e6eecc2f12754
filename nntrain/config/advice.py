"""Why a value may have come out wrong, and what to write in its place."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, NamedTuple, get_args, get_origin

from nntrain.config import spellings
from nntrain.config.grammar import allows_none, fields, is_family, is_spec, options, required
from nntrain.config.hints import did_you_mean, the_kinds
from nntrain.config.scalars import scalar
from nntrain.config.tree import KeyPath, ListNode, MappingNode, Node, ScalarNode, shortened
from nntrain.limits import Le, Lt

_BOOLEANS = {
    **dict.fromkeys(("yes", "y", "on", "true"), "true"),
    **dict.fromkeys(("no", "n", "off", "false"), "false"),
}


class _Wanted(NamedTuple):
    """What may stand in a place, in the forms that advice tells apart."""

    types: list[Any]
    words: list[str]
    is_list: bool
    is_share: bool
    is_optional: bool
    spec: Any

    @property
    def is_number(self) -> bool:
        return int in self.types or float in self.types


def advice(node: Node, annotation: Any, path: KeyPath) -> str:
    """One line about the value at `path`, which `annotation` does not allow."""
    wanted = _wanted(annotation)
    if path[:1] == ("expect",):
        score = path[-1] if len(path) > 1 else "test_accuracy"
        return f'write `expect: {{{score}: ">= 0.95"}}`'
    if isinstance(node, MappingNode):
        only_list = wanted.is_list and str not in wanted.types
        return "each item of the list begins with `- `" if only_list else ""
    if isinstance(node, ListNode):
        return _about_list(node, wanted, path)
    if isinstance(node.value, str):
        return _about_text(node, node.value, wanted, path)
    if node.value is None and not wanted.is_optional:
        return _about_null(wanted, path)
    return _about_scalar(node, wanted, path)


def _wanted(annotation: Any) -> _Wanted:
    types, words, limits = [], [], []
    for option in options(annotation):
        if get_origin(option) is Annotated:
            option, *metadata = get_args(option)
            limits += metadata
        if get_origin(option) is Literal:
            words += [str(word) for word in get_args(option)]
        types.append(get_origin(option) or option)
    is_share = any(limit in (Lt(1), Le(1)) for limit in limits)
    spec = next((option for option in types if is_spec(option)), None)
    return _Wanted(types, words, tuple in types, is_share, allows_none(annotation), spec)


def _about_list(node: ListNode, wanted: _Wanted, path: KeyPath) -> str:
    if wanted.spec and not is_family(wanted.spec):
        return _as_mapping(wanted.spec, path)
    return "" if wanted.is_list or len(node.items) != 1 else "leave the brackets or `-` out"


def _about_null(wanted: _Wanted, path: KeyPath) -> str:
    if isinstance(path[-1], int):
        return "remove the item"
    return "write `none`" if "none" in wanted.words else "leave the key out to get its default"


def _about_scalar(node: ScalarNode, wanted: _Wanted, path: KeyPath) -> str:
    """A number, true, false or null."""
    if str in wanted.types:
        return f'quote it: "{shortened(node.written)}"'
    if wanted.is_number:
        return _about_number(node.value, wanted)
    if wanted.is_list:
        return f"a list of one is written `[{shortened(node.written)}]`"
    if wanted.words:
        return _about_word(node.written, wanted.words)
    return _as_mapping(wanted.spec, path) if wanted.spec else ""


def _about_number(value: Any, wanted: _Wanted) -> str:
    if isinstance(value, bool):
        return ""
    if int in wanted.types and isinstance(value, float) and value.is_integer() and value < 1e15:
        return f"write {int(value)}"
    if wanted.is_share and 1 < value <= 100:
        return f"a share is a fraction: {value:g} % is {value / 100:g}"
    return ""


def _about_text(node: ScalarNode, text: str, wanted: _Wanted, path: KeyPath) -> str:
    if wanted.is_number:
        return did_you_mean(text, wanted.words) or _as_number(text)
    if bool in wanted.types and (word := _BOOLEANS.get(text.lower())):
        return f"write {word}{', without quotes' if node.quoted else ''}"
    if wanted.words:
        return _about_word(text, wanted.words)
    if wanted.is_list:
        return f"a list of one is written `[{shortened(node.written)}]`"
    return _as_mapping(wanted.spec, path) if wanted.spec else ""


def _about_word(text: str, words: list[str]) -> str:
    if (word := spellings.ours(text, spellings.WORDS)) in words:
        return f"did you mean `{word}`?"
    return did_you_mean(text, words)


def _as_number(text: str) -> str:
    """The number that a text was meant for: `1_000`, `017`, `0,5`, `20%`, `"3"`."""
    if type(scalar(text.strip() or "-")) in (int, float):
        return "write the number without quotes"
    if len(text) > 20:
        return ""
    if re.fullmatch(r"[-+]?0[0-9]+", text):
        return f"a leading zero makes it text: write {int(text)}"
    if re.fullmatch(r"[-+]?[0-9][0-9_]*", text):
        return f"write {text.replace('_', '')}"
    if re.fullmatch(r"[-+]?[0-9]+,[0-9]+", text):
        return f"write {text.replace(',', '.')}"
    if percent := re.fullmatch(r"([0-9]+(?:\.[0-9]+)?) ?%", text):
        return f"write {float(percent[1]) / 100:g}"
    return ""


def _as_mapping(spec: Any, path: KeyPath) -> str:
    if is_family(spec):
        return the_kinds(spec)
    keys = [name for name in fields(spec) if required(spec, name)] or list(fields(spec))
    name = f"{path[-1]}: " if isinstance(path[-1], str) else ""
    return f"write `{name}{{{keys[0]}: …}}`"
