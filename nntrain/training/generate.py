"""Generate: a text that goes on where a prompt ends, one token after the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from nntrain.call import Call
from nntrain.data.tokens import UNKNOWN
from nntrain.families import Array
from nntrain.rng import generator
from nntrain.run.model import Model


def generate(
    model: Model, prompt: Sequence[str], count: int, temperature: float, seed: int
) -> Iterator[str]:
    """`count` tokens that follow `prompt`, each drawn from softmax(logits / temperature).

    At temperature 0 each is the most probable one.  A token that is not in the vocabulary is never
    drawn.  Recurrent layers keep their state, so a token costs one step; a network without any
    sees the last tokens, as many as its window has, each time anew.
    """
    tokens, window = model.preprocessor.tokens, model.preprocessor.window
    if tokens is None or window is None:
        raise ValueError("this network does not go on with a text")
    chance = generator(seed, "generate")
    seen = [int(number) for number in tokens.numbers(prompt)] or [UNKNOWN]
    state: dict[str, Array] = {}
    fresh = seen
    for _ in range(count):
        x = np.array([fresh], dtype=np.float32)  # (1, T)
        logits = model.network(x, Call(state=state, forward_only=True))[0][0, -1]  # (V,)
        number = _draw(logits, temperature, chance)
        seen.append(number)
        fresh = [number] if state else seen[-window.length :]
        yield tokens.vocabulary[number - 1]


def _draw(logits: Array, temperature: float, chance: np.random.Generator) -> int:
    """The number of a token, never `UNKNOWN`, which is the first."""
    known = logits[UNKNOWN + 1 :].astype(np.float64)
    if temperature == 0:
        return int(known.argmax()) + UNKNOWN + 1
    with np.errstate(over="ignore"):  # -inf, and so p = 0, at temperatures next to 0
        p = np.exp((known - known.max()) / temperature)
    place = np.searchsorted(np.cumsum(p), chance.random() * p.sum(), side="right")
    return min(int(place), len(p) - 1) + UNKNOWN + 1
