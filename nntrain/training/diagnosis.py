"""Where a number that is not finite came from: the pass is run again, watched."""

from __future__ import annotations

import math

import numpy as np

from nntrain.call import INFERENCE, Call
from nntrain.data.batches import Batch, trimmed
from nntrain.data.parts import Part
from nntrain.families import Array
from nntrain.run.run import Run
from nntrain.training.evaluate import blocks
from nntrain.training.portions import Portions
from nntrain.training.weights import shares

SHOWN = 5  # rows named in a message
SCALE = "scale features and targets, `data.preprocessing` does it by default"
ADVICE = "try a smaller optimizer.learning_rate, or trainer.gradient_clip_norm: 1.0"


def diagnose(run: Run, batch: Batch, number: int, value: float) -> str:
    """A few lines for the user: in which step, in which layer, for which rows."""
    where, rows = _first_odd(run, batch, Call(training=True, step=number))
    size = len(batch.x)
    if not where:
        rows = np.arange(size)
        where = "the loss" if not math.isfinite(value) else f"the gradient of {_broken_weight(run)}"
    finite = math.isfinite(value) and np.isfinite(run.model.network.store.grad).all()
    odd = "is too large" if finite else "is not finite"
    numbers = run.batch_rows()[rows] + 1
    advice = SCALE if finite and not number else ADVICE  # the first weights are not to blame
    return (
        f"training diverged in step {number + 1} (epoch {run.progress.epoch + 1}): "
        f"{where} {odd}, {_name_rows(numbers, size)}\n"
        f"  the weights were left as they were before that step; {advice}"
    )


def diagnose_epoch(run: Run, split: str, part: Part) -> str:
    """The same, where the weights after the last step of an epoch give such numbers."""
    step, epoch = run.progress.step, run.progress.epoch + 1
    start = f"training diverged in step {step} (epoch {epoch}): after it "
    store = run.model.network.store
    for name, W in store.weights.items():
        if not np.isfinite(W).all():
            return f"{start}{name} is not finite\n  {ADVICE}"
    for block in blocks(len(part), run.model.network.widest):
        lengths = None if part.lengths is None else part.lengths[block]
        counts = None if part.weights is None else part.weights[block]
        batch = Batch(trimmed(part.x[block], lengths), part.target[block], lengths, counts)
        where, rows = _first_odd(run, batch, INFERENCE)
        if where:
            numbers = part.rows[block][rows] + 1
            rest = f"{where} is not finite for {split} rows, {_name_rows(numbers, 0)}"
            return f"{start}{rest}\n  {ADVICE}"
    return f"{start}the {split} loss is not finite\n  {ADVICE}"


def _first_odd(run: Run, batch: Batch, call: Call) -> tuple[str, Array]:
    """What was not finite first, and in which rows; an empty text if no layer is to blame."""
    found: list[tuple[str, Array, int]] = []  # what, its numbers, the place of their first row

    def watch(path: str, y: Array, dy: Array | None) -> None:
        seen, what = (y, "output") if dy is None else (dy, "gradient")
        if not found and not np.isfinite(seen).all():
            found.append((f"the {what} of {path} ({kinds[path]})", seen, part.start))

    x, target, lengths, counts = batch
    network, loss = run.model.network, run.model.loss
    kinds = {row.path: row.kind for row in network.plan.layers}
    weights = shares(loss, target, x.dtype, counts)
    for part in Portions(network.store, run.model.experiment.trainer.micro_batch_size)(len(x)):
        own = None if lengths is None else lengths[part]
        here = Call(call.training, call.step, part.start, watch=watch, lengths=own)
        prediction, backward = network(x[part], here)
        _, d_prediction = loss(prediction, target[part], weights[part])
        backward(d_prediction)
    if not found:
        return "", np.arange(0)
    where, seen, first = found[0]
    return where, first + np.flatnonzero(~np.isfinite(seen).reshape(len(seen), -1).all(axis=1))


def _broken_weight(run: Run) -> str:
    """The first weight whose gradient is not finite, or the one with the largest gradient."""
    gradients = run.model.network.store.gradients
    for name, gradient in gradients.items():
        if not np.isfinite(gradient).all():
            return name
    return max(gradients, key=lambda name: float(np.abs(gradients[name]).max(initial=0.0)))


def _name_rows(numbers: Array, batch: int) -> str:
    """Which rows of the file, counted from 1; `batch` is how many there are in the batch."""
    if len(numbers) == batch:
        return f"for all {batch} rows of the batch"
    more = f" and {len(numbers) - SHOWN} more" if len(numbers) > SHOWN else ""
    return f"for data row {', '.join(map(str, numbers[:SHOWN]))}{more}"
