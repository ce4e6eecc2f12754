"""NumPy's own files: arrays by name (npz), or one alone (npy)."""

from __future__ import annotations

import errno
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, ClassVar, TextIO

import numpy as np

from nntrain.data.files import opened, path_of
from nntrain.data.table import TEXT, Table
from nntrain.errors import DataError, MachineError
from nntrain.families import Array, Source
from nntrain.room import is_large
from nntrain.values import dataclass
from nntrain.wording import quoted

NPY = b"\x93NUMPY"  # how an array of its own begins
PICKLED = "save numbers, or text as in numpy.array(texts); series of unequal length go into `ts`"


@dataclass(frozen=True)
class Npz(Source):
    """Arrays of equal length in one file of NumPy's, each a column: numpy.savez(path, x=…, y=…).

    Arrays of one axis are columns as in a CSV file, others are images, signals or vectors.
    Pickled objects are not read.
    """

    in_one: ClassVar[bool] = True

    def read(self, source: str | Path | TextIO, rows_at_a_time: int = 32_768) -> Iterator[Table]:
        yield from self.read_for(path_of(source), (), rows_at_a_time)

    def read_for(
        self, path: Path, numbers: Collection[str], rows_at_a_time: int
    ) -> Iterator[Table]:
        with opened(path) as stream, _damage_told(path):
            found = _load(stream, path)
            if isinstance(found, np.ndarray):
                raise DataError("this is one array, not several by name", path, 0, "format: npy")
            columns = {
                name: _column(found[name], name, path, as_numbers=name in numbers)
                for name in found.files
            }
        yield from _tables(columns, path, rows_at_a_time)


@dataclass(frozen=True)
class Npy(Source):
    """One array of numbers, numpy.save(path, x): the column `x`."""

    in_one: ClassVar[bool] = True

    def read(self, source: str | Path | TextIO, rows_at_a_time: int = 32_768) -> Iterator[Table]:
        path = path_of(source)
        with opened(path) as stream, _damage_told(path):
            found = _load(stream, path)
            if not isinstance(found, np.ndarray):
                raise DataError("these are arrays by name, not one", path, 0, "format: npz")
            columns = {"x": _column(found, "x", path)}
        yield from _tables(columns, path, rows_at_a_time)


def _load(stream: BinaryIO, path: Path) -> Any:
    start = stream.read(6)
    if start[:4] not in (b"PK\3\4", b"PK\5\6") and start != NPY:
        raise DataError(
            f"this is no file of NumPy's: it begins with {start.hex(' ') or 'nothing'}", path
        )
    if start == NPY and path.suffix != ".gz" and is_large(path.stat().st_size):
        return np.load(path, mmap_mode="r", allow_pickle=False)
    stream.seek(0)
    return np.load(stream, allow_pickle=False)


@contextmanager
def _damage_told(path: Path) -> Iterator[None]:
    """What NumPy raises for a file that is not one of its own, or not whole."""
    import tokenize  # late: these take a part of every start, and only here they are needed
    import warnings
    import zipfile
    import zlib

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # files of Python 2 take a little longer: who minds
            yield
    except (
        ValueError, TypeError, EOFError, OSError, KeyError, SyntaxError, RuntimeError,
        MemoryError, tokenize.TokenError, zipfile.BadZipFile, zlib.error,
    ) as error:  # fmt: skip
        if isinstance(error, OSError) and error.errno == errno.EIO:
            raise MachineError(f"{path}: can not be read: {error.strerror}") from None
        text = " ".join(str(error).split())
        if "allow_pickle" in text or "pickled" in text or "Python objects" in text:
            raise DataError(
                "it holds pickled objects, which are not read", path, 0, PICKLED
            ) from None
        raise DataError(f"no whole file of NumPy's: {text[:100]}", path) from None


def _column(array: Array, name: str, path: Path, *, as_numbers: bool = False) -> Array:
    """An array as a column: numbers with several axes as they are, else text as in a CSV file.

    as_numbers: decimals of one axis stay numbers, too.
    """
    if not isinstance(array, np.ndarray):  # NumPy gives the bytes of what it did not write
        raise DataError(f"{quoted(name)} is no array of NumPy's", path)
    kind = array.dtype.kind
    if not array.ndim:
        raise DataError(f"{quoted(name)} is one value, expected an array with a row each", path)
    if kind == "U" and array.ndim == 1:
        return np.strings.strip(array.astype(TEXT))
    if kind not in "buif":
        hint = "text has one axis; bytes become text by numpy.char.decode" if kind in "US" else ""
        found = f"{array.dtype.name} with {array.ndim} axes"
        raise DataError(f"{quoted(name)} holds {found}, expected numbers", path, hint=hint)
    if not all(array.shape[1:]):
        raise DataError(f"{quoted(name)} has an axis of length 0", path)
    if array.ndim > 1:
        return array
    if as_numbers and kind == "f":
        return array.astype(np.float64)
    array = np.asarray(array)
    numbers: Array = array.astype(np.uint8 if kind == "b" else array.dtype).astype(TEXT)
    return np.where(np.isnan(array), "", numbers).astype(TEXT) if kind == "f" else numbers


def _tables(columns: Mapping[str, Array], path: Path, count: int) -> Iterator[Table]:
    sizes = {name: len(array) for name, array in columns.items()}
    if not sizes or not max(sizes.values()):
        raise DataError("there are no rows", path)
    if len(set(sizes.values())) > 1:
        found = ", ".join(f"{quoted(name)} {size:,}" for name, size in sizes.items())
        hint = "a file holds one set of rows; keep the rows of a test in a file of their own"
        raise DataError(f"the arrays have different numbers of rows: {found}", path, hint=hint)
    rows = max(sizes.values())
    for start in range(0, rows, count):
        part = slice(start, min(start + count, rows))
        some = {name: _rows(array, part) for name, array in columns.items()}
        yield Table(str(path), np.arange(part.start + 1, part.stop + 1), some, "row")


def _rows(array: Array, some: slice) -> Array:
    """Some rows; of a mapped file they are mapped by themselves, so that memory has only those
    that are in use."""
    if not isinstance(array, np.memmap) or not array.flags.c_contiguous or array.filename is None:
        return np.asarray(array)[some]
    offset = array.offset + some.start * array.strides[0]
    shape = (some.stop - some.start, *array.shape[1:])
    return np.asarray(np.memmap(array.filename, array.dtype, "r", offset, shape))
