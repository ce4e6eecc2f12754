"""The files of a table's columns: each block of rows is written where its rows stand."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import field
from pathlib import Path

import numpy as np

from nntrain.data.cell_types import Cells
from nntrain.data.quick import TextCells
from nntrain.data.table import NONE_EMPTY, Empty
from nntrain.families import Array
from nntrain.room import no_space
from nntrain.values import dataclass

ORIGIN = "origin.cells"


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


class Writer:
    """The files of a folder: each block goes where its rows are."""

    def __init__(self, folder: Path, names: Sequence[str]):
        self.folder, self.names = folder, list(names)
        self.files = [_create(folder / f"{i}.cells") for i in range(len(names))]
        self.lines, self.origin = _create(folder / "lines.cells"), _create(folder / ORIGIN)

    def write(self, row: int, cells: Sequence[Cells], lines: Array, origin: int) -> None:
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


class TextFiles:
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


def contents(names: Sequence[str], cells: Sequence[Cells]) -> dict[str, bytes]:
    pairs = zip(names, cells, strict=True)
    return {name: own.content for name, own in pairs if isinstance(own, TextCells)}
