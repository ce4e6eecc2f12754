"""Columns: how much the network depends on each."""

from __future__ import annotations

from nntrain.display import text
from nntrain.report.importance import SHUFFLES, Change
from nntrain.report.markup import Html, section, table, tag
from nntrain.report.plots import Bar, bars
from nntrain.report.told import Told

MOST_BARS = 20
TITLE = "Importance of the columns"


def importance(told: Told) -> Html | None:
    """By how much the loss rises where a column is shuffled, the most first."""
    found = told.importance
    if not found:
        if not told.importance_later:
            return None
        asked = tag("code", f"nntrain report {told.shell_path}")
        words = ("It takes longer than the end of a training should: ", asked, " measures it.")
        return section(TITLE, tag("p", *words))
    shown = found.changes[:MOST_BARS]
    rows = [Bar(one.column, one.loss.mean(), one.loss.std()) for one in shown]
    which = text.count(found.rows) + (
        f" of {text.count(found.of)}" if found.rows < found.of else ""
    )
    about = (
        f"By how much the loss of {which} {found.split} rows, {text.number(found.loss)}, rises "
        f"where one column is shuffled between them: mean and deviation of {SHUFFLES} shuffles "
        "(Breiman 2001).  It tells what this network uses, not what is true of the world; columns "
        "that say the same share what they are worth."
    )
    if found.split == "validation":
        about += "  The validation rows also chose the epoch."
    if any(one.column.endswith("[-1]") for one in found.changes):
        about += "  [-1] is the last step of a window."
    if len(found.changes) > MOST_BARS:
        about += f"  The {MOST_BARS} most important of {len(found.changes)} columns."
    drawn = bars("rise of the loss", "", rows)
    more = [_scores(shown, found.metric, found.score)] if found.metric else []
    return section(TITLE, drawn, *more, about=about)


def _scores(shown: tuple[Change, ...], metric: str, score: float) -> Html:
    rows = [
        [one.column, f"{one.score.mean():+.4f} ± {one.score.std():.4f}"]
        for one in shown
        if one.score is not None
    ]
    return table(("column", f"{metric}, {text.number(score)}, changes by"), rows, "lr")
