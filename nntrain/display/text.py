"""Text: numbers and words as people read them, the same in the terminal and in a pipe."""

from __future__ import annotations

import math
import unicodedata


def number(value: float | None, digits: int = 4) -> str:
    """A score with some digits after the point, in e-notation where that says nothing."""
    if value is None or math.isnan(value):
        return "nan"
    if math.isinf(value):
        return str(value)
    if value and not 1e-3 <= abs(value) < 1e5:
        return f"{value:.{digits - 1}e}"
    return f"{value:.{digits}f}"


def rate(value: float) -> str:
    """A learning rate: three digits are enough."""
    return f"{value:.2e}"


def count(value: float) -> str:
    """A number of things: 1234567 is 1,234,567."""
    return f"{value:,.0f}"


def speed(value: float) -> str:
    """Samples per second: 12345 is 12.3k."""
    for size, unit in ((1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:.3g}{unit}"
    return f"{value:.0f}"


def duration(seconds: float) -> str:
    """A time: 0.05 s, 12 s, 3 min 20 s, 2 h 5 min."""
    if seconds < 10:
        return f"{seconds:.2f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def brief(seconds: float) -> str:
    """A time of any size, in few digits: 42 µs, 1.2 ms, 3.4 s, 5 min 10 s."""
    for size, unit in ((1e-6, "µs"), (1e-3, "ms"), (1.0, "s")):
        if seconds < 999.5 * size and (size < 1.0 or seconds < 10):
            digits = f"{seconds / size:.2g}" if seconds < 99.5 * size else f"{seconds / size:.0f}"
            return f"{digits} {unit}"
    return duration(seconds)


def size(value: float) -> str:
    """A number of bytes: 171 MB, 0.8 MB, 12 kB."""
    for unit_size, unit in ((1e9, "GB"), (1e6, "MB")):
        if value >= 0.995 * unit_size:
            return f"{value / unit_size:.3g} {unit}"
    return f"{value / 1e3:.0f} kB"


def left(seconds: float) -> str:
    """A time to wait, in whole numbers that keep still: 9 s, 3 min, 2 h 5 min."""
    if seconds < 59.5:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def clock(seconds: float) -> str:
    """A time in few letters: 0.05 s, 12.3 s, 3:20, 2:05:00."""
    if seconds < 10:
        return f"{seconds:.2f} s"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def shape(value: tuple[int, ...]) -> str:
    return " × ".join(map(str, value)) if value else "scalar"


def printable(text: str) -> str:
    """Text from a file without anything that moves a terminal's cursor or reverses its letters."""
    return "".join("·" if unicodedata.category(char) in ("Cc", "Cf") else char for char in text)


def shortened(text: str, width: int = 48) -> str:
    """Printable text of at most `width` letters."""
    clean = printable(text)
    return clean if len(clean) <= width else clean[: width - 1] + "…"
