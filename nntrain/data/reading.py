"""A file as one table: in memory where it is small, else in files of the cache."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import NamedTuple

from nntrain.data import cache
from nntrain.data.converting import Wanted, body_begins, can_be_quick, convert, survey
from nntrain.data.files import sha256
from nntrain.data.memory import Estimate, bytes_of, estimate
from nntrain.data.settings import Data
from nntrain.data.table import Table, join
from nntrain.errors import DataError
from nntrain.families import Goal, Source


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


def read(settings: Data, path: str | Path, goal: Goal | None = None) -> Table:
    """All rows of a file."""
    return read_hashed(settings, path, goal)[0]


def read_hashed(settings: Data, path: str | Path, goal: Goal | None = None) -> tuple[Table, str]:
    """All rows of a file, and its SHA-256."""
    source, path, tell = settings.source(path), Path(path), _TELL.get()
    found = _estimate(settings, source, path)
    if found is not None:
        tell(found)
    if found is None or not found.stored:
        tables = source.read(path, sys.maxsize) if source.in_one else source.read(path)
        return join(list(tables)), sha256(path)
    return _stored(settings, source, path, wanted(settings, goal), tell)


def _estimate(settings: Data, source: Source, path: Path) -> Estimate | None:
    """What the file takes; None where there is no need to know."""
    most = bytes_of(settings.max_memory) if settings.max_memory else None
    try:
        small = path.stat().st_size < SMALL
    except OSError:
        return None  # which the reader says better
    if small and most is None:
        return None
    return estimate(path, source, most, is_table=source.is_table)


SMALL = 10_000_000  # bytes; below it nobody asks what a file takes


def wanted(settings: Data, goal: Goal | None) -> Wanted:
    """How the cells are meant: which numbers are names of classes and categories."""
    texts = {name for name, kind in settings.columns.items() if kind not in ("numeric", "ignore")}
    for name in settings.targets:
        own = goal if goal is None or isinstance(goal, str) else goal[name]
        if own != "numbers":
            texts.add(name)
    na_values = tuple(dict.fromkeys(text.strip() for text in settings.na_values))
    return Wanted(na_values, frozenset(texts))


def _stored(
    settings: Data, source: Source, path: Path, how: Wanted, tell: Tell
) -> tuple[Table, str]:
    """The table in files: those of an earlier conversion, else new ones."""
    before = path.stat()
    size = before.st_size
    first = next(source.read(path, 64))
    begins = body_begins(path, first) if can_be_quick(source) and path.suffix != ".gz" else 0
    found = survey(path, begins, lambda done, total: tell(Converting(str(path), done, 2 * total)))
    where = cache.tables_folder()
    name = where / cache.key(found.sha256, repr(source), how.na_values, how.texts)
    if settings.cache == "auto" and (table := cache.open_table(name, str(path))):
        return table, found.sha256
    with cache.aside(where) as folder:
        made = convert(
            source, path, found, how, folder,
            lambda done, total: tell(Converting(str(path), size + done, 2 * size)),
        )  # fmt: skip
        after = path.stat()
        if (after.st_size, after.st_mtime_ns) != (size, before.st_mtime_ns):
            raise DataError("the file has changed while it was read", path)
        cache.write_header(folder, made)
        if settings.cache == "auto":
            cache.keep(folder, name)
            cache.tidy(where, name)
        table = cache.open_table(name, str(path)) or cache.open_table(folder, str(path))
        tell(Converting(str(path), 2 * size, 2 * size))
    if table is None:
        raise DataError("its converted rows can not be read back", path)
    return table, found.sha256


def clear() -> None:
    """Remove all tables of the cache."""
    shutil.rmtree(cache.tables_folder(), ignore_errors=True)
