"""Free text, one a row: read word by word, where a table has nothing else to see."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from nntrain.data.table import Table, is_array
from nntrain.draft.answer import Answer
from nntrain.draft.page import Line
from nntrain.draft.recipe import OUTPUT, Recipe, course, training_rows

FEWEST_BLANKS = 1.0  # in a cell, in the mean: below it, cells are names and no text


def free_text(table: Table, names: Sequence[str]) -> str:
    """The column with the longest texts among some, if one has any."""
    blanks = {
        name: float(np.strings.count(table.columns[name], " ").mean())
        for name in names
        if not is_array(table.columns[name])
    }
    best = max(blanks, key=lambda name: blanks[name], default="")
    return best if best and blanks[best] >= FEWEST_BLANKS else ""


def words_recipe(rows: int, answers: Sequence[Answer]) -> Recipe:
    """Words looked up in a table that is learned, and read from both ends."""
    train = training_rows(rows)
    batch = 16 if train < 2000 else 32 if train < 20_000 else 64
    epochs, told = course(rows, batch, steps=1200, least=10, most=60)
    return Recipe(
        [Line("preprocessing: {text: {unit: words}}", "the words of training rows are known")],
        [
            Line("- {type: embedding, input_dim: auto, output_dim: 32}", "32 numbers a word"),
            Line("- {type: dropout, rate: 0.3}", "noise, so that no single word is leant on"),
            Line("- {type: gru, units: 32, bidirectional: true}", "reads a text from both ends"),
            Line("- {type: dropout, rate: 0.5}", "noise, so that no text is learned by heart"),
            OUTPUT,
        ],
        (epochs, told),
        (batch, f"{train:,} texts that train"),
        rate=3e-3,
        decay=(0.05, "holds weights small, against learning by heart"),
        patience=max(5, epochs // 3),
    )
