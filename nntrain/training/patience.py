"""Patience: which epoch is the best so far, whether to wait for a better one, and how fast.

The judges keep their state in `Progress`, so it is in every checkpoint.
"""

from __future__ import annotations

import math

from nntrain.config import Experiment, sign
from nntrain.data.dataset import Dataset
from nntrain.events import EpochRow
from nntrain.run.progress import Progress
from nntrain.schedules import Plateau


class Patience:
    """Judges each epoch by the monitored score, and says when to stop.

    Without validation rows, and without a monitor of its own, the last epoch is the best.
    """

    def __init__(self, experiment: Experiment, dataset: Dataset):
        stopping = experiment.early_stopping
        default = "validation_loss" if "validation" in dataset.parts else ""
        self.monitor = stopping.monitor if stopping else default
        self.patience = stopping.patience if stopping else math.inf
        self.min_delta = stopping.min_delta if stopping else 0.0
        self.sign = _sign(self.monitor, experiment)

    def judge(self, progress: Progress, row: EpochRow) -> bool:
        """Whether this epoch is the best so far; also counts the epochs that bring nothing."""
        if not self.monitor:
            progress.best_epoch = progress.epoch + 1
            return True
        score = self.sign * row[self.monitor]
        if _is_better(score, progress.reference, self.min_delta):
            progress.reference, progress.waited = score, 0
        else:
            progress.waited += 1
        if math.isnan(score):  # the last epoch, as long as nothing tells which one is better
            if progress.best is None:
                progress.best_epoch = progress.epoch + 1
            return progress.best is None
        if progress.best is not None and score >= progress.best:
            return False
        progress.best, progress.best_epoch = score, progress.epoch + 1
        return True

    def is_over(self, progress: Progress) -> bool:
        return progress.waited >= self.patience


class PlateauJudge:
    """Lowers the learning rate after `patience` epochs without a better score."""

    def __init__(self, experiment: Experiment, patience: Patience):
        schedule = experiment.lr_schedule
        self.schedule = schedule if isinstance(schedule, Plateau) else None
        self.monitor = (self.schedule and self.schedule.monitor) or patience.monitor or "train_loss"
        self.sign = _sign(self.monitor, experiment)

    def judge(self, progress: Progress, row: EpochRow) -> None:
        """Count this epoch, and set the factor of the epochs to come."""
        if self.schedule is None:
            return
        score = self.sign * row[self.monitor]
        if _is_better(score, progress.plateau_reference, self.schedule.min_delta):
            progress.plateau_reference, progress.plateau_waited = score, 0
            return
        progress.plateau_waited += 1
        if progress.plateau_waited >= self.schedule.patience:
            lower = progress.plateau_factor * self.schedule.drop
            progress.plateau_factor = max(lower, self.schedule.floor)
            progress.plateau_waited = 0


def _sign(monitor: str, experiment: Experiment) -> float:
    return sign(monitor, experiment.data, experiment.loss, experiment.metrics)


def _is_better(score: float, reference: float | None, min_delta: float) -> bool:
    """A score that is not defined (NaN) is never better."""
    return not math.isnan(score) and (reference is None or score < reference - min_delta)
