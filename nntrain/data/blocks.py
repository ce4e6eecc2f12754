"""Blocks of lines, each converted on its own, by threads or processes beside each other."""

from __future__ import annotations

import csv
import io
import os
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from nntrain.data.cell_types import Cells, Wanted, typed
from nntrain.data.cells import as_number
from nntrain.data.column_files import Made, TextFiles, Writer, contents
from nntrain.data.quick import TextCells, has_polars, polars_cells, quick_numbers
from nntrain.data.sources import Csv
from nntrain.data.survey import Block, Survey, Told
from nntrain.data.table import Table, join
from nntrain.errors import DataError
from nntrain.families import Array, Source

MOST_PROCESSES = 8
THREADS = 2  # blocks that polars and the disk have at a time


class NeedsCare(Exception):  # noqa: N818
    """A block that can not be converted without what is before it, or not at all."""


class _Work(NamedTuple):
    """What a process needs to convert blocks."""

    source: Csv
    paths: Sequence[Path]
    names: list[str]
    header: str
    wanted: Wanted
    writer: Writer
    lines: Sequence[int]  # of the first row of the table, if it were in this file
    parent: int
    polars: bool


_work: _Work  # in a process that converts


def by_blocks(
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
    writer, texts = Writer(folder, names), TextFiles(folder, names, wanted.texts)
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
        return contents(work.names, cells)
    table = _table(work, content)
    if len(table) != block.rows:
        raise NeedsCare
    cells = typed(table, work.wanted)
    work.writer.write(block.row, cells, lines, block.file)
    return contents(work.names, cells)


def _quick(work: _Work, content: bytes, rows: int) -> list[Cells] | None:
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
        raise NeedsCare from None
    return table
