"""Room for arrays: in memory, or, where they are large, in files that the system pages in and out.

A mapped array is an array like any other, so whatever is computed from it has the same bits.
"""

from __future__ import annotations

import errno
import math
import mmap
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from nntrain.arrays import Array
from nntrain.errors import MachineError

LARGE = 1 << 24  # bytes; an array above it lies in a file
STRETCH = 1 << 16  # rows that are gone through at a time

Rows = range | Array
"""Numbers of rows: all from one to another, or an array (n,) of any."""


def cache_folder() -> Path:
    """Where files of ours go that nobody need keep: `NNTRAIN_CACHE`, else the user's cache."""
    if own := os.environ.get("NNTRAIN_CACHE"):
        return Path(own)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "nntrain"


def empty(shape: tuple[int, ...], dtype: Any = np.float64) -> Array:
    """An array to be filled; a large one is mapped to a file without a name.

    Nothing is left behind, however the process ends.
    """
    size = math.prod(shape) * np.dtype(dtype).itemsize
    if not is_large(size):
        return np.empty(shape, dtype)
    folder = cache_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        from tempfile import TemporaryFile  # here: most arrays are small

        file = TemporaryFile(dir=folder, prefix="room-")  # noqa: SIM115
    except OSError:  # there is no place for files, as in some containers
        return np.empty(shape, dtype)
    with file:
        reserve(file.fileno(), size, folder)
        buffer = mmap.mmap(file.fileno(), size)
    return np.frombuffer(buffer, dtype).reshape(shape)


def reserve(descriptor: int, size: int, where: Path) -> None:
    """Take the space on the disk now: a mapping that finds none later kills the process."""
    try:
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(descriptor, 0, size)
        else:
            os.truncate(descriptor, size)
    except OSError as error:
        raise no_space(error, size, where) from None


def no_space(error: OSError, size: int, where: Path) -> MachineError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return MachineError(
            f"{where}: there is no space for {size / 1e6:,.0f} MB of converted data; "
            "`NNTRAIN_CACHE=FOLDER` names another place"
        )
    return MachineError(f"{where}: {error.strerror or error}")


def mapped(path: Path, dtype: Any, *, writable: bool = False) -> Array:
    """A file as an array (N,)."""
    mode = "r+b" if writable else "rb"
    access = mmap.ACCESS_WRITE if writable else mmap.ACCESS_READ
    with path.open(mode) as file:
        return np.frombuffer(mmap.mmap(file.fileno(), 0, access=access), dtype)


def is_large(size: float) -> bool:
    """Whether so many bytes go into a file."""
    return size > LARGE


def stretches(n: int, count: int = 0) -> Iterator[slice]:
    """Slices of at most `count` rows (`STRETCH`) that together are all of n rows."""
    count = count or STRETCH
    return (slice(at, min(at + count, n)) for at in range(0, n, count))


def gather(cells: Array, rows: Rows) -> Array:
    """cells[rows], a stretch at a time; a range is a view."""
    if isinstance(rows, range):
        return cells[rows.start : rows.stop]
    if not is_large(len(rows) * cells[:1].nbytes):
        return cells[rows]
    out = empty((len(rows), *cells.shape[1:]), cells.dtype)
    for some in stretches(len(rows)):
        cells.take(rows[some], axis=0, out=out[some], mode="clip")
    return out


def numbered(mask: Array) -> Array:
    """np.flatnonzero(mask), a stretch at a time."""
    if not is_large(len(mask) * 8):
        return np.flatnonzero(mask)
    out, at = empty((int(np.count_nonzero(mask)),), np.int64), 0
    for some in stretches(len(mask)):
        found = np.flatnonzero(mask[some])
        out[at : at + len(found)] = found + some.start
        at += len(found)
    return out


def counted(n: int) -> Array:
    """np.arange(n), a stretch at a time."""
    if not is_large(n * 8):
        return np.arange(n)
    out = empty((n,), np.int64)
    for some in stretches(n):
        out[some] = np.arange(some.start, some.stop)
    return out


def each(function: Callable[..., Array], *arrays: Array, dtype: Any = np.float64) -> Array:
    """function(*arrays) of a function that takes each element by itself."""
    first = arrays[0]
    if not is_large(first.nbytes):
        return function(*arrays)
    out = empty(first.shape, dtype)
    for some in stretches(len(first)):
        out[some] = function(*(array[some] for array in arrays))
    return out
