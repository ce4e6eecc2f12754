"""Comparison: several runs side by side, their scores, curves and what their configs differ in."""

from __future__ import annotations

from collections.abc import Sequence

from nntrain.display import text
from nntrain.families import to_plain
from nntrain.report.markup import Html, section, table, tag
from nntrain.report.svg import SERIES, Line, chart
from nntrain.report.told import Told
from nntrain.run.differences import flat

MOST_CHARTS = 12
MOST_DIFFERENCES = 60
MOST_LETTERS = 200  # of a value


def comparison(told: Sequence[Told]) -> Html:
    """What stands before the reports of several runs."""
    names = labels(told)
    parts = (_scores(told, names), _curves(told, names), _differences(told, names))
    head = tag("header", tag("h1", f"{len(told)} runs side by side"))
    return tag("article", head, *(part for part in parts if part))


def labels(told: Sequence[Told]) -> list[str]:
    """What tells the runs from each other: as little of their folders' names as does."""
    paths = [run.run.folder.path.parts for run in told]
    for count in range(1, max(map(len, paths))):
        short = ["/".join(path[-count:]) for path in paths]
        if len(set(short)) == len(short):
            return short
    return [run.path for run in told]


def _scores(told: Sequence[Told], names: Sequence[str]) -> Html:
    known = dict.fromkeys(name for run in told for name in run.run.metrics)
    rows: list[list[object]] = [
        ["status", *(run.run.status.replace("_", " ") for run in told)],
        ["epochs", *(text.count(run.run.epochs) for run in told)],
        ["best epoch", *(text.count(run.best_epoch) if run.best_epoch else "" for run in told)],
    ]
    for name in known:
        found = (run.run.metrics.get(name) for run in told)
        rows.append([name, *("" if value is None else text.number(value) for value in found)])
    return section("Scores", table(["", *names], rows, "l" + "r" * len(told)), wide=True)


def _curves(told: Sequence[Told], names: Sequence[str]) -> Html | None:
    columns = dict.fromkeys(name for run in told for name in run.curves.names)
    wanted = [name for name in columns if name not in ("epoch", "step", "train_loss")]
    charts = []
    for name in wanted[:MOST_CHARTS]:
        lines = [
            Line(label, run.curves.of("epoch"), run.curves.of(name), f"s{number % SERIES}")
            for number, (run, label) in enumerate(zip(told, names, strict=True))
            if name in run.curves.names and len(run.curves.table)
        ]
        if lines:
            log = name in ("validation_loss", "train_loss_evaluated", "learning_rate")
            charts.append(chart(name.replace("_", " "), lines, log=log))
    return section("Training", tag("div", *charts, class_="grid"), wide=True) if charts else None


def _differences(told: Sequence[Told], names: Sequence[str]) -> Html | None:
    """Key path by key path, what of config and data is not the same in all runs."""
    settings = [_settings(run) for run in told]
    keys = dict.fromkeys(key for found in settings for key in found)
    rows: list[list[object]] = []
    for key in keys:
        values = [_value(found[key]) if key in found else "" for found in settings]
        if len(set(values)) > 1:
            rows.append([key, *values])
    if not rows:
        return section("Differences", tag("p", "Config and data are the same."), wide=True)
    whole = table(["", *names], rows[:MOST_DIFFERENCES], "l" * (len(told) + 1))
    return section("Differences", whole, wide=True)


def _settings(told: Told) -> dict[str, object]:
    """The config by key paths, without its name; and which data."""
    found: dict[str, object] = flat(to_plain(told.experiment)) if told.experiment else {}
    found.pop("name", None)
    data = told.run.manifest.get("data")
    sha = data.get("sha256") if isinstance(data, dict) else None
    return {**found, "SHA-256 of the data": sha} if sha else found


def _value(value: object) -> str:
    return "null" if value is None else str(value)[:MOST_LETTERS]
