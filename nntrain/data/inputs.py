"""Inputs: the files that a path of the config or the command line names, read as one table."""

from __future__ import annotations

import glob
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path

from nntrain.data.files import is_folder, is_there
from nntrain.data.table import Table
from nntrain.errors import DataError
from nntrain.families import Array, Source
from nntrain.wording import listed, nearest, quoted

Paths = str | Path | Sequence[str | Path]
"""A file, a folder, a pattern such as `shards/*.csv`, or several of them."""


def is_pattern(path: str | Path) -> bool:
    """Whether a path names all files that look like it; one that is there names itself."""
    return glob.has_magic(str(path)) and not is_there(path)


def below(folder: str, path: str) -> Path:
    """A path or pattern relative to a folder, whose own name is no pattern."""
    return Path(glob.escape(folder) if is_pattern(Path(folder, path)) else folder, path)


def files_of(paths: Paths) -> tuple[Path, ...]:
    """The files that are named, in this order; those of a pattern are sorted."""
    several = (paths,) if isinstance(paths, (str, Path)) else paths
    found = list(chain.from_iterable(map(_files, several)))
    counts = Counter(found)
    for path in found:
        if counts[path] > 1:
            raise DataError("this file is named twice: its rows would count double", path)
    return tuple(found)


def _files(path: str | Path) -> list[Path]:
    if not is_pattern(path):
        return [Path(path)]
    found = sorted(filter(Path.is_file, map(Path, glob.glob(str(path), recursive=True))))  # noqa: PTH207
    if not found:
        raise DataError("no file looks like this", path, 0, _nearby(Path(path)))
    return found


def _nearby(pattern: Path) -> str:
    """What there is instead, in the last folder that is not a pattern."""
    folder = pattern.parent
    while glob.has_magic(str(folder)) and not is_folder(folder):
        folder = folder.parent
    if not is_folder(folder):
        return f"there is no folder {folder}"
    names = sorted(entry.name for entry in folder.iterdir() if not entry.name.startswith("."))
    letters = re.sub(r"[*?\[\]]+", "", pattern.name)
    near = nearest(letters, names) or names
    return f"the folder {folder} has {listed(near)}" if names else f"the folder {folder} is empty"


def tables(
    source: Callable[[Path], Source],
    paths: Paths,
    rows_at_a_time: int = 32_768,
    numbers: Collection[str] = (),
) -> Iterator[Table]:
    """The rows of all files, which have the same columns; those of the first give their order.

    source: what reads a file.  numbers: columns that are meant as numbers.
    """
    first: Table | None = None
    for path in files_of(paths):
        for table in source(path).read_for(path, numbers, rows_at_a_time):
            first = table.take(slice(0, 1)) if first is None else first
            yield table if table.file == first.file else _matched(table, first)


def _matched(table: Table, first: Table) -> Table:
    """The table with its columns in the order of the first file's."""
    for one, other in ((table, first), (first, table)):
        lost = [name for name in other.columns if name not in one.columns]
        if lost:
            what = "column is" if len(lost) == 1 else "columns are"
            message = f"{len(lost):,} {what} missing that {other.file} has: {listed(lost)}"
            near = [near for name in lost for near in nearest(name, one.columns)]
            hint = f"did you mean {listed(dict.fromkeys(near))}?" if near else ""
            raise DataError(message, one.file, 0, hint)
    for name in first.columns:
        found, known = (_form(part.columns[name]) for part in (table, first))
        if found != known:
            message = f"the column {quoted(name)} holds {found}, in {first.file} it is {known}"
            raise table.error(message)
    return replace(table, columns={name: table.columns[name] for name in first.columns})


def _form(cells: Array) -> str:
    """What the cells of a column are, in words."""
    if cells.dtype == object:
        return "series"
    return (
        f"arrays of {' × '.join(map(str, cells.shape[1:]))}" if cells.ndim > 1 else "single values"
    )
