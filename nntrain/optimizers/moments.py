"""What several rules do with one block: means of gradients, and a division by their size."""

from __future__ import annotations

from functools import partial

import numpy as np

from nntrain.families import Array, Rule


def remember(M: Array, V: Array, g: Array, b1: Array, b2: Array, room: Array) -> Rule:
    """M = β₁ M + g,  V = β₂ V + g²."""
    return [
        partial(np.multiply, M, b1, M),
        partial(np.add, M, g, M),
        partial(np.multiply, V, b2, V),
        partial(np.multiply, g, g, room),
        partial(np.add, V, room, V),
    ]


def mean_square(mean: Array, g: Array, rho: Array, rest: Array, room: Array) -> Rule:
    """mean = ρ mean + (1 - ρ) g²."""
    return [
        partial(np.multiply, mean, rho, mean),
        partial(np.multiply, g, g, room),
        partial(np.multiply, room, rest, room),
        partial(np.add, mean, room, mean),
    ]


def by_root(m: Array, v: Array, eps: Array, out: Array) -> Rule:
    """out = m / (√v + ε)."""
    return [
        partial(np.sqrt, v, out),
        partial(np.add, out, eps, out),
        partial(np.divide, m, out, out),
    ]
