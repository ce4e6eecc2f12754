"""Augment: training rows made anew in each epoch, a batch at a time and before its step."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from nntrain.data.batches import Batch
from nntrain.families import Array, Draws
from nntrain.families.augmentation import Rows
from nntrain.run.augmenting import seen_shape
from nntrain.run.run import Run

Augment = Callable[[Batch, int], Batch]
"""`augment(batch, step) -> batch`: steps count from 0."""


def make_augment(run: Run) -> Augment | None:
    """What the config does to training rows; None where it does nothing."""
    experiment, known = run.model.experiment, run.model.preprocessor
    kinds = experiment.data.augmentation
    if not kinds:
        return None
    draws = [Draws(experiment.seed, "augmentation", i) for i in range(len(kinds))]
    shape = seen_shape(experiment, known)
    as_they_are = shape == known.shape  # series can be shorter than that
    classes = known.outputs if known.task == "classes" and any(k.mixes for k in kinds) else 0

    def augment(batch: Batch, step: int) -> Batch:
        x, target = batch.x, batch.target
        whole = x if as_they_are else x.reshape(len(x), *shape)
        rows = Rows(whole, _shares(target, classes, x) if classes else target, batch.lengths)
        for kind, own in zip(kinds, draws, strict=True):
            rows = kind(rows, own.at(step, len(x)))
        return batch._replace(x=rows.x.reshape(x.shape), target=rows.target)

    return augment


def _shares(target: Array, classes: int, x: Array) -> Array:
    """Classes (N,) as shares (N, C), which can be mixed."""
    shares = np.zeros((len(target), classes), x.dtype)
    shares[np.arange(len(target)), target] = 1.0
    return shares
