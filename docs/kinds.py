"""Writes what there is to know of every kind; run it after adding or changing one.

The tables in docs/all-of-nntrain.md have a line a kind; docs/reference.md, an entry each, is what
`nntrain schema --docs` prints, configs/nntrain.schema.json what `nntrain schema` prints.  All of
it is taken from the docstrings and annotations.
"""

from __future__ import annotations

import sys
from pathlib import Path

import nntrain.config  # noqa: F401  importing it registers every kind
from nntrain.config import grammar, json_schema
from nntrain.config.docstrings import summary
from nntrain.config.reference import PLACES, anchor, cell, reference, shown_default
from nntrain.families import FAMILIES, Family

PAGE = Path(__file__).with_name("all-of-nntrain.md")
REFERENCE = Path(__file__).with_name("reference.md")
SCHEMA = PAGE.parents[1] / "configs" / "nntrain.schema.json"
BEGIN, END = "<!-- kinds: written by docs/kinds.py -->\n", "<!-- end of kinds -->"


def keys_of(kind: type[Family]) -> str:
    """The keys of a kind with their defaults."""
    shown = [(name, shown_default(kind, name)) for name in grammar.fields(kind)]
    return ", ".join(f"`{name}: {value}`" if value else f"`{name}`" for name, value in shown) or "–"


def table_of(family: type[Family]) -> list[str]:
    rows = [f"**{family.__name__}** ({PLACES[family.__name__]})", ""]
    rows += ["| type | keys | what it is |", "| --- | --- | --- |"]
    for name, kind in sorted(family.kinds.items()):
        place = f"reference.md#{anchor(family, name)}"
        rows.append(f"| [`{name}`]({place}) | {keys_of(kind)} | {cell(summary(kind))} |")
    return [*rows, ""]


def page() -> str:
    """The page of everything, with fresh tables."""
    text = PAGE.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)
    after = rest.split(END)[1]
    tables = [line for family in FAMILIES for line in table_of(family)]
    return before + BEGIN + "\n" + "\n".join(tables) + END + after


if __name__ == "__main__":
    fresh = {PAGE: page(), REFERENCE: reference(), SCHEMA: json_schema.text() + "\n"}
    if "--check" in sys.argv:
        sys.exit(any(text != file.read_text(encoding="utf-8") for file, text in fresh.items()))
    for file, text in fresh.items():
        file.write_text(text, encoding="utf-8")
