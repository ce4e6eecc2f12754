"""Dates: cells read as moments, and what a network sees of them."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection
from datetime import UTC, datetime, timedelta
from typing import ClassVar, NamedTuple

import numpy as np

from nntrain.data.cells import absent
from nntrain.data.features import shift_and_scale
from nntrain.data.report import Report
from nntrain.data.settings import Date
from nntrain.data.table import Table
from nntrain.families import Array
from nntrain.values import dataclass
from nntrain.wording import in_yaml, quoted

ISO = re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?(?:Z|[+-]\d\d:?\d\d)?)?")
EPOCH = datetime(1970, 1, 1)
DAY = 86_400.0


def read_dates(table: Table, name: str, na_values: Collection[str], form: str = "") -> Array:
    """A column of dates as seconds since 1970, (N,) float64, NaN where missing.

    form: how they are written, see `settings.Date`; empty: ISO 8601.  With an offset they are
    taken to UTC, without one they stay as they are.
    """
    cells = table.columns[name]
    values, wrong = dates(cells, na_values, form)
    if wrong.any():
        row = int(wrong.argmax())
        cell = cells[row]
        expected = f"a date written as {form}" if form else "a date such as 2024-01-31"
        message = f"column {quoted(name)}: {table.place(row)} has {quoted(cell)}, expected "
        hint = f"mend the cell, or say `data.na_values: [{in_yaml(cell)}]` where it means missing"
        if not form:
            hint += "; `data.preprocessing.date.format` tells how dates are written"
        raise table.error(f"{message}{expected}", row, hint)
    return values


def dates(cells: Array, na_values: Collection[str], form: str = "") -> tuple[Array, Array]:
    """Cells as seconds since 1970, (N,) float64, NaN where missing or no date; and which are none,
    (N,) bool."""
    if cells.dtype == np.float64:  # read before
        return cells, np.zeros(len(cells), dtype=bool)
    gone = absent(cells, na_values)
    values = np.full(len(cells), np.nan) if form else _at_once(cells)
    rest = np.flatnonzero(np.isnan(values) & ~gone)
    texts = cells[rest].tolist()
    known: dict[str, float | None] = {text: _seconds(text, form) for text in set(texts)}
    values[rest] = np.array([known[text] for text in texts], dtype=np.float64)  # None becomes NaN
    values[gone] = np.nan
    return values, np.isnan(values) & ~gone


def _seconds(text: str, form: str) -> float | None:
    try:
        if form:
            moment = datetime.strptime(text, form)
        elif ISO.fullmatch(text):
            moment = datetime.fromisoformat(text)
        else:
            return None
        if moment.tzinfo is not None:
            moment = moment.astimezone(UTC).replace(tzinfo=None)
        return (moment - EPOCH) / timedelta(seconds=1)
    except (ValueError, OverflowError):
        return None


def _at_once(cells: Array) -> Array:
    """The same for dates whose letters stand where most people's do, 50 times as fast; else NaN."""
    values, lengths = np.full(len(cells), np.nan), np.strings.str_len(cells)
    for pattern in ("0000-00-00", "0000-00-00 00:00", "0000-00-00 00:00:00"):
        rows = np.flatnonzero(lengths == len(pattern))
        if len(rows):
            texts = cells[rows].astype(f"U{len(pattern)}")
            values[rows] = _of_pattern(texts.view(np.uint32).reshape(len(rows), -1), pattern)
    return values


def _of_pattern(letters: Array, pattern: str) -> Array:
    """Seconds of the code points (n, L) of dates, 0 standing for digits in the pattern."""
    is_digit = np.array([letter == "0" for letter in pattern])
    digits = letters[:, is_digit].astype(np.int64) - ord("0")
    signs = letters[:, ~is_digit]
    right = (signs == np.array([ord(letter) for letter in pattern if letter != "0"])).copy()
    if right.shape[1] > 2:
        right[:, 2] |= signs[:, 2] == ord("T")
    sound = ((digits >= 0) & (digits < 10)).all(axis=1) & right.all(axis=1)
    digits[~sound] = 1
    pairs = digits[:, 0::2] * 10 + digits[:, 1::2]  # the year is two of them
    year, month, day = pairs[:, 0] * 100 + pairs[:, 1], pairs[:, 2], pairs[:, 3]
    first = ((year - 1970) * 12 + month - 1).astype("datetime64[M]")
    last = (first + 1).astype("datetime64[D]") - first.astype("datetime64[D]")
    sound &= (year > 0) & (month > 0) & (month < 13) & (day > 0) & (day <= last.astype(np.int64))
    seconds = (first.astype("datetime64[D]").astype(np.int64) + day - 1).astype(np.float64) * DAY
    for place, (unit, count) in enumerate(((3600.0, 24), (60.0, 60), (1.0, 60)), start=4):
        if place < pairs.shape[1]:
            sound &= pairs[:, place] < count
            seconds += pairs[:, place] * unit
    return np.where(sound, seconds, np.nan)


class Circle(NamedTuple):
    """A part of a date that comes round: how many there are, and the number of one from 0."""

    size: int
    number: Callable[[Array], Array]


def _days(seconds: Array) -> Array:
    return np.floor(seconds / DAY).astype(np.int64).astype("datetime64[D]")


def _in_day(seconds: Array, unit: float, count: int) -> Array:
    units: Array = np.floor(seconds / unit).astype(np.int64)
    return units % count


def _year(seconds: Array) -> Array:
    return 1970.0 + _days(seconds).astype("datetime64[Y]").astype(np.float64)


def _month(seconds: Array) -> Array:
    months: Array = _days(seconds).astype("datetime64[M]").astype(np.int64)
    return months % 12


def _day(seconds: Array) -> Array:
    days = _days(seconds)
    since: Array = days - days.astype("datetime64[M]").astype(days.dtype)
    return since.astype(np.int64)


def _weekday(seconds: Array) -> Array:
    days: Array = _days(seconds).astype(np.int64)
    return (days + 3) % 7  # 1970 began on a Thursday; Monday is 0


CIRCLES = {
    "month": Circle(12, _month),
    "day": Circle(31, _day),
    "weekday": Circle(7, _weekday),
    "hour": Circle(24, lambda seconds: _in_day(seconds, 3600.0, 24)),
    "minute": Circle(60, lambda seconds: _in_day(seconds, 60.0, 60)),
    "second": Circle(60, lambda seconds: _in_day(seconds, 1.0, 60)),
}
LINES: dict[str, Callable[[Array], Array]] = {
    "elapsed": lambda seconds: seconds / DAY,
    "year": _year,
}


@dataclass(frozen=True)
class Dates:
    """A column of dates: (v - shift) / scale for a part that goes on, sine and cosine for one
    that comes round; zeros where it is missing.

    parts: of `LINES` and `CIRCLES`, in the order of the inputs.
    shifts, scales: of each part, (0, 1) where it comes round.
    form: how dates are written, see `read_dates`.
    """

    kind: ClassVar[str] = "date"
    name: str
    parts: tuple[str, ...]
    shifts: tuple[float, ...]
    scales: tuple[float, ...]
    form: str = ""

    @classmethod
    def learn(
        cls,
        table: Table,
        name: str,
        na_values: Collection[str],
        how: Date,
        *,
        form: str = "",
        in_order: bool = False,
    ) -> Dates:
        """in_order: the training rows come first in time."""
        seconds = read_dates(table, name, na_values, form)
        known = seconds[~np.isnan(seconds)]
        parts = tuple(_varying(known, in_order)) if how.parts is None else tuple(how.parts)
        lines = [LINES[part](known) if part in LINES and len(known) else None for part in parts]
        pairs = [(0.0, 1.0) if v is None else shift_and_scale(v, "standard") for v in lines]
        shifts, scales = tuple(a for a, _ in pairs), tuple(b for _, b in pairs)
        return cls(name, parts, shifts, scales, form)

    @property
    def inputs(self) -> tuple[str, ...]:
        """`when elapsed`, `when month sin`, `when month cos`."""
        ends = {True: ("",), False: (" sin", " cos")}
        return tuple(f"{self.name} {p}{end}" for p in self.parts for end in ends[p in LINES])

    @property
    def note(self) -> str:
        return f"{', '.join(self.parts)}; missing is 0"

    def write(self, table: Table, na_values: Collection[str], out: Array, report: Report) -> None:
        """Fill the inputs, out (C, N) float32."""
        seconds = read_dates(table, self.name, na_values, self.form)
        gone = np.isnan(seconds)
        if count := int(gone.sum()):
            report.missing[self.name] += count
            seconds = np.where(gone, 0.0, seconds)
        at = 0
        for part, shift, scale in zip(self.parts, self.shifts, self.scales, strict=True):
            if part in LINES:
                out[at] = (LINES[part](seconds) - shift) / scale
                at += 1
            else:
                size, number = CIRCLES[part]
                out[at : at + 2] = _circle(size)[:, number(seconds)]
                at += 2
        out[:, gone] = 0.0


def _circle(size: int) -> Array:
    """Sine and cosine of each of `size` places, (2, size)."""
    turns = [math.tau * place / size for place in range(size)]
    return np.array([[math.sin(t) for t in turns], [math.cos(t) for t in turns]])


def _varying(seconds: Array, in_order: bool) -> list[str]:
    """The parts that tell rows apart; the weekday only where there are different days of months,
    since the first of each month has one by chance."""
    differ = {part: len(np.unique(circle.number(seconds))) > 1 for part, circle in CIRCLES.items()}
    differ["weekday"] &= differ["day"]
    found = [part for part in CIRCLES if differ[part]]
    return found if in_order and found else ["elapsed", *found]
