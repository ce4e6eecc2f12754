"""What several rules do with one block: means of gradients, and a division by their size."""

from __future__ import annotations

import numpy as np

from nntrain.families import Array


def remember(M: Array, V: Array, g: Array, b1: Array, b2: Array, room: Array) -> None:
    """M = β₁ M + g,  V = β₂ V + g²."""
    np.multiply(M, b1, M)
    np.add(M, g, M)
    np.multiply(V, b2, V)
    np.multiply(g, g, room)
    np.add(V, room, V)


def mean_square(mean: Array, g: Array, rho: Array, rest: Array, room: Array) -> None:
    """mean = ρ mean + (1 - ρ) g²."""
    np.multiply(mean, rho, mean)
    np.multiply(g, g, room)
    np.multiply(room, rest, room)
    np.add(mean, room, mean)


def by_root(m: Array, v: Array, eps: Array, out: Array) -> None:
    """out = m / (√v + ε)."""
    np.sqrt(v, out)
    np.add(out, eps, out)
    np.divide(m, out, out)
