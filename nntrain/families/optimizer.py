"""How weights move, in groups and in stretches of the flat vectors."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fnmatch import fnmatchcase
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from nntrain.arrays import Array
from nntrain.blocks import BLOCK, FLUSH_EVERY, blocks, flush_subnormals
from nntrain.families.kind import Family, NonNegativeFloat, PositiveFloat, Spec
from nntrain.values import dataclass

Arrays = Sequence[Array]
Rule = Sequence[Callable[[], object]]
"""What is to be called, one after the other; each has its arrays (`functools.partial`)."""

Update = Callable[[int, float, float], None]
"""`update(step, rate, scale)`: one move of all weights; steps count from 1."""


@dataclass(frozen=True, kw_only=True)
class Group(Spec):
    """Weights that move in another way than the rest.

    layers: paths such as `layers.0`, or shell patterns such as `layers.1*`; what is inside such a
        layer belongs to it.  A layer that several groups name belongs to the first of them.
    learning_rate: η of these weights; null: that of the optimizer.
    weight_decay: their decay; null: that of the optimizer.
    frozen: they do not move at all.  Gradients flow through, running statistics go on.
    """

    layers: tuple[str, ...]
    learning_rate: PositiveFloat | None = None
    weight_decay: NonNegativeFloat | None = None
    frozen: bool = False

    def holds(self, name: str) -> bool:
        """Whether the weight or layer of this name is in it, or inside something that is."""
        parts = name.split(".")
        outer = [".".join(parts[:n]) for n in range(1, len(parts) + 1)]
        return any(fnmatchcase(path, pattern) for path in outer for pattern in self.layers)


class Segment(NamedTuple):
    """A stretch of the flat vectors whose weights move alike.

    group: number of the group from 1, 0 for weights that are in none.  decays: not biases.
    """

    part: slice
    group: int = 0
    decays: bool = True

    def within(self, part: slice) -> Segment | None:
        """What of it lies in a part of the vectors, if anything does."""
        first, end = max(self.part.start, part.start), min(self.part.stop, part.stop)
        return self._replace(part=slice(first, end)) if first < end else None


@dataclass(frozen=True, kw_only=True)
class Optimizer(Family):
    """How the weights move: in place on the flat vectors, in blocks that stay in the cache.

    Learning rates, weight decay and clipping are applied here, once for all kinds; a kind writes
    the rule of one block: as a `rule`, calls that have their arrays, or as `move`, which makes them
    at each step, is easier to write and takes longer for few weights.  State lives in named slots,
    vectors as long as θ, which checkpoints save.  A step allocates nothing.

    learning_rate: η, before the schedule's factor.
    weight_decay: shrinks θ by η · weight_decay at each step.  It is decoupled (Loshchilov &
        Hutter 2019, arXiv:1711.05101), and biases do not decay.
    groups: layers with a learning rate or a decay of their own, or frozen.
    """

    learning_rate: PositiveFloat
    weight_decay: NonNegativeFloat = 0.0
    groups: tuple[Group, ...] = ()

    def slots(self) -> tuple[str, ...]:
        """Names of the vectors that the rule remembers between steps; they begin with zeros."""
        return ()

    def constants(self, step: int, rate: float) -> tuple[float, ...]:
        """The numbers of the rule that are the same for all blocks in this step."""
        raise NotImplementedError

    def rule(self, p: Array, g: Array, work: Arrays, state: Arrays, constants: Arrays) -> Rule:
        """What moves the weights `p` of one block in place, by what stands in these arrays when it
        is called; `work` is twice room of that size."""
        raise NotImplementedError

    def move(self, p: Array, g: Array, work: Arrays, state: Arrays, constants: Arrays) -> None:
        """The same, at once."""
        for call in self.rule(p, g, work, state, constants):
            call()

    def build(
        self, theta: Array, grad: Array, segments: Sequence[Segment], state: Mapping[str, Array]
    ) -> Update:
        """The update of `theta` by `grad`; what no segment holds stays as it is."""
        room = np.empty((2, len(theta[:BLOCK])), theta.dtype)
        slots = [state[name] for name in self.slots()]
        manners = [(segment.part, *self.manner(segment)) for segment in segments]
        shrinking = [(theta[part], factor * decay) for part, factor, decay in manners if decay]
        moves = [
            (self._of_stretch(theta, grad, stretch, slots, room), factor)
            for stretch, factor in _joined([(part, factor) for part, factor, _ in manners])
        ]

        def update(step: int, rate: float, scale: float) -> None:
            for weights, decay in shrinking:
                np.multiply(weights, 1.0 - rate * decay, out=weights)
            for move, factor in moves:
                move(step, rate * factor, scale)

        return update

    def _of_stretch(
        self, theta: Array, grad: Array, stretch: slice, slots: Sequence[Array], room: Array
    ) -> Update:
        """The update of weights that have one learning rate, block by block."""
        row = np.empty(len(self.constants(1, 0.0)), theta.dtype)
        numbers = [row[place : place + 1].reshape(()) for place in range(len(row))]
        written: Any = row.data  # a number is written there in a fifth of the time
        kept = np.empty(room.shape[1:], np.bool_)
        pieces = []
        for part in blocks(stretch):
            work = [row[: part.stop - part.start] for row in room]
            state, g = [slot[part] for slot in slots], grad[part]
            pieces.append((g, self._calls(theta[part], g, work, state, numbers), state, work))

        def update(step: int, rate: float, scale: float) -> None:
            for place, value in enumerate(self.constants(step, rate)):
                written[place] = value
            for g, calls, state, work in pieces:
                if scale != 1.0:
                    np.multiply(g, scale, out=g)
                for call in calls:
                    call()
                if step % FLUSH_EVERY == 0:
                    flush_subnormals(state, work[0], kept[: len(g)])

        return update

    def _calls(self, *block: Any) -> Rule:
        """The rule of a block; a kind that has a `move` of its own goes by that."""
        if type(self).move is Optimizer.move:
            return self.rule(*block)
        return [partial(self.move, *block)]

    def manner(self, segment: Segment) -> tuple[float, float]:
        """How the weights of a segment move: a factor of the learning rate, and their decay."""
        group = self.groups[segment.group - 1] if segment.group else Group(layers=())
        rate, decay = group.learning_rate, group.weight_decay
        factor = 1.0 if rate is None else rate / self.learning_rate
        return factor, (self.weight_decay if decay is None else decay) * segment.decays


def _joined(parts: Sequence[tuple[slice, float]]) -> list[tuple[slice, float]]:
    """Neighbours with one factor as one stretch: fewer and longer blocks."""
    found: list[tuple[slice, float]] = []
    for part, factor in parts:
        if found and found[-1][0].stop == part.start and found[-1][1] == factor:
            part = slice(found.pop()[0].start, part.stop)
        found.append((part, factor))
    return found
