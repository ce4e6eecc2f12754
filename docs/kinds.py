"""Writes the tables of all kinds into docs/all-of-nntrain.md; run it after adding a kind."""

from __future__ import annotations

import sys
from dataclasses import MISSING, fields
from pathlib import Path

import nntrain.config  # noqa: F401  importing it registers every kind
from nntrain.families import FAMILIES, Family, to_plain

PAGE = Path(__file__).with_name("all-of-nntrain.md")
BEGIN, END = "<!-- kinds: written by docs/kinds.py -->\n", "<!-- end of kinds -->"
PLACES = {
    "Layer": "in `model.layers`",
    "Activation": "`activation:` of a layer",
    "Loss": "`loss:`",
    "Optimizer": "`optimizer:`",
    "Schedule": "`lr_schedule:`",
    "Averaging": "`averaging:`",
    "Metric": "in `metrics:`",
    "Source": "`data.format:`",
    "Initializer": "`kernel_initializer:`, `bias_initializer:`",
}


def keys_of(kind: type[Family]) -> str:
    """The keys of a kind with their defaults."""
    shown = []
    for field in fields(kind):  # type: ignore[arg-type]
        value = field.default_factory() if callable(field.default_factory) else field.default
        shown.append(f"`{field.name}`" if value is MISSING else f"`{field.name}: {brief(value)}`")
    return ", ".join(shown) or "–"


def brief(value: object) -> str:
    """A default as YAML has it."""
    plain = to_plain(value)
    if isinstance(plain, dict) and set(plain) == {"type"}:
        return str(plain["type"])
    return (
        "null" if plain is None else str(plain).lower() if isinstance(plain, bool) else str(plain)
    )


def table_of(family: type[Family]) -> list[str]:
    rows = [f"**{family.__name__}** ({PLACES[family.__name__]})", ""]
    rows += ["| type | keys | what it is |", "| --- | --- | --- |"]
    for name, kind in sorted(family.kinds.items()):
        first = (kind.__doc__ or "").strip().split("\n\n")[0]
        text = " ".join(first.split()).replace("|", "\\|")
        rows.append(f"| `{name}` | {keys_of(kind)} | {text} |")
    return [*rows, ""]


def page() -> str:
    """The page with fresh tables."""
    text = PAGE.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)
    after = rest.split(END)[1]
    tables = [line for family in FAMILIES for line in table_of(family)]
    return before + BEGIN + "\n" + "\n".join(tables) + END + after


if __name__ == "__main__":
    if "--check" in sys.argv:
        sys.exit(page() != PAGE.read_text(encoding="utf-8"))
    PAGE.write_text(page(), encoding="utf-8")
