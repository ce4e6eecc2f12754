"""Retry: what `on_divergence` does.  Back to the last good epoch, on with a smaller learning rate.

An epoch is good if no epoch before it, nor the start, had a smaller `train_loss_evaluated`: a
training that is about to diverge is often finite still at the end of an epoch.  Where it goes back
to does not depend on when checkpoints are written, and every checkpoint has it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Generator
from dataclasses import replace

from nntrain.errors import DivergedError
from nntrain.events import Event, WentBack
from nntrain.run.run import Run
from nntrain.training.evaluate import evaluate
from nntrain.training.insight import sample


def going_back(
    run: Run, train: Callable[[], Generator[Event, None, str]]
) -> Generator[Event, None, str]:
    """Train; returns how it ended, or nothing where it diverged and may begin again."""
    rule = run.model.experiment.on_divergence
    if rule and not run.good_progress:
        _keep_start(run)
    try:
        return (yield from train())
    except DivergedError as error:
        good = run.good_progress
        if not rule or not good or run.progress.retries >= rule.max_retries:
            raise
        why = str(error)
    run.progress.retries += 1
    run.take_good(good)
    progress, factor = run.progress, retry_factor(run)
    place = progress.epoch, progress.step, progress.best_epoch
    yield WentBack(*place, progress.retries, rule.max_retries, factor, why)
    return ""


def keep_if_good(run: Run) -> None:
    """After an epoch: keep the state of the training, if it is the best so far to go back to."""
    if not run.model.experiment.on_divergence:
        return
    progress = run.progress
    loss = progress.history[-1]["train_loss_evaluated"]
    if math.isfinite(loss) and loss <= (math.inf if progress.lowest is None else progress.lowest):
        progress.lowest = loss
        run.keep_as_good()


def retry_factor(run: Run) -> float:
    """What all retries so far have made of the learning rate."""
    rule = run.model.experiment.on_divergence
    return rule.learning_rate_factor**run.progress.retries if rule else 1.0


def _keep_start(run: Run) -> None:
    loss = evaluate(replace(run.model, scores=()), sample(run))["loss"]
    run.progress.lowest = loss if math.isfinite(loss) else None
    run.keep_as_good()
