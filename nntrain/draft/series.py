"""Series, one a row: a recurrent network reads short ones, convolutions look at long ones."""

from __future__ import annotations

import math
from collections.abc import Sequence

from nntrain.draft.answer import Answer
from nntrain.draft.page import Line
from nntrain.draft.recipe import OUTPUT, Recipe, course, training_rows
from nntrain.wording import plural

LONGEST_READ = 200  # steps up to which a recurrent layer reads one by one
HALVINGS = 3


def series_recipe(
    steps: tuple[int, int], channels: int, rows: int, answers: Sequence[Answer]
) -> Recipe:
    """`steps` are those of the shortest and of the longest series."""
    low, high = steps
    found = f"{low} to {high} steps" if low < high else plural(high, "step")
    what = f"{found} of {plural(channels, 'channel')}"
    train = training_rows(rows)
    batch = 16 if train < 2000 else 32 if train < 20_000 else 64
    epochs, told = course(rows, batch, steps=1200, least=10, most=80)
    layers = _read(what, channels) if high <= LONGEST_READ else _looked_at(what, train)
    return Recipe(
        [],
        [*layers, OUTPUT],
        (epochs, told),
        (batch, f"{train:,} series that train"),
        rate=3e-3,
        decay=(0.05, "holds weights small, against learning by heart"),
        patience=max(10, epochs // 2),
    )


def _read(what: str, channels: int) -> list[Line]:
    units = 96 if channels > 1 else 64
    return [
        Line("- {type: dropout, rate: 0.2}", "noise on the inputs, so that none is leant on"),
        Line(
            f"- {{type: gru, units: {units}, bidirectional: true}}",
            f"{what}: read step by step, from both ends, to one vector of {2 * units}",
        ),
        Line("- {type: dropout, rate: 0.5}", "noise, so that no series is learned by heart"),
    ]


def _looked_at(what: str, train: int) -> list[Line]:
    layers = []
    for number in range(HALVINGS):
        filters = 32 << number
        why = "patterns of the patterns, half as many steps again"
        if not number:
            why = f"{what}: too many to be read one by one; patterns of 7 steps, at every other"
        layers += [
            Line(
                f"- {{type: conv1d, filters: {filters}, kernel_size: 7, strides: 2, "
                "padding: same}",
                why,
            ),
            Line("- {type: batch_norm}", "keeps numbers in range, so that it learns fast"),
            Line("- {type: activation, activation: relu}", "keeps what matches a pattern"),
        ]
    rate = 0.4 if math.log10(max(train, 1)) < 3.5 else 0.2
    return [
        *layers,
        Line("- {type: global_average_pool1d}", "how often each pattern is found"),
        Line(f"- {{type: dropout, rate: {rate:g}}}", "noise, so that no series is known by heart"),
    ]
