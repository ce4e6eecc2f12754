"""CSV: tables of text, the first row of which names the columns."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, TextIO, TypeVar

import numpy as np

from nntrain.data.decimals import with_points
from nntrain.data.files import UTF8_HINT, checked_lines, opened_text
from nntrain.data.table import TEXT, Empty, Table
from nntrain.errors import DataError
from nntrain.families import Array, Source
from nntrain.limits import Len
from nntrain.values import dataclass
from nntrain.wording import listed, plural, quoted

if TYPE_CHECKING:
    from _csv import Reader

T = TypeVar("T")

BLANKS = " \t"
ROWS_AT_A_TIME = 32768
CELLS_AT_A_TIME = 1 << 20
LETTERS_AT_A_TIME = 1 << 25
QUOTE_HINT = 'a quoted cell is quoted as a whole, and a quote inside it is doubled: "5"" disk"'


@dataclass(frozen=True)
class Csv(Source):
    """Comma-separated values (RFC 4180) in UTF-8, the first row holds the names of the columns.

    delimiter: the character between two cells.
    decimal: the sign before the decimals of a number; with a comma, no points between thousands.
    comment: how lines begin that are passed over.
    """

    is_table: ClassVar[bool] = True
    delimiter: Annotated[str, Len(1, 1)] = ","
    decimal: Literal[".", ","] = "."
    comment: Annotated[str, Len(1, 9)] | None = None

    def read(
        self, source: str | Path | TextIO, rows_at_a_time: int = ROWS_AT_A_TIME
    ) -> Iterator[Table]:
        """The rows of a file or of an open text stream, as tables of `rows_at_a_time` rows."""
        if isinstance(source, (str, Path)):
            with opened_text(Path(source)) as stream:
                yield from self._tables(stream, str(source), rows_at_a_time)
        else:
            file = str(getattr(source, "name", "<stream>"))
            yield from self._tables(source, file, rows_at_a_time)

    def _tables(self, stream: TextIO, file: str, count: int) -> Iterator[Table]:
        if len(self.delimiter) != 1 or self.delimiter in '" \r\n\0':
            raise DataError(f"{quoted(self.delimiter)} can not be the delimiter", file)
        gaps = _Gaps(file)
        lines = self._content(checked_lines(stream, file), gaps)
        names, at = self._header(lines, file)
        gaps.begin(at)
        count = max(1, min(count, CELLS_AT_A_TIME // len(names)))
        any_rows = False
        for numbers, cells in self._bodies(lines, at, len(names), file, count):
            any_rows = True
            if self.decimal == ",":
                cells = with_points(cells, names, numbers, file)
            columns = {name: np.ascontiguousarray(cells[:, j]) for j, name in enumerate(names)}
            yield Table(file, numbers, columns, empty=gaps.until(int(numbers[-1])))
        if not any_rows:
            raise DataError("there are no rows below the header", file, at)

    def _content(self, lines: Iterator[str], gaps: _Gaps) -> Iterator[str]:
        """The lines, those that are comments made empty, so that the others keep their numbers."""
        within = False  # a cell in quotes
        for number, line in enumerate(lines, 1):
            if within or not line.strip(" \r\n"):
                if not within:
                    gaps.lines.append(number)
            elif self.comment and line.lstrip(" ").startswith(self.comment):
                line = "\n"
            if '"' in line:
                within ^= line.count('"') % 2 == 1
            yield line

    def _header(self, lines: Iterator[str], file: str) -> tuple[list[str], int]:
        """The names of the columns, and the number of lines read so far."""
        reader = csv.reader(lines, delimiter=self.delimiter, strict=True)
        for row, start in _records(reader, 0, file):
            names = [name.strip() for name in row]
            _check_header(names, start, file)
            return names, reader.line_num
        raise DataError("the file is empty", file)

    def _bodies(
        self, lines: Iterator[str], at: int, width: int, file: str, count: int
    ) -> Iterator[tuple[Array, Array]]:
        """Line numbers (n,) and cells (n, width): quick until a block needs the careful way."""
        while block := _portion(lines, count, len):
            body = _quick(block, self.delimiter, width)
            if body is None:
                rest = chain(block, lines)
                del block, lines
                yield from self._careful(rest, at, width, file, count)
                return
            kept, cells = body
            if len(kept):
                yield kept + (at + 1), cells
            at += len(block)

    def _careful(
        self, lines: Iterator[str], at: int, width: int, file: str, count: int
    ) -> Iterator[tuple[Array, Array]]:
        """The same by the csv module, which knows quotes; here every mistake gets its line."""
        reader = csv.reader(lines, delimiter=self.delimiter, strict=True)
        records = _records(reader, at, file)
        while some := _portion(records, count, _letters):
            for row, start in some:
                if len(row) != width:
                    raise _ragged(row, start, width, file)
            yield np.array([start for _, start in some]), _text(some, file)


class _Gaps:
    """Empty lines, told only once a row follows: those at the end of a file mean nothing."""

    def __init__(self, file: str):
        self.file = file
        self.lines: list[int] = []

    def begin(self, line: int) -> None:
        """Those above the header mean nothing either."""
        self.lines = [number for number in self.lines if number > line]

    def until(self, line: int) -> Empty:
        """Those not told yet above a row."""
        told = [number for number in self.lines if number < line]
        self.lines = self.lines[len(told) :]
        return Empty(len(told), f"line {told[0]} of {self.file}") if told else Empty()


def _portion(items: Iterator[T], count: int, letters: Callable[[T], int]) -> list[T]:
    """The next `count` of the items, or fewer where they are long."""
    some, total = [], 0
    for item in items:
        some.append(item)
        total += letters(item)
        if len(some) == count or total > LETTERS_AT_A_TIME:
            break
    return some


def _letters(record: tuple[list[str], int]) -> int:
    return sum(map(len, record[0]))


def _ragged(row: list[str], line: int, width: int, file: str) -> DataError:
    hint = 'a cell that holds the delimiter needs quotes around it: "a, b"'
    return DataError(f"expected {plural(width, 'cell')}, found {len(row)}", file, line, hint)


def _quick(block: list[str], delimiter: str, width: int) -> tuple[Array, Array] | None:
    """Rows (n,) that are not blank and their cells, all at once; None: better be careful.

    Without a quote, all that the csv module does is to cut each line at the delimiters.
    """
    text = "".join(block)
    if '"' in text or len(max(block, key=len)) > csv.field_size_limit():
        return None
    if "\r" in text.replace("\r\n", "\n"):
        return None
    kept = [number for number, line in enumerate(block) if line.strip(" \r\n")]
    rows = [block[number].rstrip("\r\n").split(delimiter) for number in kept]
    try:
        cells = np.array(rows, dtype=TEXT).reshape(len(rows), -1 if rows else width)  # (n, width)
    except ValueError:  # not the same number of cells in all rows, or not Unicode
        return None
    if cells.shape[1] != width:
        return None
    return np.array(kept, dtype=np.int64), _stripped(cells, text)


def _stripped(cells: Array, text: str) -> Array:
    """The cells without blanks around them; quick where the text has none."""
    return np.strings.strip(cells, BLANKS) if any(blank in text for blank in BLANKS) else cells


def _text(some: list[tuple[list[str], int]], file: str) -> Array:
    try:
        cells = np.array([row for row, _ in some], dtype=TEXT)
    except UnicodeEncodeError:  # a stream that was opened with `surrogateescape`, as stdin may be
        for row, line in some:
            if not "".join(row).isascii() and any("\ud800" <= c <= "\udfff" for c in "".join(row)):
                raise DataError("this line is not UTF-8", file, line, UTF8_HINT) from None
        raise
    return np.strings.strip(cells, BLANKS)


def _records(reader: Reader, at: int, file: str) -> Iterator[tuple[list[str], int]]:
    """Rows that are not blank, each with the line where it begins."""
    while True:
        start = at + reader.line_num + 1
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise _bad_quotes(error, start, at + reader.line_num, file) from None
        if len(row) > 1 or (row and row[0].strip(" ")):
            yield row, start


def _bad_quotes(error: csv.Error, start: int, end: int, file: str) -> DataError:
    limit = csv.field_size_limit()
    too_long = "field limit" in str(error)
    if end > start or "unexpected end" in str(error):
        message = "a quote that opens in this row is not closed"
        if too_long:
            message += f" within {limit:,} characters"
        return DataError(message, file, start, QUOTE_HINT)
    if too_long:
        return DataError(f"a cell is longer than {limit:,} characters", file, start)
    return DataError("the quotes in this row do not match", file, start, QUOTE_HINT)


def _check_header(names: list[str], line: int, file: str) -> None:
    if len(names) == 1:
        if names[0].startswith(("#", "%")):
            hint = f'data.format: {{type: csv, comment: "{names[0][0]}"}}'
            message = f"the header is one name, {quoted(names[0])}: is this a comment?"
            raise DataError(message, file, line, hint)
        for other in ";\t|,":
            if other in names[0]:
                sign = other.replace("\t", "\\t")
                hint = f'data.format: {{type: csv, delimiter: "{sign}"}}'
                raise DataError(
                    f"the header is one name, {quoted(names[0])}: is the delimiter another?",
                    file, line, hint,
                )  # fmt: skip
    for number, name in enumerate(names, 1):
        if not name:
            hint = "pandas leaves out its index with: frame.to_csv(path, index=False)"
            raise DataError(f"column {number} has no name", file, line, hint)
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise DataError(
            f"the header names a column twice: {listed(twice)}",
            file, line, "is the first row perhaps data, and the names are missing?",
        )  # fmt: skip
