"""What a learning-rate range test has seen: a curve in a terminal, a table in a pipe."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from typing import TextIO

from nntrain.display import plain, text
from nntrain.display.curve import curve

EVERY = 8  # steps between two rows of the table: three rows a decade

Points = Sequence[tuple[float, float, float]]
"""Of each step the learning rate, the loss and the smoothed loss."""


def seen(points: Points, suggestion: float | None, stream: TextIO) -> list[str]:
    """The smoothed loss over the learning rate."""
    if not stream.isatty():
        return _table(points)
    rates, _, smoothed = zip(*points, strict=True)
    fancy = (stream.encoding or "").lower().replace("-", "").startswith("utf")
    lowest, start = min(smoothed), smoothed[0]
    ceiling = start + 0.5 * abs(start - lowest)  # where it blows up, nothing is to be seen
    width = shutil.get_terminal_size().columns
    lines = curve(rates, smoothed, width, mark=suggestion, ceiling=ceiling, fancy=fancy)
    return ["training loss (smoothed) over the learning rate", *lines, ""]


def _table(points: Points) -> list[str]:
    rows: list[tuple[str, ...]] = [("learning_rate", "loss", "smoothed")]
    last = len(points) - 1
    for number, (rate, loss, smoothed) in enumerate(points):
        if number % EVERY == 0 or number == last:
            rows.append((text.rate(rate), text.number(loss), text.number(smoothed)))
    return [*plain.table(rows, "rrr"), ""]
