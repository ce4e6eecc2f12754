"""The summary of a job on GitHub Actions, in Markdown."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping, Sequence
from typing import Any

from nntrain.display import plain, text
from nntrain.events import EpochRow, Warned

LAST = 10  # epochs in a summary, and the best one
Gate = tuple[str, str, bool]
"""The name of a score, the condition, and whether it is met."""


def trained(
    summary: Mapping[str, Any],
    rows: Sequence[EpochRow],
    gates: Sequence[Gate],
    warned: Sequence[Warned],
) -> list[str]:
    """The summary of a training: how it ended, scores, gates, the best and the last epochs."""
    _, head, *rest = plain.ended({**summary, "metrics": {}})
    lines = [f"## {_cell(summary['run'])}: {_cell(str(summary['status']).replace('_', ' '))}", ""]
    lines += [_cell(head), *(f"\n{_cell(line)}" for line in rest)]
    lines += [*_scores(summary["metrics"]), *_gates(gates, summary["metrics"])]
    lines += _epochs(rows, summary["best_epoch"])
    lines += [f"\n⚠ {_cell(event.message)}  \n{_cell(event.advice)}" for event in warned]
    return [*lines, ""]


def evaluated(result: Mapping[str, Any], gates: Sequence[Gate]) -> list[str]:
    """The summary of `eval`."""
    lines = [f"## {_cell(plain.evaluated(result)[0])}"]
    scores = [(name, text.number(value)) for name, value in result["metrics"].items()]
    lines += _table([("metric", "score"), *scores], "lr")
    return [*lines, *_gates(gates, result["metrics"]), ""]


def several(summary: Mapping[str, Any], lines: Sequence[str], gates: Sequence[Gate]) -> list[str]:
    """The summary of several trainings: what a terminal shows of them, and gates."""
    head = f"## {_cell(summary['run'])}: {_cell(str(summary['status']).replace('_', ' '))}"
    shown = "\n".join(html.escape(text.printable(line), quote=False) for line in lines)
    return [head, "", f"<pre>{shown.strip()}</pre>", *_gates(gates, summary["metrics"]), ""]


def _scores(metrics: Mapping[str, float | None]) -> list[str]:
    rows = plain.score_rows(metrics)
    return _table(rows, "l" + "r" * (len(rows[0]) - 1)) if rows else []


def _gates(gates: Sequence[Gate], metrics: Mapping[str, float | None]) -> list[str]:
    rows = [
        (f"{name} {condition}", text.number(metrics.get(name)), "✅" if met else "❌ not met")
        for name, condition, met in gates
    ]
    return _table([("gate", "found", ""), *rows], "lrl") if rows else []


def _epochs(rows: Sequence[EpochRow], best: int) -> list[str]:
    if not rows:
        return []
    last = list(rows[-LAST:])
    shown = [row for row in rows if row["epoch"] == best and row not in last] + last
    names = [name for name in last[0] if name != "step"]
    cells = [tuple(names)]
    for row in shown:
        cell = {name: text.number(row[name]) for name in names}
        cell["epoch"] = f"{row['epoch']:.0f}{' ★' if row['epoch'] == best else ''}"
        cell["learning_rate"] = text.rate(row["learning_rate"])
        cells.append(tuple(cell[name] for name in names))
    return [*_table(cells, "r" * len(names)), f"\n{len(shown)} of {len(rows)} epochs"]


def _table(rows: Sequence[tuple[str, ...]], sides: str) -> list[str]:
    """A table in Markdown, with an empty line before it."""
    lines = ["| " + " | ".join(map(_cell, row)) + " |" for row in rows]
    rule = "| " + " | ".join("---:" if side == "r" else "---" for side in sides) + " |"
    return ["", lines[0], rule, *lines[1:]]


def _cell(value: str) -> str:
    """Text that is nothing else in Markdown and HTML."""
    clean = html.escape(text.printable(value), quote=False)
    return re.sub(r"([\\`*\[\]|~#])", r"\\\1", clean)
