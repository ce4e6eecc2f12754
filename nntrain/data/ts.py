"""The text format of aeon and sktime: one series a line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, TextIO

import numpy as np

from nntrain.data.files import checked_lines, opened_text
from nntrain.data.table import TEXT, Table, as_column
from nntrain.errors import DataError
from nntrain.families import Array, Source
from nntrain.values import dataclass
from nntrain.wording import listed, plural, quoted


@dataclass(frozen=True)
class Ts(Source):
    """Series, each a line: channels split by `:`, values by `,`, the class or number last.

    Lines that begin with `@` tell what there is: `@classLabel true a b` makes a column `class`,
    `@targetLabel true` a column `target`; the series are the column `series`, of any length.
    The format of aeon and sktime.
    """

    def read(self, source: str | Path | TextIO, rows_at_a_time: int = 32_768) -> Iterator[Table]:
        if isinstance(source, (str, Path)):
            with opened_text(Path(source)) as stream:
                yield from _tables(stream, str(source), rows_at_a_time)
        else:
            name = str(getattr(source, "name", "<stream>"))
            yield from _tables(source, name, rows_at_a_time)


class _Header(NamedTuple):
    """What the lines with `@` tell: the column behind the series, its classes, the channels."""

    label: str = ""
    classes: tuple[str, ...] = ()
    channels: int = 0


def _tables(stream: TextIO, file: str, count: int) -> Iterator[Table]:
    lines = enumerate(checked_lines(stream, file), 1)
    header = _header(lines, file)
    reader = _Reader(header, file)
    any_rows = False
    for number, line in lines:
        if text := line.strip():
            any_rows = True
            reader.add(text, number)
            if len(reader.numbers) == count:
                yield reader.table()
    if reader.numbers:
        yield reader.table()
    if not any_rows:
        raise DataError("there are no series below `@data`", file)


def _header(lines: Iterator[tuple[int, str]], file: str) -> _Header:
    header = _Header()
    for number, line in lines:
        key, *words = line.split() or ["#"]
        value = words[0].lower() if words else ""
        if key.startswith("#"):
            continue
        if not key.startswith("@"):
            hint = "a .ts file begins with lines such as `@classLabel true a b`, then `@data`"
            raise DataError("series before the line `@data`", file, number, hint)
        match key.lower():
            case "@data":
                return header
            case "@timestamps" if value == "true":
                raise DataError("series with time stamps are not read", file, number)
            case "@dimensions":
                if not value.isdigit() or not int(value):
                    message = f"expected a whole number above 0, found {quoted(value)}"
                    raise DataError(message, file, number)
                header = header._replace(channels=int(value))
            case "@classlabel" if value == "true":
                header = header._replace(label="class", classes=tuple(words[1:]))
            case "@targetlabel" if value == "true":
                header = header._replace(label="target")
    raise DataError("there is no line `@data`: this is no .ts file, or it is cut off", file)


class _Reader:
    """Gathers series until they are a table."""

    def __init__(self, header: _Header, file: str):
        self.header, self.file = header, file
        self.channels = header.channels
        self.numbers: list[int] = []
        self.series: list[Array] = []
        self.labels: list[str] = []

    def add(self, text: str, number: int) -> None:
        *channels, label = text.split(":") if self.header.label else (*text.split(":"), "")
        self.numbers.append(number)
        self.series.append(self._series(channels, number))
        if self.header.label:
            self.labels.append(self._label(label.strip(), number))

    def _series(self, channels: list[str], number: int) -> Array:
        """The numbers of a line, (T, C) float64."""
        self.channels = self.channels or max(len(channels), 1)
        if len(channels) != self.channels:
            found = f"expected {plural(self.channels, 'channel')}, found {len(channels)}"
            hint = "channels are split by `:`"
            if self.header.label:
                hint += f", and the {self.header.label} comes last"
            raise DataError(found, self.file, number, hint)
        values = [self._channel(channel, number) for channel in channels]
        lengths = {len(channel) for channel in values}
        if len(lengths) > 1:
            found = f"the channels have different lengths, {min(lengths)} and {max(lengths)}"
            raise DataError(found, self.file, number)
        return np.array(values, dtype=np.float64).T

    def _channel(self, text: str, number: int) -> list[float]:
        try:
            return [float(value) for value in text.split(",")]
        except ValueError:
            bad = next(value for value in text.split(",") if not _is_number(value))
            hint = "missing values in a series can not be filled in" if bad.strip() == "?" else ""
            message = f"expected a number, found {quoted(bad)}" if bad else "an empty value"
            raise DataError(message, self.file, number, hint) from None

    def _label(self, label: str, number: int) -> str:
        classes = self.header.classes
        if classes and label not in classes:
            message = f"the class {quoted(label)} is not one of {listed(classes)}"
            raise DataError(message, self.file, number)
        return label

    def table(self) -> Table:
        columns = {"series": as_column(self.series)}
        if self.header.label:
            columns[self.header.label] = np.array(self.labels, dtype=TEXT)
        table = Table(self.file, np.array(self.numbers), columns)
        self.numbers, self.series, self.labels = [], [], []
        return table


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
