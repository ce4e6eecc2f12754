"""Gradient descent, plain or with momentum."""

from __future__ import annotations

import numpy as np

from nntrain.families import Array, Arrays, Optimizer, PositiveFloat, Rate
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

    def move(self, p: Array, g: Array, work: Arrays, state: Arrays, constants: Arrays) -> None:
        rate, mu = constants
        room, _ = work
        direction = g
        if state:
            (v,) = state
            np.multiply(v, mu, out=v)
            np.add(v, g, out=v)
            direction = v
            if self.nesterov:
                np.multiply(v, mu, out=room)
                np.add(room, g, out=room)
                direction = room
        np.multiply(direction, rate, out=room)
        np.subtract(p, room, out=p)
