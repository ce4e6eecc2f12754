"""Boxes: the parts that the drawing of a network is made of.

A `Block` is drawn at the origin in the width that it was given, so that blocks can stand in blocks.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from nntrain.report.letters import shortened, words_at
from nntrain.report.markup import Html, joined, tag

GAP = 14  # between boxes, for the arrow
WIDE = 250  # from which on a box has one line
LETTER = 6.7  # about as wide as one is


class Block(NamedTuple):
    """Something drawn; what flows enters it above in the middle, and leaves it below."""

    height: float
    drawn: Html


def box(kind: str, shape: str, count: str, width: float) -> Block:
    """A layer: one line where there is room, else two.  One that learns nothing is paler."""
    one = width >= WIDE
    height = 26.0 if one else 42.0
    size = {"width": f"{width - 1:.1f}", "height": f"{height - 1:.1f}"}
    style = "box" if count else "box plain"
    rect = tag("rect", x=0.5, y=0.5, **size, rx=5, class_=style)
    if one:
        places = ((10.0, 17.5, kind), (width * 0.76, 17.5, shape), (width - 10, 17.5, count))
        sides, most = ("start", "end", "end"), int(width * 0.45 / LETTER)
    else:
        below = " · ".join(filter(None, (shape, count)))
        places = ((width / 2, 17.0, kind), (width / 2, 33.0, below), (0.0, 0.0, ""))
        sides, most = ("middle",) * 3, int((width - 12) / LETTER)
    words = [
        words_at(x, y, shortened(word, most), side, "ink" if word is kind else None, full=word)
        for (x, y, word), side in zip(places, sides, strict=True)
        if word
    ]
    return Block(height, joined([rect, *words]))


def stacked(blocks: Sequence[Block], width: float) -> Block:
    """One below the other, with arrows."""
    parts, y = list[Html](), 0.0
    for number, block in enumerate(blocks):
        if number:
            parts.append(arrow(width / 2, y, y + GAP))
            y += GAP
        parts.append(moved(block.drawn, 0, y))
        y += block.height
    return Block(y, joined(parts))


def frame(width: float, height: float) -> Html:
    """What holds the layers inside of a layer."""
    size = {"width": f"{width - 1:.1f}", "height": f"{height - 1:.1f}"}
    return tag("rect", x=0.5, y=0.5, **size, rx=7, class_="frame")


def moved(drawn: Html, x: float, y: float) -> Html:
    return tag("g", drawn, transform=f"translate({x:.1f} {y:.1f})")


def arrow(x: float, start: float, end: float) -> Html:
    """Downwards."""
    return joined([wire(f"M{x:.1f} {start:.1f}V{end - 3:.1f}"), tip(x, end)])


def tip(x: float, y: float) -> Html:
    return tag("path", d=f"M{x - 3.5:.1f} {y - 6:.1f}h7l-3.5 6z", class_="tip")


def wire(way: str) -> Html:
    return tag("path", d=way, class_="wire")
