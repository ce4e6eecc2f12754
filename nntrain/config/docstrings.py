"""What the docstring of a kind or section says: the formula, each key, and the rest.

The reference, `check --explain` and the JSON Schema all have their words from here.
"""

from __future__ import annotations

import re
import textwrap
from functools import cache
from typing import Any

from nntrain.config.grammar import fields


def paragraphs(spec: Any) -> list[str]:
    """Those of its own docstring; a kind has at least one."""
    text = textwrap.dedent("    " + (vars(spec).get("__doc__") or "")).strip()
    return text.split("\n\n")


def summary(spec: Any) -> str:
    """The first paragraph in one line: formula and shapes of a kind."""
    return " ".join(paragraphs(spec)[0].split())


def rest(spec: Any) -> list[str]:
    """What is neither the first paragraph nor about keys: source, differences."""
    return [text for text in paragraphs(spec)[1:] if not _about_keys(text, spec)]


def meanings(spec: Any) -> dict[str, str]:
    """What its docstring, or that of a base, says of each key."""
    return _meanings(spec)


@cache
def _meanings(spec: Any) -> dict[str, str]:
    found: dict[str, str] = {}
    for base in spec.__mro__:
        for paragraph in paragraphs(base):
            for names, sentence in _about_keys(paragraph, spec):
                found |= {name: sentence for name in names if name not in found}
    return found


def meaning(spec: Any, name: str) -> str:
    """The sentence about a key."""
    return meanings(spec).get(name, "")


def _about_keys(paragraph: str, spec: Any) -> list[tuple[list[str], str]]:
    """The keys that a paragraph explains, `key: sentence.` or `key, key: sentence.`"""
    names = "|".join(fields(spec)) or "-"
    entry = rf"^((?:{names})(?:, (?:{names}))*): (.*(?:\n +.*)*)"
    return [
        (keys.split(", "), " ".join(sentence.split()))
        for keys, sentence in re.findall(entry, paragraph, re.MULTILINE)
    ]
