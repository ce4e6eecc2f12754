"""Runs as people read them: a table of all, one in full, two side by side, one trained again."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

from nntrain.display import text
from nntrain.display.plain import baselines, table

FACTS = ("run", "status", "created", "epochs", "best_epoch", "seconds")
HEAD = ("run", "status", "epochs", "best_epoch")
SPLITS = ("train_", "validation_", "test_")
MOST_SCORES = 6  # columns; --json has all of them
WIDEST = 48


def listed(
    runs: Sequence[Mapping[str, Any]],
    values: Sequence[Mapping[str, Any]] = (),
    keys: Sequence[str] = (),
    extra: Sequence[str] = (),
    width: int | None = None,
) -> list[str]:
    """A line a run; a score's cell is `validation / test`.

    keys: columns in place of these, with their `values`.  extra: columns behind them that were
    asked for.  width: of the terminal; columns that it has no room for are left out.
    """
    if keys:
        names = list(dict.fromkeys(keys))
        return _fitting([tuple(names), *(_row(row, names) for row in values)], len(names), width)
    found = [
        n.partition("_")[2] for run in runs for n in run["metrics"] if not n.startswith("train_")
    ]
    scores = list(dict.fromkeys(found))[:MOST_SCORES]
    shown = {*HEAD, *(f"{split}_{name}" for split in ("validation", "test") for name in scores)}
    extra = [name for name in extra if name not in shown]
    rows: list[tuple[str, ...]] = [
        ("run", "status", "epochs", "best", *map(_clean, extra), *scores)
    ]
    for number, run in enumerate(runs):
        cells = (_both(run["metrics"], name) for name in scores)
        own = _row(values[number], extra) if extra else ()
        epochs, best = f"{run['epochs']}", f"{run['best_epoch'] or ''}"
        rows.append((_clean(run["run"]), _clean(run["status"]), epochs, best, *own, *cells))
    head = ["scores: validation / test", ""] if scores else []
    return [*head, *_fitting(rows, 1, width)]


def as_csv(
    runs: Sequence[Mapping[str, Any]],
    values: Sequence[Mapping[str, Any]],
    keys: Sequence[str],
    extra: Sequence[str],
) -> list[str]:
    """The same with all digits, all scores, and a column a split."""
    scores = dict.fromkeys(name for run in runs for name in run["metrics"])
    names = list(dict.fromkeys(keys or [*FACTS, *scores, *extra]))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(names)
    for run, own in zip(runs, values, strict=True):
        known = {**run, **run["metrics"], **own}
        cells = (known.get(name) for name in names)
        writer.writerow([str(c).lower() if isinstance(c, bool) else c for c in cells])
    return [text.getvalue().removesuffix("\n")]


def _row(values: Mapping[str, Any], names: Sequence[str]) -> tuple[str, ...]:
    return tuple(
        "" if values[n] is None
        else text.number(values[n]) if n.startswith(SPLITS) and isinstance(values[n], float)
        else _value(values[n])
        for n in names
    )  # fmt: skip


def _fitting(rows: Sequence[tuple[str, ...]], least: int, width: int | None) -> list[str]:
    """The rows as a table; columns from the right are left out where it is wider than `width`."""
    count, sides = len(rows[0]), [_side_of(column) for column in zip(*rows, strict=True)]
    kept = count
    widths = [max(map(len, column)) + 2 for column in zip(*rows, strict=True)]
    while width and kept > least and sum(widths[:kept]) - 2 > width:
        kept -= 1
    lines = table([row[:kept] for row in rows], "".join(sides[:kept]))
    if kept == count:
        return lines
    more = "column does" if count - kept == 1 else "columns do"
    return [*lines, "", f"{count - kept} {more} not fit: --columns chooses, --format csv has all"]


def _side_of(column: Sequence[str]) -> str:
    """Numbers stand on the right."""
    cells = [cell for cell in column[1:] if cell]
    return "r" if all(cell[0] in "-0123456789–" or cell == "nan" for cell in cells) else "l"


def _both(metrics: Mapping[str, float | None], name: str) -> str:
    found = [f"{split}_{name}" for split in ("validation", "test")]
    if not any(each in metrics for each in found):
        return ""
    return " / ".join(text.number(metrics[n]) if n in metrics else "–" for n in found)


def shown(run: Mapping[str, Any], way_on: str) -> list[str]:
    """One run: how it ended, how to go on, its scores, files, and what its manifest says."""
    head = [(key, _value(run[key])) for key in ("run", "status", "created", "epochs")]
    if run["best_epoch"]:  # not of several trainings, such as folds
        head.append(("best_epoch", _value(run["best_epoch"])))
    if run["seconds"] is not None:
        head.append(("time", text.duration(run["seconds"])))
    if way_on:
        head.append(("go on with", way_on))
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
    """A table for each part in which two runs differ; of results, by how much."""
    lines: list[str] = []
    for part, rows in found.items():
        if not rows:
            continue
        if part == "results":
            head = (part, _clean(a), _clean(b), "change")
            lines += ["", *table([head, *map(_result, rows)], "lrrr")]
        else:
            cells = [(_clean(row["key"]), _side(row, "a"), _side(row, "b")) for row in rows]
            lines += ["", *table([(part, _clean(a), _clean(b)), *cells], "lll")]
    same = [part for part, rows in found.items() if not rows]
    if len(same) == len(found):
        return [f"{_clean(a)} and {_clean(b)} do not differ"]
    return [*lines[1:], *(["", f"the same: {', '.join(same)}"] if same else [])]


def _result(row: Mapping[str, Any]) -> tuple[str, ...]:
    """Scores as people read them, and what a score has gained or lost."""
    key, a, b = row["key"], row.get("a"), row.get("b")
    if key.startswith("sha256."):
        return f"bytes of {key.removeprefix('sha256.')}", _digest(a), _digest(b), ""
    shown = [
        text.number(row[side]) if isinstance(row.get(side), float) else _side(row, side)
        for side in "ab"
    ]
    return _clean(key.removeprefix("metrics.")), *shown, _change(a, b)


def _change(a: Any, b: Any) -> str:
    if type(a) is int and type(b) is int:
        return f"{b - a:+}"
    if isinstance(a, float) and isinstance(b, float):
        number = text.number(b - a)
        return number if number.startswith("-") else f"+{number}"
    return ""


def _digest(value: Any) -> str:
    return _clean(value, 12).rstrip("…") if isinstance(value, str) else "–"


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
