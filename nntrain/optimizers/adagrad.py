"""A learning rate for each weight, by the size of its gradients: Adagrad, Adadelta, RMSprop."""

from __future__ import annotations

import numpy as np

from nntrain.families import Array, Arrays, Optimizer, PositiveFloat, Rate
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

    def move(self, p: Array, g: Array, work: Arrays, state: Arrays, constants: Arrays) -> None:
        (G,) = state
        room, _ = work
        eps, rate = constants
        np.multiply(g, g, out=room)
        np.add(G, room, out=G)
        by_root(g, G, eps, room)
        np.multiply(room, rate, out=room)
        np.subtract(p, room, out=p)


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

    def move(self, p: Array, g: Array, work: Arrays, state: Arrays, constants: Arrays) -> None:
        E, D = state
        delta, room = work
        rho, rest, eps, rate = constants
        mean_square(E, g, rho, rest, room)
        np.add(D, eps, out=delta)
        np.add(E, eps, out=room)
        np.divide(delta, room, out=delta)
        np.sqrt(delta, out=delta)
        np.multiply(delta, g, out=delta)
        mean_square(D, delta, rho, rest, room)
        np.multiply(delta, rate, out=delta)
        np.subtract(p, delta, out=p)


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

    def move(self, p: Array, g: Array, work: Arrays, state: Arrays, constants: Arrays) -> None:
        v, *others = state
        scale, room = work
        rho, rest, mu, eps, zero, rate = constants
        mean_square(v, g, rho, rest, room)
        if self.centered:
            m, *others = others
            np.multiply(m, rho, out=m)
            np.multiply(g, rest, out=room)
            np.add(m, room, out=m)
            np.multiply(m, m, out=room)
            np.subtract(v, room, out=room)
            np.maximum(room, zero, out=room)  # rounding can leave it below
            np.sqrt(room, out=scale)
        else:
            np.sqrt(v, out=scale)
        np.add(scale, eps, out=scale)
        np.divide(g, scale, out=scale)
        if others:
            (b,) = others
            np.multiply(b, mu, out=b)
            np.add(b, scale, out=b)
            scale = b
        np.multiply(scale, rate, out=room)
        np.subtract(p, room, out=p)
