"""Sight: what a bounded look at a file shows."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from nntrain.data.files import opened
from nntrain.data.formats import Csv, Images, Text, by_ending
from nntrain.data.inputs import files_of, tables
from nntrain.data.table import Table, is_array, join
from nntrain.errors import DataError
from nntrain.families import Source
from nntrain.values import dataclass
from nntrain.wording import plural

MOST_ROWS = 200_000  # rows that are looked at: enough to tell what columns are
MOST_TOKENS = 5_000_000  # the same of a text
LONGEST_HEADER = 1 << 20  # bytes
DELIMITERS = ",;\t|"
QUOTED = re.compile(rb'"[^"]*"')
WITH_COMMA, WITH_POINT = re.compile(rb"[-+]?\d+,\d+"), re.compile(rb"[-+]?\d+\.\d+")


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
    def own_target(self) -> tuple[str, ...]:
        """What there is to learn where nobody says it: the folders of images have names."""
        return ("class",) if isinstance(self.source, Images) else ()

    @property
    def arrays(self) -> list[str]:
        """The columns whose cells are arrays."""
        return [name for name, cells in self.table.columns.items() if is_array(cells)]


def look(path: str) -> Sight:
    """The first rows of a file, a folder or all files of a pattern, up to a number that bounds the
    time it takes."""
    files = files_of(path)
    source = by_ending(str(files[0]))
    given = _other_form(files[0], source) if isinstance(source, Csv) else None
    most = MOST_TOKENS if isinstance(source, Text) else MOST_ROWS
    found, rows, whole = list[Table](), 0, True
    for table in tables(lambda file: given or by_ending(str(file)), files):
        if rows >= most:
            whole = False
            break
        found.append(table)
        rows += len(table)
    if not found:
        raise DataError("there are no rows", path)
    return Sight(path, join(found), given or source, whole, given)


def _other_form(path: Path, source: Csv) -> Csv | None:
    """The format with the signs that the first lines show instead of the usual ones, if they do."""
    with opened(path) as stream:
        lines = stream.readlines(LONGEST_HEADER)
    comment = "#" if lines and lines[0].lstrip().startswith(b"#") else None
    lines = [line for line in lines if not (comment and line.lstrip().startswith(b"#"))]
    header = lines[0] if lines else b""
    bare = QUOTED.sub(b"", header)
    counts = {sign: bare.count(sign.encode()) for sign in DELIMITERS}
    delimiter = max(counts, key=lambda sign: counts[sign])
    if counts[source.delimiter] or not counts[delimiter]:
        delimiter = source.delimiter
    found = replace(source, delimiter=delimiter, comment=comment)
    cells = [
        cell.strip(b' \t\r\n"') for line in lines[1:] for cell in line.split(delimiter.encode())
    ]
    if delimiter != "," and any(map(WITH_COMMA.fullmatch, cells)):
        found = found if any(map(WITH_POINT.fullmatch, cells)) else replace(found, decimal=",")
    return None if found == source else found
