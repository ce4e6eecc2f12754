"""Work: how long the dear sections of a report would take, told before they are made.

It is counted, not timed, so that a run has the same page each time.
"""

from __future__ import annotations

import math

from nntrain.run.model import Model

AT_THE_END = 0.04  # seconds for one section at the end of a training, or this share of it
SHARE = 0.005
ASKED_FOR = 30.0  # and where somebody asked for the report
A_SECOND = 1e10  # multiplications with weights
A_LAYER = 2e-5  # seconds a layer takes whatever its size


def at_the_end(model: Model, rows: int) -> float:
    """Seconds that one section may take after a training that took so many rows, one by one."""
    return max(AT_THE_END, SHARE * 3 * seconds(model, rows))  # there and back: three times as long


def seconds(model: Model, rows: int) -> float:
    """About what one forward pass of so many rows takes."""
    layers = model.network.plan.layers
    return rows * multiplications(model) / A_SECOND + len(layers) * A_LAYER


def multiplications(model: Model) -> int:
    """About what one row takes: each weight once at every place that its layer is used at."""
    layers, before, total = model.network.plan.layers, model.preprocessor.shape, 0
    for row in layers:
        if not any(other.path.startswith(f"{row.path}.") for other in layers):
            places = max(math.prod(shape[:-1]) for shape in (before, row.shape))
            total += row.parameters * places
        before = row.shape
    return total
