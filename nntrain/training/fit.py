"""Fit: the training loop.  A generator of events; the caller's for-loop is the callback system."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator
from typing import Any

import numpy as np

from nntrain.data.batches import batches, order
from nntrain.errors import DivergedError
from nntrain.events import Began, Ended, EpochEnded, Event, Saved, Stepped
from nntrain.run.run import Run
from nntrain.training.evaluate import evaluate
from nntrain.training.gates import failures
from nntrain.training.patience import Patience
from nntrain.training.step import make_step

Stop = Callable[[], str]
"""Asked after each step: empty to go on, else the status to end with (`interrupted`)."""

SHOW_EVERY = 0.1  # seconds between two `Stepped` events


def fit(run: Run, stop: Stop = str) -> Iterator[Event]:
    """Train until the config says that it is enough, or `stop` does.

    Yields `Began`, then `Stepped`, `EpochEnded` and `Saved` as they come, then `Ended`.  Raises
    `DivergedError` before an update with numbers that are not finite; what was saved before stays.
    """
    yield _began(run)
    with np.errstate(all="ignore"):  # the guard in the step judges, not warnings on the way
        try:
            status = yield from _train(run, stop)
        except DivergedError:
            _finish(run, "diverged")
            raise
        if status in ("interrupted", "max_time"):
            yield _save(run)
        summary = _finish(run, status)
    yield Ended(summary)


def _train(run: Run, stop: Stop) -> Generator[Event, None, str]:
    """Epoch after epoch, each from the batch where it stands; returns how it ended."""
    progress, experiment = run.progress, run.model.experiment
    part, size = run.dataset.parts["train"], experiment.trainer.batch_size
    per_epoch = -(-len(part.x) // size)
    step, rate = make_step(run), _learning_rate(run, per_epoch)
    patience = Patience(experiment, run.dataset)
    saved = shown = time.perf_counter()

    while progress.epoch < experiment.trainer.max_epochs and not patience.is_over(progress):
        began, first = time.perf_counter(), progress.batch
        run.order = order(len(part.x), experiment.seed, progress.epoch)
        for x, target in batches(part.x, part.target, run.order, size, first):
            value = step(x, target, progress.step, rate(progress.step))
            progress.count(value, len(x))
            now = time.perf_counter()
            if status := stop():
                progress.seconds += now - began
                return status
            if now - shown > SHOW_EVERY:
                shown = now
                speed = (progress.batch - first) * size / (now - began)
                yield Stepped(progress.epoch + 1, progress.batch, per_epoch, value, speed)
            if now - saved > experiment.trainer.checkpoint_seconds:
                yield _save(run)
                saved = time.perf_counter()
        seconds = time.perf_counter() - began
        row = _row(run, rate(progress.step - 1))
        if not np.isfinite(row.get("validation_loss", 0.0)):
            raise DivergedError(
                f"the validation loss is not finite after epoch {progress.epoch + 1}"
            )
        best = patience.judge(progress, row)
        if best:
            run.keep_as_best()
        progress.end_epoch(time.perf_counter() - began)
        run.add_row(row)
        speed = (per_epoch - first) * size / seconds
        yield EpochEnded(row, best, seconds, min(speed, len(part.x) / seconds))
    return "completed" if progress.epoch >= experiment.trainer.max_epochs else "early_stopped"


def _learning_rate(run: Run, per_epoch: int) -> Callable[[int], float]:
    experiment = run.model.experiment
    base, schedule = experiment.optimizer.learning_rate, experiment.lr_schedule
    total = experiment.trainer.max_epochs * per_epoch
    return lambda step: base * schedule(step, total, per_epoch)


def _row(run: Run, rate: float) -> dict[str, float]:
    """The line of metrics.csv for the epoch that has just been trained."""
    progress = run.progress
    row = {
        "epoch": progress.epoch + 1,
        "step": progress.step,
        "learning_rate": rate,
        "train_loss": progress.loss_sum / progress.row_sum,
    }
    part = run.dataset.parts.get("validation")
    scores = evaluate(run.model, part) if part else {}
    return row | {f"validation_{name}": score for name, score in scores.items()}


def _save(run: Run) -> Saved:
    run.write_checkpoint()
    progress = run.progress
    under_way = progress.epoch + (progress.batch > 0)
    return Saved(run.folder.checkpoint, under_way, progress.step)


def _finish(run: Run, status: str) -> dict[str, Any]:
    """Write the best weights as the model, their scores on every split, and the summary."""
    progress, scores = run.progress, dict[str, float]()
    if progress.best_epoch:
        run.take_best()
        run.write_model()
        if status not in ("interrupted", "diverged"):
            for name, part in run.dataset.parts.items():
                found = evaluate(run.model, part)
                scores |= {f"{name}_{metric}": score for metric, score in found.items()}
    if status in ("completed", "early_stopped") and failures(run.model.experiment.expect, scores):
        status = "gate_failed"
    rows = progress.step * run.model.experiment.trainer.batch_size
    summary = {
        "run": str(run.folder.path),
        "status": status,
        "epochs": progress.epoch,
        "best_epoch": progress.best_epoch,
        "metrics": {name: v if np.isfinite(v) else None for name, v in scores.items()},
        "seconds": round(progress.seconds, 3),
        "samples_per_second": round(rows / progress.seconds, 1) if progress.seconds else 0.0,
    }
    run.folder.write_json(run.folder.summary, summary)
    return summary


def _began(run: Run) -> Began:
    progress, experiment = run.progress, run.model.experiment
    return Began(
        folder=run.folder.path,
        layers=tuple(run.model.network.plan.layers),
        inputs=run.model.preprocessor.inputs,
        rows={name: len(part.x) for name, part in run.dataset.parts.items()},
        columns=run.columns,
        history=tuple(progress.history),
        best_epoch=progress.best_epoch,
        max_epochs=experiment.trainer.max_epochs,
        step=progress.step,
    )
