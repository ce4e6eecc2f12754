"""Staging: a chain of layers becomes stages, and each array lies as the products like it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from nntrain.families import Array, Loss
from nntrain.layers import ActivationLayer, Dense, Dropout, LayerNorm, Residual, RmsNorm
from nntrain.store import Store, draw_of
from nntrain.training.chains import Placed
from nntrain.training.ends import end_order
from nntrain.training.stage_of_norm import Affine, norm
from nntrain.training.stage_of_residual import residual
from nntrain.training.stages import (
    Order,
    Stage,
    Weights,
    bend,
    dense,
    dropout,
    order_between,
    order_of,
)


@dataclass
class Staging:
    """Stages for so many rows, made one after the other.

    learns: does anything before the next one?
    rooms: arrays that several stages have together, by what for: those that are used again at once
        are in the cache.
    turn, depth: dense layers so far, and blocks around the next one.
    """

    store: Store
    loss: Loss
    learns: bool = False
    rooms: dict[tuple[object, ...], Array] = field(default_factory=dict)
    turn: int = 0
    depth: int = 0

    def stages(
        self,
        chain: Sequence[Placed],
        x: Array,
        after: Sequence[Placed] = (),
        last: Order | None = None,
    ) -> list[Stage]:
        """What each layer of a chain does to rows like x.

        after: the layers behind the chain.
        last: how the chain's output is to lie; None: as those behind it like it.
        """
        found = list[Stage]()
        for i, placed in enumerate(chain):
            inner = chain[i + 1 :]
            wanted = last if last and not any(_deciding(inner)) else None
            found.append(self._stage(placed, x, [*inner, *after], wanted))
            x = found[-1].y
        return found

    def _stage(
        self, placed: Placed, x: Array, after: Sequence[Placed], wanted: Order | None
    ) -> Stage:
        (path, layer, _), learned = placed, self.learns
        if isinstance(layer, Residual):
            return self._residual(placed, layer, x, after)
        if isinstance(layer, Dropout):
            draw = draw_of(self.store.seed, f"{path}.mask")
            return dropout(x, layer.rate, draw, learns=learned)
        if isinstance(layer, ActivationLayer):
            return bend(x, layer.activation, learns=learned)
        self.learns = True
        if isinstance(layer, Dense):
            weights = Weights(*self._weights(path, "W", "b"))
            order = wanted or self._order(x, learned, weights, after)
            self.turn += 1  # gradients go back through two arrays, from one into the other
            dx = self._room(x, "dx", self.turn % 2) if learned else x
            return dense(x, weights, layer.activation, order, dx, learns=learned)
        if isinstance(layer, LayerNorm | RmsNorm):
            affine = Affine(*self._weights(path, "gamma", "beta"))
            centers = isinstance(layer, LayerNorm)
            return norm(
                x, affine, layer.eps, self._room(x, "norm"), centers=centers, learns=learned
            )
        raise TypeError(layer.kind)

    def _residual(
        self, placed: Placed, layer: Residual, x: Array, after: Sequence[Placed]
    ) -> Stage:
        learned, projection = self.learns, self._weight(placed.path, "projection")
        order = None if projection else order_of(x)  # as what is added to it
        self.depth += 1
        inside = self.stages(placed.inside, x, after, order)  # only they change a width, and learn
        self.depth -= 1
        room = self._room(inside[-1].y if inside else x, "residual", self.depth)
        return residual(x, inside, projection, layer.activation, room, learns=learned)

    def _weights(self, path: str, *names: str) -> Iterator[Any]:
        for name in names:
            yield from self._weight(path, name) or (None, None)

    def _weight(self, path: str, name: str) -> tuple[Array, Array] | None:
        """A weight of a layer, and where its gradient goes; some may do without."""
        full, store = f"{path}.{name}", self.store
        return (store.weights[full], store.gradients[full]) if full in store.weights else None

    def _room(self, x: Array, *purpose: object) -> Array:
        """An array like x that all with this purpose have together."""
        key = (x.shape, order_of(x), *purpose)
        if key not in self.rooms:
            self.rooms[key] = np.empty(x.shape, self.store.theta.dtype, order_of(x))
        return self.rooms[key]

    def _order(self, x: Array, learned: bool, weights: Weights, after: Sequence[Placed]) -> Order:
        """How the output of a dense layer lies best."""
        units = weights.W.shape[1]
        following = next(_deciding(after), None)
        if following is None:
            return end_order(self.loss, units)
        if isinstance(following.layer, Dropout):  # whose random numbers lie row after row
            return "C"
        W = self.store.weights[f"{following.path}.W"]
        return order_between(x if learned else None, len(x), units, W.shape[1])


def _deciding(chain: Sequence[Placed]) -> Iterator[Placed]:
    """The layers that decide how lies what they get, those inside of others too."""
    for placed in chain:
        if isinstance(placed.layer, Dense | Dropout):
            yield placed
        yield from _deciding(placed.inside)
