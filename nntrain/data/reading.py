"""A file as one table: in memory where it is small, else in files of the cache."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from pathlib import Path
from typing import NamedTuple

from nntrain.data import cache
from nntrain.data.cell_types import Wanted
from nntrain.data.cells import as_number
from nntrain.data.converting import body_begins, can_be_quick, convert
from nntrain.data.files import sha256
from nntrain.data.inputs import Paths, files_of, tables
from nntrain.data.memory import Estimate, bytes_of, estimate
from nntrain.data.settings import Data
from nntrain.data.survey import Survey, survey
from nntrain.data.table import Table, join, shown
from nntrain.errors import DataError
from nntrain.families import Goal


class Converting(NamedTuple):
    """How far a conversion is: bytes that are done, of all; twice, for looking and for reading."""

    path: str
    done: int
    total: int


Tell = Callable[[Estimate | Converting], None]
"""Told of what a file will take, and how far its conversion is."""


_TELL: ContextVar[Tell] = ContextVar("tell", default=lambda what: None)


@contextmanager
def telling(tell: Tell) -> Iterator[None]:
    """Whatever is read inside tells how far it is."""
    token = _TELL.set(tell)
    try:
        yield
    finally:
        _TELL.reset(token)


def read(settings: Data, path: Paths, goal: Goal | None = None) -> Table:
    """All rows of the files."""
    return read_hashed(settings, files_of(path), goal)[0]


def read_hashed(
    settings: Data, paths: Sequence[Path], goal: Goal | None = None
) -> tuple[Table, list[str]]:
    """All rows of the files, and the SHA-256 of each."""
    source, tell = settings.source(paths[0]), _TELL.get()
    found = _estimate(settings, paths)
    if found is not None:
        tell(found)
    if found is None or not found.stored:
        rows = sys.maxsize if source.in_one else ROWS_AT_A_TIME
        each = tables(settings.source, paths, rows, _amounts(settings, goal))
        return join(list(each)), [sha256(path) for path in paths]
    return _stored(settings, paths, wanted(settings, goal), tell)


def _estimate(settings: Data, paths: Sequence[Path]) -> Estimate | None:
    """What the files take; None where there is no need to know."""
    most = bytes_of(settings.max_memory) if settings.max_memory else None
    sources = [settings.source(path) for path in paths]
    try:
        small = sum(path.stat().st_size for path in paths) < SMALL
    except OSError:
        return None  # which the reader says better
    if small and most is None:
        return None
    return estimate(paths, sources[0], most, is_table=all(one.is_table for one in sources))


ROWS_AT_A_TIME = 32_768
SMALL = 10_000_000  # bytes; below it nobody asks what a file takes


def wanted(settings: Data, goal: Goal | None) -> Wanted:
    """How the cells are meant: which numbers are names of classes and categories."""
    texts = {name for name, kind in settings.columns.items() if kind not in ("numeric", "ignore")}
    if settings.split.column is not None:
        texts.add(settings.split.column)
    for name in settings.targets:
        own = goal if goal is None or isinstance(goal, str) else goal[name]
        if own != "numbers":
            texts.add(name)
    na_values = tuple(dict.fromkeys(text.strip() for text in settings.na_values))
    return Wanted(na_values, frozenset(texts))


def _amounts(settings: Data, goal: Goal | None) -> set[str]:
    """Targets that are numbers to predict, where no number says that one is missing."""
    if any(as_number(text) is not None for text in settings.na_values):
        return set()
    return set(settings.targets) - wanted(settings, goal).texts


def _stored(
    settings: Data, paths: Sequence[Path], how: Wanted, tell: Tell
) -> tuple[Table, list[str]]:
    """The table in files: those of an earlier conversion, else new ones."""
    before, names = [_state(path) for path in paths], [str(path) for path in paths]
    size, name = sum(one[0] for one in before), shown(names)
    found = _looked_at(settings, paths, lambda done: tell(Converting(name, done, 2 * size)))
    hashes = [one.sha256 for one in found]
    where, sources = cache.tables_folder(), repr([settings.source(path) for path in paths])
    kept = where / cache.key(hashes, sources, how.na_values, how.texts)
    if settings.cache == "auto" and (table := cache.open_table(kept, names)):
        return table, hashes
    with cache.aside(where) as folder:
        made = convert(
            settings.source, paths, found, how, folder,
            lambda done, total: tell(Converting(name, size + done, 2 * size)),
        )  # fmt: skip
        for path, state in zip(paths, before, strict=True):
            if _state(path) != state:
                raise DataError("the file has changed while it was read", path)
        cache.write_header(folder, made)
        if settings.cache == "auto":
            cache.keep(folder, kept, names)
            cache.tidy(where, kept)
        table = cache.open_table(kept, names) or cache.open_table(folder, names)
        tell(Converting(name, 2 * size, 2 * size))
    if table is None:
        raise DataError("its converted rows can not be read back", name)
    return table, hashes


def _looked_at(settings: Data, paths: Sequence[Path], told: Callable[[int], None]) -> list[Survey]:
    """What a look at all bytes of each file tells."""
    found, rows, before = list[Survey](), 0, 0
    for number, path in enumerate(paths):
        source = settings.source(path)
        first = next(source.read(path, 64))
        begins = body_begins(path, first) if can_be_quick(source) and path.suffix != ".gz" else 0
        at = partial(_add, told, before)
        found.append(survey(path, begins, at, number, rows))
        rows += sum(block.rows for block in found[-1].blocks)
        before += path.stat().st_size
    return found


def _add(told: Callable[[int], None], before: int, done: int, total: int) -> None:
    told(before + done)


def _state(path: Path) -> tuple[int, int]:
    """Size and time of a file: whether it is the same still."""
    found = path.stat()
    return found.st_size, found.st_mtime_ns
