"""Pictures: the drawings of a report as files of their own."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from nntrain.errors import MachineError
from nntrain.report import comparison, outcome
from nntrain.report.markup import Html, tag
from nntrain.report.page import SECTIONS
from nntrain.report.style import alone
from nntrain.report.svg import WIDTH
from nntrain.report.told import Told

ABOVE, EACH_KEY, EDGE = 40, 18, 12
LONGEST = 60  # letters of a name
SPACE = "http://www.w3.org/2000/svg"
ZOOM = 2  # points of a PNG for each of the drawing


class Picture(NamedTuple):
    """name: of its file, without an ending; svg: what is in it."""

    name: str
    svg: str


def pictures(told: Sequence[Told]) -> Iterator[Picture]:
    """All of one run; of several those that compare, then each run's in a folder of its own."""
    if len(told) == 1:
        yield from _named(_sections(told[0]))
        return
    yield from _named([comparison.comparison(told)])
    for number, (run, label) in enumerate(zip(told, comparison.labels(told), strict=True), 1):
        for name, svg in _named(_sections(run)):
            yield Picture(f"{number}-{_plain(label)}/{name}", svg)


def _sections(told: Told) -> Iterator[Html]:
    for section in (*SECTIONS, outcome.drawn_confusions):
        yield section(told) or Html("")


def _named(parts: Iterable[Html]) -> Iterator[Picture]:
    """Every figure of some parts of a page: all markup in them is ours, and looks like this."""
    taken: dict[str, int] = {}
    for part in parts:
        title = ""
        for found in re.finditer(r"<h2>(.*?)</h2>|<figure>(.*?)</figure>", part, re.DOTALL):
            if found[2] is None:
                title = found[1]
                continue
            name = _plain(f"{title} {_inside('b', found[2])}")
            taken[name] = taken.get(name, 0) + 1
            yield Picture(name if taken[name] == 1 else f"{name}-{taken[name]}", _file(found[2]))


def _inside(name: str, markup: str) -> str:
    """The text of the first element of a name."""
    found = re.search(rf"<{name}(?: [^>]*)?>(.*?)</{name}>", markup, re.DOTALL)
    return re.sub(r"<[^>]*>", "", found[1]) if found else ""


def _plain(words: str) -> str:
    """Words as the name of a file anywhere."""
    letters = re.sub(r"&[#\w]+;", " ", words.lower())
    return re.sub(r"[^a-z0-9]+", "-", letters).strip("-")[:LONGEST] or "picture"


def _file(figure: str) -> str:
    """A figure with its caption and its keys as one drawing."""
    drawing = re.search(r'<svg viewBox="0 0 \d+ ([\d.]+)"[^>]*>(.*)', figure, re.DOTALL)
    keys = re.findall(r'class="key"><svg[^>]*>(.*?)</svg>(.*?)</span>', figure, re.DOTALL)
    assert drawing  # noqa: S101  # every figure has one
    height = float(drawing[1])
    inside = drawing[2].partition('</svg><div class="keys">')[0].removesuffix("</svg>")
    below = [
        tag(
            "g",
            Html(stroke),
            tag("text", Html(label), x=24, y=9),
            transform=f"translate(58 {ABOVE + height + number * EACH_KEY + 6:g})",
        )
        for number, (stroke, label) in enumerate(keys)
    ]
    whole = ABOVE + height + len(keys) * EACH_KEY + EDGE
    size = {"width": WIDTH + 2 * EDGE, "height": f"{whole:g}"}
    caption = [
        tag("text", Html(_inside("b", figure)), x=0, y=16, class_="ink"),
        tag("text", Html(_inside("span", figure).lstrip(", ")), x=0, y=32),
    ]
    content = tag(
        "g",
        *caption,
        tag("g", Html(inside), transform=f"translate(0 {ABOVE})"),
        *below,
        transform=f"translate({EDGE} 0)",
    )
    paper = tag("rect", width="100%", height="100%", fill="#fff")
    style = tag("style", Html(alone()))
    box = f"0 0 {WIDTH + 2 * EDGE} {whole:g}"
    return tag("svg", style, paper, content, xmlns=SPACE, viewBox=box, **size) + "\n"


def check_letters(draw: Any) -> None:
    """Refuse to draw where letters would be missing, for there is no font on the machine."""
    style = tag("style", Html(alone()))
    size = {"width": 20, "height": 20}
    found = [
        rastered(tag("svg", style, tag("text", word, y=15), xmlns=SPACE, **size), draw)
        for word in ("A", "")
    ]
    if found[0] == found[1]:
        raise MachineError(
            "PNG files are drawn with a font such as DejaVu Sans, and none is here; "
            "--svg needs none (on Debian: apt install fonts-dejavu-core)"
        )


def rastered(svg: str, draw: Any) -> bytes:
    """The picture as a PNG.  draw: the module `resvg_py`."""
    drawn: bytes = draw.svg_to_bytes(svg_string=svg, zoom=ZOOM, image_rendering="optimize_speed")
    return bytes(drawn)
