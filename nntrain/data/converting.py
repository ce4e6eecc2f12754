"""Conversion: a large table of text, turned once into columns that are files.

Where a file has no quotes, a line is a row, so that blocks of lines can be converted on their own,
by as many processes as there are processors, each writing where the rows before it end.  Anything
else, and everything that is wrong, takes the careful way: the file's own reader, in one go.
"""

from __future__ import annotations

import csv
import hashlib
import io
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from nntrain.data.cells import as_number, numbers
from nntrain.data.files import opened
from nntrain.data.inputs import tables
from nntrain.data.memory import UNPACKED
from nntrain.data.quick import TextCells, count, has_polars, polars_cells, quick_numbers, text_cells
from nntrain.data.sources import Csv
from nntrain.data.table import NONE_EMPTY, Empty, Table, is_array, join
from nntrain.errors import DataError
from nntrain.families import Array, Source
from nntrain.room import no_space

BLOCK_BYTES = 1 << 23  # of the file that are converted at a time
ORIGIN = "origin.cells"
LONGEST = 4  # blocks that a line may fill, else the reader looks at it
MOST_PROCESSES = 8
THREADS = 2  # blocks that polars and the disk have at a time

Told = Callable[[int, int], None]
"""Called with the bytes that are done and the bytes that there are."""


@dataclass(frozen=True)
class Wanted:
    """How the cells of a file are meant.

    na_values: cells that mean missing, besides the empty one.
    texts: columns whose cells are text, also where all of them are numbers.
    """

    na_values: tuple[str, ...] = ()
    texts: frozenset[str] = frozenset()


class Block(NamedTuple):
    """A part of a file, whole lines: its bytes, and where its rows stand in the table.

    file: which of several files.
    """

    first_byte: int
    last_byte: int
    row: int
    rows: int
    file: int = 0


@dataclass
class Survey:
    """What one look at all bytes tells: their SHA-256 and, where lines are rows, the blocks."""

    sha256: str
    blocks: list[Block]
    begins: int  # the byte after the header
    quick: bool  # whether lines are rows as far as their bytes tell


@dataclass
class Made:
    """What became of a file.

    texts: for each column of text the first row of each block, and where its cells stand.
    """

    names: list[str]
    texts: dict[str, tuple[list[int], list[tuple[int, int]]]] = field(default_factory=dict)
    rows: int = 0
    unit: str = "line"
    empty: Empty = NONE_EMPTY


_Cells = Array | TextCells


class _IsText(Exception):  # noqa: N818, it is no error
    """Columns that have been read as numbers so far have other cells too."""


class _NeedsCare(Exception):  # noqa: N818
    """A block that can not be converted without what is before it, or not at all."""


def survey(path: Path, begins: int, told: Told, file: int = 0, row: int = 0) -> Survey:
    """Read all bytes once; `begins` is the first one after the header.

    file, row: which one of several it is, and the rows of those before it.
    """
    digest, total = hashlib.sha256(), path.stat().st_size
    blocks: list[Block] = []
    rows, first, at, quotes = row, begins, 0, False
    with path.open("rb") as stream:
        while piece := stream.read(BLOCK_BYTES):
            digest.update(piece)
            body = piece[begins - at :] if at < begins else piece
            quotes = quotes or b'"' in body
            if (end := body.rfind(b"\n") + 1) and not quotes:
                new, last = count(body, b"\n"), at + len(piece) - len(body) + end
                blocks.append(Block(first, last, rows, new, file))
                rows, first = rows + new, last
            at += len(piece)
            told(at, total)
    if first < at:  # the last line does not end
        blocks.append(Block(first, at, rows, 1, file))
    longest = max((block.last_byte - block.first_byte for block in blocks), default=0)
    plain = not quotes and longest < LONGEST * BLOCK_BYTES and path.suffix != ".gz"
    return Survey(digest.hexdigest(), blocks, begins, plain)


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
    texts = wanted.texts | _not_numbers(firsts[0], wanted)
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
                with suppress(_NeedsCare):
                    return _by_blocks(source(paths[0]), paths, found, how, folder, told, firsts)
            return _with_care(source, paths, how, folder, told)
        except _IsText as more:
            texts |= set(more.args[0])


def _not_numbers(table: Table, wanted: Wanted) -> set[str]:
    return {
        name
        for name, cells in table.columns.items()
        if name in wanted.texts or numbers(cells, wanted.na_values)[1].any()
    }


def _typed(table: Table, wanted: Wanted) -> list[_Cells]:
    """Each column as what it is taken for."""
    found: list[_Cells] = []
    odd = []
    for name, cells in table.columns.items():
        if is_array(cells):
            raise DataError(f"{name} holds arrays", table.file)
        if name in wanted.texts:
            found.append(text_cells(cells.tolist()))
            continue
        values, wrong = numbers(cells, wanted.na_values)
        if wrong.any():
            odd.append(name)
        found.append(values)
    if odd:
        raise _IsText(odd)
    return found


class _Writer:
    """The files of a folder: each block goes where its rows are."""

    def __init__(self, folder: Path, names: Sequence[str]):
        self.folder, self.names = folder, list(names)
        self.files = [_create(folder / f"{i}.cells") for i in range(len(names))]
        self.lines, self.origin = _create(folder / "lines.cells"), _create(folder / ORIGIN)

    def write(self, row: int, cells: Sequence[_Cells], lines: Array, origin: int) -> None:
        """The cells of the rows from `row` on, of text their numbers; `origin` is their file."""
        try:
            for file, own in zip(self.files, cells, strict=True):
                values = own.codes if isinstance(own, TextCells) else own
                _write_at(file, np.ascontiguousarray(values), row)
            _write_at(self.lines, lines.astype(np.int64, copy=False), row)
            if origin:  # the first one is 0, as is what is not written
                _write_at(self.origin, np.full(len(lines), origin, np.int32), row)
        except OSError as error:
            size = sum(os.fstat(file).st_size for file in self.files)
            raise no_space(error, size, self.folder) from None

    def close(self) -> None:
        for file in [*self.files, self.lines, self.origin]:
            os.close(file)


def _create(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)


def _write_at(file: int, values: Array, row: int) -> None:
    left, at = values.view(np.uint8).data, row * values.itemsize
    while left:
        done = os.pwrite(file, left, at)
        left, at = left[done:], at + done


class _TextFiles:
    """The different cells of each block, one after the other, a file a column of text."""

    def __init__(self, folder: Path, names: Sequence[str], texts: frozenset[str]):
        self.files = {
            name: (folder / f"{i}.texts").open("wb")
            for i, name in enumerate(names)
            if name in texts
        }
        self.folder = folder
        self.made = Made(list(names), {name: ([], []) for name in self.files})

    def add(self, row: int, contents: dict[str, bytes]) -> None:
        for name, content in contents.items():
            starts, places = self.made.texts[name]
            at = self.files[name].tell()
            try:
                self.files[name].write(content)
            except OSError as error:
                raise no_space(error, at, self.folder) from None
            starts.append(row)
            places.append((at, at + len(content)))

    def close(self) -> None:
        for file in self.files.values():
            file.close()


def _contents(names: Sequence[str], cells: Sequence[_Cells]) -> dict[str, bytes]:
    pairs = zip(names, cells, strict=True)
    return {name: own.content for name, own in pairs if isinstance(own, TextCells)}


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
                    writer = _Writer(folder, names)
                    texts = _TextFiles(folder, names, wanted.texts)
                cells = _typed(table, wanted)
                writer.write(row, cells, table.lines, numbers_of[table.file])
                texts.add(row, _contents(names, cells))
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


class _Work(NamedTuple):
    """What a process needs to convert blocks."""

    source: Csv
    paths: Sequence[Path]
    names: list[str]
    header: str
    wanted: Wanted
    writer: _Writer
    lines: Sequence[int]  # of the first row of the table, if it were in this file
    parent: int
    polars: bool


_work: _Work  # in a process that converts


def _by_blocks(
    source: Source, paths: Sequence[Path], found: Sequence[Survey], wanted: Wanted, folder: Path,
    told: Told, firsts: Sequence[Table],
) -> Made:  # fmt: skip
    """The blocks one by one, shared among processes."""
    names, blocks = list(firsts[0].columns), [block for one in found for block in one.blocks]
    total, before = sum(path.stat().st_size for path in paths), 0
    lines = [
        int(first.lines[0]) - one.blocks[0].row for first, one in zip(firsts, found, strict=True)
    ]
    header = io.StringIO()
    delimiter = source.delimiter if isinstance(source, Csv) else ","
    csv.writer(header, delimiter=delimiter, lineterminator="\n").writerow(names)
    writer, texts = _Writer(folder, names), _TextFiles(folder, names, wanted.texts)
    work = _Work(
        Csv(delimiter), paths, names, header.getvalue(), wanted, writer, lines, os.getpid(),
        has_polars(),
    )  # fmt: skip
    try:
        with _each_block(work, blocks) as done:
            for block, (contents, odd) in zip(blocks, done, strict=True):
                if odd is not None:
                    raise odd
                texts.add(block.row, contents)
                before += block.last_byte - block.first_byte
                told(before, total)
    finally:
        writer.close()
        texts.close()
    last = blocks[-1]
    return replace(texts.made, rows=last.row + last.rows)


Outcome = tuple[dict[str, bytes], Exception | None]


@contextmanager
def _each_block(work: _Work, blocks: list[Block]) -> Iterator[Iterator[Outcome]]:
    """What comes of each block, in order."""
    import multiprocessing  # late, both: small files do without
    from concurrent.futures import ThreadPoolExecutor

    if work.polars:  # it has threads of its own, and works beside ours
        threads = ThreadPoolExecutor(THREADS)
        try:
            yield threads.map(partial(_outcome, work), blocks)
        finally:
            threads.shutdown(cancel_futures=True)
        return
    workers = min(processes(), len(blocks))
    if workers < 2:
        yield map(partial(_outcome, work), blocks)
        return
    pool = multiprocessing.get_context("fork").Pool(workers, _begin, (work,))
    with pool:  # which ends the processes, however this ends
        yield pool.imap(_convert_block, blocks)


def processes() -> int:
    """How many can work at once; one where this process has threads, which forking forbids."""
    if not hasattr(os, "sched_getaffinity") or _threads() > 1:
        return 1
    return min(len(os.sched_getaffinity(0)), MOST_PROCESSES)


def _threads() -> int:
    try:
        return len(os.listdir("/proc/self/task"))  # noqa: PTH208, names are enough
    except OSError:
        return 2


def _begin(work: _Work) -> None:
    global _work
    _work = work
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides


def _convert_block(block: Block) -> Outcome:
    if os.getppid() != _work.parent:
        os._exit(1)  # nobody waits for this any more
    return _outcome(_work, block)


def _outcome(work: _Work, block: Block) -> Outcome:
    try:
        return _converted(work, block), None
    except Exception as odd:
        return {}, odd


def _converted(work: _Work, block: Block) -> dict[str, bytes]:
    with work.paths[block.file].open("rb") as stream:
        stream.seek(block.first_byte)
        content = stream.read(block.last_byte - block.first_byte)
    lines = np.arange(block.rows) + (work.lines[block.file] + block.row)
    cells = _quick(work, content, block.rows)
    if cells is not None:
        work.writer.write(block.row, cells, lines, block.file)
        return _contents(work.names, cells)
    table = _table(work, content)
    if len(table) != block.rows:
        raise _NeedsCare
    typed = _typed(table, work.wanted)
    work.writer.write(block.row, typed, lines, block.file)
    return _contents(work.names, typed)


def _quick(work: _Work, content: bytes, rows: int) -> list[_Cells] | None:
    """The cells of a block, if it is a plain one."""
    delimiter, wanted = work.source.delimiter, work.wanted
    if work.polars:
        is_text = [name in wanted.texts for name in work.names]
        found = polars_cells(content, delimiter, rows, is_text, wanted.na_values)
        if found is not None:
            return [
                own if isinstance(own, TextCells) else _without(own, wanted.na_values)
                for own in found
            ]
    if wanted.texts:
        return None
    values = quick_numbers(content, delimiter, (rows, len(work.names)))
    return None if values is None else [_without(column, wanted.na_values) for column in values]


def _without(values: Array, na_values: tuple[str, ...]) -> Array:
    """Numbers that mean missing are missing."""
    for text in na_values:
        if (number := as_number(text)) is not None:
            values = np.where(values == number, np.nan, values)
    return values


def _table(work: _Work, content: bytes) -> Table:
    try:
        text = io.StringIO(work.header + content.decode("utf-8"), newline="")
        table = join(list(work.source.read(text)))
    except (DataError, UnicodeDecodeError, ValueError):
        raise _NeedsCare from None
    return table
