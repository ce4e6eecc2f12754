"""Images: a small convolutional network, as deep as the images are large."""

from __future__ import annotations

import math
from collections.abc import Sequence

from nntrain.draft.answer import Answer
from nntrain.draft.page import Line
from nntrain.draft.recipe import OUTPUT, Recipe, training_rows
from nntrain.families import Shape
from nntrain.wording import plural

SMALLEST = 3  # points of a side that the last convolution still sees
FILTERS = 32  # of the first convolution; each one after it has twice as many
MOST_FILTERS = 128
IMAGES = 120_000  # that are seen in all


def image_recipe(shape: Shape, rows: int, answers: Sequence[Answer]) -> Recipe:
    """Blocks of convolution, normalisation and pooling; shape (H, W, C)."""
    height, width, channels = shape
    blocks = max(1, min(4, int(math.log2(max(1.0, min(height, width) / SMALLEST)))))
    layers: list[Line] = []
    for block in range(blocks):
        filters = min(MOST_FILTERS, FILTERS << block)
        height, width = height // 2, width // 2
        if block == 0:
            seen = f"images of {shape[0]} × {shape[1]} with {plural(channels, 'channel')}"
            why = f"{seen}: looks at 3 × 3 points at a time, for {filters} patterns"
        else:
            why = f"{filters} patterns of the patterns before"
        layers += [
            Line(
                f"- {{type: conv2d, filters: {filters}, kernel_size: 3, padding: same}}",
                why,
            ),
            Line("- {type: batch_norm}", "keeps numbers in range, so that it learns fast"),
            Line("- {type: activation, activation: relu}", "keeps what matches a pattern"),
            Line("- {type: max_pool2d}", f"the strongest of 2 × 2 points: ({height}, {width})"),
            Line(
                f"- {{type: dropout, rate: {0.2 if block < blocks - 1 else 0.4:g}}}",
                "noise, so that no single image is learned by heart",
            ),
        ]
    layers += [Line("- {type: flatten}", "all points in a row"), OUTPUT]
    train = training_rows(rows)
    epochs = max(8, min(50, round(IMAGES / train)))
    batch = 32 if train < 10_000 else 64
    return Recipe(
        [],
        layers,
        (epochs, f"{train:,} images train: each is seen {epochs} times"),
        (batch, f"{math.ceil(train / batch):,} steps an epoch"),
        rate=3e-3,
        decay=(0.02, "holds weights small, so that the patterns are plain"),
        label_smoothing=0.1 if answers[0].task == "classes" else 0.0,
    )
