"""RAdam: Adam that waits until it knows the size of the gradients."""

from __future__ import annotations

import math
from functools import partial

import numpy as np

from nntrain.families import Array, Arrays, Rule
from nntrain.optimizers.adam import Adam
from nntrain.optimizers.moments import by_root, remember
from nntrain.values import dataclass


@dataclass(frozen=True, kw_only=True)
class Radam(Adam):
    """θ -= η r m̂ √(1 - β₂ᵗ) / (√v + ε)  where ρ > 5, else θ -= η m̂.

    r = √((ρ - 4)(ρ - 2) ρ∞ / ((ρ∞ - 4)(ρ∞ - 2) ρ)),  ρ∞ = 2 / (1 - β₂) - 1,
    ρ = ρ∞ - 2 t β₂ᵗ / (1 - β₂ᵗ),  m̂ and v are Adam's.   Liu et al. 2020, arXiv:1908.03265,
    algorithm 2: a warm-up that follows from the variance of the first steps.

    As in PyTorch; the paper has ρ > 4 and no ε.  Keras has none of it.
    """

    def constants(self, step: int, rate: float) -> tuple[float, ...]:
        b1, b2 = self.betas
        most = 2 / (1 - b2) - 1
        length = most - 2 * step * b2**step / (1 - b2**step)
        rate *= (1 - b1) / (1 - b1**step)
        if length <= 5:
            return (b1, b2, self.eps, rate, 0.0)
        r = (length - 4) * (length - 2) * most / ((most - 4) * (most - 2) * length)
        s = math.sqrt((1 - b2**step) / (1 - b2))
        return (b1, b2, self.eps / math.sqrt(1 - b2), rate * math.sqrt(r) * s, 1.0)

    def rule(self, p: Array, g: Array, work: Arrays, state: Arrays, constants: Arrays) -> Rule:
        M, V = state
        room, _ = work
        b1, b2, eps, rate, knows = constants
        careful: Rule = [partial(np.multiply, M, rate, room)]
        bold: Rule = [*by_root(M, V, eps, room), partial(np.multiply, room, rate, room)]

        def direct() -> None:
            for call in bold if knows else careful:
                call()

        return [*remember(M, V, g, b1, b2, room), direct, partial(np.subtract, p, room, p)]
