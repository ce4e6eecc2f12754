"""Layers, what they are built on, and the first values of their weights."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import field
from typing import NamedTuple

import numpy as np

from nntrain.arrays import Array, Shape
from nntrain.call import Call
from nntrain.families.kind import Family
from nntrain.values import dataclass

Backward = Callable[[Array], Array | None]
Forward = Callable[[Array, Call], tuple[Array, Backward]]

Draw = Callable[[Call, int, int], Array]
"""`draw(call, rows, width) -> (rows, width) uint16`: uniform random numbers by position."""


class Initializer(Family):
    """The first values of a weight: `initializer(shape, generator) -> array` of that shape.

    The last axis holds the outputs; the axes before it are what one output sums over.
    """

    def __call__(self, shape: Shape, generator: np.random.Generator) -> Array:
        raise NotImplementedError


@dataclass
class Builder:
    """What `Layer.build` talks to.  Names are paths: `layers.0.W`."""

    learns: bool = False  # does anything before the layer that is being built learn?
    path: str = ""
    columns: Mapping[str, slice] = field(default_factory=dict)
    """Where the columns of the table stand on the last axis, for the first layer alone."""

    @contextmanager
    def at(self, path: str) -> Iterator[None]:
        """Names given inside are below `path`."""
        outer = self.path
        self.path = self.name(path)
        try:
            yield
        finally:
            self.path = outer

    def name(self, name: str) -> str:
        return f"{self.path}.{name}" if self.path else name

    def weight(
        self, name: str, shape: Shape, initializer: Initializer, *, decays: bool = True
    ) -> tuple[Array, Array]:
        """A weight and its gradient, both of `shape`; `backward` fills the gradient."""
        raise NotImplementedError

    def buffer(self, name: str, shape: Shape, value: float) -> tuple[Array, Array]:
        """Numbers that survive a call but are not learned by gradient, and their next values.

        A forward in training writes the next values only; `commit` takes them over once the step
        is known to be sound.
        """
        raise NotImplementedError

    def random(self, name: str) -> Draw:
        """Random numbers for this layer, a function of (seed, layer, step, call, row)."""
        raise NotImplementedError

    def own_path(self) -> str:
        """The path, and where shared layers stand there too, one that is none of theirs."""
        return self.path

    def record(self, kind: str, shape: Shape, activation: str = "", use: Use | None = None) -> None:
        """A layer of this kind, which ends with this activation, now stands at `path`."""


class Use(NamedTuple):
    """A place where a layer is called: what comes in and goes out, and whether dx is asked for.

    A layer that is shared has several.
    """

    layer: Layer
    takes: Shape
    gives: Shape
    needs_dx: bool


class Built(NamedTuple):
    """A layer that stands on a store: its forward, and the shape that comes out of it."""

    forward: Forward
    shape: Shape


class Layer(Family):
    """A piece of network: `build(shape, store) -> Built`, `forward(x, call) -> (y, backward)`.

    1. Never write into `x` or `dy`; returning one of them unchanged is allowed.
    2. `backward(dy) -> dx` *sets* the gradients of its weights; it never adds.
    3. `backward` returns `None` where nothing upstream learns (`store.learns` at build).
    4. What survives a call lives in the store: `store.weight(...)`, `store.buffer(...)`.
    5. Two forwards, then their backwards in any order, give the same as one after the other;
       forwards outside of training also where several threads call them at the same time.
    6. Constants are Python floats: one `np.float64` scalar makes a float32 pass 16 times slower.
    7. `build` is pure and runs twice: on a plan that only counts, then on the real store.
    8. Where `call.lengths` is given, what stands in the padding changes no output, no gradient
       and no statistic; lengths count along axis 1, and that axis may differ from call to call.
    """

    def build(self, shape: Shape, store: Builder) -> Built:
        raise NotImplementedError

    def lengths(self, n: Array) -> Array | None:
        """The lengths of the output's sequences, from those of the input's, (N,) both.

        Not the same where a layer strides or pools along axis 1, None where that axis is gone.
        """
        return n


class Activation(Family):
    """An elementwise or rowwise function; the contract is that of `Layer`, the shape stays."""

    def build(self, shape: Shape, store: Builder) -> Built:
        raise NotImplementedError
