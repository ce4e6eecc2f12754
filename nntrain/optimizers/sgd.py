"""Gradient descent, plain or with momentum."""

from __future__ import annotations

from functools import partial

import numpy as np

from nntrain.families import Array, Arrays, Optimizer, PositiveFloat, Rate, Rule
from nntrain.values import dataclass


@dataclass(frozen=True, kw_only=True)
class Sgd(Optimizer):
    """θ -= η v,  v = μ v + g.   With Nesterov: θ -= η (g + μ v).

    learning_rate: η.
    momentum: μ; 0 is plain gradient descent (Robbins & Monro 1951).
    nesterov: look ahead (Sutskever et al. 2013, in the form without a second gradient).

    As in PyTorch, η multiplies v; Sutskever et al. and Keras keep η inside v, which differs
    when the learning rate changes.
    """

    learning_rate: PositiveFloat = 0.01
    momentum: Rate = 0.0
    nesterov: bool = False

    def slots(self) -> tuple[str, ...]:
        return ("v",) if self.momentum else ()

    def constants(self, step: int, rate: float) -> tuple[float, ...]:
        return (rate, self.momentum)

    def rule(self, p: Array, g: Array, work: Arrays, state: Arrays, constants: Arrays) -> Rule:
        rate, mu = constants
        room, _ = work
        direction, calls = g, []
        if state:
            (v,) = state
            calls += [partial(np.multiply, v, mu, v), partial(np.add, v, g, v)]
            direction = v
            if self.nesterov:
                calls += [partial(np.multiply, v, mu, room), partial(np.add, room, g, room)]
                direction = room
        calls += [partial(np.multiply, direction, rate, room), partial(np.subtract, p, room, p)]
        return calls
