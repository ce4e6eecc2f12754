"""Patience: which epoch is the best so far, and whether to wait for a better one."""

from __future__ import annotations

import math

from nntrain.config import Experiment, scores
from nntrain.data.dataset import Dataset
from nntrain.events import EpochRow
from nntrain.run.progress import Progress


class Patience:
    """Judges each epoch by the monitored score.  Its state is in `Progress`, so it is saved.

    Without validation rows, and without a monitor of its own, the last epoch is the best.
    """

    def __init__(self, experiment: Experiment, dataset: Dataset):
        stopping = experiment.early_stopping
        default = "validation_loss" if "validation" in dataset.parts else ""
        self.monitor = stopping.monitor if stopping else default
        self.patience = stopping.patience if stopping else math.inf
        self.min_delta = stopping.min_delta if stopping else 0.0
        name = self.monitor.partition("_")[2]
        scored = scores(experiment.data, experiment.loss, experiment.metrics)
        better_high = {score.name for score in scored if score.metric.higher_is_better}
        self.sign = -1.0 if name in better_high else 1.0  # what is compared is better when smaller

    def judge(self, progress: Progress, row: EpochRow) -> bool:
        """Whether this epoch is the best so far; also counts the epochs that bring nothing."""
        if not self.monitor:
            progress.best_epoch = progress.epoch + 1
            return True
        score = self.sign * row[self.monitor]
        if progress.reference is None or score < progress.reference - self.min_delta:
            progress.reference, progress.waited = None if math.isnan(score) else score, 0
        else:
            progress.waited += 1
        if math.isnan(score) or (progress.best is not None and score >= progress.best):
            return False
        progress.best, progress.best_epoch = score, progress.epoch + 1
        return True

    def is_over(self, progress: Progress) -> bool:
        return progress.waited >= self.patience
