"""Several trainings of one config: a line each, and a table of what they come to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from nntrain.display import plain, text
from nntrain.events import TrialBegan, TrialEnded
from nntrain.wording import plural

JUDGES = ("test", "validation", "train")  # what scores are shown of: the first that there is


def began(event: TrialBegan) -> str:
    how = " (goes on)" if event.goes_on else ""
    return f"{event.folder.name} ({event.number} of {event.count}){how}: {event.folder}"


def ended(event: TrialEnded) -> str:
    """How one of them went."""
    summary = event.summary
    found = ", ".join(
        f"{name} {text.number(value)}" for name, value in _judged(summary["metrics"]).items()
    )
    head = f"{event.folder.name}: {plural(summary['epochs'], 'epoch')}"
    best = f" (best {summary['best_epoch']})"
    time = "trained earlier" if event.earlier else text.duration(summary["seconds"])
    return f"{head}{best}, {found}, {time}"


def finished(summary: Mapping[str, Any]) -> list[str]:
    """Mean and deviation of every score, over the folds or the seeds."""
    kind = "folds" if "folds" in summary else "seeds"
    each: Sequence[Mapping[str, Any]] = summary[kind]
    words = str(summary["status"]).replace("_", " ")
    time = text.duration(summary["seconds"])
    head = f"{words} after {plural(len(each), kind[:-1])} in {time}"
    if not summary["metrics"]:
        return ["", head]
    rows: list[tuple[str, ...]] = [("", "mean", "deviation", "lowest", "highest")]
    for name, mean in _judged(summary["metrics"]).items():
        values = [one["metrics"][name] for one in each]
        known = [value for value in values if value is not None]
        ends = (min(known), max(known)) if len(known) == len(values) else (None, None)
        numbers = (mean, summary["deviations"][name], *ends)
        mean_of, deviation, *others = map(text.number, numbers)
        rows.append((name, mean_of, f"± {deviation}", *others))
    lines = ["", head, "", *plain.table(rows, "lrrrr"), ""]
    if summary["predictions"]:
        lines.append(f"what each fold says of the rows it held out: {summary['predictions']}")
    return [*lines, f"next: nntrain eval {each[0]['run']}"]


def _judged(metrics: Mapping[str, Any]) -> dict[str, Any]:
    for part in JUDGES:
        if found := {name: v for name, v in metrics.items() if name.startswith(f"{part}_")}:
            return found
    return {}
