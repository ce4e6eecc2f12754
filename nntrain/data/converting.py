"""Conversion: a large table of text, turned once into columns that are files.

Where a file has no quotes, a line is a row, so that blocks of lines can be converted on their own,
by as many processes as there are processors, each writing where the rows before it end.  Anything
else, and everything that is wrong, takes the careful way: the file's own reader, in one go.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from nntrain.data.blocks import NeedsCare, by_blocks
from nntrain.data.cell_types import IsText, Wanted, not_numbers, typed
from nntrain.data.column_files import Made, TextFiles, Writer, contents
from nntrain.data.files import opened
from nntrain.data.inputs import tables
from nntrain.data.memory import UNPACKED
from nntrain.data.sources import Csv
from nntrain.data.survey import Survey, Told
from nntrain.data.table import NONE_EMPTY, Empty, Table
from nntrain.errors import DataError
from nntrain.families import Source


def can_be_quick(source: Source) -> bool:
    """Whether it is a table of cells between delimiters, and nothing else about it is special."""
    return type(source) is Csv and source == Csv(delimiter=source.delimiter)


def body_begins(path: Path, first: Table) -> int:
    """The byte where the first row stands, whose line is known."""
    with path.open("rb") as stream:
        return sum(len(stream.readline()) for _ in range(int(first.lines[0]) - 1))


def convert(
    source: Callable[[Path], Source], paths: Sequence[Path], found: Sequence[Survey],
    wanted: Wanted, folder: Path, told: Told,
) -> Made:  # fmt: skip
    """Write the columns of files into `folder`: `0.cells`, `1.cells`, … and `lines.cells`.

    source: what reads a file.  Of several files `origin.cells` says which one each row is from.
    """
    firsts = [next(source(path).read(path, 4096)) for path in paths]
    texts = wanted.texts | not_numbers(firsts[0], wanted)
    quick = all(
        one.quick
        and source(path) == source(paths[0])
        and can_be_quick(source(path))
        and list(first.columns) == list(firsts[0].columns)
        for one, path, first in zip(found, paths, firsts, strict=True)
    )
    while True:
        how = replace(wanted, texts=texts)
        try:
            if quick:
                with suppress(NeedsCare):
                    return by_blocks(source(paths[0]), paths, found, how, folder, told, firsts)
            return _with_care(source, paths, how, folder, told)
        except IsText as more:
            texts |= set(more.args[0])


def _with_care(
    source: Callable[[Path], Source], paths: Sequence[Path], wanted: Wanted, folder: Path,
    told: Told,
) -> Made:  # fmt: skip
    """One table after the other, as the reader gives them."""
    total = sum(path.stat().st_size for path in paths)
    numbers_of = {str(path): number for number, path in enumerate(paths)}
    writer = texts = None
    row, unit, empty = 0, "line", NONE_EMPTY
    try:
        with _counted(paths[0], source(paths[0])) as position:
            for table in tables(source, paths):
                names = list(table.columns)
                if writer is None or texts is None:
                    writer = Writer(folder, names)
                    texts = TextFiles(folder, names, wanted.texts)
                cells = typed(table, wanted)
                writer.write(row, cells, table.lines, numbers_of[table.file])
                texts.add(row, contents(names, cells))
                row, unit = row + len(table), table.unit
                empty = Empty(empty.lines + table.empty.lines, empty.place or table.empty.place)
                told(min(position(row), total), total)
    finally:
        for files in (writer, texts):
            if files is not None:
                files.close()
    if texts is None:
        raise DataError("there are no rows", paths[0])
    return replace(texts.made, rows=row, unit=unit, empty=empty)


@contextmanager
def _counted(path: Path, source: Source) -> Iterator[Callable[[int], int]]:
    """About how many bytes so many rows have taken, judged by the first ones of the file."""
    if known := source.rows(path):
        size = path.stat().st_size
        yield lambda rows: size * rows // known
        return
    with opened(path) as stream:
        start = stream.read(1 << 16)
    each = len(start) / max(1, start.count(b"\n")) / (UNPACKED if path.suffix == ".gz" else 1)
    yield lambda rows: int(rows * each)
