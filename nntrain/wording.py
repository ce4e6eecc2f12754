"""How names and cells from other people's files are shown in messages."""

from __future__ import annotations

import re
from collections.abc import Iterable

LONGEST = 40  # characters of a cell that a message shows


def quoted(text: str) -> str:
    """The text between backticks, without control characters and not too long."""
    plain = "".join(c if c.isprintable() else " " for c in text[: 4 * LONGEST]).strip()
    return f"`{plain}`" if len(plain) <= LONGEST else f"`{plain[: LONGEST - 1]}…`"


def visible(token: str) -> str:
    """A token of a text so that its blanks are seen: `␣the`, `↵`."""
    return token.translate({ord(" "): "␣", ord("\n"): "↵", ord("\t"): "⇥"})


def in_yaml(text: str) -> str:
    """The text as it stands in a YAML list or mapping: `"len [mm]"` needs its quotes."""
    plain = re.fullmatch(r"[^\W\d]\w*(?:[ .-]\w+)*", text)
    words = ("true", "false", "null")
    if plain and text.lower() not in words:
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def listed(texts: Iterable[str], most: int = 8) -> str:
    """`a`, `b` and 3 more."""
    shown = [quoted(text) for text in texts]
    rest = len(shown) - most
    if rest <= 0:
        return ", ".join(shown)
    return f"{', '.join(shown[:most])} and {rest} more"


def nearest(name: str, names: Iterable[str], most: int = 3) -> list[str]:
    """Those of the names that look most like this one, best first; case does not count."""
    by_small: dict[str, str] = {}
    for other in names:
        by_small.setdefault(other.lower(), other)
    from difflib import get_close_matches  # here: most words are right

    close = get_close_matches(name.lower(), by_small, n=most, cutoff=0.6)
    return [by_small[small] for small in close]


def suggestion(unknown: Iterable[str], names: Iterable[str], what: str) -> str:
    """Did you mean …?, or, where nothing is near, the names that exist."""
    names = list(names)
    near = list(dict.fromkeys(name for word in unknown for name in nearest(word, names)))
    return f"did you mean {listed(near)}?" if near else f"the {what} are {listed(names)}"


def plural(count: int, word: str) -> str:
    """1 row, 2 rows."""
    return f"{count:,} {word}" if count == 1 else f"{count:,} {word}s"


def share(part: float) -> str:
    """A share of all as people say it: 41 %, 0.3 %, 99.9 %, none."""
    if part == 0:
        return "none"
    if 0.99 < part < 1:
        return f"{min(100 * part, 99.9):.1f} %"
    return f"{100 * part:.0f} %" if part >= 0.01 else f"{100 * part:.2g} %"
