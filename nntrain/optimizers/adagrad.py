"""A learning rate for each weight, by the size of its gradients: Adagrad, Adadelta, RMSprop."""

from __future__ import annotations

from functools import partial

import numpy as np

from nntrain.families import Array, Arrays, Optimizer, PositiveFloat, Rate, Rule
from nntrain.optimizers.moments import by_root, mean_square
from nntrain.values import dataclass


@dataclass(frozen=True, kw_only=True)
class Adagrad(Optimizer):
    """G = G + g²,  θ -= η g / (√G + ε).

    Duchi, Hazan & Singer 2011, *Adaptive subgradient methods* (JMLR 12).  Steps only become
    shorter, which suits rare inputs.

    learning_rate: η.
    eps: ε, which keeps the division finite.

    As in PyTorch; Keras begins with G = 0.1 and puts ε = 1e-7 below the root.
    """

    learning_rate: PositiveFloat = 0.01
    eps: PositiveFloat = 1e-10

    def slots(self) -> tuple[str, ...]:
        return ("G",)

    def constants(self, step: int, rate: float) -> tuple[float, ...]:
        return (self.eps, rate)

    def rule(self, p: Array, g: Array, work: Arrays, state: Arrays, constants: Arrays) -> Rule:
        (G,) = state
        room, _ = work
        eps, rate = constants
        return [
            partial(np.multiply, g, g, room),
            partial(np.add, G, room, G),
            *by_root(g, G, eps, room),
            partial(np.multiply, room, rate, room),
            partial(np.subtract, p, room, p),
        ]


@dataclass(frozen=True, kw_only=True)
class Adadelta(Optimizer):
    """E = ρ E + (1 - ρ) g²,  Δ = √(D + ε) / √(E + ε) · g,  D = ρ D + (1 - ρ) Δ²,  θ -= η Δ.

    Zeiler 2012, arXiv:1212.5701, algorithm 1: a step has the unit of the weights, so that in the
    paper η is 1.

    learning_rate: η.
    rho: ρ, the share of the old means that is kept at each step.
    eps: ε, which also sets the length of the first steps.

    As in PyTorch; Keras has η = 0.001, ρ = 0.95 and ε = 1e-7.
    """

    learning_rate: PositiveFloat = 1.0
    rho: Rate = 0.9
    eps: PositiveFloat = 1e-6

    def slots(self) -> tuple[str, ...]:
        return ("E", "D")

    def constants(self, step: int, rate: float) -> tuple[float, ...]:
        return (self.rho, 1.0 - self.rho, self.eps, rate)

    def rule(self, p: Array, g: Array, work: Arrays, state: Arrays, constants: Arrays) -> Rule:
        E, D = state
        delta, room = work
        rho, rest, eps, rate = constants
        return [
            *mean_square(E, g, rho, rest, room),
            partial(np.add, D, eps, delta),
            partial(np.add, E, eps, room),
            partial(np.divide, delta, room, delta),
            partial(np.sqrt, delta, delta),
            partial(np.multiply, delta, g, delta),
            *mean_square(D, delta, rho, rest, room),
            partial(np.multiply, delta, rate, delta),
            partial(np.subtract, p, delta, p),
        ]


@dataclass(frozen=True, kw_only=True)
class Rmsprop(Optimizer):
    """v = ρ v + (1 - ρ) g²,  b = μ b + g / (√v + ε),  θ -= η b.

    Tieleman & Hinton 2012, *Neural Networks for Machine Learning*, lecture 6.5.  Centered, the
    root is of the variance, v - m² with m = ρ m + (1 - ρ) g (Graves 2013, arXiv:1308.0850, eq. 40).

    learning_rate: η.
    rho: ρ, the share of the old means that is kept at each step.
    momentum: μ.
    centered: divide by the deviation instead of the size.
    eps: ε, which keeps the division finite.

    As in PyTorch, whose default for ρ (its `alpha`) is 0.99 and for η 0.01.  Keras puts ε below
    the root, and keeps η inside b, which differs when the learning rate changes.
    """

    learning_rate: PositiveFloat = 0.001
    rho: Rate = 0.9
    momentum: Rate = 0.0
    centered: bool = False
    eps: PositiveFloat = 1e-8

    def slots(self) -> tuple[str, ...]:
        return ("v", *(["m"] if self.centered else []), *(["b"] if self.momentum else []))

    def constants(self, step: int, rate: float) -> tuple[float, ...]:
        return (self.rho, 1.0 - self.rho, self.momentum, self.eps, 0.0, rate)

    def rule(self, p: Array, g: Array, work: Arrays, state: Arrays, constants: Arrays) -> Rule:
        v, *others = state
        scale, room = work
        rho, rest, mu, eps, zero, rate = constants
        calls = [*mean_square(v, g, rho, rest, room)]
        if self.centered:
            m, *others = others
            calls += [
                partial(np.multiply, m, rho, m),
                partial(np.multiply, g, rest, room),
                partial(np.add, m, room, m),
                partial(np.multiply, m, m, room),
                partial(np.subtract, v, room, room),
                partial(np.maximum, room, zero, out=room),  # rounding can leave it below
                *by_root(g, room, eps, scale),
            ]
        else:
            calls += by_root(g, v, eps, scale)
        if others:
            (b,) = others
            calls += [partial(np.multiply, b, mu, b), partial(np.add, b, scale, b)]
            scale = b
        return [
            *calls,
            partial(np.multiply, scale, rate, room),
            partial(np.subtract, p, room, p),
        ]
