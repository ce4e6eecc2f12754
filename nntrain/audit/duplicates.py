"""Rows that stand in two parts: a network that knows them by heart is praised for it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from nntrain.arrays import Array
from nntrain.audit.finding import Finding
from nntrain.audit.material import SHOWN, Material
from nntrain.wording import plural, share

PIECE = 50  # tokens in a row that two texts do not have in common by chance
FEW = 0.01  # of the rows
ENOUGH = 5000  # rows, to tell how often two agree


def duplicates(material: Material) -> Iterator[Finding]:
    """Rows for validation and test whose inputs are those of a training row."""
    keys = material.keys
    training: dict[bytes, int] = {}
    for row in material.rows("train").tolist():
        training.setdefault(keys[row], row)
    for name in material.held_out:
        rows = material.rows(name)
        equal = [(row, training[keys[row]]) for row in rows.tolist() if keys[row] in training]
        if equal:
            yield _finding(material, name, len(rows), equal)


def conflicts(material: Material) -> Iterator[Finding]:
    """Rows with equal inputs and other classes: no model gets all of them right."""
    keys = material.keys
    for target in material.targets:
        if not target.classes:
            continue
        known: dict[bytes, list[int]] = {}
        for row, key in enumerate(keys):
            known.setdefault(key, []).append(row)
        mixed = [rows for rows in known.values() if len(set(target.values[rows].tolist())) > 1]
        if not mixed:
            continue
        lost = sum(len(rows) - int(np.bincount(target.values[rows]).max()) for rows in mixed)
        count = sum(map(len, mixed))
        yield Finding(
            "conflicts",
            f"{plural(count, 'row')} have the inputs of others with another `{target.name}`: "
            f"no model gets more than {1 - lost / len(keys):.1%} of all rows right",
            "more columns would tell them apart; else the target has noise",
            examples=tuple(_pair(material, rows, target.values) for rows in mixed[:SHOWN]),
            figures={"rows": count, "lost": lost},
        )


def _pair(material: Material, rows: list[int], values: Array) -> str:
    other = next(row for row in rows if values[row] != values[rows[0]])
    return f"{material.place(rows[0])} and {material.place(other)}"


def pieces(material: Material) -> Iterator[Finding]:
    """Stretches of a text that stand in the training text word for word."""
    training = _hashes(material.x[material.rows("train")].reshape(-1))
    for name in material.held_out:
        own = _hashes(material.x[material.rows(name)].reshape(-1))[::PIECE]
        known = np.isin(own, training)
        if not known.any():
            continue
        part = float(known.mean())
        yield Finding(
            "duplicates",
            f"{int(known.sum()):,} of {len(own):,} pieces of {PIECE} tokens of the {name} text "
            f"({share(part)}) stand in the training text",
            "take repeated passages out of the file: they are known by heart",
            serious=part > FEW,
            figures={"part": name, "pieces": int(known.sum()), "share": part},
        )


def _hashes(tokens: Array) -> Array:
    """A number for each stretch of `PIECE` tokens, (n,) uint64: Σ t · p^i, modulo 2^64."""
    prime = np.uint64(0x9E3779B97F4A7C15)
    powers = np.cumprod(np.full(PIECE, prime, np.uint64))
    found = np.zeros(max(0, len(tokens) - PIECE + 1), np.uint64)
    with np.errstate(over="ignore"):
        for place in range(PIECE):
            some = tokens[place : place + len(found)].astype(np.uint64) + np.uint64(1)
            found += some * powers[place]
    return found


def _finding(material: Material, name: str, count: int, equal: list[tuple[int, int]]) -> Finding:
    other = sum(
        any(target.values[a] != target.values[b] for target in material.targets) for a, b in equal
    )
    chance = _by_chance(material, count)
    found = len(equal)
    few = found < max(2.0, FEW * count)
    expected = 4 * chance >= found
    window = material.settings.window is not None
    target = f", {other:,} of them with another target" if other else ""
    why = ""
    if expected and chance >= 1:
        why = f"; columns of so few values make about {chance:,.0f} by chance"
    return Finding(
        "duplicates",
        f"{found:,} of {count:,} {name} rows ({share(found / count)}) have the inputs of a "
        f"training row{target}{why}",
        "rows are equal because columns say little: more columns, or take it as it is"
        if why
        else "take repeated rows out of the file, or keep them together in one part",
        serious=not (few or expected or window),
        examples=tuple(f"{material.place(a)} = {material.place(b)}" for a, b in equal[:SHOWN]),
        figures={"part": name, "rows": found, "of": count, "other_target": other, "chance": chance},
    )


def _by_chance(material: Material, count: int) -> float:
    """How many of `count` rows would have a twin among training rows by chance.

    The chance that two rows agree in one half of the columns and in the other, as if the halves
    had nothing to do with each other; the larger one of two ways to halve them.
    """
    training = material.rows("train")
    x = material.x[training[:: max(1, len(training) // ENOUGH)]]
    width = x.shape[1]
    if width < 2:
        halves = [(x, x[:, :0])]
    else:
        halves = [(x[:, : width // 2], x[:, width // 2 :]), (x[:, ::2], x[:, 1::2])]
    agree = max(_agree(a) * _agree(b) for a, b in halves)
    return count * -float(np.expm1(len(training) * np.log1p(-min(agree, 1 - 1e-12))))


def _agree(x: Array) -> float:
    """The chance that two different rows of x (n, D) are equal."""
    if not x.shape[1] or len(x) < 2:
        return 1.0
    rows = np.ascontiguousarray(x)
    seen: dict[bytes, int] = {}
    for row in rows:
        seen[row.tobytes()] = seen.get(row.tobytes(), 0) + 1
    counts = np.array(list(seen.values()), dtype=np.float64)
    return float((counts * (counts - 1)).sum() / (len(x) * (len(x) - 1)))
