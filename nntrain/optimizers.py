"""Optimizers: the rule by which a gradient moves the weights.

The letters are the papers'.  What all of them share stands in `families.Optimizer`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from nntrain.families import Array, Optimizer, PositiveFloat, Rate


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

    def move(
        self, p: Array, g: Array, work: Array, state: Sequence[Array], constants: Sequence[Array]
    ) -> None:
        rate, mu = constants
        direction = g
        if state:
            (v,) = state
            np.multiply(v, mu, out=v)
            np.add(v, g, out=v)
            direction = v
            if self.nesterov:
                np.multiply(v, mu, out=work)
                np.add(work, g, out=work)
                direction = work
        np.multiply(direction, rate, out=work)
        np.subtract(p, work, out=p)


@dataclass(frozen=True, kw_only=True)
class Adam(Optimizer):
    """m = β₁ m + (1 - β₁) g,  v = β₂ v + (1 - β₂) g²,  θ -= η m̂ / (√v̂ + ε).

    m̂ = m / (1 - β₁ᵗ),  v̂ = v / (1 - β₂ᵗ).   Kingma & Ba 2015, arXiv:1412.6980, algorithm 1.
    With `weight_decay` it is AdamW.

    learning_rate: η.
    betas: β₁ and β₂, the shares of the old means that are kept at each step.
    eps: ε, which keeps the division finite.

    The slots hold M = m / (1 - β₁) and V = v / (1 - β₂), which saves two passes over memory:
    θ -= η' M / (√V + ε'),  with  s = √((1 - β₂ᵗ) / (1 - β₂)),  ε' = ε s,
    η' = η s (1 - β₁) / (1 - β₁ᵗ).
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

    def move(
        self, p: Array, g: Array, work: Array, state: Sequence[Array], constants: Sequence[Array]
    ) -> None:
        M, V = state
        b1, b2, eps, rate = constants
        np.multiply(M, b1, out=M)
        np.add(M, g, out=M)
        np.multiply(V, b2, out=V)
        np.multiply(g, g, out=work)
        np.add(V, work, out=V)
        np.sqrt(V, out=work)
        np.add(work, eps, out=work)
        np.divide(M, work, out=work)
        np.multiply(work, rate, out=work)
        np.subtract(p, work, out=p)
