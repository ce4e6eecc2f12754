"""IDX: the format of the MNIST family, one array in a file and its labels in another."""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO, NamedTuple, TextIO

import numpy as np

from nntrain.data.files import opened, path_of, unpacking
from nntrain.data.table import TEXT, Table
from nntrain.errors import DataError
from nntrain.families import Array, Source
from nntrain.values import dataclass

TYPES = {8: "u1", 9: "i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}
PIECE = 1 << 24  # bytes that are read at once
PAIRS = (("images-idx3", "labels-idx1"), ("images.idx3", "labels.idx1"), ("images", "labels"))


class _Header(NamedTuple):
    dtype: np.dtype[np.generic]
    rows: int
    shape: tuple[int, ...]


@dataclass(frozen=True)
class Idx(Source):
    """Arrays in the MNIST family's format: column `image`, and `label` from the file beside it.

    A file has the bytes 0, 0, type, number of axes, the length of each axis as a big-endian
    32-bit number, then the numbers (http://yann.lecun.com/exdb/mnist/).

    labels: the file of the labels, beside the images.  Left out, the one whose name has `labels`
        where the other has `images` (`train-images-idx3-ubyte`, `train-labels-idx1-ubyte`).
    """

    labels: str | None = None

    def read(self, source: str | Path | TextIO, rows_at_a_time: int = 32_768) -> Iterator[Table]:
        path = path_of(source)
        with ExitStack() as open_files:
            image_rows = _File(path, open_files)
            if not image_rows.header.shape:
                hint = "`data.path` is the file of the images; their labels are found beside it"
                raise image_rows.error("these are labels, one number a row, not images", hint)
            label_rows = [_File(other, open_files) for other in self.companions(path)]
            for other in label_rows:
                other.check_labels_of(image_rows)
            for start in range(0, image_rows.header.rows, rows_at_a_time):
                count = min(rows_at_a_time, image_rows.header.rows - start)
                columns = {"image": image_rows.take(count)}
                for other in label_rows:
                    columns["label"] = other.take(count).astype(TEXT)
                yield Table(str(path), np.arange(start + 1, start + count + 1), columns, "row")
            image_rows.check_end()

    def companions(self, path: Path) -> tuple[Path, ...]:
        """The file of the labels, if there is one."""
        if self.labels is not None:
            return (path.parent / self.labels,)
        for images, labels in PAIRS:
            other = path.with_name(path.name.replace(images, labels))
            if other != path and other.exists():
                return (other,)
        return ()


class _File:
    """An open file, its header read and its rows still to come."""

    def __init__(self, path: Path, open_files: ExitStack):
        self.path = path
        self.stream: BinaryIO = open_files.enter_context(opened(path))
        self.header = self._read_header()
        self.done = 0

    def _read_header(self) -> _Header:
        start = self._read(4)
        if len(start) < 4 or start[:2] != b"\0\0" or start[2] not in TYPES or not start[3]:
            raise self.error(
                f"this is no IDX file: it begins with {start.hex(' ') or 'nothing'}",
                "expected 00 00, a type from 08 to 0e and the number of axes",
            )
        sizes = self._read(4 * start[3])
        if len(sizes) < 4 * start[3]:
            raise self.error("the file is cut off: it ends within its header")
        rows, *shape = struct.unpack(f">{start[3]}I", sizes)
        if not rows or not all(shape):
            raise self.error("there are no rows: an axis has length 0")
        return _Header(np.dtype(TYPES[start[2]]), rows, tuple(shape))

    def take(self, count: int) -> Array:
        """The next rows, (count, …), in the machine's order of bytes."""
        dtype, rows, shape = self.header
        each = math.prod(shape) * dtype.itemsize
        content = self._read(count * each)
        if len(content) < count * each:
            found = self.done + len(content) // each
            raise self.error(
                f"the file is cut off: its header says {rows:,} rows, {found:,} are there"
            )
        self.done += count
        array = np.frombuffer(content, dtype).reshape(count, *shape)
        return array.astype(dtype.newbyteorder("="), copy=False)

    def _read(self, count: int) -> bytes:
        """At most `count` bytes; a header that lies takes no more memory than the file is long."""
        pieces: list[bytes] = []
        with unpacking(self.path):  # here, since two files are open and one of them is damaged
            while count and (piece := self.stream.read(min(count, PIECE))):
                pieces.append(piece)
                count -= len(piece)
        return b"".join(pieces)

    def check_end(self) -> None:
        if self._read(1):
            raise self.error(f"the file goes on after the {self.header.rows:,} rows of its header")

    def check_labels_of(self, images: _File) -> None:
        if self.header.shape:
            found = " × ".join(map(str, self.header.shape))
            raise self.error(f"labels are one number a row, here is an array of {found}")
        if self.header.rows != images.header.rows:
            raise self.error(
                f"{self.header.rows:,} labels, but {images.path.name} has "
                f"{images.header.rows:,} rows",
                "`data.format: {type: idx, labels: FILE}` names the file that belongs to it",
            )

    def error(self, message: str, hint: str = "") -> DataError:
        return DataError(message, self.path, hint=hint)
