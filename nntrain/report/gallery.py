"""Gallery: images as pictures, beside them where the network looked, and its first weights."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from nntrain.display import text
from nntrain.families import Array
from nntrain.report.exhibits import Exhibit
from nntrain.report.letters import shortened, words_at
from nntrain.report.markup import Html, joined, section, tag
from nntrain.report.png import image
from nntrain.report.svg import WIDTH, figure
from nntrain.report.told import Told

SIDE = 60  # of an image
LETTER = 7.2  # about as wide as one is, in points


def images(told: Told) -> Html | None:
    """The worst mistakes and some right ones."""
    shown, judged = told.exhibits, told.judged
    if not shown or not judged:
        return None
    drawn = [_wall("largest losses", shown.worst)]
    drawn += [_wall("found", shown.right)] if shown.right else []
    about = f"Of the {text.count(judged.rows)} {judged.split} rows: what is true, what was said."
    if shown.worst[0].saliency is not None:
        about += (
            "  The right picture is the saliency: how much the score of what was said changes with "
            "each point (Simonyan et al. 2013); bright is much, and each picture has its own scale."
        )
    else:
        about += "  Where the network looks is shown by the report that is asked for: "
        about += f"`nntrain report {told.shell_path}`."
    return section("Images", tag("div", *drawn, class_="grid"), about=about, wide=True)


def _wall(title: str, shown: Sequence[Exhibit]) -> Html:
    """Images in rows, as many in each as there is room for."""
    both = shown[0].saliency is not None
    across = 3 if both else 4
    each, high = WIDTH / across, SIDE + 44
    parts = []
    for number, one in enumerate(shown):
        x, y = (number % across) * each, (number // across) * high
        height, width = one.pixels.shape[:2]
        scale = SIDE / max(height, width)
        size = (width * scale, height * scale)
        parts.append(image(one.pixels, x, y, *size))
        if one.saliency is not None:
            parts.append(image(glowing(one.saliency), x + SIDE + 4, y, *size))
        parts += _words(one, x, y + SIDE, int((each - 6) / LETTER))
    rows = -(-len(shown) // across)
    return figure(joined([tag("b", title)]), rows * high, *parts)


def _words(one: Exhibit, x: float, y: float, most: int) -> list[Html]:
    """Two lines of so many letters: what is true, and what was said, with its probability."""
    answer = one.told.answers[0]
    true, said = _word(answer.true), _word(answer.predicted)
    good = None if answer.probability is None else answer.true == answer.predicted
    sure = "" if answer.probability is None else f" {answer.probability:.0%}"
    style = None if good is None else "good" if good else "bad"
    short = f"{shortened(said, most - len(sure))}{sure}"
    return [
        words_at(x, y + 15, shortened(true, most), full=f"row {one.told.row}: {true}"),
        words_at(x, y + 30, short, class_=style, full=f"{said}{sure}"),
    ]


def _word(value: str | float) -> str:
    return value if isinstance(value, str) else f"{value:.4g}"


def glowing(strength: Array) -> Array:
    """Numbers from 0 to 1 (H, W) as black, red, yellow, white: (H, W, 3) uint8."""
    levels = np.clip(3.0 * strength[..., None] - np.arange(3.0), 0.0, 1.0)
    return np.rint(255.0 * levels).astype(np.uint8)


def first_weights(told: Told) -> Html | None:
    """Each filter of the first layer with weights."""
    shown = told.filters
    if not shown:
        return None
    count = len(shown.pictures)
    across, each = 8, WIDTH / 8
    height, width = shown.pictures.shape[1:3]
    scale = (each - 8) / max(height, width)
    parts = [
        image(picture, (n % across) * each, (n // across) * each, width * scale, height * scale)
        for n, picture in enumerate(shown.pictures)
    ]
    which = f"{count} of {shown.total}" if count < shown.total else f"all {count}"
    title = joined([tag("b", shown.layer), tag("span", f", {which}", class_="soft")])
    about = (
        "The weights of the first layer as pictures, each with its own scale: grey is 0, bright "
        "adds, dark takes away.  Noise means that little was learned here, or too freely."
    )
    if count < shown.total:
        about += "  Those with the largest weights."
    whole = figure(title, -(-count // across) * each, *parts)
    return section("First weights", whole, about=about)
