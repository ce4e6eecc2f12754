"""JSON lines: an object a line, whose keys are the columns."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, TextIO

import numpy as np

from nntrain.data.files import checked_lines, opened_text
from nntrain.data.table import TEXT, Table
from nntrain.errors import DataError
from nntrain.families import Source
from nntrain.values import dataclass
from nntrain.wording import plural, quoted

BLANKS = " \t"
LONGEST_LINE = 1 << 22  # letters: an object takes many times as much memory as its text
CELLS_AT_A_TIME = 1 << 20
LETTERS_AT_A_TIME = 1 << 25
AS_LINES = "one object a line; a JSON list becomes lines by: jq -c '.[]' OLD.json > NEW.jsonl"
NESTED = "keep single values: numbers, text, true, false or null"


@dataclass(frozen=True)
class Jsonl(Source):
    """JSON lines in UTF-8: an object a line, whose keys are the columns, in any order.

    A key that is not there is a missing cell, and so is `null`; `true` and `false` are text.
    Objects and lists as values are refused.
    """

    is_table: ClassVar[bool] = True

    def read(self, source: str | Path | TextIO, rows_at_a_time: int = 32_768) -> Iterator[Table]:
        """Goes through the lines twice, since any of them may have a key of its own."""
        if not isinstance(source, (str, Path)):
            file = str(getattr(source, "name", "<stream>"))
            with _kept(source) as kept:
                keys = _keys(kept, file)
                kept.seek(0)
                yield from _tables(keys, kept, file, rows_at_a_time)
            return
        with opened_text(Path(source)) as stream:
            keys = _keys(stream, str(source))
        with opened_text(Path(source)) as stream:
            yield from _tables(keys, stream, str(source), rows_at_a_time)


@contextmanager
def _kept(stream: TextIO) -> Iterator[TextIO]:
    """A stream that can be read once, as a file that is gone afterwards."""
    file = str(getattr(stream, "name", "<stream>"))
    with tempfile.TemporaryFile("w+", encoding="utf-8", newline="") as kept:
        for number, line in enumerate(checked_lines(stream, file, LONGEST_LINE), 1):
            try:
                kept.write(line)
            except UnicodeEncodeError:  # stdin may be opened with `surrogateescape`
                raise DataError("this line is not UTF-8", file, number) from None
        kept.seek(0)
        yield kept


def _keys(stream: TextIO, file: str) -> list[str]:
    keys = dict[str, None]()
    for row in _rows(stream, file):
        keys |= dict.fromkeys(row.values)
    if not keys:
        raise DataError("there are no rows", file)
    if "" in keys:
        raise DataError("a key is empty: the column has no name", file)
    if odd := [key for key in keys if not _is_text(key)]:
        found = ascii(odd[0])
        raise DataError(f"the key {quoted(found)} is no text: half of a pair of escapes", file)
    return list(keys)


class _Row(NamedTuple):
    line: int
    values: dict[str, Any]
    letters: int


def _tables(keys: Sequence[str], stream: TextIO, file: str, count: int) -> Iterator[Table]:
    count = max(1, min(count, CELLS_AT_A_TIME // len(keys)))
    rows, letters = list[_Row](), 0
    for row in _rows(stream, file):
        rows.append(row)
        letters += row.letters
        if len(rows) == count or letters > LETTERS_AT_A_TIME:
            yield _table(keys, rows, file)
            rows, letters = [], 0
    if rows:
        yield _table(keys, rows, file)


def _rows(stream: TextIO, file: str) -> Iterator[_Row]:
    """The object of each line that is not blank."""
    for number, line in enumerate(checked_lines(stream, file, LONGEST_LINE), 1):
        if text := line.strip():
            yield _Row(number, _read(text, number, file), len(line))


def _read(text: str, line: int, file: str) -> dict[str, Any]:
    """The object that a line holds, its numbers as text."""
    if text[0] != "{":
        message = f'expected an object such as {{"a": 1}}, found {quoted(text)}'
        raise DataError(message, file, line, AS_LINES)
    try:
        found = json.loads(
            text, parse_int=str, parse_float=str, parse_constant=_constant,
            object_pairs_hook=_object,
        )  # fmt: skip
    except json.JSONDecodeError as error:
        message = f"damaged JSON at column {error.colno}: {error.msg}"
        hint = AS_LINES if error.pos >= len(text) - 1 else ""
        raise DataError(message, file, line, hint) from None
    except RecursionError:
        raise DataError("objects and lists in each other, too deep", file, line, NESTED) from None
    except _TwiceError as error:
        message = f"the key {quoted(str(error))} stands twice in this object"
        raise DataError(message, file, line) from None
    values: dict[str, Any] = found
    return values


class _TwiceError(Exception):
    """A key that an object has twice."""


def _constant(text: str) -> str | None:
    """NaN is a missing number; an infinite one is told where it is used."""
    return None if text == "NaN" else text


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise _TwiceError(next(name for name in names if names.count(name) > 1))
    return found


def _table(keys: Sequence[str], rows: Sequence[_Row], file: str) -> Table:
    columns = {}
    for key in keys:
        cells = [_cell(row.values.get(key), key, row.line, file) for row in rows]
        try:
            columns[key] = np.array(cells, dtype=TEXT)
        except UnicodeEncodeError:
            bad = next(row for row, cell in zip(rows, cells, strict=True) if not _is_text(cell))
            message = f"the value of {quoted(key)} is no text: half of a pair of `\\u` escapes"
            raise DataError(message, file, bad.line) from None
    return Table(file, np.array([row.line for row in rows]), columns)


def _cell(value: Any, key: str, line: int, file: str) -> str:
    """A value as it would stand in a CSV file."""
    if isinstance(value, str):
        return value.strip(BLANKS)
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    what = "an object" if isinstance(value, dict) else f"a list of {plural(len(value), 'value')}"
    message = f"the value of {quoted(key)} is {what}, expected a single value"
    raise DataError(message, file, line, NESTED)


def _is_text(cell: str) -> bool:
    try:
        cell.encode()
    except UnicodeEncodeError:
        return False
    return True
