"""Where a number that is not finite came from: the step is run again, watched."""

from __future__ import annotations

import math

import numpy as np

from nntrain.call import Call
from nntrain.data.batches import Batch
from nntrain.families import Array
from nntrain.run.run import Run

SHOWN = 5  # rows named in a message


def diagnose(run: Run, batch: Batch, number: int, value: float) -> str:
    """A few lines for the user: in which step, in which layer, for which rows."""
    found: list[tuple[str, Array]] = []

    def watch(path: str, y: Array, dy: Array | None) -> None:
        seen, what = (y, "output") if dy is None else (dy, "gradient")
        if not found and not np.isfinite(seen).all():
            found.append((f"the {what} of {path} ({kinds[path]})", seen))

    x, target, lengths = batch
    network, loss = run.model.network, run.model.experiment.loss
    kinds = {row.path: row.kind for row in network.plan.layers}
    prediction, backward = network(
        x, Call(training=True, step=number, lengths=lengths, watch=watch)
    )
    weights = np.full(len(x), 1.0 / len(x), prediction.dtype)
    _, d_prediction = loss(prediction, target, weights)
    backward(d_prediction)
    where, rows = "the loss", np.arange(len(x))
    if found:
        where, seen = found[0]
        rows = np.flatnonzero(~np.isfinite(seen).reshape(len(x), -1).all(axis=1))
    elif math.isfinite(value):
        where = f"the gradient of {_broken_weight(run)}"
    return (
        f"training diverged in step {number + 1} (epoch {run.progress.epoch + 1}): "
        f"{where} is not finite, {_name_rows(run, rows, len(x))}\n"
        "  the weights were left as they were before that step; try a smaller "
        "optimizer.learning_rate, or trainer.gradient_clip_norm: 1.0"
    )


def _broken_weight(run: Run) -> str:
    gradients = run.model.network.store.gradients
    broken = (name for name, gradient in gradients.items() if not np.isfinite(gradient).all())
    return next(broken, "the weights")


def _name_rows(run: Run, rows: Array, batch: int) -> str:
    if len(rows) == batch:
        return f"for all {batch} rows of the batch"
    numbers = run.batch_rows()[rows] + 1
    more = f" and {len(numbers) - SHOWN} more" if len(numbers) > SHOWN else ""
    return f"for data row {', '.join(map(str, numbers[:SHOWN]))}{more}"
