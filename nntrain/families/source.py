"""File formats of data."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, ClassVar, TextIO

from nntrain.families.kind import Family


class Source(Family):
    """A file format: `read(source)` yields the rows as tables of bounded size.

    `source` is a path, or for formats of text an open text stream.

    is_table: every column is text or a number, so that a large file can be converted into columns
        that lie on the disk.
    in_one: all rows are there at once, so that they are best taken as one table.
    """

    is_table: ClassVar[bool] = False
    in_one: ClassVar[bool] = False

    def read(self, source: str | Path | TextIO, rows_at_a_time: int = 32_768) -> Iterator[Any]:
        raise NotImplementedError

    def read_for(self, path: Path, numbers: Collection[str], rows_at_a_time: int) -> Iterator[Any]:
        """The same, of a file; columns named in `numbers` may be numbers already, (N,) float64.

        So a format of numbers need not make text of them only for it to be read again.
        """
        return self.read(path, rows_at_a_time)

    def rows(self, path: Path) -> int | None:
        """How many rows a file has, where it says so without being read; else None."""
        return None

    def companions(self, path: Path) -> tuple[Path, ...]:
        """Other files that are read along with the one at `path`, such as one of labels."""
        return ()
