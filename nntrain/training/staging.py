"""Staging: a chain of layers becomes stages, and each array lies as the products like it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from nntrain.families import Array, Loss
from nntrain.layers import ActivationLayer, Dense, Dropout, LayerNorm, Residual, RmsNorm
from nntrain.store import Store, draw_of
from nntrain.training.chains import Placed
from nntrain.training.ends import end_order
from nntrain.training.stage_of_norm import Affine, norm
from nntrain.training.stage_of_residual import residual
from nntrain.training.stages import (
    FEW,
    Given,
    Learned,
    Order,
    Rooms,
    Stage,
    Weights,
    bend,
    dense,
    dropout,
    order_between,
    order_of,
    taken,
)


@dataclass
class Staging:
    """Stages for the rows that are given, made one after the other.

    rooms: where arrays come from.
    later: what gradients of weights are made of, where others make them later.
    learns: does anything before the next one?
    depth: blocks around the next one.
    """

    store: Store
    loss: Loss
    given: Given
    rooms: Rooms
    later: list[Learned] | None = None
    learns: bool = False
    depth: int = 0
    ones: dict[int, Array] = field(default_factory=dict)  # by id of an array: it, and a column of 1

    def all(self, chain: Sequence[Placed]) -> list[Stage]:
        """What each layer does, from the rows on."""
        layer, is_small = chain[0].layer, self.given.x.size <= FEW and self.later is None
        if isinstance(layer, Dense) and not is_small:  # takes them where they are
            first = self._dense(chain[0].path, layer, self.given, chain[1:], None)
            return [first, *self.stages(chain[1:], first.y, [])]
        first = self._known(taken(self.given))
        return [first, *self.stages(chain, first.y, [])]

    def stages(
        self, chain: Sequence[Placed], x: Array, after: Sequence[Placed], last: Order | None = None
    ) -> list[Stage]:
        """What each layer of a chain does to x.

        after: the layers behind the chain.
        last: how the chain's output is to lie; None: as those behind it like it.
        """
        found = list[Stage]()
        for i, placed in enumerate(chain):
            inner = chain[i + 1 :]
            wanted = last if last and not any(_deciding(inner)) else None
            found.append(self._known(self._stage(placed, x, [*inner, *after], wanted)))
            x = found[-1].y
        return found

    def _known(self, stage: Stage) -> Stage:
        """A stage, its column of ones kept in mind for the next one."""
        if stage.ones is not None:
            self.ones[id(stage.y)] = stage.ones
        return stage

    def _stage(
        self, placed: Placed, x: Array, after: Sequence[Placed], wanted: Order | None
    ) -> Stage:
        path, layer, inside = placed
        learns = self.learns
        if isinstance(layer, Residual):
            return self._residual(path, layer, inside, x, after)
        if isinstance(layer, Dense):
            return self._dense(path, layer, x, after, wanted)
        if isinstance(layer, Dropout):
            draw = draw_of(self.store.seed, f"{path}.mask")
            return dropout(x, self.given, layer.rate, draw, self.rooms, learns=learns)
        if isinstance(layer, ActivationLayer):
            return bend(x, layer.activation, self.rooms, learns=learns)
        if isinstance(layer, LayerNorm | RmsNorm):
            self.learns = True
            affine = Affine(*self._weights(path, "gamma", "beta"))
            room, centers = self.rooms.like(x, "norm"), isinstance(layer, LayerNorm)
            return norm(x, affine, layer.eps, room, centers=centers, learns=learns)
        raise TypeError(layer.kind)

    def _dense(
        self,
        path: str,
        layer: Dense,
        x: Array | Given,
        after: Sequence[Placed],
        wanted: Order | None,
    ) -> Stage:
        learns, self.learns = self.learns, True
        stacked, ones = self.store.stacked(f"{path}.W", f"{path}.b"), self.ones.get(id(x))
        W, dW, b, db = self._weights(path, "W", "b")
        weights = Weights(W, dW, b, db, stacked)
        like = None if isinstance(x, Given) else x
        order = wanted or self._order(like, learns, weights, after)
        return dense(
            x,
            weights,
            layer.activation,
            order,
            self.rooms,
            learns=learns,
            ones=ones,
            gives_ones=self._wants_ones(W.shape[1], after),
            later=self.later,
        )

    def _residual(
        self,
        path: str,
        layer: Residual,
        inside: Sequence[Placed],
        x: Array,
        after: Sequence[Placed],
    ) -> Stage:
        learns, projection = self.learns, self._weight(path, "projection")
        order = None if projection else order_of(x)  # as what is added to it
        self.depth += 1
        stages = self.stages(inside, x, after, order)  # only they change a width, and learn
        self.depth -= 1
        made = self.rooms, self.depth
        return residual(x, stages, projection, layer.activation, *made, learns=learns)

    def _wants_ones(self, units: int, after: Sequence[Placed]) -> bool:
        """Whether behind a dense layer comes one that takes a column of ones beside so little."""
        if not after or not isinstance(after[0].layer, Dense) or self.later is not None:
            return False
        path, few = after[0].path, len(self.given.x) * units <= FEW
        return few and self.store.stacked(f"{path}.W", f"{path}.b") is not None

    def _weights(self, path: str, *names: str) -> Iterator[Any]:
        for name in names:
            yield from self._weight(path, name) or (None, None)

    def _weight(self, path: str, name: str) -> tuple[Array, Array] | None:
        """A weight of a layer, and where its gradient goes; some may do without."""
        full, store = f"{path}.{name}", self.store
        return (store.weights[full], store.gradients[full]) if full in store.weights else None

    def _order(
        self,
        x: Array | None,
        learns: bool,
        weights: Weights,
        after: Sequence[Placed],
    ) -> Order:
        """How the output of a dense layer lies best."""
        units = weights.W.shape[1]
        following = next(_deciding(after), None)
        if following is None:
            return end_order(self.loss, units)
        if isinstance(following.layer, Dropout):  # whose random numbers lie row after row
            return "C"
        rows, W = len(self.given.x), self.store.weights[f"{following.path}.W"]
        return order_between(x if learns else None, rows, units, W.shape[1])


def _deciding(chain: Sequence[Placed]) -> Iterator[Placed]:
    """The layers that decide how lies what they get, those inside of others too."""
    for placed in chain:
        if isinstance(placed.layer, Dense | Dropout):
            yield placed
        yield from _deciding(placed.inside)
