"""Writes what there is to know of every kind; run it after adding or changing one.

The tables in docs/all-of-nntrain.md have a line a kind, docs/reference.md has an entry: formula and
shapes, keys with defaults and limits, source, and where PyTorch or Keras differ.  All of it is
taken from the docstrings and annotations.
"""

from __future__ import annotations

import re
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import nntrain.config  # noqa: F401  importing it registers every kind
from nntrain.config import Experiment, grammar
from nntrain.families import FAMILIES, Family, Group, Spec, to_plain
from nntrain.layers.wiring import GraphNode

PAGE = Path(__file__).with_name("all-of-nntrain.md")
REFERENCE = Path(__file__).with_name("reference.md")
BEGIN, END = "<!-- kinds: written by docs/kinds.py -->\n", "<!-- end of kinds -->"
HEAD = """# Reference of all keys and kinds

Written by `docs/kinds.py` from the docstrings.  First the sections of a config, then the kinds that
may be chosen from, family by family; `{type: dense, units: 64}` is the kind `dense` of a layer.
Shapes leave out the batch axis; losses and metrics have it, as N.  A key without a default must be
given.
"""
PLACES = {
    "Layer": "in `model.layers`",
    "Activation": "`activation:` of a layer",
    "Loss": "`loss:`",
    "Optimizer": "`optimizer:`",
    "Schedule": "`lr_schedule:`",
    "Averaging": "`averaging:`",
    "Metric": "in `metrics:`",
    "Source": "`data.format:`",
    "Augmentation": "in `data.augmentation:`",
    "Initializer": "`kernel_initializer:`, `bias_initializer:`",
}


def default_of(kind: type[Spec], name: str) -> str:
    """A default as YAML has it; empty where there is none."""
    if grammar.required(kind, name):
        return ""
    value = grammar.default(kind, name)
    if isinstance(value, Spec) and not isinstance(value, Family):
        return "its defaults"
    plain = to_plain(value)
    if isinstance(value, Family):
        return value.kind if value == type(value)() else str(plain)
    return (
        "null" if plain is None else str(plain).lower() if isinstance(plain, bool) else str(plain)
    )


def keys_of(kind: type[Family]) -> str:
    """The keys of a kind with their defaults."""
    shown = [(name, default_of(kind, name)) for name in grammar.fields(kind)]
    return ", ".join(f"`{name}: {value}`" if value else f"`{name}`" for name, value in shown) or "–"


def paragraphs(kind: type) -> list[str]:
    text = textwrap.dedent("    " + (vars(kind).get("__doc__") or "")).strip()
    return text.split("\n\n")


def meanings(kind: type[Spec]) -> dict[str, str]:
    """What the docstrings of a kind and its bases say of each key."""
    found: dict[str, str] = {}
    for base in kind.__mro__:
        for paragraph in paragraphs(base):
            for names, sentence in explained(paragraph, kind):
                found |= {name: sentence for name in names if name not in found}
    if missing := [name for name in grammar.fields(kind) if name not in found]:
        sys.exit(f"{kind.__name__}: no line `{missing[0]}: …` in the docstring")
    return found


def explained(paragraph: str, kind: type[Spec]) -> list[tuple[list[str], str]]:
    """The keys that a paragraph explains, `key: sentence.` or `key, key: sentence.`"""
    names = "|".join(grammar.fields(kind)) or "-"
    entry = rf"^((?:{names})(?:, (?:{names}))*): (.*(?:\n +.*)*)"
    return [
        (keys.split(", "), " ".join(sentence.split()))
        for keys, sentence in re.findall(entry, paragraph, re.MULTILINE)
    ]


def cell(text: str) -> str:
    return text.replace("|", "\\|") or "–"


def table_of(family: type[Family]) -> list[str]:
    rows = [f"**{family.__name__}** ({PLACES[family.__name__]})", ""]
    rows += ["| type | keys | what it is |", "| --- | --- | --- |"]
    for name, kind in sorted(family.kinds.items()):
        text = cell(" ".join(paragraphs(kind)[0].split()))
        rows.append(
            f"| [`{name}`](reference.md#{anchor(family, name)}) | {keys_of(kind)} | {text} |"
        )
    return [*rows, ""]


def anchor(family: type[Family], name: str) -> str:
    return f"{family.__name__.lower()}-{name}"


def keys_table(spec: type[Spec]) -> list[str]:
    """A line for each key: what it stands for if left out, what may stand there, what it means."""
    if not (known := meanings(spec)):
        return []
    rows = ["| key | default | takes | meaning |", "| --- | --- | --- | --- |"]
    for key, annotation in grammar.fields(spec).items():
        value = default_of(spec, key)
        shown = [f"`{key}`", value and f"`{value}`", grammar.describe(annotation), known[key]]
        rows.append(f"| {' | '.join(map(cell, shown))} |")
    return [*rows, ""]


def sections(spec: type[Spec], place: str = "") -> Iterator[tuple[str, type[Spec]]]:
    """The mappings of a config that are no kinds, each with the keys that lead to it."""
    yield place, spec
    for key, annotation in grammar.fields(spec).items():
        for option in grammar.options(annotation):
            held = (one for arg in get_args(option) for one in grammar.options(arg))
            for inner in (option, *held):
                if grammar.is_spec(inner) and not issubclass(inner, Family):
                    yield from sections(inner, f"{place}.{key}".strip("."))


def section_of(place: str, spec: type[Spec]) -> list[str]:
    first, *others = paragraphs(spec)
    title = f"### `{place}`" if place else "### The whole"
    rest = [line for text in others if not explained(text, spec) for line in (text, "")]
    return [title, "", first, "", *keys_table(spec), *rest]


def entry_of(family: type[Family], name: str) -> list[str]:
    """Formula, keys, and the rest of the docstring."""
    kind = family.kinds[name]
    first, *others = paragraphs(kind)
    entry = [f'<a id="{anchor(family, name)}"></a>', "", f"### {name}", ""]
    entry += ["```text", textwrap.dedent(first), "```", ""]
    entry += keys_table(kind)
    for paragraph in others:
        if not explained(paragraph, kind):
            entry += [paragraph, ""]
    return entry


def page() -> str:
    """The page of everything, with fresh tables."""
    text = PAGE.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)
    after = rest.split(END)[1]
    tables = [line for family in FAMILIES for line in table_of(family)]
    return before + BEGIN + "\n" + "\n".join(tables) + END + after


def reference() -> str:
    lines = [HEAD, "## Sections", ""]
    inside_kinds = [("optimizer.groups", Group), ("nodes of a graph", GraphNode)]
    for place, spec in [*sections(Experiment), *inside_kinds]:
        lines += section_of(place, spec)
    for family in FAMILIES:
        lines += [f"## {family.__name__} ({PLACES[family.__name__]})", ""]
        for name in sorted(family.kinds):
            lines += entry_of(family, name)
    return "\n".join(lines).rstrip() + "\n"


if __name__ == "__main__":
    fresh = {PAGE: page(), REFERENCE: reference()}
    if "--check" in sys.argv:
        sys.exit(any(text != file.read_text(encoding="utf-8") for file, text in fresh.items()))
    for file, text in fresh.items():
        file.write_text(text, encoding="utf-8")
