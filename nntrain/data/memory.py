"""How much memory a file takes, told before it is taken."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from nntrain.data.files import opened
from nntrain.data.table import shown
from nntrain.errors import DataError
from nntrain.families import Source
from nntrain.values import dataclass

UNITS = {"B": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
UNITS |= {"KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40}
_SIZE = re.compile(r"\s*(\d+(?:\.\d+)?|\.\d+)\s*([a-z]+)\s*", re.IGNORECASE)

LARGE_FILE = 64 * 10**6  # bytes; a table above it is converted once into files
LARGE_TABLE = 256 * 10**6  # bytes of memory, of a format that packs its cells
CELL = 36  # bytes that a cell of a table in memory takes, at the worst moment
STORED = 300 * 10**6  # the most that takes a table in files, whatever its size
UNPACKED = 5  # how many times as long a .gz is about when it is unpacked
TIMES = {"text": 100, "ts": 8}  # how many times the size of its file a format takes
ARRAYS = 3  # and others than tables


def bytes_of(size: str) -> int | None:
    """`500 MB` as a number of bytes; None where that is no size."""
    found = _SIZE.fullmatch(size)
    units = {name.upper(): size for name, size in UNITS.items()}
    unit = units.get(found[2].upper()) if found else None
    return int(float(found[1]) * unit) if found and unit else None


def in_words(size: float) -> str:
    """A number of bytes for people: `1.6 GB`."""
    for unit in ("GB", "MB"):
        if size >= UNITS[unit]:
            return f"{size / UNITS[unit]:.3g} {unit}"
    return f"{size / 1e3:.0f} kB"


@dataclass(frozen=True)
class Estimate:
    """What reading a file will take, judged by its size and its first rows.

    stored: the table goes into files; then `disk` is how many bytes they have.
    rows, columns: about; 0 where the file is no table of text.
    """

    path: str
    size: int
    rows: int
    columns: int
    memory: int
    disk: int
    stored: bool

    def __str__(self) -> str:
        shape = f"about {self.rows:,} rows of {self.columns:,} columns, " if self.rows else ""
        text = f"{Path(self.path).name}: {in_words(self.size)}, {shape}takes "
        if self.stored:
            return (
                f"{text}at most {in_words(self.memory)} of memory and {in_words(self.disk)} of disk"
            )
        return f"{text}about {in_words(self.memory)} of memory"


def estimate(
    paths: Sequence[Path], source: Source, most: int | None, *, is_table: bool
) -> Estimate:
    """What files will take; an error where that is more than `most` bytes."""
    path, size = paths[0], sum(one.stat().st_size for one in paths)
    names = [str(one) for one in paths]
    unpacked = size * UNPACKED if path.suffix == ".gz" else size
    if not is_table:
        found = Estimate(
            shown(names), size, 0, 0, unpacked * TIMES.get(source.kind, ARRAYS), 0, False
        )
    else:
        rows, columns = _shape(path, source, unpacked)
        in_memory, stored = rows * columns * CELL, unpacked > LARGE_FILE
        if source.rows(path) is not None:  # packed: what is in it counts
            stored = in_memory > LARGE_TABLE
        if most is not None and in_memory > most:
            stored = True
        memory, disk = (STORED, rows * (columns + 1) * 12) if stored else (in_memory, 0)
        found = Estimate(shown(names), size, rows, columns, memory, disk, stored)
    if most is not None and found.memory > most:
        raise DataError(
            f"takes about {in_words(found.memory)} of memory, and `data.max_memory` is "
            f"{in_words(most)}",
            path,
            hint=f"give it more, for example `max_memory: {in_words(1.2 * found.memory)}`"
            if found.stored
            else "a CSV file of the same rows is converted piece by piece, and takes less",
        )
    return found


def _shape(path: Path, source: Source, unpacked: int) -> tuple[int, int]:
    """About how many rows and columns there are, by the first of them."""
    with opened(path) as stream:
        start = stream.read(1 << 20)
    first = next(source.read(path, 64))
    if (known := source.rows(path)) is not None:
        return known, len(first.columns)
    lines = start.count(b"\n") or 1
    each = len(start) / lines
    return max(len(first), round(unpacked / each)), len(first.columns)
