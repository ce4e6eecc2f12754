"""Runs as people read them: a table of all, one in full, two side by side, one trained again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from nntrain.display import text
from nntrain.display.plain import baselines, table

MOST_SCORES = 6  # columns; --json has all of them
WIDEST = 48


def listed(runs: Sequence[Mapping[str, Any]]) -> list[str]:
    """A line a run; a score's cell is `validation / test`."""
    names = [
        n.partition("_")[2] for run in runs for n in run["metrics"] if not n.startswith("train_")
    ]
    scores = list(dict.fromkeys(names))[:MOST_SCORES]
    rows = [("run", "status", "epochs", "best", *scores)]
    for run in runs:
        cells = (_both(run["metrics"], name) for name in scores)
        epochs, best = run["epochs"], run["best_epoch"]
        rows.append(
            (_clean(run["run"]), _clean(run["status"]), f"{epochs}", f"{best or ''}", *cells)
        )
    head = ["scores: validation / test", ""] if scores else []
    return [*head, *table(rows, "llrr" + "r" * len(scores))]


def _both(metrics: Mapping[str, float | None], name: str) -> str:
    found = [f"{split}_{name}" for split in ("validation", "test")]
    if not any(each in metrics for each in found):
        return ""
    return " / ".join(text.number(metrics[n]) if n in metrics else "–" for n in found)


def shown(run: Mapping[str, Any]) -> list[str]:
    """One run: how it ended, its scores, its files, and what its manifest says."""
    head = [(key, _value(run[key])) for key in ("run", "status", "created", "epochs", "best_epoch")]
    if run["seconds"] is not None:
        head.append(("time", text.duration(run["seconds"])))
    lines = table(head, "ll")
    if run["metrics"]:
        scores = [(_clean(name), text.number(value)) for name, value in run["metrics"].items()]
        lines += ["", *table(scores, "lr")]
    lines += [_clean(line, 4 * WIDEST) for line in baselines(run["baselines"])]
    if run["manifest"]:
        lines += ["", *table([(_clean(k), _value(v)) for k, v in run["manifest"].items()], "ll")]
    rows = [(name, text.count(f["bytes"]), f["sha256"][:12]) for name, f in run["files"].items()]
    if rows:
        lines += ["", *table([("file", "bytes", "SHA-256"), *rows], "lrl")]
    return lines


def differences(a: str, b: str, found: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[str]:
    """A table for each part in which two runs differ."""
    lines: list[str] = []
    for part, rows in found.items():
        if rows:
            cells = [(_clean(row["key"]), _side(row, "a"), _side(row, "b")) for row in rows]
            lines += ["", *table([(part, _clean(a), _clean(b)), *cells], "lll")]
    return lines[1:] or [f"{_clean(a)} and {_clean(b)} do not differ"]


def verified(run: str, found: Mapping[str, Any]) -> list[str]:
    """Whether a run came out the same, and if not, where it parts."""
    files = found["sha256"]
    rows = [
        (name, f["a"][:12], "equal" if f["a"] == f["b"] else f["b"][:12])
        for name, f in files.items()
    ]
    lines = table([("file", "SHA-256", "trained again"), *rows], "lll")
    if found["equal"]:
        return [*lines, "", f"{_clean(run)} came out the same, to the bit"]
    if first := found["first_difference"]:
        a, b = (_value(first[side]) for side in "ab")
        lines += [
            "",
            f"metrics.csv parts at epoch {first['epoch']}: {first['column']} was {a}, is {b}",
        ]
    weights = [(n, "–" if v is None else f"{v:.2e}") for n, v in found["weights"].items()]
    if weights:
        lines += ["", *table([("weights that differ", "at most by"), *weights], "lr")]
    return lines


def surroundings(found: Sequence[Mapping[str, Any]]) -> list[str]:
    """What the bits depend on, and is another now."""
    return [f"{row['key']}: {_side(row, 'a')} then, {_side(row, 'b')} now" for row in found]


def _side(row: Mapping[str, Any], side: str) -> str:
    return _value(row[side]) if side in row else "–"


def _value(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    return _clean(repr(value) if isinstance(value, float) else str(value))


def _clean(value: str, width: int = WIDEST) -> str:
    return text.shortened(value, width)
