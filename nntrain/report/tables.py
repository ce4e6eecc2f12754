"""The tables of a run folder, read from a folder in whatever state it is."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from nntrain.events import LayerLook
from nntrain.families import Array


class Curves(NamedTuple):
    """The history of a run: table (epochs, names)."""

    names: tuple[str, ...]
    table: Array

    def of(self, name: str) -> Array:
        """One column, (epochs,)."""
        found: Array = self.table[:, self.names.index(name)]
        return found


NOTHING = Curves((), np.zeros((0, 0)))


def read_metrics(path: Path, damage: list[str]) -> Curves:
    """metrics.csv, as far as it is one; `damage` gets a sentence where lines are left out."""
    lines = _lines(path, damage)
    names = tuple(lines[0]) if lines else ()
    if "epoch" not in names or len(set(names)) < len(names):
        return NOTHING
    rows = [row for row in map(_numbers, lines[1:]) if len(row) == len(names)]
    _tell_lost(path, len(lines) - 1 - len(rows), damage)
    return Curves(names, np.array(rows, dtype=float).reshape(len(rows), len(names)))


def read_looks(path: Path, damage: list[str]) -> list[LayerLook]:
    """layers.csv likewise."""
    lines = _lines(path, damage)
    if not lines or tuple(lines[0]) != LayerLook._fields:
        return []
    looks = [look for look in map(_look, lines[1:]) if look]
    _tell_lost(path, len(lines) - 1 - len(looks), damage)
    return looks


def _look(row: Sequence[str]) -> LayerLook | None:
    try:
        epoch, layer, kind, *cells = row
        sizes = [float(cell) if cell else None for cell in cells]
        return LayerLook(int(epoch), layer, kind, *sizes)
    except (TypeError, ValueError):
        return None


def _lines(path: Path, damage: list[str]) -> list[list[str]]:
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
        return list(csv.reader(io.StringIO(text, newline="")))
    except FileNotFoundError:
        return []
    except (OSError, csv.Error) as error:
        damage.append(f"{path}: can not be read: {error}")
        return []


def _numbers(cells: Sequence[str]) -> list[float]:
    try:
        return [float(cell) for cell in cells]
    except ValueError:
        return []


def _tell_lost(path: Path, count: int, damage: list[str]) -> None:
    if count:
        damage.append(f"{path}: the file is damaged: {count} of its lines say nothing")
