"""Numbers from text, fast: where a block of lines holds nothing but numbers."""

from __future__ import annotations

import io

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
