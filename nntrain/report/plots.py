"""Plots: drawings that only some sections need, made of the parts of `svg`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from nntrain.families import Array
from nntrain.report.letters import brief, shortened, words_at
from nntrain.report.markup import Html, joined, tag
from nntrain.report.svg import (
    BOTTOM,
    HEIGHT,
    LEFT,
    RIGHT,
    TOP,
    WIDTH,
    Line,
    Scale,
    axes,
    figure,
    key,
    path,
)

SQUARE = 330  # high: the axes of a square from 0 to 1
STRIP = 46  # below a reliability diagram, for the counts
NAMES = 132  # left of bars
MOST_BINS = 30


class Bar(NamedTuple):
    """A number with what it varies by."""

    name: str
    value: float
    deviation: float


def unit_square(title: str, note: str, lines: Sequence[Line], *, equal: bool = False) -> Html:
    """Lines between 0 and 1.  equal: with the line from corner to corner."""
    x = Scale(0.0, 1.0, LEFT, WIDTH - RIGHT)
    y = Scale(0.0, 1.0, SQUARE - BOTTOM, 10)
    corners = np.array([0.0, 1.0])
    middle = [path(x(corners), y(corners), "equal")] if equal else []
    drawn = (path(x(line.x), y(line.y), f"line {line.style}") for line in lines)
    keys = [key(line) for line in lines if line.label]
    return figure(_caption(title, note), SQUARE, axes(x, y), *middle, *drawn, below=keys)


def reliability(title: str, note: str, count: Array, right: Array, confidence: Array) -> Html:
    """Of each bin the share that was right, the line where it should be, and how many rows.

    count, right, confidence: (M,) sums over the rows of each bin of equal width.
    """
    bins, high = len(count), SQUARE - 30
    x = Scale(0.0, 1.0, LEFT, WIDTH - RIGHT)
    y = Scale(0.0, 1.0, high - 6, 10)
    corners = np.array([0.0, 1.0])
    drawn: list[Html] = []
    base = high + STRIP + 14
    for number in np.flatnonzero(count).tolist():
        left, end = (float(v) for v in x(np.array([number, number + 1]) / bins))
        sure, share = confidence[number] / count[number], right[number] / count[number]
        top, should = (float(v) for v in y(np.array([share, sure])))
        drawn.append(_rect(left + 1, top, end - left - 2, high - 6 - top, "heat", 0.55))
        drawn.append(path(np.array([left + 1, end - 1]), np.array([should] * 2), "line s1"))
        tall = STRIP * count[number] / count.max()
        drawn.append(_rect(left + 1, base - tall, end - left - 2, tall, "rest", None))
        drawn.append(words_at((left + end) / 2, base + 15, brief(count[number]), "middle", "tiny"))
    ruled = [axes(x._replace(start=x.start), y), path(x(corners), y(corners), "equal")]
    return figure(
        _caption(title, f"{note} by probability (right), rows below"), base + 22, *ruled, *drawn
    )


def histogram(title: str, note: str, values: Array) -> Html:
    """How often which value is, zero marked."""
    known = values[np.isfinite(values)]
    bins = int(np.clip(2.0 * len(known) ** (1 / 3), 5, MOST_BINS))  # Rice's rule
    x = Scale.over(np.append(known, 0.0), LEFT, WIDTH - RIGHT)
    with np.errstate(all="ignore"):
        places = x(known)
    counts, edges = np.histogram(places, bins, (LEFT, WIDTH - RIGHT))
    y = Scale(0.0, float(max(1, counts.max())), HEIGHT - BOTTOM, TOP)
    bars = [
        _rect(left + 0.5, top, right - left - 1, HEIGHT - BOTTOM - top, "heat", 0.7)
        for left, right, top, n in zip(
            edges, edges[1:], y(counts.astype(float)), counts, strict=False
        )
        if n
    ]
    zero = float(x(np.array([0.0]))[0])
    mark = tag(
        "line", x1=f"{zero:.1f}", x2=f"{zero:.1f}", y1=TOP, y2=HEIGHT - BOTTOM, class_="best"
    )
    return figure(_caption(title, note), HEIGHT, axes(x, y), *bars, mark)


def bars(title: str, note: str, rows: Sequence[Bar]) -> Html:
    """A bar a row from 0 on, with a line one deviation to both sides, and the number."""
    line, end = 24, WIDTH - 66
    reach = [row.value + side * row.deviation for row in rows for side in (-1, 1)]
    x = Scale.over(np.array([0.0, *reach]), NAMES, end)
    zero = float(x(np.array([0.0]))[0])
    drawn: list[Html] = []
    for number, row in enumerate(rows):
        top = number * line
        ends = x(row.value + np.array([0.0, -row.deviation, row.deviation]))
        to, low, high = (float(v) for v in ends)
        drawn.append(words_at(NAMES - 8, top + 16, shortened(row.name), "end", full=row.name))
        if math.isfinite(to):
            drawn.append(_rect(min(zero, to), top + 4, abs(to - zero), line - 8, "heat", 0.6))
        drawn.append(path(np.array([low, high]), np.array([top + line / 2] * 2), "whisker"))
        drawn.append(words_at(end + 8, top + 16, brief(row.value)))
    height = len(rows) * line
    axis = tag("line", x1=f"{zero:.1f}", x2=f"{zero:.1f}", y1=0, y2=height, class_="axis")
    return figure(_caption(title, note), height + 4, *drawn, axis)


def matrix(title: str, classes: Sequence[str], counts: Array) -> Html:
    """Counts (C, C): a row a true class, a column a chosen one; the darker, the more of the row."""
    left, line = 110, 26.0
    wide, most = (WIDTH - left) / len(classes), counts.sum(axis=1)
    drawn: list[Html] = []
    for row, (name, own) in enumerate(zip(classes, counts.tolist(), strict=True)):
        y = (row + 1) * line
        drawn.append(words_at(left - 6, y + 17, shortened(name, 15), "end"))
        head = shortened(name, max(2, int(wide / 7)))
        drawn.append(words_at(left + (row + 0.5) * wide, 17, head, "middle"))
        for column, count in enumerate(own):
            x, depth = left + column * wide, round(0.63 * count / max(1, most[row]), 2)
            drawn.append(_rect(x + 0.5, y + 0.5, wide - 1, line - 1, "heat", depth))
            style = "ink" if wide > 22 else "tiny ink"
            drawn.append(words_at(x + wide / 2, y + 17, str(count), "middle", style))
    note = ", true classes (down) and what they were taken for (right)"
    return figure(_caption(title, note), (len(classes) + 1) * line, *drawn)


def _caption(title: str, note: str) -> Html:
    return joined([tag("b", title), tag("span", note, class_="soft")])


def _rect(
    x: float, y: float, width: float, height: float, class_: str, depth: float | None
) -> Html:
    numbers = {"x": x, "y": y, "width": width, "height": max(0.0, height)}
    placed = {name: f"{value:.1f}" for name, value in numbers.items()}
    return tag("rect", **placed, class_=class_, fill_opacity=depth)
