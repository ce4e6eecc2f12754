"""The plain view: what a pipe, a log file and CI see.  Fixed columns, no escape codes."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from nntrain.audit.finding import Finding
from nntrain.data.columns import Column
from nntrain.display import text
from nntrain.events import (
    Began,
    Ended,
    EpochEnded,
    Event,
    GradientRow,
    LayerLook,
    LayersSeen,
    Saved,
    Warned,
    WentBack,
)
from nntrain.families import Array, Shape
from nntrain.store import LayerRow
from nntrain.wording import plural

MOST_COLUMNS = 16
LAST_COLUMNS = ("learning_rate", "samples/s", "time")


def lines(event: Event) -> list[str]:
    """What to print for an event: one line an epoch, a line a checkpoint and new best."""
    match event:
        case Began():
            return [*network(event.layers, event.inputs), "", *_begun(event)]
        case EpochEnded():
            return _epoch(event)
        case Warned():
            return [f"warning: {event.message}", f"  {event.advice}"]
        case WentBack():
            where = f"the end of epoch {event.epoch}" if event.epoch else "the start"
            what = f"  goes on from {where} with {event.factor:g} of the learning rate"
            times = f"(retry {event.retry} of {event.max_retries})"
            return [event.why.partition("\n")[0], f"{what} {times}"]
        case Saved():
            return [f"saved checkpoint at step {event.step}: {event.path}"]
        case Ended():
            return ended(event.summary)
    return []


def log_lines(event: Event) -> list[str]:
    """What the log has of an event: the same, and every look into the network."""
    return seen(event.looks) if isinstance(event, LayersSeen) else lines(event)


def seen(looks: Sequence[LayerLook]) -> list[str]:
    """A look into the network as a table: a row a layer."""
    head = f"epoch {looks[0].epoch}: layer"
    rows: list[tuple[str, ...]] = [(head, "kind", "gradient", "at output", "update", "dead")]
    for look in looks:
        sizes = (look.gradient_norm, look.output_gradient_norm, look.update_ratio)
        dead = "" if look.dead_share is None else f"{look.dead_share:.0%}"
        cells = ("" if size is None else f"{size:.2e}" for size in sizes)
        rows.append((look.layer, look.kind, *cells, dead))
    return table(rows, "llrrrr")


def network(layers: Sequence[LayerRow], inputs: Shape) -> list[str]:
    """The network as a table: layer, kind, output shape, parameters."""
    rows = [("layer", "kind", "output", "parameters"), ("input", "", text.shape(inputs), "")]
    rows += [
        (r.path, r.kind, text.shape(r.shape), text.count(r.parameters)) for r in outer_first(layers)
    ]
    rows.append(("total", "", "", text.count(parameters(layers))))
    return table(rows, "llrr")


def parameters(layers: Sequence[LayerRow]) -> int:
    """How many numbers a network learns; a layer's count has those of the layers inside."""
    paths = {row.path for row in layers}
    return sum(row.parameters for row in layers if paths.isdisjoint(_above(row.path)))


def _above(path: str) -> Iterator[str]:
    """`a.b` and `a`, for `a.b.c`."""
    while path := path.rpartition(".")[0]:
        yield path


def outer_first(layers: Sequence[LayerRow]) -> list[LayerRow]:
    """Each layer before those inside of it, which were built first."""
    ordered: list[LayerRow] = []
    for row in layers:
        inside = (i for i, r in enumerate(ordered) if r.path.startswith(f"{row.path}."))
        ordered.insert(next(inside, len(ordered)), row)
    return ordered


def table(rows: Sequence[tuple[str, ...]], sides: str) -> list[str]:
    """Rows as lines of equal columns; `sides` has `l` or `r` for each column."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lined = (
        [c.ljust(w) if s == "l" else c.rjust(w) for c, w, s in zip(row, widths, sides, strict=True)]
        for row in rows
    )
    return ["  ".join(cells).rstrip() for cells in lined]


def _begun(event: Began) -> list[str]:
    rows = ", ".join(f"{name} {text.count(n)}" for name, n in event.rows.items())
    start = f"at epoch {len(event.history) + 1}, step {event.step}" if event.step else ""
    names = [name for name in event.columns if name not in ("step", "learning_rate")]
    return [
        f"rows: {rows}",
        f"run: {event.folder}" + (f" (goes on {start})" if start else ""),
        *([f"processes: {event.workers}, sharing each batch"] if event.workers > 1 else []),
        "",
        "  ".join(name.rjust(_width(name)) for name in (*names, *LAST_COLUMNS)),
    ]


def _width(name: str) -> int:
    """Of a column: the longest of its cells fits, so that lines stay below each other."""
    longest = {"epoch": 9, "time": len("59 min 59 s")}
    return max(len(name), longest.get(name, len("-1.235e+05")))


def _epoch(event: EpochEnded) -> list[str]:
    row = event.row
    cells = [
        (name, f"{v:.0f}" if name == "epoch" else text.number(v))
        for name, v in row.items()
        if name not in ("step", "learning_rate")
    ]
    cells += zip(
        LAST_COLUMNS,
        (text.rate(row["learning_rate"]), text.speed(event.samples_per_second),
         text.duration(event.seconds)),
        strict=True,
    )  # fmt: skip
    found = ["  ".join(value.rjust(_width(name)) for name, value in cells)]
    if event.best and event.monitor and not math.isnan(row[event.monitor]):
        score = text.number(row[event.monitor])
        found.append(f"new best: epoch {row['epoch']:.0f}, {event.monitor} {score}")
    return found


def ended(summary: Mapping[str, Any]) -> list[str]:
    """The summary for people: how it ended, and the scores on every split."""
    words = str(summary["status"]).replace("_", " ")
    head = (
        f"{words} after {plural(summary['epochs'], 'epoch')} in {text.duration(summary['seconds'])}"
    )
    if summary["best_epoch"]:
        head += f", best epoch {summary['best_epoch']}"
    if retries := summary.get("retries"):
        head += f", diverged {plural(retries, 'time')} on the way"
    return ["", head, *scores(summary["metrics"]), *baselines(summary.get("baselines"))]


def baselines(found: Mapping[str, Any] | None) -> list[str]:
    """What simpler models score on the same rows, in a line, and why one is missing."""
    if not found:
        return []
    metric, known = found["metric"], found["scores"]
    each = ", ".join(f"{name} {text.number(own.get(metric))}" for name, own in known.items())
    line = f"baselines on {found['split']}, {metric}: {each}"
    lines = [f"{line}; network {text.number(found['network'])}"] if known else []
    return [*lines, *(f"note: {note}" for note in found["notes"])]


def scores(metrics: Mapping[str, float | None]) -> list[str]:
    """`<split>_<metric>` scores as a table: a row a metric, a column a split."""
    rows = score_rows(metrics)
    return table(rows, "l" + "r" * (len(rows[0]) - 1)) if rows else []


def score_rows(metrics: Mapping[str, float | None]) -> list[tuple[str, ...]]:
    """The cells of that table, its head first; none where there is no score."""
    pairs = {name: name.split("_", 1) for name in metrics}
    splits = list(dict.fromkeys(split for split, _ in pairs.values()))
    names = list(dict.fromkeys(metric for _, metric in pairs.values()))
    rows = [(m, *(text.number(metrics.get(f"{s}_{m}")) for s in splits)) for m in names]
    return [("", *splits), *rows] if rows else []


def columns(
    found: Sequence[Column],
    notes: Sequence[str],
    *,
    every: bool = False,
    width: int | None = None,
) -> list[str]:
    """What each column of the data is, and what becomes of it; long lists are cut.

    width: of the terminal, which the rows of the table must not break.
    """
    first = {"target": 0, "id": 1}
    ordered = sorted(found, key=lambda column: first.get(column.kind, 2))
    shown = ordered if every or len(ordered) <= MOST_COLUMNS else ordered[: MOST_COLUMNS - 1]
    rows = [("column", "kind", "values", "missing", "what is done")]
    rows += [
        (c.name, c.shown_kind, text.count(c.rows - c.missing), _missing(c), c.note) for c in shown
    ]
    lines = table([tuple(text.shortened(cell) for cell in row) for row in rows], "llrrl")
    if rest := Counter(column.shown_kind for column in ordered[len(shown) :]):
        kinds = ", ".join(f"{count} {kind}" for kind, count in rest.items())
        lines.append(f"… and {kinds} (all of them with -v)")
    if width:
        lines = [line if len(line) <= width else f"{line[: width - 1]}…" for line in lines]
    return [*lines, *(f"note: {note}" for note in notes), ""]


def _missing(column: Column) -> str:
    """How many cells, and which share of all."""
    count = text.count(column.missing)
    share = 100 * column.missing / max(column.rows, 1)
    return f"{count} ({share:.2g} %)".replace("1e+02", "100") if column.missing else count


def finished(summary: Mapping[str, Any], report: Path | None = None) -> list[str]:
    """The result of a training, and what can be done with it."""
    lines = [*ended(summary), ""]
    if not summary["best_epoch"]:
        return lines[:-1]
    run = summary["run"]
    return [
        *lines,
        f"saved the model of epoch {summary['best_epoch']} in {run}",
        *([f"report: {report}"] if report else []),
        f"next: nntrain eval {run}",
    ]


def checked(rows: Mapping[str, int], notes: Sequence[str]) -> list[str]:
    """What `check` tells of the data of a config."""
    shown = ", ".join(f"{name} {text.count(n)}" for name, n in rows.items())
    return [f"rows: {shown}", *(f"note: {note}" for note in notes)]


def gradients(compared: Sequence[GradientRow]) -> list[str]:
    """Gradients and finite differences, as a table: a row a weight, without and with training."""
    rows: list[tuple[str, ...]] = [("gradient of", "training", "numbers", "tried", "error", "ok")]
    for row in compared:
        training, ok = ("on" if row.training else "off"), ("yes" if row.ok else "NO")
        counts = text.count(row.size), text.count(row.tried)
        rows.append((row.name, training, *counts, f"{row.error:.0e}", ok))
    wrong = sum(not row.ok for row in compared)
    verdict = f"{wrong} of {len(compared)} are wrong" if wrong else f"all {len(compared)} agree"
    head = "gradients against finite differences; error: as a share of the largest number"
    return [head, *table(rows, "llrrrl"), verdict]


def audited(findings: Sequence[Finding], limits: Sequence[str]) -> list[str]:
    """What an audit found: the finding, rows that show it, and what to do."""
    serious = sum(finding.serious for finding in findings)
    remarks = len(findings) - serious
    lines = [f"audit: {serious} serious, {plural(remarks, 'remark')}"]
    for finding in findings:
        mark = "SERIOUS" if finding.serious else "remark"
        lines.append(f"{mark}: {text.printable(finding.message)}")
        lines += [f"  {text.printable(example)}" for example in finding.examples]
        lines.append(f"  → {text.printable(finding.advice)}")
    return [*lines, *(f"note: {limit}" for limit in limits)]


def evaluated(result: Mapping[str, Any]) -> list[str]:
    """Metrics, and the rows that they were measured on."""
    what = result.get("data") or f"the {result['split']} split"
    head = f"{result['run']} on {text.count(result['rows'])} rows of {what}"
    rows = [(name, text.number(value)) for name, value in result["metrics"].items()]
    return [head, *table(rows, "lr")]


def confusion(classes: Sequence[str], counts: Array) -> list[str]:
    """A confusion matrix: a row a true class, a column a predicted one."""
    names = [text.shortened(name, 16) for name in classes]
    rows: list[tuple[str, ...]] = [("true \\ predicted", *names)]
    rows += [(name, *map(str, row)) for name, row in zip(names, counts, strict=True)]
    return table(rows, "l" + "r" * len(names))
