"""Sight: what a bounded look at a file shows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from nntrain.data.files import opened
from nntrain.data.formats import Csv, Text, by_ending
from nntrain.data.table import Table, is_array, join
from nntrain.errors import DataError
from nntrain.families import Source
from nntrain.wording import plural

MOST_ROWS = 200_000  # rows that are looked at: enough to tell what columns are
MOST_TOKENS = 5_000_000  # the same of a text
LONGEST_HEADER = 1 << 20  # bytes
DELIMITERS = ",;\t|"


@dataclass(frozen=True)
class Sight:
    """The first rows of a file, as their cells stand there.

    whole: these are all of its rows.
    given: the format that the ending of the name does not tell.
    """

    path: str
    table: Table
    source: Source
    whole: bool
    given: Source | None = None

    @property
    def rows(self) -> int:
        return len(self.table)

    @property
    def count(self) -> str:
        """How many rows there are, in words."""
        more = "" if self.whole else "more than "
        return more + plural(self.rows, "row")

    @property
    def is_text(self) -> bool:
        return isinstance(self.source, Text)

    @property
    def arrays(self) -> list[str]:
        """The columns whose cells are arrays."""
        return [name for name, cells in self.table.columns.items() if is_array(cells)]


def look(path: str) -> Sight:
    """The first rows of a file, up to a number that bounds the time it takes."""
    source = by_ending(path)
    given = _other_delimiter(path, source) if isinstance(source, Csv) else None
    most = MOST_TOKENS if isinstance(source, Text) else MOST_ROWS
    tables, rows, whole = [], 0, True
    for table in (given or source).read(Path(path)):
        if rows >= most:
            whole = False
            break
        tables.append(table)
        rows += len(table)
    if not tables:
        raise DataError("there are no rows", path)
    return Sight(path, join(tables), given or source, whole, given)


def _other_delimiter(path: str, source: Csv) -> Source | None:
    """The format with the sign that the header has instead of the usual one, if it has one."""
    with opened(Path(path)) as stream:
        header = stream.readline(LONGEST_HEADER)
    counts = {sign: header.count(sign.encode()) for sign in DELIMITERS}
    best = max(counts, key=lambda sign: counts[sign])
    if counts[source.delimiter] or not counts[best]:
        return None
    return replace(source, delimiter=best)
