"""Overview: what a run is called, how it ended, its scores."""

from __future__ import annotations

from nntrain.display import text
from nntrain.report.markup import Html, section, table, tag
from nntrain.report.told import Told
from nntrain.run.recorded import SPLITS

GOOD = ("completed", "early_stopped", "max_time")
BAD = ("diverged", "gate_failed", "damaged")


def head(told: Told) -> Html:
    """Name, status and the numbers that one looks for first."""
    run = told.run
    seconds = run.to_plain()["seconds"]
    facts: list[tuple[str, object]] = [("status", _status(run.status))]
    facts.append(
        ("began", run.created[:16].replace("T", " ") + " UTC" if run.created else "unknown")
    )
    facts.append(("epochs", text.count(run.epochs)))
    if told.best_epoch:
        facts.append(("best epoch", text.count(told.best_epoch)))
    if seconds is not None:
        facts.append(("time", text.duration(seconds)))
    facts += _first_scores(told)
    cards = (tag("div", tag("span", name), tag("b", value)) for name, value in facts)
    notes = (
        [tag("ul", *(tag("li", note) for note in told.notes), class_="notes")] if told.notes else []
    )
    return tag(
        "header",
        tag("h1", told.name),
        tag("p", told.path, class_="path"),
        tag("div", *cards, class_="facts"),
        *notes,
    )


def _status(status: str) -> Html:
    kind = "good" if status in GOOD else "bad" if status in BAD else None
    return tag("span", status.replace("_", " "), class_=kind)


def _first_scores(told: Told) -> list[tuple[str, object]]:
    """Two scores on the rows that were kept longest from the network."""
    for split in reversed(SPLITS):
        found = [name for name in told.run.metrics if name.startswith(f"{split}_")]
        if found:
            chosen = [*found[1:2], found[0]]
            return [
                (name.replace("_", " "), text.number(told.run.metrics[name])) for name in chosen
            ]
    return []


def scores(told: Told) -> Html | None:
    """Every score of every split."""
    known = told.run.metrics
    splits = [split for split in SPLITS if any(name.startswith(f"{split}_") for name in known)]
    names = dict.fromkeys(name.partition("_")[2] for name in known)
    if not splits:
        return None
    rows = ([name, *(_score(told, split, name) for split in splits)] for name in names)
    counts = [text.count(told.rows[split]) if split in told.rows else "" for split in splits]
    whole = table(["", *splits], [*rows, ["rows", *counts]], "l" + "r" * len(splits))
    return section("Scores", whole, about=f"Of the weights of epoch {told.best_epoch}, the best.")


def _score(told: Told, split: str, name: str) -> str:
    whole = f"{split}_{name}"
    return text.number(told.run.metrics[whole]) if whole in told.run.metrics else ""


def baselines(told: Told) -> Html | None:
    """What simpler models score on the same rows."""
    found = told.run.baselines
    if not found or not found["scores"]:
        return None
    split, scores = found["split"], found["scores"]
    metrics = list(dict.fromkeys(metric for own in scores.values() for metric in own))
    rows = [
        [
            metric,
            _score(told, split, metric),
            *(text.number(own.get(metric)) for own in scores.values()),
        ]
        for metric in metrics
    ]
    whole = table(["", "network", *scores], rows, "lr" + "r" * len(scores))
    about = f"What much simpler models score on the {split} rows."
    if found["no_worse"]:
        about += (
            f" By {found['metric']}, `{found['no_worse']}` is as good as the network or better."
        )
    return section("Baselines", whole, about=about)
