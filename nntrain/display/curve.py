"""A curve in letters: dots of Braille where the stream has them, stars where it has not."""

from __future__ import annotations

import math
from collections.abc import Sequence

from nntrain.display import text

NARROWEST, WIDEST, HEIGHT = 60, 120, 12
DOTS = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))  # of a Braille letter, by column
MARK = "│"


def curve(
    xs: Sequence[float],
    ys: Sequence[float],
    width: int,
    *,
    mark: float | None = None,
    ceiling: float = math.inf,
    fancy: bool = True,
) -> list[str]:
    """y over x, x on a logarithmic axis with its powers of ten below.

    mark: an x that gets a line from top to bottom.  ceiling: what is above it is not drawn.
    """
    across = max(NARROWEST, min(width, WIDEST)) - 12  # room for the numbers at the left
    columns, rows = (2, 4) if fancy else (1, 1)  # dots in a letter
    low, high = min(ys), min(max(ys), ceiling)
    left, right = math.log10(xs[0]), math.log10(xs[-1])

    def column(x: float) -> int:
        share = (math.log10(x) - left) / (right - left or 1.0)
        return round(share * (across * columns - 1))

    def row(y: float) -> int:
        return round((high - y) / (high - low or 1.0) * (HEIGHT * rows - 1))

    dots = set[tuple[int, int]]()
    places = [(column(x), row(y)) for x, y in zip(xs, ys, strict=True) if y <= high]
    for (x, y), (x2, y2) in zip(places, [*places[1:], places[-1]], strict=True):
        steps = max(abs(x2 - x), abs(y2 - y), 1)
        dots |= {
            (x + round((x2 - x) * i / steps), y + round((y2 - y) * i / steps)) for i in range(steps)
        }
    marked = None if mark is None else column(mark) // columns
    lines = [
        "".join(_letter(dots, x, y, marked=x == marked, fancy=fancy) for x in range(across))
        for y in range(HEIGHT)
    ]
    labels = {0: text.number(high), HEIGHT - 1: text.number(low)}
    drawn = [f"{labels.get(y, ''):>10} {line}".rstrip() for y, line in enumerate(lines)]
    return [*drawn, " " * 11 + _axis(left, right, across)]


def _letter(dots: set[tuple[int, int]], x: int, y: int, *, marked: bool, fancy: bool) -> str:
    if not fancy:
        return "*" if (x, y) in dots else "|" if marked else " "
    bits = sum(DOTS[i][j] for i in range(2) for j in range(4) if (2 * x + i, 4 * y + j) in dots)
    return chr(0x2800 + bits) if bits else MARK if marked else " "


def _axis(left: float, right: float, across: int) -> str:
    """The powers of ten, each where it belongs."""
    line = ""
    for power in range(math.ceil(left - 1e-9), math.floor(right + 1e-9) + 1):
        share = (power - left) / (right - left or 1.0)
        at, label = round(share * (across - 1)), f"1e{power}" if power else "1"
        at = min(at, across - len(label))
        if not line or at > len(line):
            line = line.ljust(at) + label
    return line
