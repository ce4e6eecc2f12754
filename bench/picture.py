"""A picture of lines over powers of ten, as an SVG file that stands alone, in light and dark."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

import numpy as np

from nntrain.families import Array
from nntrain.report.letters import brief
from nntrain.report.svg import Scale

WIDTH, HEIGHT = 560, 300
LEFT, RIGHT, TOP, BOTTOM = 64, 48, 62, 36
STYLE = """
svg{--ink:#1a1d23;--soft:#5c6470;--rule:#dfe3e8;--s0:#2563eb;--s1:#d9480f;--paper:#fff}
@media (prefers-color-scheme:dark){svg{--ink:#e6e8eb;--soft:#9aa3af;--rule:#343a43;--s0:#6ea0ff;
--s1:#ff9a5c;--paper:#14171c}}
text{font:13px system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;fill:var(--soft)}
.title{font-weight:600;fill:var(--ink)}.paper{fill:var(--paper)}
.rule{stroke:var(--rule)}.axis{stroke:var(--soft)}
path{fill:none;stroke-width:2}.rule{stroke-width:1}circle{stroke:none}
.s0{stroke:var(--s0)}.s1{stroke:var(--s1)}circle.s0{fill:var(--s0)}circle.s1{fill:var(--s1)}
"""
Points = Sequence[tuple[float, float]]


def lines(title: str, series: Mapping[str, Points], *, from_zero: bool) -> str:
    """Both axes by powers of ten, or the upright one from zero on."""
    points = np.array([point for some in series.values() for point in some], dtype=float)
    x = Scale.over(points[:, 0], LEFT, WIDTH - RIGHT, log=True)
    high = points[:, 1].max() * 1.1
    y = Scale.over(points[:, 1], HEIGHT - BOTTOM, TOP, log=True)
    if from_zero:
        y = Scale(0.0, float(high), HEIGHT - BOTTOM, TOP)
    parts = [f'<rect class="paper" width="{WIDTH}" height="{HEIGHT}"/>']
    parts.append(f'<text class="title" x="12" y="22">{escape(title)}</text>')
    for tick, place in _placed(y):
        parts.append(f'<path class="rule" d="M{LEFT} {place:.1f}H{WIDTH - RIGHT}"/>')
        parts.append(_text(LEFT - 8, place + 4, brief(tick), "end"))
    for tick, place in _placed(x):
        parts.append(_text(place, HEIGHT - BOTTOM + 20, f"{tick:,.0f}", "middle"))
    parts.append(f'<path class="axis" d="M{LEFT} {HEIGHT - BOTTOM}H{WIDTH - RIGHT}"/>')
    for number, (name, some) in enumerate(series.items()):
        parts += _line(number, np.array(some, dtype=float), x, y)
        left = 12 + 230 * number
        parts.append(f'<path class="s{number}" d="M{left} 40h18"/>')
        parts.append(_text(left + 26, 44, name, "start"))
    inside = "".join(parts)
    size = f'viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size}><style>{STYLE}</style>{inside}</svg>\n'


def _line(number: int, points: Array, x: Scale, y: Scale) -> list[str]:
    across, up = x(points[:, 0]).tolist(), y(points[:, 1]).tolist()
    places = list(zip(across, up, strict=True))
    path = "L".join(f"{a:.1f} {b:.1f}" for a, b in places)
    dots = [f'<circle class="s{number}" cx="{a:.1f}" cy="{b:.1f}" r="3.5"/>' for a, b in places]
    return [f'<path class="s{number}" d="M{path}"/>', *dots]


def _placed(scale: Scale) -> list[tuple[float, float]]:
    ticks = scale.ticks()
    return list(zip(ticks, scale(np.array(ticks)).tolist(), strict=True))


def _text(x: float, y: float, words: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(words)}</text>'
