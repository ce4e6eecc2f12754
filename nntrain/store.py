"""Store: all weights, gradients and buffers of a network, each kind in one flat vector.

Weights are views of `theta`, their gradients the same places of `grad`.  An optimizer, a gradient
check, a checkpoint and an average of weights are then each a few operations on whole vectors.
They are ordered by (group of the optimizer, as built), frozen ones last, so that what an optimizer
moves is one stretch from the beginning, and a bias lies behind its matrix, as one more row of it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field
from itertools import groupby
from typing import Any

import numpy as np

from nntrain.call import Call
from nntrain.families import Array, Builder, Draw, Group, Initializer, Segment, Shape, Use
from nntrain.rng import Stream, generator
from nntrain.sharing import own_pages
from nntrain.values import dataclass


@dataclass(frozen=True)
class WeightRow:
    """One weight of the plan.  decays: whether weight decay shrinks it (not biases)."""

    name: str
    shape: Shape
    initializer: Initializer
    decays: bool

    @property
    def size(self) -> int:
        return math.prod(self.shape)


@dataclass(frozen=True)
class LayerRow:
    """One layer of the plan: what it is, the shape that leaves it, how many numbers it learns.

    activation: the kind that it ends with, if any.
    """

    path: str
    kind: str
    shape: Shape
    parameters: int
    activation: str = ""


@dataclass
class Plan(Builder):
    """Counts, and allocates nothing: the arrays it gives are views of a single zero."""

    layers: list[LayerRow] = field(default_factory=list)
    weights: dict[str, WeightRow] = field(default_factory=dict)
    buffers: dict[str, tuple[Shape, float]] = field(default_factory=dict)
    uses: list[tuple[str, Use]] = field(default_factory=list)  # by path

    def weight(
        self, name: str, shape: Shape, initializer: Initializer, *, decays: bool = True
    ) -> tuple[Array, Array]:
        row = WeightRow(self.name(name), shape, initializer, decays)
        if self.weights.setdefault(row.name, row) != row:
            raise ValueError(f"two different weights are called {row.name}")
        self.learns = True
        return _nothing(shape), _nothing(shape)

    def buffer(self, name: str, shape: Shape, value: float) -> tuple[Array, Array]:
        self.buffers[self.name(name)] = (shape, value)
        return _nothing(shape), _nothing(shape)

    def random(self, name: str) -> Draw:
        return lambda call, rows, width: np.zeros((rows, width), np.uint16)

    def record(self, kind: str, shape: Shape, activation: str = "", use: Use | None = None) -> None:
        if use:
            self.uses.append((self.path, use))
        if any(row.path == self.path for row in self.layers):
            return  # shared: the same layer in another place
        inside = [w.size for w in self.weights.values() if w.name.startswith(f"{self.path}.")]
        self.layers.append(LayerRow(self.path, kind, shape, sum(inside), activation))


class Store(Builder):
    """The flat vectors, and the names of their parts.

    segments: stretches of weights that an optimizer moves alike; frozen weights are in none.
    live: what they hold together; `theta[:live]` moves.
    running, next: all buffers, and the values that `commit` gives them.
    """

    def __init__(
        self,
        plan: Plan,
        seed: int,
        dtype: Any = np.float32,
        learns: bool = False,
        groups: Sequence[Group] = (),
        columns: Mapping[str, slice] | None = None,
    ):
        super().__init__(learns=learns, columns=columns or {})
        self.seed = seed
        rows, self.segments, self._before = _order(plan.weights.values(), groups)
        self.size = sum(row.size for row in rows)
        self.live = self.segments[-1].part.stop if self.segments else 0
        self.theta = own_pages(self.size, dtype)
        self.grad = own_pages(self.size, dtype)
        self._shapes = {row.name: row.shape for row in rows}
        self.weights, self.gradients = self.views(self.theta), self.views(self.grad)
        self.running = own_pages(sum(math.prod(s) for s, _ in plan.buffers.values()), dtype)
        self.next = np.empty_like(self.running)
        shapes = {name: shape for name, (shape, _) in plan.buffers.items()}
        self.buffers = _views(self.running, shapes)
        self._next_buffers = _views(self.next, shapes)
        for row in rows:
            self.weights[row.name][...] = row.initializer(
                row.shape, generator(seed, "initial", row.name)
            )
        for name, (_, value) in plan.buffers.items():
            self.buffers[name][...] = value
        np.copyto(self.next, self.running)
        self._taken: set[str] = set()
        self._shared: list[tuple[Array, Array]] = []

    def weight(
        self, name: str, shape: Shape, initializer: Initializer, *, decays: bool = True
    ) -> tuple[Array, Array]:
        self.learns = True
        full = self.name(name)
        W, dW = self.weights[full], self.gradients[full]
        if full in self._taken:  # a layer used twice: the same weight, a gradient of its own
            dW_again = np.zeros_like(dW)
            self._shared.append((dW, dW_again))
            return W, dW_again
        self._taken.add(full)
        return W, dW

    def from_before(self, vector: Array) -> Array:
        """A vector as long as `theta` in which, as in the first checkpoints, what decays comes
        first in each group, in the order of today."""
        parts = _views(vector, {name: self._shapes[name] for name in self._before})
        return np.concatenate([parts[name].ravel() for name in self._shapes])

    def stacked(self, matrix: str, row: str) -> tuple[Array, Array] | None:
        """Both as one matrix, and its gradient, where the row lies behind the matrix."""
        names = list(self._shapes)
        at = names.index(matrix)
        if names[at + 1 : at + 2] != [row]:
            return None
        height, width = self._shapes[matrix]
        first = sum(math.prod(self._shapes[name]) for name in names[:at])
        part = slice(first, first + (height + 1) * width)
        return self.theta[part].reshape(-1, width), self.grad[part].reshape(-1, width)

    def views(self, vector: Array) -> dict[str, Array]:
        """The part of each weight in a vector as long as `theta`, by name."""
        return _views(vector, self._shapes)

    def buffer(self, name: str, shape: Shape, value: float) -> tuple[Array, Array]:
        full = self.name(name)
        return self.buffers[full], self._next_buffers[full]

    def commit(self) -> None:
        """After a sound step: the buffers take their next values."""
        if self.running.size:
            np.copyto(self.running, self.next)

    def matrices(self) -> list[Array]:
        """The weights that move and decay, apart from vectors."""
        ends = [segment.part for segment in self.segments if segment.decays]
        at, found = 0, []
        for W in self.weights.values():
            if W.ndim > 1 and any(part.start <= at < part.stop for part in ends):
                found.append(W)
            at += W.size
        return found

    def random(self, name: str) -> Draw:
        return draw_of(self.seed, self._unique(self.name(name)))

    def own_path(self) -> str:
        return self._unique(self.path)

    def _unique(self, name: str) -> str:
        while name in self._taken:
            name += "'"
        self._taken.add(name)
        return name

    def add_shared(self) -> None:
        """After a backward pass: sum the gradients of weights that several layers share."""
        for dW, dW_again in self._shared:
            dW += dW_again


def draw_of(seed: int, name: str) -> Draw:
    """The random numbers that have this name, such as `layers.1.mask`."""
    stream = Stream(seed, "layer", name)

    def draw(call: Call, rows: int, width: int) -> Array:
        per_row = -(-width // 4)  # four uint16 in a word
        start = (call.number << 96) + (call.step << 48) + call.row * per_row
        words = stream.words(start, rows * per_row)
        return words.view(np.uint16).reshape(rows, 4 * per_row)[:, :width]

    return draw


def _order(
    weights: Iterable[WeightRow], groups: Sequence[Group]
) -> tuple[list[WeightRow], list[Segment], list[str]]:
    """The weights in the order in which they lie, the segments that are not frozen, and the names
    in the order before: in each group, what decays first."""
    rows = list(weights)
    numbered = list(zip(rows, of_groups([row.name for row in rows], groups), strict=True))
    frozen = [False, *(group.frozen for group in groups)]
    numbered.sort(key=lambda pair: (frozen[pair[1]], pair[1]))  # stable
    segments, at = list[Segment](), 0
    for (number, decays), same in groupby(numbered, lambda pair: (pair[1], pair[0].decays)):
        end = at + sum(row.size for row, _ in same)
        if not frozen[number]:
            segments.append(Segment(slice(at, end), number, decays))
        at = end
    before = sorted(numbered, key=lambda p: (frozen[p[1]], p[1], not p[0].decays))
    return [row for row, _ in numbered], segments, [row.name for row, _ in before]


def of_groups(names: Sequence[str], groups: Sequence[Group]) -> list[int]:
    """For each weight the number, from 1, of the first group that holds it; 0 if none does."""
    return [
        next((number for number, group in enumerate(groups, 1) if group.holds(name)), 0)
        for name in names
    ]


def beside(vector: Array) -> Array:
    """Zeros for each number of a vector, which can be shared as it can."""
    return own_pages(len(vector), vector.dtype)


def _views(vector: Array, shapes: dict[str, Shape]) -> dict[str, Array]:
    views, at = {}, 0
    for name, shape in shapes.items():
        size = math.prod(shape)
        views[name] = vector[at : at + size].reshape(shape)
        at += size
    return views


def _nothing(shape: Shape) -> Array:
    return np.broadcast_to(np.float32(0), shape)
