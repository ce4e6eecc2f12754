"""Page: the frame of a report, and the order of its sections."""

from __future__ import annotations

from collections.abc import Sequence

from nntrain.report import (
    certainty,
    columns,
    curves,
    data,
    flow,
    gallery,
    outcome,
    overview,
    repeat,
    structure,
)
from nntrain.report.markup import Html, joined, tag
from nntrain.report.style import STYLE
from nntrain.report.told import Told

POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
SECTIONS = (
    curves.curves,
    overview.scores,
    overview.baselines,
    outcome.confusions,
    certainty.calibration,
    certainty.ranking,
    outcome.agreements,
    outcome.mistakes,
    columns.importance,
    gallery.first_weights,
    gallery.images,
    structure.network,
    flow.flow,
    data.data,
    repeat.config,
    repeat.again,
)
"""Each takes what is told of a run, and gives a part of the page, or None for nothing to say."""


def page(told: Sequence[Told]) -> str:
    """The whole file: one run, or several with what they have in common and different before."""
    names = ", ".join(dict.fromkeys(run.name for run in told))
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=POLICY),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("title", f"{names} · nntrain"),
        tag("style", Html(STYLE)),  # ours alone: nothing of the data stands in it
    )
    body = tag("body", *_compared(told), *(_article(run) for run in told))
    return f"<!doctype html>\n{tag('html', head, body, lang='en')}\n"


def _compared(told: Sequence[Told]) -> list[Html]:
    if len(told) == 1:
        return []
    from nntrain.report.comparison import comparison  # here: most reports are of one run

    return [comparison(told)]


def _article(told: Told) -> Html:
    return tag("article", overview.head(told), joined(part(told) for part in SECTIONS))
