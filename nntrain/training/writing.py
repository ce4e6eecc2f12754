"""Writing: predictions as a file, a portion of rows at a time."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, BinaryIO, TextIO

import numpy as np

from nntrain.data.extras import extra

PORTION = 8192

Row = Sequence[Any]


def write_csv(names: list[str], rows: Iterable[Row], stream: TextIO) -> None:
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(names)
    writer.writerows(rows)


def write_jsonl(names: list[str], rows: Iterable[Row], stream: TextIO) -> None:
    for row in rows:
        known = [None if isinstance(v, float) and not math.isfinite(v) else v for v in row]
        stream.write(json.dumps(dict(zip(names, known, strict=True)), allow_nan=False) + "\n")


def write_npy(rows: Iterable[Row], stream: BinaryIO) -> None:
    """The numbers of each row, (N, K) float64: probabilities, or what was predicted."""
    count, width = 0, 0
    for some in _portions(rows):
        numbers = np.array([[v for v in row if isinstance(v, float)] for row in some])
        if not count:
            width = numbers.shape[1]
            _write_header(stream, 0, width)
        stream.write(numbers.astype("<f8").tobytes())
        count += len(numbers)
    stream.seek(0)
    _write_header(stream, count, width)


def _write_header(stream: BinaryIO, rows: int, width: int) -> None:
    """NumPy leaves room in it for more rows, so that it can be written again."""
    header = {"descr": "<f8", "fortran_order": False, "shape": (rows, width)}
    np.lib.format.write_array_header_1_0(stream, header)


def write_parquet(names: list[str], rows: Iterable[Row], stream: BinaryIO) -> None:
    """Columns of text and numbers.  All of them are held until the end."""
    polars = extra("polars", "polars", "tables", "Parquet files are written")
    frames = []
    for some in _portions(rows):
        columns = dict(zip(names, zip(*some, strict=True), strict=True))
        frames.append(polars.DataFrame(columns))
    polars.concat(frames).write_parquet(stream)


def _portions(rows: Iterable[Row]) -> Iterator[list[Row]]:
    rows = iter(rows)
    while some := list(islice(rows, PORTION)):
        yield some
