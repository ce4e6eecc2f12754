"""Combining: how several values become one, and how its gradient goes back to each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import accumulate, pairwise
from typing import NamedTuple

import numpy as np

from nntrain.families import Array, Shape

Gradients = Callable[[Array], Sequence[Array]]
"""From the gradient of the combination to that of each value."""


class Joined(NamedTuple):
    """`forward(values) -> (y, gradients)`, and the shape of y."""

    forward: Callable[[Sequence[Array]], tuple[Array, Gradients]]
    shape: Shape


def join(how: str | None, shapes: Sequence[Shape]) -> Joined:
    """The combination of values of these shapes; `how` is None for a single one."""
    if how == "concatenate":
        return concatenate(shapes)
    for shape in shapes[1:]:
        if shape != shapes[0]:
            raise ValueError(f"{how} needs equal shapes, got {_shown(shapes)}")
    return Joined({None: _single, "add": _add, "multiply": _multiply}[how], shapes[0])


def concatenate(shapes: Sequence[Shape]) -> Joined:
    """Side by side on the last axis."""
    if len(shapes) == 1:
        return Joined(_single, shapes[0])
    if len({shape[:-1] for shape in shapes}) > 1 or not all(shapes):
        raise ValueError(
            f"concatenate needs equal shapes up to the last axis, got {_shown(shapes)}"
        )
    edges = list(accumulate((shape[-1] for shape in shapes), initial=0))
    parts = [slice(*both) for both in pairwise(edges)]

    def forward(values: Sequence[Array]) -> tuple[Array, Gradients]:
        y = np.concatenate(values, axis=-1)
        return y, lambda dy: [dy[..., part] for part in parts]

    return Joined(forward, (*shapes[0][:-1], edges[-1]))


def _single(values: Sequence[Array]) -> tuple[Array, Gradients]:
    return values[0], lambda dy: [dy]


def _add(values: Sequence[Array]) -> tuple[Array, Gradients]:
    y = values[0] + values[1]
    for value in values[2:]:
        y += value
    return y, lambda dy: [dy] * len(values)


def _multiply(values: Sequence[Array]) -> tuple[Array, Gradients]:
    def product(start: Array, others: Sequence[Array]) -> Array:
        y = start * others[0]
        for value in others[1:]:
            y *= value
        return y

    def gradients(dy: Array) -> Sequence[Array]:
        rest = ([*values[:i], *values[i + 1 :]] for i in range(len(values)))
        return [product(dy, others) for others in rest]

    return product(values[0], values[1:]), gradients


def _shown(shapes: Sequence[Shape]) -> str:
    return " and ".join(map(str, shapes))
