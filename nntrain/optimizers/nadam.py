"""Nadam: Adam that looks ahead."""

from __future__ import annotations

import math
from functools import lru_cache, partial

import numpy as np

from nntrain.families import Array, Arrays, NonNegativeFloat, PositiveFloat, Rule
from nntrain.optimizers.adam import Adam
from nntrain.optimizers.moments import by_root, remember
from nntrain.values import dataclass


@dataclass(frozen=True, kw_only=True)
class Nadam(Adam):
    """θ -= η (μₜ₊₁ m / (1 - μ₁…μₜ₊₁) + (1 - μₜ) g / (1 - μ₁…μₜ)) / (√v̂ + ε).

    m, v and v̂ are Adam's;  μₜ = β₁ (1 - ½ · 0.96^(t ψ)).   Dozat 2016, *Incorporating Nesterov
    momentum into Adam* (ICLR workshop).

    momentum_decay: ψ, how fast μ rises from β₁ / 2 to β₁.

    As in PyTorch and the paper; Keras has η = 0.001, ε = 1e-7 and ψ = 1.
    """

    learning_rate: PositiveFloat = 0.002
    momentum_decay: NonNegativeFloat = 0.004

    def constants(self, step: int, rate: float) -> tuple[float, ...]:
        b1, b2 = self.betas
        s = math.sqrt((1 - b2**step) / (1 - b2))
        now, ahead = (_mu(b1, self.momentum_decay, at) for at in (step, step + 1))
        product = _product(b1, self.momentum_decay)(step)
        of_m = rate * s * ahead * (1 - b1) / (1 - product * ahead)
        of_g = rate * s * (1 - now) / (1 - product)
        return (b1, b2, self.eps * s, of_m, of_g)

    def rule(self, p: Array, g: Array, work: Arrays, state: Arrays, constants: Arrays) -> Rule:
        M, V = state
        room, direction = work
        b1, b2, eps, of_m, of_g = constants
        return [
            *remember(M, V, g, b1, b2, room),
            partial(np.multiply, M, of_m, direction),
            partial(np.multiply, g, of_g, room),
            partial(np.add, direction, room, direction),
            *by_root(direction, V, eps, room),
            partial(np.subtract, p, room, p),
        ]


def _mu(b1: float, psi: float, step: int) -> float:
    return b1 * (1 - 0.5 * math.pow(0.96, step * psi))


class _Product:
    """μ₁ … μₜ.   It goes on from the last t asked for: a memory, not a state."""

    def __init__(self, b1: float, psi: float):
        self.b1, self.psi = b1, psi
        self.at, self.value = 0, 1.0

    def __call__(self, step: int) -> float:
        if step < self.at:
            self.at, self.value = 0, 1.0
        for at in range(self.at + 1, step + 1):
            self.value *= _mu(self.b1, self.psi, at)
        self.at = step
        return self.value


_product = lru_cache(maxsize=8)(_Product)
