"""What a network takes, as `check` tells it: a table that fits the terminal, and sentences."""

from __future__ import annotations

import re
import shutil
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from nntrain.display import text
from nntrain.display.plain import table
from nntrain.wording import plural

Row = Mapping[str, Any]

HEAD = ("layer", "kind", "output", "parameters", "FLOPs", "training", "time")
SIDES = "lllrrrr"
SPARED = (("", 24), ("training", 14), ("FLOPs", 8))  # columns to go, letters that words keep
WORDS = 3  # columns of them
PIPE = 100  # columns where nobody says how many there are
LEAST = 40
MEMORY = (
    ("weights and gradient", "weights"), ("optimizer and copies", "copies"), ("work", "work"),
    ("data", "data"), ("program", "program"),
)  # fmt: skip


def width() -> int:
    """Columns of the terminal, or of what `COLUMNS` says."""
    return max(LEAST, shutil.get_terminal_size((PIPE, 24)).columns)


def network(result: Mapping[str, Any], inputs: tuple[int, ...], *, every: bool) -> list[str]:
    """The network as a table: layers with what they take, those inside of others indented.

    every: also blocks that are like the one before, which else are one line.
    """
    layers, seconds = outer_first(result["layers"]), result["seconds"]
    rows: list[tuple[str, ...]] = [HEAD, ("input", "", text.shape(inputs), "", "", "", "")]
    for row in layers if every else folded(layers):
        counts = text.count(row["parameters"]), amount(row["flops"]), amount(row["training_flops"])
        shape = text.shape(tuple(row["shape"]))
        rows.append((_name(row["layer"]), row["kind"], shape, *counts, share(row["time_share"])))
    for name in ("loss", "update"):
        if seconds[f"{name}_share"] is not None:
            rows.append((name, "", "", "", "", "", share(seconds[f"{name}_share"])))
    flops = (amount(result["flops"][name]) for name in ("forward", "training"))
    rows.append(("total", "", "", text.count(result["parameters"]), *flops, ""))
    kept = [i for i in range(len(HEAD)) if i < 6 or any(row[6] for row in rows[1:])]
    return fitting([tuple(row[i] for i in kept) for row in rows], SIDES[: len(kept)], width())


def fitting(rows: list[tuple[str, ...]], sides: str, columns: int) -> list[str]:
    """The table with shorter words, and then without what it can spare, until it fits."""
    for spared, least in SPARED:
        if spared in rows[0]:
            at = rows[0].index(spared)
            rows = [row[:at] + row[at + 1 :] for row in rows]
            sides = sides[:at] + sides[at + 1 :]
        while (excess := max(map(len, table(rows, sides))) - columns) > 0:
            longest, at = max((len(row[i]), i) for row in rows for i in range(WORDS))
            if longest <= least:
                break
            rows = _narrowed(rows, at, max(least, longest - excess))
        else:
            break
    return table(rows, sides)


def _narrowed(rows: list[tuple[str, ...]], at: int, most: int) -> list[tuple[str, ...]]:
    return [(*row[:at], _cut(row[at], most), *row[at + 1 :]) for row in rows]


def _cut(cell: str, most: int) -> str:
    return cell if len(cell) <= most else cell[: most - 1].rstrip("…") + "…"


def _name(path: str) -> str:
    """`layers.1.blocks.0` as `  blocks.0`: its own name, indented by how deep it lies."""
    parts: list[str] = re.findall(r"(?:layers|blocks|nodes)\.[^.]+|[^.]+", path)
    return "  " * (len(parts) - 1) + parts[-1]


def outer_first(layers: Sequence[Row]) -> list[Row]:
    """Each layer before those inside of it, which were built first."""
    ordered: list[Row] = []
    for row in layers:
        inside = (i for i, r in enumerate(ordered) if r["layer"].startswith(f"{row['layer']}."))
        ordered.insert(next(inside, len(ordered)), row)
    return ordered


def folded(layers: Sequence[Row]) -> list[Row]:
    """Blocks that follow each other and are alike as one, with the sums of their numbers."""
    names, blocks = dict[str, str](), list(_blocks(layers))
    at = 0
    while at < len(blocks):
        (parent, number, looks), end = blocks[at], at + 1
        while end < len(blocks) and blocks[end] == (parent, number + end - at, looks):
            end += 1
        for _, other, _ in blocks[at:end]:
            several = f"{number} … {number + end - at - 1}" if end - at > 1 else f"{number}"
            names[f"{parent}.blocks.{other}"] = f"{parent}.blocks.{several}"
        at = end
    found: dict[str, dict[str, Any]] = {}
    for row in layers:
        path = row["layer"]
        for before, after in names.items():
            if f"{path}.".startswith(f"{before}."):
                path = after + path[len(before) :]
                break
        if path not in found:
            found[path] = {**row, "layer": path}
            continue
        for key in ("parameters", "flops", "training_flops", "time_share"):
            if row[key] is not None:
                found[path][key] += row[key]
    return list(found.values())


def _blocks(layers: Sequence[Row]) -> Iterator[tuple[str, int, tuple[Any, ...]]]:
    """Outer blocks: in which layer, which number, and what they look like inside."""
    for row in layers:
        if outer := re.fullmatch(r"((?:(?!\.blocks\.).)*)\.blocks\.(\d+)", row["layer"]):
            inside = [r for r in layers if f"{r['layer']}.".startswith(f"{row['layer']}.")]
            cut = len(row["layer"])
            looks = [(r["layer"][cut:], r["kind"], r["shape"], r["parameters"]) for r in inside]
            yield outer[1], int(outer[2]), tuple(map(str, looks))


def told(result: Mapping[str, Any], epochs: int) -> list[str]:
    """Operations, memory and time, a sentence each, in lines that fit the terminal."""
    columns = width()
    return [
        line
        for sentence in _sentences(result, epochs)
        for line in textwrap.wrap(sentence, columns, subsequent_indent="  ")
    ]


def _sentences(result: Mapping[str, Any], epochs: int) -> Iterator[str]:
    flops, memory, seconds = result["flops"], result["memory"], result["seconds"]
    rows = result["batch_rows"]
    yield (
        f"FLOPs: a row {amount(flops['forward'])} forward, {amount(flops['training'])} in "
        f"training; a batch of {rows:,}: {amount(rows * flops['training'])}"
    )
    parts = ", ".join(f"{name} {text.size(memory[key])}" for name, key in MEMORY)
    yield f"memory: about {text.size(memory['total'])} at most ({parts})"
    if memory["machine"] and memory["total"] > memory["machine"]:
        yield f"warning: this machine has {text.size(memory['machine'])}"
    if seconds["step"] is None:
        yield f"time: not known, {seconds['untried']}"
        return
    epoch = seconds["epoch"]
    known = f"{text.brief(seconds['step'])} a step, {text.brief(epoch)} an epoch"
    if seconds["untried"]:
        yield f"time: at least {known}, {text.brief(epochs * epoch)} for {epochs:,} epochs"
        yield f"  not tried, since {seconds['untried']}: reckoned at the speed of a plain product"
        return
    whole = f"{text.brief(epochs * epoch)} for {plural(epochs, 'epoch')}"
    speed = text.speed(rows / seconds["step"])
    yield f"time: {known}, at most {whole}; {speed} rows/s on one thread"


def amount(value: float) -> str:
    """A number of operations: 12345 is 12.3k."""
    for size, unit in ((1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= 0.9995 * size:
            return f"{value / size:.3g}{unit}"
    return f"{value:.0f}"


def share(value: float | None) -> str:
    """A share of the time; no decimals, since it is not that exact."""
    if value is None:
        return ""
    return f"{value:.0%}" if value >= 0.005 else "<1%"
