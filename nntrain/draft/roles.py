"""Roles: which columns the network sees, which ones name a row, which ones are left out."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from nntrain.data.cells import COMMAS, absent, numbers
from nntrain.data.columns import FEWEST_IDS, MOST_CATEGORIES, parse
from nntrain.data.settings import Data
from nntrain.data.table import Table, is_array
from nntrain.draft.written import written_as
from nntrain.errors import DataError
from nntrain.families import Array
from nntrain.wording import listed, plural, quoted

MARKERS = frozenset(
    ("na", "n/a", "#n/a", "nan", "null", "none", "nil", "missing", "unknown", "?", "-", "--", ".",
     "*", "…", "inf", "-inf")
)  # fmt: skip
FEW_ODD = 3  # different cells that are no numbers, among numbers: these mean "missing"
NAMES_OF_IDS = re.compile(
    r"(?:.*[ _-])?(?:id|ids|index|idx|key|uuid|guid|nr|no|row|rownames?|rownum|unnamed.*)"
    r"|.*[a-z](?:Id|ID)",
    re.IGNORECASE,
)
MOST_INPUTS = 200  # of one column


@dataclass
class Roles:
    """What becomes of the columns that are no targets, each with the reason in words.

    inputs: what each column that is seen holds, `number`, `category`, `array`, or another kind that
        `columns.parse` tells by itself.
    missing: cells that say that there is no value, with the columns where they do.
    dates: how the dates of a column are written that is to be called one; all of them alike.
    """

    ids: dict[str, str] = field(default_factory=dict)
    excluded: dict[str, str] = field(default_factory=dict)
    inputs: dict[str, str] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)
    constants: list[str] = field(default_factory=list)
    dates: dict[str, str] = field(default_factory=dict)

    def of_kind(self, kind: str) -> list[str]:
        return [name for name, own in self.inputs.items() if own == kind]


def roles_of(table: Table, targets: Sequence[str]) -> Roles:
    """The role of each column but the targets."""
    roles = Roles()
    for name in targets:
        _find_markers(table.columns[name], name, roles)
    for name in table.columns:
        if name not in targets and name not in table.aside:
            _give(name, table, roles)
    if arrays := roles.of_kind("array"):
        for name in list(roles.inputs):
            if name != arrays[0]:
                del roles.inputs[name]
                reason = f"a network takes {quoted(arrays[0])} and nothing beside it"
                roles.excluded[name] = reason
    return roles


def _find_markers(cells: Array, name: str, roles: Roles) -> None:
    """Cells among numbers that mean "missing", as far as they are plain cases of it."""
    if is_array(cells):
        return
    values, wrong = numbers(cells, ())
    present = int((~np.isnan(values) | wrong).sum())
    odd = sorted(set(cells[wrong].tolist()))
    infinite = cells[np.isinf(values)]
    if wrong.any() and 2 * wrong.sum() < present:
        few = len(odd) <= FEW_ODD and not any(map(COMMAS.fullmatch, odd))
        for text in odd:
            if few or text.lower() in MARKERS:
                roles.missing.setdefault(text, name)
    for text in sorted(set(infinite.tolist())):
        roles.missing.setdefault(text, name)


def _kind(name: str, table: Table) -> str:
    """What a column is told to be where the config says nothing; empty where it is left out."""
    alone = replace(table, columns={name: table.columns[name]})
    try:
        return parse(alone, Data(path="table.csv"))[1][0].kind
    except DataError:  # no column is left
        return ""


def _give(name: str, table: Table, roles: Roles) -> None:
    """Give a column its role."""
    cells = table.columns[name]
    if is_array(cells):
        roles.inputs[name] = "array"
        return
    _find_markers(cells, name, roles)
    marks = tuple(roles.missing)
    values, wrong = numbers(cells, marks)
    gone = absent(cells, marks)
    present = int((~gone).sum())
    known = ~np.isnan(values)
    if not present or not (known | wrong).any():
        roles.excluded[name] = "has no value in any row"
    elif 2 * wrong.sum() >= (known | wrong).sum():
        kind = _kind(name, table.take(~gone))
        if kind in ("", "categorical") and not _give_dates(name, cells[~gone], roles):
            _give_texts(name, cells[~gone], len(cells), roles)
        elif kind not in ("", "categorical"):
            roles.inputs[name] = kind
    elif wrong.any() and not any(map(COMMAS.fullmatch, cells[wrong].tolist())):
        some = listed(sorted(set(cells[wrong].tolist())), most=2)
        right = int(known.sum())
        roles.excluded[name] = f"{right:,} of {plural(present, 'cell')} are numbers, but not {some}"
    else:
        _give_numbers(name, values[known], len(cells), roles)


def _give_dates(name: str, cells: Array, roles: Roles) -> bool:
    """Whether the cells are dates in a form that has to be told; gives the column its role."""
    forms = written_as(cells)
    if not forms or len(set(cells.tolist())) == 1:
        return False
    if len(forms) > 1:
        roles.excluded[name] = (
            "dates of which day and month can not be told apart; call it a `date` in `columns`, "
            "with a `preprocessing.date.format`"
        )
    elif {*roles.dates.values()} - {*forms}:
        roles.excluded[name] = "dates written in another way than those of another column"
    else:
        roles.dates[name] = forms[0]
        roles.inputs[name] = "date"
    return True


def _give_texts(name: str, cells: Array, rows: int, roles: Roles) -> None:
    count = len(set(cells.tolist()))
    found = f"{count:,} different texts in {plural(rows, 'row')}"
    if count == 1:
        roles.constants.append(name)
    elif count == rows > FEWEST_IDS and not roles.ids:
        roles.ids[name] = f"{found}: it names a row, and is passed through to predictions"
    elif count == len(cells) > FEWEST_IDS or (count > MOST_CATEGORIES and 2 * count > len(cells)):
        roles.excluded[name] = f"{found}: an id or free text"
    elif count > max(MOST_CATEGORIES, min(MOST_INPUTS, rows // 20)):
        roles.excluded[name] = f"{found}: too many to learn each"
    else:
        roles.inputs[name] = "category"


def _give_numbers(name: str, values: Array, rows: int, roles: Roles) -> None:
    if values.min() == values.max():
        roles.constants.append(name)
    elif is_id(name, values, rows):
        if roles.ids:
            roles.excluded[name] = "another id"
        else:
            roles.ids[name] = f"a number of its own in each of {plural(rows, 'row')}: an id"
    else:
        roles.inputs[name] = "number"


def is_id(name: str, values: Array, rows: int) -> bool:
    """Whether numbers name the rows: they count them, or the column is called so."""
    if len(values) < rows or rows <= FEWEST_IDS or (values != np.floor(values)).any():
        return False
    counts = values[0] in (0, 1) and bool((np.diff(values) == 1).all())
    return counts or bool(NAMES_OF_IDS.fullmatch(name) and len(np.unique(values)) == rows)
