"""Texts: a recurrent network foretells the next character from all before it."""

from __future__ import annotations

import math

from nntrain.draft.page import Line
from nntrain.draft.recipe import OUTPUT, Recipe, gated
from nntrain.wording import plural

VALIDATION, TEST = 0.05, 0.1
MOST_STEPS = 100  # of a window
BUDGET = 4_500_000  # characters that are seen in all


def text_recipe(tokens: int, different: int, whole: bool) -> tuple[Recipe, Line]:
    """As wide as the text is long."""
    units = 128 if tokens < 100_000 else 256 if tokens < 2_000_000 else 384
    train = tokens * (1 - VALIDATION - TEST)
    steps = max(2, min(MOST_STEPS, tokens // 100))
    windows = max(1, round(train / steps))
    batch = 16 if windows < 1000 else 32
    epochs = max(2, min(40, round(BUDGET / train)))
    rate = 0.2 if tokens < 1_000_000 else 0.1
    count = ("" if whole else "more than ") + plural(tokens, "character")
    bits = math.log2(max(different, 2))
    recipe = Recipe(
        [
            Line(
                f"window: {{length: {steps}, stride: {steps}}}",
                f"{count}: cut into pieces of {steps}",
            ),
            Line(
                f"split: {{validation: {VALIDATION}, test: {TEST}}}",
                "from the end of the text; it needs less than 15 % to judge by, and more to learn",
            ),
        ],
        [
            Line(
                "- {type: embedding, input_dim: auto, output_dim: 64}",
                f"{plural(different, 'different character')}: each becomes 64 numbers",
            ),
            Line(
                f"- {{type: lstm, units: {units}, return_sequences: true}}",
                f"remembers what came before in {units} numbers",
            ),
            Line(
                f"- {{type: dropout, rate: {rate:g}}}",
                "noise, so that no passage is known by heart",
            ),
            OUTPUT,
        ],
        (epochs, f"the text is read {epochs} times; this takes minutes"),
        (batch, f"{windows:,} pieces that train"),
        rate=3e-3,
        decay=(0.01, "holds weights small"),
        patience=max(2, epochs // 3),
    )
    return recipe, gated(
        f'test_bits_per_character: "<= {bits:.2f}"',
        f"{bits:.2f} is what guessing among {different} reaches",
    )
