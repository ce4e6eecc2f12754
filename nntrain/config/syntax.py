"""What libyaml means, in plain words."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import yaml

from nntrain.config.tree import Place, shortened
from nntrain.errors import Problem

Locate = Callable[[int, int], Place]
_EXPLANATIONS: tuple[tuple[str, str, str, bool], ...] = (
    # what libyaml or PyYAML says; what we say; the hint; whether it began at the context's place
    (
        r"mapping values are not allowed",
        "`:` can not stand here",
        "indent keys of one mapping equally, and quote text that has `: ` in it",
        False,
    ),
    (
        r"flow sequence.*(',' or '\]')",
        "this `[` has no `]`, or a `,` is missing in the list",
        "write [a, b, c]",
        True,
    ),
    (
        r"flow mapping.*(',' or '\}')",
        "this `{` has no `}`, or a `,` is missing in the mapping",
        "write {a: 1, b: 2}",
        True,
    ),
    (r"quoted scalar.*unexpected end of stream", "this quote is never closed", "", True),
    (
        r"quoted.*(unknown escape|hexadecimal|invalid Unicode)",
        "a backslash in double quotes begins an escape",
        "in 'single quotes' a backslash is only a backslash",
        False,
    ),
    (
        r"block scalar.*(comment or line break|chomping or indentation)",
        "unquoted text can not begin with `>` or `|`",
        'quote it, as in ">= 0.95"',
        True,
    ),
    (
        r"an alias.*alphabetic",
        "unquoted text can not begin with `*`",
        'quote it, as in "*.csv"',
        True,
    ),
    (
        r"an anchor.*alphabetic",
        "unquoted text can not begin with `&`",
        'quote it: "&…"',
        True,
    ),
    (
        r"simple key.*':'",
        "a `:` is missing after this key",
        "write `key: value`",
        True,
    ),
    (
        r"sequence entries are not allowed",
        "a list item `-` can not stand here",
        "begin the list in a new line, or write [a, b]",
        False,
    ),
    (
        r"block collection.*(expected '-'|<block end>)",
        "expected the next item of the list, `- …`",
        "items of one list begin in the same column",
        False,
    ),
    (
        r"block mapping.*(expected key|<block end>)",
        "this line does not fit to those above",
        "keys of one mapping begin in the same column; check brackets and quotes just before",
        False,
    ),
)


def explain_syntax(error: yaml.YAMLError, locate: Locate) -> Problem:
    """The problem behind an error of the YAML parser."""
    known: Any = error
    said = f"{getattr(known, 'context', '') or ''} {getattr(known, 'problem', '') or known}"
    mark = getattr(known, "problem_mark", None)
    if mark is None:
        return locate(0, 0).problem((), f"not YAML: {shortened(said.strip(), 100)}")
    place = locate(mark.line, mark.column)
    if tab := _tab(place):
        return tab
    if "start any token" in said:
        return _odd_beginning(place)
    for pattern, message, hint, at_context in _EXPLANATIONS:
        if re.search(pattern, said):
            start = known.context_mark if at_context and known.context_mark else mark
            return locate(start.line, start.column).problem((), message, hint)
    return place.problem((), f"not YAML: {shortened(said.strip(), 100)}")


def _tab(place: Place) -> Problem | None:
    """The problem, if it is a tab in the indentation, which can not be seen."""
    indent = place.source[: len(place.source) - len(place.source.lstrip())]
    if "\t" not in indent:
        return None
    at = Place(place.file, place.line, indent.index("\t") + 1, place.source)
    return at.problem((), "a tab in the indentation", "YAML is indented with spaces only")


def _odd_beginning(place: Place) -> Problem:
    rest = place.source[place.column - 1 :]
    text = re.split(r"\s+#|[,}\]]", rest)[0].strip() or rest[:1]
    message = f"unquoted text can not begin with `{shortened(rest[:1])}`"
    return place.problem((), message, f'quote it: "{shortened(text)}"')
