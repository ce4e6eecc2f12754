"""Written: how the dates of a column are written, where not as ISO 8601 has it."""

from __future__ import annotations

from collections.abc import Sequence

from nntrain.data.dates import dates
from nntrain.families import Array

DAYS = ("%d.%m.%Y", "%d.%m.%y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%m-%d-%Y", "%Y/%m/%d")
TIMES = ("", " %H:%M", " %H:%M:%S")
FIRST = 50  # cells that are tried before all of them


def written_as(cells: Array) -> Sequence[str]:
    """All forms, in the letters of Python's strptime, in which each of these cells is a date.

    Two where day and month can not be told apart, since no day is beyond the twelfth.
    """
    forms = [day + time for day in DAYS for time in TIMES]
    for some in (cells[:1], cells[:FIRST], cells):
        forms = [form for form in forms if not dates(some, (), form)[1].any()]
    return forms
