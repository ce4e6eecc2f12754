"""Writing: predictions as a file, a block of rows at a time."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterable
from typing import BinaryIO, TextIO

import numpy as np

from nntrain.data.extras import extra
from nntrain.families import Array
from nntrain.training.predict import Columns, rows_of


def write_csv(names: list[str], blocks: Iterable[Columns], stream: TextIO) -> None:
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(names)
    for columns in blocks:
        cells = [_texts(c) if c.dtype == np.float32 else c.tolist() for c in columns]
        writer.writerows(zip(*cells, strict=True))


def _texts(probabilities: Array) -> list[str]:
    """With the digits that a float32 has, as Python writes such a number."""
    texts = [f"{value:.7g}" for value in probabilities.tolist()]
    for row in np.flatnonzero((probabilities == 0) | ~(probabilities < 0.9999999)).tolist():
        texts[row] = repr(float(texts[row]))
    return texts


def write_jsonl(names: list[str], blocks: Iterable[Columns], stream: TextIO) -> None:
    for columns in blocks:
        for row in rows_of(columns):
            known = [None if isinstance(v, float) and not math.isfinite(v) else v for v in row]
            stream.write(json.dumps(dict(zip(names, known, strict=True)), allow_nan=False) + "\n")


def write_npy(blocks: Iterable[Columns], stream: BinaryIO) -> None:
    """The numbers of each row, (N, K) float64: probabilities, or what was predicted."""
    count, width = 0, 0
    for columns in blocks:
        numbers = [column for column in columns if column.dtype.kind == "f"]
        if not count:
            width = len(numbers)
            _write_header(stream, 0, width)
        stream.write(np.stack(numbers, axis=1).astype("<f8").tobytes())
        count += len(columns[0])
    stream.seek(0)
    _write_header(stream, count, width)


def _write_header(stream: BinaryIO, rows: int, width: int) -> None:
    """NumPy leaves room in it for more rows, so that it can be written again."""
    header = {"descr": "<f8", "fortran_order": False, "shape": (rows, width)}
    np.lib.format.write_array_header_1_0(stream, header)


def write_parquet(names: list[str], blocks: Iterable[Columns], stream: BinaryIO) -> None:
    """Columns of text and numbers.  All of them are held until the end."""
    polars = extra("polars", "polars", "tables", "Parquet files are written")
    frames = [polars.DataFrame(dict(zip(names, map(_known, b), strict=True))) for b in blocks]
    polars.concat(frames).write_parquet(stream)


def _known(column: Array) -> Array | list[object]:
    """What polars takes: numbers as 64 bits, text as a list."""
    if column.dtype.kind == "f":
        return column.astype(np.float64)
    return column if column.dtype.kind == "i" else list(column.tolist())
