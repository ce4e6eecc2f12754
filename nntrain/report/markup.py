"""Markup: HTML and SVG that can hold anybody's words.

Whatever is not `Html` already is text, and is escaped where it enters; only `tag` and `joined` make
`Html`.  So a column that is called `<script>` is shown as that, in a cell as in an attribute.
"""

from __future__ import annotations

from collections.abc import Iterable


class Html(str):
    """Markup that is safe where it stands."""

    __slots__ = ()


LETTERS = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#x27;"}
CONTROLS = (*range(9), 11, 12, *range(14, 32), *range(127, 160))
TURNING = (0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
BROKEN = (*range(0xD800, 0xE000), 0xFFFE, 0xFFFF)  # what no UTF-8 file can hold, or no page
STRANGE = dict.fromkeys((*CONTROLS, *TURNING, *BROKEN), "·")
# as html.escape does, whose module takes longer to load than a page to write
ESCAPES = {**STRANGE, **{ord(letter): escape for letter, escape in LETTERS.items()}, 13: " "}
EMPTY = ("path", "rect", "line", "circle", "image", "meta")  # elements with nothing inside


def escape(text: str) -> Html:
    """Text as markup: what is no letter, or turns the letters around, is a dot."""
    return Html(text.translate(ESCAPES))


def tag(name: str, /, *inside: object, **attributes: object) -> Html:
    """An element.  Attributes are named as in HTML, `class_` for `class`, `stroke_width` with a -.

    An attribute that is None is left out.
    """
    head = name
    for key, value in attributes.items():
        if value is not None:
            known = key.rstrip("_").replace("_", "-")
            head += f' {known}="{_safe(value)}"'
    if name in EMPTY:
        return Html(f"<{head}/>")
    return Html(f"<{head}>{''.join(map(_safe, inside))}</{name}>")


def joined(parts: Iterable[object]) -> Html:
    """One after the other; what is None is left out."""
    return Html("".join(_safe(part) for part in parts if part is not None))


def _safe(value: object) -> str:
    return value if isinstance(value, Html) else escape(str(value))


def table(
    head: Iterable[object], rows: Iterable[Iterable[object]], sides: str, class_: str = ""
) -> Html:
    """A table that scrolls sideways where it is wider than the page.

    sides: `l` or `r` for each column; text in an `r` column is a number.
    """
    kinds = [None if side == "l" else "n" for side in sides]
    heads = (tag("th", cell, class_=kind) for cell, kind in zip(head, kinds, strict=True))
    body = (
        tag("tr", *(tag("td", cell, class_=kind) for cell, kind in zip(row, kinds, strict=True)))
        for row in rows
    )
    whole = tag(
        "table", tag("thead", tag("tr", *heads)), tag("tbody", *body), class_=class_ or None
    )
    return tag("div", whole, class_="scroll")


def section(title: str, *inside: object, about: str = "", wide: bool = False) -> Html:
    """A part of the page under its title; `about` is a sentence on how to read it.

    wide: it takes the whole width, else two stand side by side where there is room.
    """
    words = [tag("p", about, class_="about")] if about else []
    return tag("section", tag("h2", title), *words, *inside, class_="wide" if wide else None)
