"""Drawings as inline SVG: lines over axes, points, heat maps.

Colours are classes (`s0` is the first series), which the page's style sets, for light and dark.
All drawings are `WIDTH` wide, so that letters have one size wherever they stand side by side.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from nntrain.families import Array
from nntrain.report.letters import brief, shortened, told_apart, words_at
from nntrain.report.markup import Html, joined, tag

WIDTH, HEIGHT = 420, 250
LEFT, RIGHT, TOP, BOTTOM = 58, 12, 24, 34
MOST_POINTS = 400  # of a line: more can not be told apart
MOST_CELLS = 80  # columns of a heat map
MOST_DOTS = 1500
SERIES = 8  # colours there are
LOGARITHMIC = 10.0  # largest over smallest from which on an axis counts in powers


class Line(NamedTuple):
    """One line of a chart; style: the class that colours it."""

    label: str
    x: Array
    y: Array
    style: str = "s0"


class Scale(NamedTuple):
    """Numbers from `low` to `high` onto places from `start` to `end`; `log`: by their powers."""

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    @classmethod
    def over(cls, values: Array, start: float, end: float, *, log: bool = False) -> Scale:
        """The scale that has room for all finite ones of the values."""
        known = values[np.isfinite(values)]
        low, high = (float(known.min()), float(known.max())) if len(known) else (0.0, 1.0)
        log = log and low > 0 and high > low * LOGARITHMIC
        if low == high:
            low, high = low - (abs(low) * 0.1 or 0.5), high + (abs(high) * 0.1 or 0.5)
        return cls(low, high, start, end, log)

    def __call__(self, values: Array) -> Array:
        low, high = (math.log(self.low), math.log(self.high)) if self.log else (self.low, self.high)
        with np.errstate(all="ignore"):
            bent = np.log(values) if self.log else values
            half = bent / 2 - low / 2  # halves, since the difference of two floats can overflow
            placed: Array = self.start + half / (high / 2 - low / 2) * (self.end - self.start)
        return placed

    def ticks(self) -> list[float]:
        """Some round numbers in the range."""
        if not self.log:
            return _round_numbers(self.low, self.high)
        first, last = math.ceil(math.log10(self.low)), math.floor(math.log10(self.high))
        powers = [10.0**power for power in range(first, last + 1)]
        if len(powers) < 2:
            powers = [k * 10.0**p for p in range(first - 1, last + 1) for k in (1, 2, 5)]
        every = -(-len(powers) // 6)
        return [power for power in powers if self.low <= power <= self.high][::every]


def _round_numbers(low: float, high: float) -> list[float]:
    rough = (high / 4) - (low / 4)
    if not 0 < rough < math.inf:
        return []
    power = 10.0 ** math.floor(math.log10(rough))
    step = next((k * power for k in (1, 2, 2.5, 5, 10) if k * power >= rough), 10 * power)
    first = math.ceil(low / step - 1e-9)
    count = math.floor(high / step + 1e-9) - first + 1
    return [(first + number) * step for number in range(max(0, min(count, 12)))]


def chart(
    title: str, lines: Sequence[Line], *, log: bool = False, best: float | None = None
) -> Html:
    """Lines over epochs.  best: the epoch to mark."""
    values = np.concatenate([line.y for line in lines])
    epochs = np.concatenate([line.x for line in lines])
    x = Scale.over(epochs, LEFT, WIDTH - RIGHT)
    y = Scale.over(values, HEIGHT - BOTTOM, TOP, log=log)
    mark = [] if best is None else [_mark(float(x(np.array([best]))[0]), f"best: {best:g}")]
    drawn = (path(x(line.x), y(line.y), f"line {line.style}") for line in lines)
    keys = [key(line) for line in lines] if len(lines) > 1 else []
    power = ", logarithmic" if y.log else ""
    words = joined([tag("b", title), tag("span", power, class_="soft")])
    return figure(words, HEIGHT, axes(x, y, whole=True), *mark, *drawn, below=keys)


def evenly(count: int, most: int) -> Array:
    """Numbers below `count`, all of them or `most` that lie evenly, (M,)."""
    return np.linspace(0, count - 1, min(count, most)).astype(np.int64)  # steps of 1 or more


def scatter(title: str, true: Array, predicted: Array) -> Html:
    """Predicted against true, and the line on which both are equal; of many points some."""
    some = evenly(len(true), MOST_DOTS)
    true, predicted = true[some], predicted[some]
    both = np.concatenate([true, predicted])
    x = Scale.over(both, LEFT, WIDTH - RIGHT)
    y = Scale.over(both, WIDTH - BOTTOM, TOP)
    ends = np.array([x.low, x.high])
    places = zip(x(true).tolist(), y(predicted).tolist(), strict=True)
    dots = "".join(f"M{a:.1f} {b:.1f}h0" for a, b in places if math.isfinite(a + b))
    words = joined(
        [tag("b", title), tag("span", ", predicted (up) by true (right)", class_="soft")]
    )
    equal = path(x(ends), y(ends), "equal")
    return figure(words, WIDTH, axes(x, y), equal, tag("path", d=dots, class_="dots s0"))


def heat_map(
    title: str,
    rows: Sequence[str],
    columns: Sequence[float],
    values: Array,
    span: tuple[float, float] | None = None,
) -> Html:
    """A row a layer, a column an epoch, the darker the larger; at the end each row's last value.

    values: (rows, columns), NaN where there is none.
    span: lightest and darkest; without one, the range of the values, by their powers.
    """
    height, line, left, right = 22, 22, 116, 62
    shown = evenly(len(columns), MOST_CELLS)
    known = values[np.isfinite(values) & ((values > 0) | (span is not None))]
    shade = Scale.over(known if span is None else np.array(span), 0.1, 1.0, log=span is None)
    width = (WIDTH - left - right) / max(1, len(shown))
    drawn: list[Html] = []
    for place, (row, name) in enumerate(zip(values, rows, strict=True)):
        top = place * line
        drawn.append(words_at(left - 6, top + 15, shortened(name), "end", full=name))
        for number, value in enumerate(row[shown].tolist()):
            if math.isfinite(value):
                depth = float(np.clip(shade(np.array([value]))[0], 0.1, 1.0))
                depth = depth if math.isfinite(depth) and value else 0.04
                place_and_size = {
                    "x": f"{left + number * width:.1f}", "y": top + 1,
                    "width": f"{width + 0.3:.1f}", "height": height - 2,
                }  # fmt: skip
                drawn.append(
                    tag("rect", **place_and_size, class_="heat", fill_opacity=f"{depth:.2f}")
                )
        last = next((v for v in row[::-1].tolist() if math.isfinite(v)), None)
        drawn.append(words_at(WIDTH - right + 6, top + 15, "" if last is None else brief(last)))
    bottom = len(rows) * line
    ends = (columns[0], columns[-1]) if len(columns) > 1 else ()
    for place, epoch, side in zip((left, WIDTH - right), ends, ("start", "end"), strict=False):
        drawn.append(words_at(place, bottom + 15, f"{epoch:g}", side))
    reach = f", {brief(known.min())} to {brief(known.max())}" if len(known) else ""
    words = joined([tag("b", title), tag("span", reach, class_="soft")])
    return figure(words, bottom + 22, *drawn)


def bar(share: float) -> Html:
    """A share from 0 to 1 as a small bar."""
    length = f"{60 * min(max(share, 0.0), 1.0):.1f}"
    parts = (tag("rect", width=60, height=8, class_="rest"), tag("rect", width=length, height=8))
    return tag("svg", *parts, class_="bar", width=60, height=8, viewBox="0 0 60 8")


def figure(words: Html, height: float, *inside: Html, below: Sequence[Html] = ()) -> Html:
    """A drawing `WIDTH` wide under its caption, with its keys below."""
    drawing = tag("svg", *inside, viewBox=f"0 0 {WIDTH} {height}", class_="chart", role="img")
    keys = [tag("div", *below, class_="keys")] if below else []
    return tag("figure", tag("figcaption", words), drawing, *keys)


def axes(x: Scale, y: Scale, *, whole: bool = False) -> Html:
    """Lines across at the ticks of y, and the numbers of both.  whole: those of x, if whole."""
    parts: list[Html] = []
    for _, label, place in _placed(y):
        parts.append(tag("line", x1=LEFT, x2=WIDTH - RIGHT, y1=place, y2=place, class_="rule"))
        parts.append(words_at(LEFT - 6, float(place) + 4, label, "end"))
    for tick, label, place in _placed(x):
        if not whole or tick == int(tick):
            parts.append(words_at(float(place), max(y.start, y.end) + 20, label, "middle"))
    low = max(y.start, y.end)
    parts.append(tag("line", x1=LEFT, x2=WIDTH - RIGHT, y1=low, y2=low, class_="axis"))
    return joined(parts)


def _placed(scale: Scale) -> list[tuple[float, str, str]]:
    """Each tick, its label, and its place."""
    ticks = scale.ticks()
    places = [f"{place:.1f}" for place in scale(np.array(ticks)).tolist()] if ticks else []
    return list(zip(ticks, told_apart(ticks), places, strict=True))


def _mark(x: float, words: str) -> Html:
    line = tag("line", x1=f"{x:.1f}", x2=f"{x:.1f}", y1=TOP, y2=HEIGHT - BOTTOM, class_="best")
    side = "end" if x > WIDTH - 60 else "middle"
    return joined([line, words_at(x, TOP - 8, words, side)])


def path(x: Array, y: Array, style: str) -> Html:
    """A line through the points, broken where there is none; a lone point is a dot."""
    steps, pen_down = [], False
    for at in _thinned(y):
        a, b = float(x[at]), float(y[at])
        if not math.isfinite(a + b):
            pen_down = False
            continue
        steps.append(f"{'L' if pen_down else 'M'}{a:.1f} {b:.1f}")
        pen_down = True
    if len(steps) == 1:
        return tag("path", d=f"{steps[0]}h0", class_=f"{style} lone")
    return tag("path", d="".join(steps), class_=style)


def _thinned(y: Array) -> Array:
    """Which points to draw: of many, the lowest and the highest of each stretch."""
    n = len(y)
    if n <= MOST_POINTS:
        return np.arange(n)
    edges = np.linspace(0, n, MOST_POINTS // 2 + 1).astype(int)
    chosen = {0, n - 1}
    for start, end in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        stretch = y[start:end]
        finite = np.isfinite(stretch)
        if finite.any():
            low = np.where(finite, stretch, np.inf).argmin()
            high = np.where(finite, stretch, -np.inf).argmax()
            chosen |= {start + int(low), start + int(high)}
    return np.array(sorted(chosen))


def key(line: Line) -> Html:
    stroke = tag("path", d="M0 5h16", class_=f"line {line.style}")
    return tag("span", tag("svg", stroke, width=16, height=10), line.label, class_="key")
