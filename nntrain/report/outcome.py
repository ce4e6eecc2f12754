"""Outcome: what the best weights said of the rows that were kept from them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from nntrain.display import text
from nntrain.families import Array
from nntrain.report.judged import Answer, Confusion, Judged, Mistake
from nntrain.report.markup import Html, section, table, tag
from nntrain.report.plots import histogram, matrix
from nntrain.report.svg import scatter
from nntrain.report.told import Told

HALF = 10  # classes whose matrix fits into half of the page
MOST_CLASSES = 24  # of a whole matrix; of more, the pairs that are confused most
MOST_PAIRS = 20
MOST_TARGETS = 8
SHADES = 8


def confusions(told: Told) -> Html | None:
    """A matrix for each target of classes, or where it would be too large its largest cells."""
    judged = told.judged
    if not judged or not judged.confusions:
        return None
    several = len(judged.targets) > 1
    parts: list[Html] = []
    for one in judged.confusions[:MOST_TARGETS]:
        parts += [tag("h3", one.name)] if several else []
        parts.append(_matrix(one) if len(one.classes) <= MOST_CLASSES else _pairs(one))
    about = (
        f"{_whose(judged)}: a row a true class, a column a chosen one.  Found: how much of a class "
        "was recognised; right: how much of what was called so is so."
    )
    widest = max(len(one.classes) for one in judged.confusions)
    return section("Confusion", *parts, about=about, wide=HALF < widest <= MOST_CLASSES)


def _whose(judged: Judged) -> str:
    return f"The {text.count(judged.rows)} {judged.split} rows"


def _matrix(one: Confusion) -> Html:
    counts = one.counts
    rows, columns, right = counts.sum(axis=1), counts.sum(axis=0), counts.diagonal()
    corner = tag("th", "true \\ chosen", class_="corner")
    head = tag("tr", corner, *(tag("th", name) for name in one.classes), tag("th", "found"))
    body = [
        tag(
            "tr",
            tag("th", name),
            *(tag("td", n, class_=f"h{_shade(n, all_of_it)}") for n in row),
            tag("td", _share(hit, all_of_it), class_="share"),
        )
        for name, row, hit, all_of_it in zip(one.classes, counts.tolist(), right, rows, strict=True)
    ]
    shares = (tag("td", _share(*pair), class_="share") for pair in zip(right, columns, strict=True))
    body.append(tag("tr", tag("th", "right"), *shares, tag("td", "")))
    whole = tag("table", tag("thead", head), tag("tbody", *body), class_="matrix")
    return tag("div", whole, class_="scroll")


def _shade(count: int, whole: int) -> int:
    return min(SHADES - 1, -(-count * (SHADES - 1) // whole)) if whole else 0


def _share(count: int, whole: int) -> str:
    return f"{count / whole:.0%}" if whole else "–"


def _pairs(one: Confusion) -> Html:
    wrong = one.counts - np.diag(one.counts.diagonal())
    largest = np.argsort(-wrong, axis=None, kind="stable")[:MOST_PAIRS]
    places = [divmod(int(place), len(one.classes)) for place in largest]
    rows = [
        [one.classes[a], one.classes[b], text.count(wrong[a, b]), text.count(one.counts[a].sum())]
        for a, b in places
        if wrong[a, b]
    ]
    if not rows:
        return tag("p", "No row was taken for another class.")
    return table(("true", "taken for", "rows", "of"), rows, "llrr")


def drawn_confusions(told: Told) -> Html | None:
    """The same as drawings, for pictures that stand alone."""
    judged = told.judged
    shown = judged.confusions[:MOST_TARGETS] if judged else ()
    drawn = [
        matrix(one.name, one.classes, one.counts)
        for one in shown
        if len(one.classes) <= MOST_CLASSES
    ]
    return section("Confusion", *drawn) if drawn else None


def agreements(told: Told) -> Html | None:
    """For each number that is predicted how near it came."""
    judged = told.judged
    if not judged or not judged.agreements:
        return None
    drawn: list[Html] = []
    for one in judged.agreements[:MOST_TARGETS]:
        with np.errstate(all="ignore"):
            off = one.predicted - one.true
        drawn.append(scatter(one.name, one.true, one.predicted))
        drawn.append(histogram(f"errors of {one.name}", f", {_spread(off)}", off))
    shown = len(judged.agreements[0].true)
    which = f"{text.count(shown)} of the" if shown < judged.rows else "The"
    about = (
        f"{which} {text.count(judged.rows)} {judged.split} rows; on the dashed line both are "
        "equal.  An error is what was predicted less what is true; the bars count rows."
    )
    whole = tag("div", *drawn, class_="grid")
    return section("Predicted against true", whole, about=about, wide=True)


def _spread(off: Array) -> str:
    with np.errstate(all="ignore"):
        return f"mean {off.mean():.3g}, half within ±{np.median(np.abs(off)):.3g}"


def mistakes(told: Told) -> Html | None:
    """The rows with the largest loss."""
    judged = told.judged
    if not judged or not judged.mistakes:
        return None
    several = len(judged.targets) > 1
    head = [
        *(judged.ids or ("row",)),
        *(["target"] if several and judged.mistakes[0].answers else []),
    ]
    columns = _columns(judged)
    rows = [row for mistake in judged.mistakes for row in _rows(mistake, judged, columns)]
    sides = "l" * len(head) + "".join(side for _, side in columns) + "r"
    names = [*head, *(name for name, _ in columns), "loss"]
    about = f"Of the {text.count(judged.rows)} {judged.split} rows, the worst first."
    if not judged.ids:
        about += "  Rows are counted from 1 in the file, without its header."
    return section("Largest losses", table(names, rows, sides), about=about)


def _columns(judged: Judged) -> list[tuple[str, str]]:
    answers = judged.mistakes[0].answers
    if not answers:
        return []
    sure = any(answer.probability is not None for answer in answers)
    side = "l" if any(isinstance(answer.true, str) for answer in answers) else "r"
    more = [("its probability", "r"), ("of the true one", "r")] if sure else [("off by", "r")]
    return [("true", side), ("predicted", side), *more]


def _rows(
    mistake: Mistake, judged: Judged, columns: list[tuple[str, str]]
) -> Iterator[list[object]]:
    """A line for each target; the row's name and loss on the first."""
    name: list[object] = [*(mistake.ids or (text.count(mistake.row),))]
    loss: object = text.number(mistake.loss)
    if not columns:
        yield [*name, loss]
    several = len(judged.targets) > 1
    for target, answer in zip(judged.targets[:MOST_TARGETS], mistake.answers, strict=False):
        yield [*name, *([target] if several else []), *_cells(answer, len(columns)), loss]
        name, loss = [""] * len(name), ""


def _cells(answer: Answer, count: int) -> list[object]:
    """true, predicted, and how sure it was; a number among classes says how far off it was."""
    if answer.probability is not None and answer.of_true is not None:
        kind = "good" if answer.true == answer.predicted else "bad"
        said = tag("span", answer.predicted, class_=kind)
        return [answer.true, said, f"{answer.probability:.1%}", f"{answer.of_true:.1%}"]
    true, predicted = float(answer.true), float(answer.predicted)
    off = f"{predicted - true:+.4g}"
    return [f"{true:.6g}", f"{predicted:.6g}", off, *([""] if count > 3 else [])]
