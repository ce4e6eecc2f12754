"""Parquet and Arrow: tables with typed columns, read by polars, a number of rows at a time."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, TextIO

import numpy as np

from nntrain.data.extras import extra
from nntrain.data.files import opened, path_of
from nntrain.data.table import TEXT, Table
from nntrain.errors import DataError
from nntrain.families import Array, Source
from nntrain.values import dataclass
from nntrain.wording import listed

BLANKS = " \t"
CELLS_AT_A_TIME = 1 << 20


@dataclass(frozen=True)
class Parquet(Source):
    """A Parquet file; needs `nntrain[tables]`.  Numbers, text, truth, dates and categories.

    Null is a missing cell, truth is the text `true` or `false`, a date or time its ISO form.
    Columns of lists, structures or bytes are refused.
    """

    is_table: ClassVar[bool] = True

    def read(self, source: str | Path | TextIO, rows_at_a_time: int = 32_768) -> Iterator[Table]:
        yield from _tables(path_of(source), PARQUET, rows_at_a_time)

    def rows(self, path: Path) -> int | None:
        return _rows(path, PARQUET)


@dataclass(frozen=True)
class Arrow(Source):
    """An Arrow IPC file, which is Feather version 2; needs `nntrain[tables]`.  As Parquet."""

    is_table: ClassVar[bool] = True

    def read(self, source: str | Path | TextIO, rows_at_a_time: int = 32_768) -> Iterator[Table]:
        yield from _tables(path_of(source), ARROW, rows_at_a_time)

    def rows(self, path: Path) -> int | None:
        return _rows(path, ARROW)


class _Form(NamedTuple):
    """How a file begins, what its format is called, and what of polars opens it."""

    magic: bytes
    name: str
    scan: str


PARQUET, ARROW = _Form(b"PAR1", "Parquet", "scan_parquet"), _Form(b"ARROW1", "Arrow", "scan_ipc")


class _Frame(NamedTuple):
    """A file that is open: polars itself, its lazy frame, the schema and how many rows it has."""

    polars: Any
    lazy: Any
    schema: Any
    rows: int


@contextmanager
def _opened(path: Path, form: _Form) -> Iterator[_Frame]:
    with _plain_file(path) as file:
        _check_begins(file, path, form.magic, form.name)
        polars = extra("polars", "polars", "tables", f"{form.name} files are read")
        with _damage_told(polars, path, form.name):
            lazy = getattr(polars, form.scan)(file, glob=False)
            schema = lazy.collect_schema()
            rows = lazy.select(polars.len()).collect().item()
        yield _Frame(polars, lazy, schema, rows)


def _rows(path: Path, form: _Form) -> int:
    with _opened(path, form) as frame:
        return frame.rows


def _tables(path: Path, form: _Form, count: int) -> Iterator[Table]:
    with _opened(path, form) as (polars, lazy, schema, rows):
        _check_columns(polars, schema, path)
        if not rows:
            raise DataError("there are no rows", path)
        count = max(1, min(count, CELLS_AT_A_TIME // len(schema)))
        for start in range(0, rows, count):
            with _damage_told(polars, path, form.name):
                some = lazy.slice(start, count).collect()
                columns = {one.name: _cells(polars, one) for one in some}
            numbers = np.arange(start + 1, start + len(some) + 1)
            yield Table(str(path), numbers, columns, "row")


@contextmanager
def _plain_file(path: Path) -> Iterator[Path]:
    """The file, or what is packed in it as a file for a while: these formats are read piecemeal."""
    if path.suffix != ".gz":
        with opened(path):  # so that one that is not there is told as everywhere
            pass
        yield path
        return
    with tempfile.TemporaryDirectory() as folder:
        unpacked = Path(folder, path.stem)
        with opened(path) as packed, unpacked.open("wb") as stream:
            shutil.copyfileobj(packed, stream)
        yield unpacked


def _check_begins(file: Path, path: Path, magic: bytes, name: str) -> None:
    with file.open("rb") as stream:
        start = stream.read(len(magic))
    if start != magic:
        found = start.hex(" ") or "nothing"
        stream_of_arrow = start[:4] == b"\xff\xff\xff\xff"
        hint = "this is a stream of Arrow's; as a file: write_ipc" if stream_of_arrow else ""
        raise DataError(f"this is no {name} file: it begins with {found}", path, 0, hint)


@contextmanager
def _damage_told(polars: Any, path: Path, name: str) -> Iterator[None]:
    try:
        yield
    except (polars.exceptions.PolarsError, polars.exceptions.PanicException, OSError) as error:
        why = " ".join(str(error).split())[:100]
        raise DataError(f"damaged or cut off: no whole {name} file ({why})", path) from None


def _check_columns(polars: Any, schema: Any, path: Path) -> None:
    odd = [f"{name} ({dtype})" for name, dtype in schema.items() if not _is_single(polars, dtype)]
    if odd:
        hint = "keep single values: numbers, text, truth, dates or categories"
        raise DataError(
            f"can not be read as columns of single values: {listed(odd)}", path, 0, hint
        )
    if not len(schema):
        raise DataError("there are no columns", path)
    if "" in schema:
        raise DataError("a column has no name", path)


def _is_single(polars: Any, dtype: Any) -> bool:
    others = (polars.Boolean, polars.String, polars.Categorical, polars.Enum, polars.Null)
    times = (polars.Date, polars.Datetime, polars.Time)
    return bool(dtype.is_numeric() or dtype.base_type() in (*others, *times))


def _cells(polars: Any, column: Any) -> Array:
    """The cells as they would stand in a CSV file, (N,) text; a missing one is empty."""
    if column.dtype.is_float():
        column = column.fill_nan(None)  # the digits that polars writes lead back to every bit
    if column.dtype == polars.Datetime:
        texts = column.dt.to_string("iso:strict").to_list()
        column = polars.Series(
            [None if text is None else _brief(text) for text in texts], dtype=polars.String
        )
    cells = np.array(column.cast(polars.String).fill_null("").to_list(), dtype=TEXT)
    return cells if column.dtype.is_numeric() else np.strings.strip(cells, BLANKS)


def _brief(time: str) -> str:
    """`2024-01-31T10:00:00`, with a fraction of a second where it has one."""
    return re.sub(r"\.0+(?=[-+Z]|$)", "", time)
