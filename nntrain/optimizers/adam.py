"""Adam, and what differs from it in how the gradient's size is remembered.

The slots hold M = m / (1 - β₁) and V = v / (1 - β₂), which saves two passes over memory; the
constants make up for it.
"""

from __future__ import annotations

import math
from functools import partial

import numpy as np

from nntrain.families import Array, Arrays, Optimizer, PositiveFloat, Rate, Rule
from nntrain.optimizers.moments import by_root, remember
from nntrain.values import dataclass


@dataclass(frozen=True, kw_only=True)
class Adam(Optimizer):
    """m = β₁ m + (1 - β₁) g,  v = β₂ v + (1 - β₂) g²,  θ -= η m̂ / (√v̂ + ε).

    m̂ = m / (1 - β₁ᵗ),  v̂ = v / (1 - β₂ᵗ).   Kingma & Ba 2015, arXiv:1412.6980, algorithm 1.
    With `weight_decay` it is AdamW.

    learning_rate: η.
    betas: β₁ and β₂, the shares of the old means that are kept at each step.
    eps: ε, which keeps the division finite.

    In the slots' terms θ -= η' M / (√V + ε'),  with  s = √((1 - β₂ᵗ) / (1 - β₂)),  ε' = ε s,
    η' = η s (1 - β₁) / (1 - β₁ᵗ).  Keras has ε = 1e-7 and adds it to the root of v, not of v̂.
    """

    learning_rate: PositiveFloat = 0.001
    betas: tuple[Rate, Rate] = (0.9, 0.999)
    eps: PositiveFloat = 1e-8

    def slots(self) -> tuple[str, ...]:
        return ("m", "v")

    def constants(self, step: int, rate: float) -> tuple[float, ...]:
        b1, b2 = self.betas
        s = math.sqrt((1 - b2**step) / (1 - b2))
        return (b1, b2, self.eps * s, rate * s * (1 - b1) / (1 - b1**step))

    def rule(self, p: Array, g: Array, work: Arrays, state: Arrays, constants: Arrays) -> Rule:
        M, V = state
        room, _ = work
        b1, b2, eps, rate = constants
        return [
            *remember(M, V, g, b1, b2, room),
            *by_root(M, V, eps, room),
            partial(np.multiply, room, rate, room),
            partial(np.subtract, p, room, p),
        ]


@dataclass(frozen=True, kw_only=True)
class Amsgrad(Adam):
    """As Adam, with the largest v so far:  v̂ = max(v̂, v),  θ -= η m̂ / (√(v̂ / (1 - β₂ᵗ)) + ε).

    Reddi, Kale & Kumar 2018, arXiv:1904.09237, algorithm 2: steps that never grow, for which Adam's
    proof of convergence holds.  The paper leaves out the corrections of m and v̂; PyTorch and Keras
    (`amsgrad=True`) have them, and so it is here.
    """

    def slots(self) -> tuple[str, ...]:
        return ("m", "v", "v_max")

    def rule(self, p: Array, g: Array, work: Arrays, state: Arrays, constants: Arrays) -> Rule:
        M, V, V_max = state
        room, _ = work
        b1, b2, eps, rate = constants
        return [
            *remember(M, V, g, b1, b2, room),
            partial(np.maximum, V_max, V, out=V_max),
            *by_root(M, V_max, eps, room),
            partial(np.multiply, room, rate, room),
            partial(np.subtract, p, room, p),
        ]


@dataclass(frozen=True, kw_only=True)
class Adamax(Optimizer):
    """m = β₁ m + (1 - β₁) g,  u = max(β₂ u, |g| + ε),  θ -= η / (1 - β₁ᵗ) · m / u.

    Kingma & Ba 2015, arXiv:1412.6980, algorithm 2: Adam with the largest gradient, which old ones
    leave slowly, in place of the root of a mean.

    learning_rate: η.
    betas: β₁ and β₂, the shares of m and u that are kept at each step.
    eps: ε, which keeps the division finite; the paper has none.

    As in PyTorch; Keras adds ε to u afterwards, and has η = 0.001.
    """

    learning_rate: PositiveFloat = 0.002
    betas: tuple[Rate, Rate] = (0.9, 0.999)
    eps: PositiveFloat = 1e-8

    def slots(self) -> tuple[str, ...]:
        return ("m", "u")

    def constants(self, step: int, rate: float) -> tuple[float, ...]:
        b1, b2 = self.betas
        return (b1, b2, self.eps, rate * (1 - b1) / (1 - b1**step))

    def rule(self, p: Array, g: Array, work: Arrays, state: Arrays, constants: Arrays) -> Rule:
        M, u = state
        room, _ = work
        b1, b2, eps, rate = constants
        return [
            partial(np.multiply, M, b1, M),
            partial(np.add, M, g, M),
            partial(np.multiply, u, b2, u),
            partial(np.abs, g, room),
            partial(np.add, room, eps, room),
            partial(np.maximum, u, room, out=u),
            partial(np.divide, M, u, room),
            partial(np.multiply, room, rate, room),
            partial(np.subtract, p, room, p),
        ]
