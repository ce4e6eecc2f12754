"""What libyaml means, in plain words."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import yaml

from nntrain.config.tree import TOO_DEEP, Place, shortened
from nntrain.errors import Problem

Locate = Callable[[int, int], Place]
_EXPLANATIONS: tuple[tuple[str, str, str, bool], ...] = (
    # what libyaml or PyYAML says; what we say; the hint; whether it began at the context's place
    (
        r"flow sequence.*(',' or '\]')",
        "this `[` has no `]`, or a `,` is missing in the list",
        "write [a, b, c]; text with a bracket in it needs quotes",
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
        r"quoted.*(unknown escape|hex|invalid Unicode)",
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
        r"node.*expected (the )?node content",
        "a value is missing here, or a bracket or comma is one too many",
        "write `key: value`, [a, b] or {a: 1}",
        False,
    ),
    (r"unexpected ':'", "a space is missing after this `:`", "write `key: value`", False),
    (r"a directive", "a line can not begin with `%`", "quote the text", True),
    (
        r"a tag",
        "unquoted text can not begin with `!`",
        'quote it: "!…"',
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
        r"maximum nesting depth",  # some releases of libyaml look ahead and have an own limit
        TOO_DEEP,
        "",
        False,
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
    if "flow node" in said and not place.source and (last := _line_above(place, locate)):
        end = locate(last.line - 1, len(last.source))
        return end.problem((), "a bracket is still open at the end", "close each `[` and `{`")
    if tab := _tab(place):
        return tab
    if "start any token" in said:
        return _odd_beginning(place)
    if "mapping values are not allowed" in said:
        return _odd_colon(place, locate)
    if re.search("block (mapping|collection)", said) and _fits_no_column(place, locate):
        hint = "keys of one mapping, and items of one list, begin in the same column"
        return place.problem((), "no line above begins in this column", hint)
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


def _odd_colon(place: Place, locate: Locate) -> Problem:
    """A `:` that can not make a key, mostly for what stands before it or in the line above."""
    before = place.source[: place.column - 1]
    if re.search(r":\s", before):
        hint = "quote text that has `: ` in it, or begin a new line"
        return place.problem((), "a second `: ` in one line", hint)
    above = _line_above(place, locate)
    at = locate(place.line - 1, _indent(place))
    if above is None:
        return place.problem((), "`:` can not stand here", "quote text that has `: ` in it")
    text = above.source.strip().removeprefix("- ")
    if unspaced := re.fullmatch(r"(\w+):(\S.*)", text):
        hint = f"write `{unspaced[1]}: {shortened(unspaced[2])}`"
        return above.problem((), "a space is missing after `:`", hint)
    if not re.search(r":(\s|$)", text):
        return above.problem((), "a `:` is missing after this key", "write `key: value`")
    message = "this line is indented more than the one above, which has a value already"
    return at.problem((), message, "keys of one mapping begin in the same column")


def _line_above(place: Place, locate: Locate) -> Place | None:
    """The beginning of the last line above `place` that says something."""
    for line in reversed(range(place.line - 1)):
        above = locate(line, 0)
        if above.source.strip() and not above.source.lstrip().startswith("#"):
            return locate(line, _indent(above))
    return None


def _fits_no_column(place: Place, locate: Locate) -> bool:
    """True if `place` begins a line, in a column where nothing above begins."""
    if place.column - 1 != _indent(place):
        return False
    above = (locate(line, 0) for line in range(place.line - 1))
    return all(_indent(line) != place.column - 1 for line in above if line.source.strip())


def _indent(place: Place) -> int:
    return len(place.source) - len(place.source.lstrip())
