"""What becomes of a gradient between the backward pass and the update: its length, limits, noise.

Only weights that move count: what is frozen is in none of it.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from nntrain.blocks import blocks_of
from nntrain.config.experiment import GradientNoise, Trainer
from nntrain.families import Array
from nntrain.rng import Stream, normals

Refine = Callable[[float, int], float]
"""`refine(norm, step) -> scale`: limit a gradient; what is left to do is to multiply by `scale`."""


def gradient_norm(grad: Array) -> float:
    """The Euclidean norm of all gradients; not finite if one of them is not."""
    return math.sqrt(squares(grad))


def squares(grad: Array) -> float:
    """The sum of all squares."""
    found = float(grad.dot(grad))  # begins in half the time of @
    if math.isinf(found):  # squares can overflow where the gradients do not
        found = float(np.square(grad, dtype=np.float64).sum())
    return found


def make_refine(grad: Array, trainer: Trainer, seed: int, first: int = 0) -> Refine:
    """Clipping by norm or value, then noise.

    first: where `grad` begins in the whole gradient; even, as two normal numbers come at a time.
    """
    longest, largest = trainer.gradient_clip_norm or math.inf, trainer.gradient_clip_value
    settings = trainer.gradient_noise
    noise = make_noise(grad, settings, seed, first) if settings else None
    if longest == math.inf and not largest and not noise:
        return lambda norm, step: 1.0

    def refine(norm: float, step: int) -> float:
        if largest:
            np.clip(grad, -largest, largest, out=grad)
        scale = min(1.0, longest / norm) if norm else 1.0
        if noise is None:
            return scale
        if scale < 1.0:
            np.multiply(grad, scale, out=grad)
        noise(step)
        return 1.0

    return refine


def make_noise(
    grad: Array, noise: GradientNoise, seed: int, first: int = 0
) -> Callable[[int], None]:
    """`add(step)`: normal noise of variance eta / (1 + step)^gamma; a function of seed and step."""
    stream = Stream(seed, "gradient noise")

    def add(step: int) -> None:
        deviation = math.sqrt(noise.eta / (1 + step) ** noise.gamma)
        for part in blocks_of(grad):
            some = grad[part]
            start = (step << 48) + (first + part.start) // 2
            words = stream.words(start, -(-len(some) // 2))
            drawn = normals(words, grad.dtype)[: len(some)]
            drawn *= deviation
            some += drawn

    return add
