"""Fit: the training loop.  A generator of events; the caller's for-loop is the callback system."""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import replace
from itertools import count
from typing import Any

import numpy as np

from nntrain.arrays import give_back_freed_memory
from nntrain.data.batches import Batch, Batches, order
from nntrain.data.parts import Part
from nntrain.errors import DivergedError
from nntrain.events import Began, Ended, EpochEnded, EpochRow, Event
from nntrain.run.lock import locked
from nntrain.run.run import Run
from nntrain.schedules import Constant
from nntrain.sharing import forget
from nntrain.team import everyone
from nntrain.training.augment import make_augment
from nntrain.training.average import averaged
from nntrain.training.concerns import overfitting, overfitting_since, unbeaten, undefined
from nntrain.training.diagnosis import diagnose_epoch
from nntrain.training.evaluate import evaluate
from nntrain.training.gates import failures
from nntrain.training.insight import Insight
from nntrain.training.pace import Pace, save
from nntrain.training.patience import Patience, PlateauJudge
from nntrain.training.retry import going_back, keep_if_good, retry_factor
from nntrain.training.step import Step
from nntrain.training.together import choose, stepping

Stop = Callable[[], str]
"""Asked after each step: empty to go on, else the status to end with (`interrupted`)."""


def fit(run: Run, stop: Stop = str, last_epoch: int | None = None) -> Generator[Event, None, None]:
    """Train until the config says that it is enough, or `stop` does, or after `last_epoch`.

    Yields `Began`, then `Stepped`, `EpochEnded` and `Saved` as they come, then `Ended`.  Raises
    `DivergedError` before an update with numbers that are not finite; what was saved before stays.
    """
    # the guard in the step judges numbers that are not finite, not NumPy's warnings on the way
    with locked(run.folder.lock), np.errstate(all="ignore"):
        if run.workers is None:
            run.settle_workers(choose(run, upcoming))
            give_back_freed_memory()  # what was made to choose is made anew
        yield _began(run)
        try:
            while not (status := (yield from _watched(run, lambda: _train(run, stop, last_epoch)))):
                pass
            forget(run.model.network.store.grad)  # there are no more steps
            yield save(run)
            summary = _finish(run, status)
        except DivergedError:
            _finish(run, "diverged")
            raise
    if status in ("completed", "early_stopped"):
        yield from overfitting(run.progress)
    yield from unbeaten(summary.get("baselines"))
    yield Ended(summary)


def _watched(
    run: Run, train: Callable[[], Generator[Event, None, str]]
) -> Generator[Event, None, str]:
    """Train, or go back; written down for TensorBoard, if the config says so."""
    events = going_back(run, train)
    if not run.model.experiment.trainer.tensorboard:
        return (yield from events)
    from nntrain.training.board import watched

    return (yield from watched(run, events))


def _train(run: Run, stop: Stop, last_epoch: int | None) -> Generator[Event, None, str]:
    with stepping(run, upcoming) as step:
        return (yield from _epochs(run, step, stop, last_epoch))


def _epochs(
    run: Run, step: Step, stop: Stop, last_epoch: int | None
) -> Generator[Event, None, str]:
    """Epoch after epoch, each from the batch where it stands; returns how it ended."""
    progress, experiment = run.progress, run.model.experiment
    part, insight, rate = run.dataset.parts["train"], Insight(run), _learning_rate(run)
    augment, look_after = make_augment(run), insight.around(step)
    patience, pace = Patience(experiment, run.dataset), Pace(run, len(part))
    batches = _batches(part, experiment.trainer.batch_size)
    plateau = PlateauJudge(experiment, patience)

    while progress.epoch < experiment.trainer.max_epochs and not patience.is_over(progress):
        if progress.epoch == last_epoch:
            return "interrupted"
        pace.begin_epoch()
        run.order = order(len(part), experiment.seed, progress.epoch)
        looked_at = insight.step_of(progress.epoch)
        for batch in batches(run.order, progress.batch):
            number = progress.step
            if augment:
                batch = augment(batch, number)
            take = step if number != looked_at else look_after
            value = take(batch, number, rate(number))
            progress.count(value, batch.total)
            if status := stop():
                progress.seconds += pace.seconds()
                return status
            if pace.is_due():
                yield from pace.events(value, rate(progress.step - 1))
        yield _end_epoch(run, patience, plateau, pace, rate(progress.step - 1), insight.sample)
        yield from insight.events()
        yield from undefined(progress, patience.monitor)
        keep_if_good(run)
    return "completed" if progress.epoch >= experiment.trainer.max_epochs else "early_stopped"


def upcoming(run: Run) -> Iterator[Batch]:
    """The batches of all steps to come, without end: what the other processes of a team take."""
    part, augment, step = run.dataset.parts["train"], make_augment(run), run.progress.step
    seed, size = run.model.experiment.seed, run.model.experiment.trainer.batch_size
    batches, first = _batches(part, size), run.progress.batch
    for epoch in count(run.progress.epoch):
        for batch in batches(order(len(part), seed, epoch), first):
            yield augment(batch, step) if augment else batch
            step += 1
        first = 0


def _batches(part: Part, size: int) -> Batches:
    return Batches(part.x, part.target, size, part.lengths, part.weights)


def _end_epoch(
    run: Run,
    patience: Patience,
    plateau: PlateauJudge,
    pace: Pace,
    rate: float,
    sample: Part,
) -> EpochEnded:
    """Validate, judge, keep the best weights, and write the row of metrics.csv."""
    seconds, speed = pace.seconds(), pace.speed()
    with averaged(run):
        row = _row(run, rate, sample)
        _check_weights(run, row, sample)
    best = patience.judge(run.progress, row)
    if best:
        run.keep_as_best()
    plateau.judge(run.progress, row)
    run.progress.end_epoch(pace.seconds())
    run.add_row(row)
    since = overfitting_since(run.progress)
    return EpochEnded(row, best, patience.monitor, seconds, speed, since)


def _check_weights(run: Run, row: EpochRow, sample: Part) -> None:
    """The guard in the step looks at gradients; here at what the last of them has made.

    Without validation rows the sample tells; all rows are measured at the end.
    """
    split, name, part = "train", "train_loss_evaluated", sample
    if "validation" in run.dataset.parts:
        split, name, part = "validation", "validation_loss", run.dataset.parts["validation"]
    if not math.isfinite(row[name]) or not np.isfinite(run.model.network.store.theta).all():
        raise DivergedError(diagnose_epoch(run, split, part))


def _learning_rate(run: Run) -> Callable[[int], float]:
    experiment, progress, per_epoch = run.model.experiment, run.progress, run.steps_per_epoch
    base, schedule = experiment.optimizer.learning_rate, experiment.lr_schedule
    total, base = experiment.trainer.max_epochs * per_epoch, base * retry_factor(run)
    if schedule == Constant():
        return lambda step: base * progress.plateau_factor
    return lambda step: base * schedule(step, total, per_epoch) * progress.plateau_factor


def _row(run: Run, rate: float, sample: Part) -> dict[str, float]:
    """The line of metrics.csv for the epoch that has just been trained.

    `train_loss` is the mean over the steps, with dropout and while the weights moved;
    `train_loss_evaluated` is measured as `validation_loss` is, so that the two can be compared.
    """
    progress = run.progress
    row = {
        "epoch": progress.epoch + 1,
        "step": progress.step,
        "learning_rate": rate,
        "train_loss": progress.loss_sum / (progress.row_sum or 1.0),
        "train_loss_evaluated": evaluate(replace(run.model, scores=()), sample)["loss"],
    }
    part = run.dataset.parts.get("validation")
    scores = evaluate(run.model, part) if part else {}
    return row | {f"validation_{name}": score for name, score in scores.items()}


def _finish(run: Run, status: str) -> dict[str, Any]:
    """Write the best weights as the model, their scores on every split, and the summary."""
    progress, scores = run.progress, dict[str, float]()
    if progress.best_epoch:
        run.take_best()
        if status not in ("interrupted", "diverged"):
            scores = _scores(run)
        run.write_model()
    if status in ("completed", "early_stopped") and failures(run.model.experiment.expect, scores):
        status = "gate_failed"
    epoch_rows = len(run.dataset.parts["train"])
    batch_rows = progress.batch * run.model.experiment.trainer.batch_size
    rows = progress.epoch * epoch_rows + min(batch_rows, epoch_rows)
    summary = {
        "run": str(run.folder.path),
        "status": status,
        "epochs": progress.epoch,
        "best_epoch": progress.best_epoch,
        "metrics": {name: v if np.isfinite(v) else None for name, v in scores.items()},
        "seconds": round(progress.seconds, 3),
        "samples_per_second": round(rows / progress.seconds, 1) if progress.seconds else 0.0,
    }
    if run.model.experiment.on_divergence:
        summary["retries"] = progress.retries
    if scores:
        summary["baselines"] = _baselines(run, scores)
    run.write_history()  # flushed, before the summary says that nothing more is to come
    run.folder.write_json(run.folder.summary, summary)
    return summary


def _baselines(run: Run, scores: Mapping[str, float]) -> dict[str, Any]:
    """What simple models reach on the rows that are held out, if there are some."""
    if len(run.dataset.parts) == 1:
        return {}
    from nntrain.training.baselines import baselines  # here: what comes before needs none

    return baselines(run.model, run.dataset, scores)


def _scores(run: Run) -> dict[str, float]:
    """Loss and metrics of the best weights on every split, by `<split>_<metric>`."""
    scores = dict[str, float]()
    for name, part in run.dataset.parts.items():
        found = evaluate(run.model, part)
        scores |= {f"{name}_{metric}": score for metric, score in found.items()}
    if not math.isfinite(scores["train_loss"]):
        run.progress.best_epoch = 0  # there is no model worth keeping
        raise DivergedError(diagnose_epoch(run, "train", run.dataset.parts["train"]))
    return scores


def _began(run: Run) -> Began:
    progress, experiment = run.progress, run.model.experiment
    return Began(
        folder=run.folder.path,
        layers=tuple(run.model.network.plan.layers),
        inputs=run.model.preprocessor.shape,
        rows={name: len(part.x) for name, part in run.dataset.parts.items()},
        columns=run.columns,
        history=tuple(progress.history),
        best_epoch=progress.best_epoch,
        max_epochs=experiment.trainer.max_epochs,
        step=progress.step,
        stops_early=experiment.early_stopping is not None,
        workers=(run.workers or 1) * everyone().size,
    )
