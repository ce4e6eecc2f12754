"""The reference of all keys and kinds as a page, made of docstrings and annotations."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import Any, get_args

from nntrain.config.docstrings import meanings, paragraphs, rest
from nntrain.config.experiment import Experiment
from nntrain.config.grammar import default, describe, fields, is_spec, options, required
from nntrain.families import FAMILIES, Family, Group, Spec, to_plain
from nntrain.layers.wiring import GraphNode

HEAD = """# Reference of all keys and kinds

Written by `nntrain schema --docs` from the docstrings.  First the sections of a config, then the
kinds that may be chosen from, family by family; `{type: dense, units: 64}` is the kind `dense` of a
layer.  Shapes leave out the batch axis; losses and metrics have it, as N.  A key without a default
must be given.
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
EXTENDS = "another config, over which this one is laid; relative to this file."
"""The one key that is no part of an experiment: it is gone once a config is read."""
INSIDE_KINDS: tuple[tuple[str, type[Spec]], ...] = (
    ("optimizer.groups", Group), ("nodes of a graph", GraphNode),
)  # fmt: skip


def reference() -> str:
    """The page, in Markdown."""
    lines = [HEAD, "## Sections", ""]
    for place, spec in [*sections(Experiment), *INSIDE_KINDS]:
        lines += _section(place, spec)
    for family in FAMILIES:
        lines += [f"## {family.__name__} ({PLACES[family.__name__]})", ""]
        for name in sorted(family.kinds):
            lines += _entry(family, name)
    return "\n".join(lines).rstrip() + "\n"


def sections(spec: type[Spec], place: str = "") -> Iterator[tuple[str, type[Spec]]]:
    """The mappings of a config that are no kinds, each with the keys that lead to it."""
    yield place, spec
    for key, annotation in fields(spec).items():
        for option in options(annotation):
            held = (one for arg in get_args(option) for one in options(arg))
            for inner in (option, *held):
                if is_spec(inner) and not issubclass(inner, Family):
                    yield from sections(inner, f"{place}.{key}".strip("."))


def shown_default(spec: Any, name: str) -> str:
    """A default as YAML has it; empty where there is none."""
    if required(spec, name):
        return ""
    value = default(spec, name)
    if isinstance(value, Spec) and not isinstance(value, Family):
        return "its defaults"
    plain = to_plain(value)
    if isinstance(value, Family):
        return value.kind if value == type(value)() else str(plain)
    if plain is None:
        return "null"
    return str(plain).lower() if isinstance(plain, bool) else str(plain)


def anchor(family: type[Family], name: str) -> str:
    return f"{family.__name__.lower()}-{name}"


def cell(text: str) -> str:
    return text.replace("|", "\\|") or "–"


def _keys(spec: type[Spec]) -> list[str]:
    """A line for each key: what it stands for if left out, what may stand there, what it means."""
    known = meanings(spec)
    if not known:
        return []
    rows = ["| key | default | takes | meaning |", "| --- | --- | --- | --- |"]
    for key, annotation in fields(spec).items():
        value = shown_default(spec, key)
        shown = [f"`{key}`", value and f"`{value}`", describe(annotation), known[key]]
        rows.append(f"| {' | '.join(map(cell, shown))} |")
    return [*rows, ""]


def _section(place: str, spec: type[Spec]) -> list[str]:
    title = f"### `{place}`" if place else "### The whole"
    others = [line for text in rest(spec) for line in (text, "")]
    return [title, "", paragraphs(spec)[0], "", *_keys(spec), *others]


def _entry(family: type[Family], name: str) -> list[str]:
    """Formula, keys, and the rest of the docstring."""
    kind = family.kinds[name]
    entry = [f'<a id="{anchor(family, name)}"></a>', "", f"### {name}", ""]
    entry += ["```text", textwrap.dedent(paragraphs(kind)[0]), "```", ""]
    entry += _keys(kind)
    return [*entry, *(line for text in rest(kind) for line in (text, ""))]
