"""Optimizers that ask a gradient for its sign alone: Rprop and Lion."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import numpy as np

from nntrain.blocks import TINY
from nntrain.families import Array, Arrays, Optimizer, PositiveFloat, Rate, Rule
from nntrain.limits import Gt
from nntrain.values import dataclass


@dataclass(frozen=True, kw_only=True)
class Lion(Optimizer):
    """c = β₁ m + (1 - β₁) g,  θ -= η sign(c),  m = β₂ m + (1 - β₂) g.

    Chen et al. 2023, arXiv:2302.06675, algorithm 2.  Every weight moves by η, so η is some 3 to 10
    times smaller than Adam's, and `weight_decay` as much larger.

    learning_rate: η.
    betas: β₁ and β₂, the shares of m that count in the direction and that are kept.

    PyTorch has none; Keras's is the same, with η = 0.001.
    """

    learning_rate: PositiveFloat = 0.0001
    betas: tuple[Rate, Rate] = (0.9, 0.99)

    def slots(self) -> tuple[str, ...]:
        return ("m",)

    def constants(self, step: int, rate: float) -> tuple[float, ...]:
        b1, b2 = self.betas
        return (b1, 1.0 - b1, b2, 1.0 - b2, rate)

    def rule(self, p: Array, g: Array, work: Arrays, state: Arrays, constants: Arrays) -> Rule:
        (m,) = state
        c, room = work
        b1, rest1, b2, rest2, rate = constants
        return [
            partial(np.multiply, m, b1, c),
            partial(np.multiply, g, rest1, room),
            partial(np.add, c, room, c),
            *_sign(c, room, c),
            partial(np.multiply, c, rate, c),
            partial(np.subtract, p, c, p),
            partial(np.multiply, m, b2, m),
            partial(np.multiply, g, rest2, room),
            partial(np.add, m, room, m),
        ]


@dataclass(frozen=True, kw_only=True)
class Rprop(Optimizer):
    """θ -= Δ sign(g);  Δ grows by η⁺ while the sign of g stays, and shrinks by η⁻ when it turns.

    After a turn the weight rests for one step.  Riedmiller & Braun 1993, *A direct adaptive method
    for faster backpropagation learning*, without going back (Igel & Hüsken 2000, *Improving the
    Rprop learning algorithm*: iRprop⁻).  It needs the gradient of all rows: use a `batch_size` as
    large as the training rows.

    learning_rate: the first Δ; a schedule scales all later ones too.
    etas: η⁻ and η⁺.
    step_sizes: the smallest and the largest Δ, at the first learning rate.

    As in PyTorch, where later changes of the learning rate do nothing.
    """

    learning_rate: PositiveFloat = 0.01
    etas: tuple[Rate, Annotated[float, Gt(1)]] = (0.5, 1.2)
    step_sizes: tuple[PositiveFloat, PositiveFloat] = (1e-6, 50.0)

    def slots(self) -> tuple[str, ...]:
        return ("delta", "sign")

    def constants(self, step: int, rate: float) -> tuple[float, ...]:
        # factor = 1 + a s + b s² of s = sign(g) · sign before: η⁺ at 1, 1 at 0, η⁻ at -1
        shrink, grow = self.etas
        least, most = (size / self.learning_rate for size in self.step_sizes)
        a, b = (grow - shrink) / 2, (grow + shrink) / 2 - 1
        return (a, b, least, most, 0.0, 1.0, rate, float(step == 1))

    def rule(self, p: Array, g: Array, work: Arrays, state: Arrays, constants: Arrays) -> Rule:
        delta, before = state  # Δ / learning rate, and the sign of the last gradient
        sign, turn = work
        a, b, least, most, zero, one, rate, first = constants

        def begin() -> None:
            if first:
                delta[...] = one

        return [
            begin,
            *_sign(g, turn, sign),
            partial(np.multiply, sign, before, turn),  # 1, 0 or -1
            partial(np.multiply, turn, b, before),  # the slot is free until the end
            partial(np.add, before, a, before),
            partial(np.multiply, before, turn, before),
            partial(np.add, before, one, before),
            partial(np.multiply, delta, before, delta),
            partial(np.maximum, delta, least, out=delta),
            partial(np.minimum, delta, most, out=delta),
            partial(np.minimum, turn, zero, out=turn),
            partial(np.add, turn, one, turn),  # 0 after a turn, else 1
            partial(np.multiply, sign, turn, before),
            partial(np.multiply, before, delta, sign),
            partial(np.multiply, sign, rate, sign),
            partial(np.subtract, p, sign, p),
        ]


def _sign(x: Array, room: Array, out: Array) -> Rule:
    """-1, 0 or 1 where |x| is above 1e-22; without the branches that make `np.sign` slow."""
    return [
        partial(np.abs, x, room),
        partial(np.add, room, TINY, room),
        partial(np.divide, x, room, out),
    ]
