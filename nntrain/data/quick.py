"""Cells from lines, fast: for blocks without quotes, and with nothing odd in them."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Sequence
from importlib.util import find_spec
from typing import Any, NamedTuple

import numpy as np

from nntrain.families import Array


def quick_numbers(content: bytes, delimiter: str, shape: tuple[int, int]) -> Array | None:
    """The cells of lines as numbers by column, (D, N) float64, the same as Python's float gives.

    Empty cells are NaN.  None where something else than a number is there, or the lines are not
    `shape`: (N, D).
    """
    if not delimiter.isascii():
        return None
    values = _parsed(content, delimiter)
    if values is None:
        values = _parsed(_filled(content, delimiter.encode()), delimiter)
    return None if values is None or values.shape != shape else np.ascontiguousarray(values.T)


def _parsed(content: bytes, delimiter: str) -> Array | None:
    try:
        return np.loadtxt(
            io.BytesIO(content), np.float64, comments=None, delimiter=delimiter, ndmin=2
        )
    except ValueError:  # UnicodeError is one
        return None


def _filled(content: bytes, delimiter: bytes) -> bytes:
    """The lines with `nan` in empty cells."""
    text = b"\n" + content.replace(b"\r\n", b"\n").removesuffix(b"\n") + b"\n"
    empty, nan = delimiter + delimiter, delimiter + b"nan" + delimiter
    text = text.replace(empty, nan).replace(empty, nan)
    text = text.replace(b"\n" + delimiter, b"\nnan" + delimiter)
    return text.replace(delimiter + b"\n", delimiter + b"nan\n")[1:]


class TextCells(NamedTuple):
    """Cells of text: the number of each, (N,) int32, and the different ones as JSON."""

    codes: Array
    content: bytes


def text_cells(texts: list[str]) -> TextCells:
    index: dict[str, int] = {}
    codes = [index.setdefault(text, len(index)) for text in texts]
    return TextCells(np.array(codes, np.int32), _as_json(index))


def _as_json(texts: Iterable[str]) -> bytes:
    return json.dumps(list(texts), ensure_ascii=False, separators=(",", ":")).encode()


def has_polars() -> bool:
    """Whether the extra `tables` is installed, which cuts lines into cells faster."""
    return find_spec("polars") is not None


def polars_cells(
    content: bytes, delimiter: str, rows: int, is_text: Sequence[bool], na_values: Sequence[str]
) -> list[Array | TextCells] | None:
    """The cells of lines by column, numbers or text; None where it is better to be careful."""
    import polars

    width, sign = len(is_text), delimiter.encode()
    if len(sign) > 1 or width < 2 or not _is_plain(content):
        return None
    # short lines would be filled up; long ones are errors
    if count(content, sign) != rows * (width - 1):
        return None
    types = {str(i): polars.String if text else polars.Float64 for i, text in enumerate(is_text)}
    try:
        frame = polars.read_csv(
            content, has_header=False, schema=types, separator=delimiter, quote_char=None,
            null_values=None if any(is_text) else list(na_values) or None,
        )  # fmt: skip
    except polars.exceptions.PolarsError:
        return None
    if frame.height != rows:
        return None
    return [
        _texts(frame[str(i)]) if text else _numbers(frame[str(i)]) for i, text in enumerate(is_text)
    ]


def _is_plain(content: bytes) -> bool:
    """No NUL, and no carriage return but at the end of a line."""
    if b"\0" in content:
        return False
    return b"\r" not in content or content.count(b"\r") == content.count(b"\r\n")


def count(content: bytes, sign: bytes) -> int:
    """content.count(sign) of one byte, several times as fast where there are many."""
    return int(np.count_nonzero(np.frombuffer(content, np.uint8) == sign[0]))


def _numbers(column: Any) -> Array:
    values: Array = column.to_numpy()
    return values


def _texts(column: Any) -> TextCells:
    import polars

    cells = column.fill_null("").str.strip_chars(" \t")
    different = cells.unique(maintain_order=True)
    codes = cells.cast(polars.Enum(different)).to_physical().cast(polars.Int32).to_numpy()
    return TextCells(codes, _as_json(different.to_list()))
