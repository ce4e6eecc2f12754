"""Where a number that is not finite came from: the step is run again, watched."""

from __future__ import annotations

import math

import numpy as np

from nntrain.call import Call
from nntrain.families import Array
from nntrain.run.run import Run
from nntrain.training.portions import Portions

SHOWN = 5  # rows named in a message


def diagnose(run: Run, x: Array, target: Array, weights: Array, number: int, value: float) -> str:
    """A few lines for the user: in which step, in which layer, for which rows."""
    found: list[tuple[str, Array, int]] = []  # what, its numbers, the place of their first row

    def watch(path: str, y: Array, dy: Array | None) -> None:
        seen, what = (y, "output") if dy is None else (dy, "gradient")
        if not found and not np.isfinite(seen).all():
            found.append((f"the {what} of {path} ({kinds[path]})", seen, part.start))

    network, loss = run.model.network, run.model.experiment.loss
    kinds = {row.path: row.kind for row in network.plan.layers}
    for part in Portions(network.store, run.model.experiment.trainer.micro_batch_size)(len(x)):
        call = Call(training=True, step=number, row=part.start, watch=watch)
        prediction, backward = network(x[part], call)
        _, d_prediction = loss(prediction, target[part], weights[part])
        backward(d_prediction)
    where, rows = "the loss", np.arange(len(x))
    if found:
        where, seen, first = found[0]
        rows = first + np.flatnonzero(~np.isfinite(seen).reshape(len(seen), -1).all(axis=1))
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
