"""Labels: a fixed list of texts, numbered; the classes of a target, the categories of a column."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np

from nntrain.data.cells import as_number
from nntrain.families import Array

UNKNOWN = -1


def sort_labels(texts: Iterable[str]) -> tuple[str, ...]:
    """Different labels in order: as numbers where all are numbers (`1` is `1.0`), else as text."""
    texts = sorted(set(texts), key=lambda text: (len(text), text))
    values = numeric(texts)
    if values is None:
        return tuple(sorted(texts))
    shortest: dict[float, str] = {}
    for value, text in zip(values, texts, strict=True):
        shortest.setdefault(value, text)
    return tuple(shortest[value] for value in sorted(shortest))


def numeric(texts: Sequence[str]) -> list[float] | None:
    """The labels as numbers, if all of them are finite numbers."""
    values = [as_number(text) for text in texts]
    known = [value for value in values if value is not None and math.isfinite(value)]
    return known if known and len(known) == len(texts) else None


def number_of(cells: Array, labels: Sequence[str]) -> Array:
    """Which label each cell is, (N,) int64; `UNKNOWN` where it is none of them."""
    index = _Index(labels)
    return np.fromiter(map(index.__getitem__, cells.tolist()), dtype=np.int64, count=len(cells))


class _Index(dict[str, int]):
    """From text to number of label; where labels are numbers, `1.0` finds `1`."""

    def __init__(self, labels: Sequence[str]):
        super().__init__((label, number) for number, label in enumerate(labels))
        values = numeric(labels)
        self._by_value = {} if values is None else {v: i for i, v in enumerate(values)}

    def __missing__(self, text: str) -> int:
        value = as_number(text) if self._by_value else None
        self[text] = number = UNKNOWN if value is None else self._by_value.get(value, UNKNOWN)
        return number
