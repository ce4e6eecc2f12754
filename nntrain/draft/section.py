"""The lines of the section `data`, and the name above it."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from nntrain.data.inputs import is_pattern
from nntrain.draft.answer import Answer
from nntrain.draft.forecast import Course
from nntrain.draft.page import Line, file_name, names, scalar
from nntrain.draft.recipe import KEPT, Recipe
from nntrain.draft.roles import Roles
from nntrain.draft.sight import Sight
from nntrain.families import to_plain
from nntrain.wording import listed, plural, quoted

Kinds = Mapping[str, tuple[str, str]]
"""What `data.columns` has to say of a column, and why."""


def top_lines(sight: Sight, folder: str | Path) -> list[Line]:
    """Name, path and format."""
    columns = "" if sight.is_text else f", {plural(len(sight.table.columns), 'column')}"
    count = "" if sight.is_text else f"{sight.count}{columns}"
    lines = [
        Line(
            f"name: {scalar(run_name(sight.path))}",
            "trainings are kept in a folder of this name, below runs",
        ),
        Line("data:", count or "a text"),
        Line(f"  path: {file_name(relative(sight.path, folder))}", "relative to this file"),
    ]
    if sight.given:
        plain = to_plain(sight.given)
        parts = ", ".join(f"{key}: {_value(value)}" for key, value in plain.items())
        lines.append(
            Line(
                f"  format: {{{parts}}}",
                "written otherwise than is usual: cells, numbers or comments",
            )
        )
    return lines


def _value(value: object) -> str:
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    return scalar(value) if isinstance(value, str) else f"{value}"


def target_lines(found: Sequence[Answer]) -> list[Line]:
    if len(found) == 1:
        return [Line(f"target: {scalar(found[0].name)}", found[0].shown)]
    shown = "; ".join(f"{quoted(answer.name)} is {answer.shown}" for answer in found)
    return [Line(f"target: {names(answer.name for answer in found)}", shown)]


def roles_lines(roles: Roles) -> list[Line]:
    """Ids, columns that are left out, and what "missing" looks like."""
    lines = [Line(f"id: {scalar(name)}", why) for name, why in roles.ids.items()]
    if roles.excluded:
        reasons = [f"{quoted(name)}: {why}" for name, why in list(roles.excluded.items())[:4]]
        if (more := len(roles.excluded) - 4) > 0:
            reasons.append(f"and {more} more")
        lines.append(
            Line(
                f"features: {{exclude: {names(roles.excluded)}}}", f"left out: {'; '.join(reasons)}"
            )
        )
    if roles.missing:
        where = listed(dict.fromkeys(roles.missing.values()), most=4)
        why = f"cells that mean “missing” among the numbers of {where}"
        lines.append(Line(f"na_values: {names(roles.missing)}", why))
    return lines


def kinds_lines(kinds: Kinds) -> list[Line]:
    if not kinds:
        return []
    pairs = ", ".join(f"{scalar(name)}: {kind}" for name, (kind, _) in kinds.items())
    why = "; ".join(f"{quoted(name)}: {reason}" for name, (_, reason) in kinds.items())
    return [Line(f"columns: {{{pairs}}}", why)]


def preprocessing_lines(recipe: Recipe, roles: Roles) -> list[Line]:
    lines = list(recipe.preprocessing)
    for form in dict.fromkeys(roles.dates.values()):
        where = listed(roles.dates, most=4)
        lines.append(Line(f"date: {{format: {scalar(form)}}}", f"how dates of {where} are written"))
    if not lines:
        return []
    top = Line("preprocessing:", "what is done to cells before the network sees them")
    return [top, *(line.indented(2) for line in lines)]


def split_lines(
    sight: Sight, recipe: Recipe, found: Sequence[Answer], course: Course | None
) -> list[Line]:
    if any(line.text.startswith("split:") for line in recipe.data):
        return []
    kept = round(sight.rows * KEPT)
    if course:
        how = f"the last {kept:,} rows are the test, the {kept:,} before them judge each epoch"
    else:
        classes = any(answer.task != "numbers" for answer in found)
        equal = ", each class with its share" if classes else ""
        how = f"{kept:,} rows judge each epoch, {kept:,} the model; drawn by the seed{equal}"
    return [Line(f"split: {{validation: {KEPT:g}, test: {KEPT:g}}}", how)]


def run_name(path: str) -> str:
    """The name of a file as that of a run."""
    stem = Path(path).parent.name if is_pattern(path) else Path(path).name
    stem = re.sub(r"\.gz$", "", stem, flags=re.IGNORECASE)
    stem = re.sub(r"[-.](images?[-.])?(idx\d?[-.])?ubyte$|\.[A-Za-z]\w*$", "", stem)
    plain = re.sub(r"[^\w.-]+", "-", stem).lstrip(".-~").rstrip("-")[:100]
    return plain or "network"


def relative(path: str, folder: str | Path) -> str:
    """The path of a file as a config in `folder` names it."""
    parent, name = os.path.split(path)
    whole = os.path.join(os.path.realpath(parent), name)  # noqa: PTH118
    try:
        return Path(os.path.relpath(whole, os.path.realpath(folder))).as_posix()
    except ValueError:  # another drive
        return Path(whole).as_posix()
