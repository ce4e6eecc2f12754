"""Letters: text and numbers in drawings, which do not wrap and must fit where they stand."""

from __future__ import annotations

import math
from collections.abc import Sequence

from nntrain.report.markup import Html, tag


def words_at(
    x: float,
    y: float,
    words: str,
    anchor: str = "start",
    class_: str | None = None,
    *,
    full: str = "",
) -> Html:
    """Text at a place.  full: what it says where the pointer rests, if it was cut."""
    more = [tag("title", full)] if full and full != words else []
    side = None if anchor == "start" else anchor
    return tag("text", words, *more, x=f"{x:.1f}", y=f"{y:.1f}", text_anchor=side, class_=class_)


def brief(value: float, digits: int = 3) -> str:
    """A number in few letters, for axes and small cells."""
    if not value or not math.isfinite(value):
        return f"{value:g}"
    if 1e-3 <= abs(value) < 1e5:
        return f"{value:.{digits}g}" if abs(value) < 10**digits else f"{value:,.0f}"
    mantissa, power = f"{value:.{digits - 2}e}".split("e")
    whole, _, part = mantissa.partition(".")
    return f"{whole}{'.' if part.strip('0') else ''}{part.rstrip('0')}e{int(power)}"


def told_apart(values: Sequence[float]) -> list[str]:
    """Different numbers in so many letters that no two look alike."""
    for digits in range(3, 17):
        told = [brief(value, digits) for value in values]
        if len({*told}) == len(told):
            break
    return told


def shortened(name: str, most: int = 17) -> str:
    """The end of a name that is longer than so many letters of usual width."""
    room = most - sum(map(_width, name))
    if room >= 0:
        return name
    start = 0
    while room < 1 and start < len(name):
        room += _width(name[start])
        start += 1
    return f"…{name[start:]}"


def _width(letter: str) -> float:
    """About how many usual letters one takes the place of."""
    if letter >= "\u2e80":  # those of East Asia
        return 1.9
    if letter in "mwMW@%ШЩЖЮшщжю":
        return 1.6
    return 0.6 if letter in "iljtfrI.,:;|!'()[] " else 1.2 if letter.isupper() else 1.0
