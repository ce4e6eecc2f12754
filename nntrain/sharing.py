"""Sharing: vectors that processes see together, and for a while only.

A vector from `own_pages` has memory pages of its own.  Shared pages can be laid under it, and taken
away again, without its place changing: whatever holds a view of it goes on as before.  So a network
is built once, and before the processes are forked each vector is shared by all of them (`shared`),
or gets a copy for each that the others can read (`Copies`).  The memory has no name in the file
system: nothing is left behind, however a process ends.
"""

from __future__ import annotations

import ctypes
import mmap
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import numpy as np

from nntrain.arrays import Array
from nntrain.threads import CAN_FORK

MAP_FIXED = 0x10  # of mmap(2); Python does not name it
HUGE = 1 << 21  # bytes of a huge page: for vectors that are longer than one, they are asked for


def own_pages(size: int, dtype: Any) -> Array:
    """A vector (size,) of zeros on memory pages of its own."""
    needed = size * np.dtype(dtype).itemsize
    length, page = _whole_pages(needed), _page(needed)
    if CAN_FORK:
        pages = mmap.mmap(-1, length + page, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        if page == HUGE:
            with suppress(OSError):  # a kernel without them
                pages.madvise(mmap.MADV_HUGEPAGE)
        room = np.frombuffer(pages, np.uint8)
    else:
        room = np.zeros(length + page, np.uint8)
    start = -room.ctypes.data % page
    return room[start : start + needed].view(dtype)


@contextmanager
def shared(vectors: Iterable[Array]) -> Iterator[None]:
    """Inside, these vectors are the same memory in this process and all that it forks."""
    all_of_them = [vector for vector in vectors if len(vector)]
    for vector in all_of_them:
        file = _file(vector.nbytes)
        _lay(vector, file)
        os.close(file)
    try:
        yield
    finally:
        for vector in all_of_them:
            _lay(vector)


class Copies:
    """A vector that each of several processes has for itself, and the others can read.

    each: (count, length) the copies, of this process and all that it forks.
    """

    def __init__(self, vector: Array, count: int):
        self.vector, self.span = vector, _whole_pages(vector.nbytes)
        self.file = _file(count * self.span)
        memory = mmap.mmap(self.file, count * self.span)
        whole = np.frombuffer(memory, vector.dtype).reshape(count, -1)
        self.each = whole[:, : len(vector)]

    def take(self, number: int) -> None:
        """From here on, the vector of this process is that copy, which begins with zeros."""
        _lay(self.vector, self.file, number * self.span, keep=False)

    def close(self) -> None:
        """The vector of this process is its own again, of zeros."""
        _lay(self.vector, keep=False)
        os.close(self.file)


def forget(vector: Array) -> None:
    """Give the memory of a vector from `own_pages` back until it is written into again; there are
    zeros then, or what there was."""
    if CAN_FORK and vector.nbytes >= HUGE:
        for advice in (mmap.MADV_REMOVE, mmap.MADV_DONTNEED):  # of shared pages, and of its own
            if not _libc.madvise(vector.ctypes.data, vector.nbytes, advice):
                return


def shared_array(shape: tuple[int, ...], dtype: Any = np.float64) -> Array:
    """A new array of zeros that is the same memory in this process and all that it forks."""
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    return np.frombuffer(mmap.mmap(-1, size), dtype).reshape(shape)


def _file(size: int) -> int:
    file = os.memfd_create("nntrain", os.MFD_CLOEXEC)
    os.ftruncate(file, _whole_pages(size))
    return file


def _page(size: int) -> int:
    return HUGE if size >= HUGE else mmap.PAGESIZE


def _whole_pages(size: int) -> int:
    return max(1, -(-size // _page(size))) * _page(size)


def _lay(vector: Array, file: int = -1, offset: int = 0, *, keep: bool = True) -> None:
    """Lay other pages under a vector: those of a file, or without one new private ones."""
    kept = vector.copy() if keep else None
    address, length = vector.ctypes.data, _whole_pages(vector.nbytes)
    own = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
    flags = MAP_FIXED | (mmap.MAP_SHARED if file >= 0 else own)
    found = _libc.mmap(address, length, mmap.PROT_READ | mmap.PROT_WRITE, flags, file, offset)
    if found != address:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    if _page(length) == HUGE:
        _libc.madvise(address, length, mmap.MADV_HUGEPAGE)
    if kept is not None:
        np.copyto(vector, kept)


if CAN_FORK:
    _libc = ctypes.CDLL(None, use_errno=True)
    _libc.mmap.restype = ctypes.c_void_p
    _libc.mmap.argtypes = [
        ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long
    ]  # fmt: skip
    _libc.madvise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
