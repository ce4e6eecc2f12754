"""Fit: the training loop.  A generator of events; the caller's for-loop is the callback system."""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from nntrain.data.batches import batches, order
from nntrain.data.dataset import Part
from nntrain.errors import DivergedError
from nntrain.events import Began, Ended, EpochEnded, Event
from nntrain.run.run import Run
from nntrain.training.concerns import overfitting
from nntrain.training.evaluate import evaluate
from nntrain.training.gates import failures
from nntrain.training.insight import Insight
from nntrain.training.pace import Pace, save
from nntrain.training.patience import Patience
from nntrain.training.step import make_step

Stop = Callable[[], str]
"""Asked after each step: empty to go on, else the status to end with (`interrupted`)."""


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
            yield save(run)
        summary = _finish(run, status)
    if status in ("completed", "early_stopped"):
        yield from overfitting(run.progress)
    yield Ended(summary)


def _train(run: Run, stop: Stop) -> Generator[Event, None, str]:
    """Epoch after epoch, each from the batch where it stands; returns how it ended."""
    progress, experiment = run.progress, run.model.experiment
    part, size = run.dataset.parts["train"], experiment.trainer.batch_size
    per_epoch = -(-len(part) // size)
    insight, rate = Insight(run, per_epoch), _learning_rate(run, per_epoch)
    step = insight.around(make_step(run))
    patience, pace = Patience(experiment, run.dataset), Pace(run, len(part))

    while progress.epoch < experiment.trainer.max_epochs and not patience.is_over(progress):
        pace.begin_epoch()
        run.order = order(len(part), experiment.seed, progress.epoch)
        for x, target in batches(part.x, part.target, run.order, size, progress.batch):
            value = step(x, target, progress.step, rate(progress.step))
            progress.count(value, len(x))
            if status := stop():
                progress.seconds += pace.seconds()
                return status
            if pace.is_due():
                yield from pace.events(value)
        yield _end_epoch(run, patience, pace, rate(progress.step - 1), insight.sample)
        yield from insight.events()
    return "completed" if progress.epoch >= experiment.trainer.max_epochs else "early_stopped"


def _end_epoch(run: Run, patience: Patience, pace: Pace, rate: float, sample: Part) -> EpochEnded:
    """Validate, judge, keep the best weights, and write the row of metrics.csv."""
    seconds, speed = pace.seconds(), pace.speed()
    row = _row(run, rate, sample)
    if not math.isfinite(row.get("validation_loss", 0.0)):
        raise DivergedError(f"the validation loss is not finite after epoch {row['epoch']:.0f}")
    best = patience.judge(run.progress, row)
    if best:
        run.keep_as_best()
    run.progress.end_epoch(pace.seconds())
    run.add_row(row)
    return EpochEnded(row, best, patience.monitor, seconds, speed)


def _learning_rate(run: Run, per_epoch: int) -> Callable[[int], float]:
    experiment = run.model.experiment
    base, schedule = experiment.optimizer.learning_rate, experiment.lr_schedule
    total = experiment.trainer.max_epochs * per_epoch
    return lambda step: base * schedule(step, total, per_epoch)


def _row(run: Run, rate: float, sample: Part) -> dict[str, float]:
    """The line of metrics.csv for the epoch that has just been trained.

    `train_loss` is the mean over the steps, with dropout and while the weights moved;
    `train_loss_evaluated` is measured as `validation_loss` is, so that the two can be compared.
    """
    progress = run.progress
    bare = replace(run.model, experiment=replace(run.model.experiment, metrics=()))
    row = {
        "epoch": progress.epoch + 1,
        "step": progress.step,
        "learning_rate": rate,
        "train_loss": progress.loss_sum / progress.row_sum,
        "train_loss_evaluated": evaluate(bare, sample)["loss"],
    }
    part = run.dataset.parts.get("validation")
    scores = evaluate(run.model, part) if part else {}
    return row | {f"validation_{name}": score for name, score in scores.items()}


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
