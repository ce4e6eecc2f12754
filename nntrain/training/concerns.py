"""Concerns: what looks wrong in a training that goes on all the same, and what helps."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from nntrain.config import Experiment
from nntrain.events import EpochRow, LayerLook, Warned
from nntrain.run.progress import Progress

VANISHED = 1e-3  # a half lost in each of ten layers; He and Glorot weights keep about all of it
EXPLODED = 1e3
MANY_DEAD = 0.5
FAST, SLOW = 0.1, 1e-5  # of a matrix in one step; 1e-3 is usual
OVERFITTED = 1.05  # of the best validation loss
LATELY = 3  # epochs whose mean tells where a loss is going


def concerns(looks: Sequence[LayerLook], experiment: Experiment, row: EpochRow) -> Iterator[Warned]:
    """What is wrong at the end of an epoch, whose line in metrics.csv is `row`."""
    base = experiment.optimizer.learning_rate
    # each may be but a consequence of the one before
    yield from [*_dead(looks)] or [*_gradients(looks)] or _updates(looks, base, row)


def _gradients(looks: Sequence[LayerLook]) -> Iterator[Warned]:
    """Compare what comes back to the first and to the last layer with weights.

    It is the gradient of outputs, not of weights: in a network of small weights the outputs shrink
    on the way up and their gradients on the way back, so that the product, the gradient of the
    weights, is as small everywhere (Glorot & Bengio 2010, section 4.2.1).
    """
    ends = [
        (look.layer, look.output_gradient_norm) for look in looks if look.gradient_norm is not None
    ]
    if len(ends) < 3:
        return
    (first, at_first), (last, at_last) = ends[0], ends[-1]
    ratio = (at_first or 0.0) / (at_last or math.nan)
    passed = f"{first} gets {ratio:.1e} times the gradient that {last} gets"
    if ratio < VANISHED:
        yield Warned(
            "vanishing",
            f"gradients vanish on their way back: {passed}, so the first layers hardly learn",
            "try `activation: relu` with `kernel_initializer: he_uniform`, layers inside "
            "`residual`, a normalization, or fewer layers",
        )
    elif ratio > EXPLODED:
        yield Warned(
            "exploding",
            f"gradients explode on their way back: {passed}",
            "try `kernel_initializer: glorot_uniform` (he_uniform with relu), a normalization, "
            "and `trainer.gradient_clip_norm: 1.0`",
        )


def _dead(looks: Sequence[LayerLook]) -> Iterator[Warned]:
    worst = max(looks, key=lambda look: look.dead_share or 0.0)
    if (worst.dead_share or 0.0) > MANY_DEAD:
        yield Warned(
            "dead",
            f"{worst.dead_share:.0%} of the units of {worst.layer} are 0 for every row of a "
            "sample: they give nothing and learn nothing",
            "try a smaller `optimizer.learning_rate`, fewer units, or `activation: elu`, which "
            "does not die",
        )


def _updates(looks: Sequence[LayerLook], base: float, row: EpochRow) -> Iterator[Warned]:
    """Is the learning rate far off?  The first look tells, before there is little left to learn."""
    ratios = sorted(look.update_ratio for look in looks if look.update_ratio)  # of what moves
    middle = len(ratios) // 2
    typical = (ratios[middle] + ratios[~middle]) / 2 if ratios else math.nan
    if typical > FAST:
        yield Warned(
            "fast",
            f"the learning rate is too high: one step moves a typical weight by {typical:.0%}; "
            "about 0.1 % is usual",
            f"try `optimizer.learning_rate: {base / 10:.1g}`",
        )
    elif typical < SLOW and row["epoch"] == 1 and row["learning_rate"] > base / 10:
        yield Warned(
            "slow",
            f"the learning rate is too low: one step moves a typical weight by {typical:.0e} of "
            "its size; about 1e-3 is usual",
            f"try `optimizer.learning_rate: {base * 10:.1g}`",
        )


def undefined(progress: Progress, monitor: str) -> Iterator[Warned]:
    """After an epoch: can its score tell whether it is the best?"""
    row = progress.history[-1]
    if monitor and math.isnan(row[monitor]) and "undefined" not in progress.warned:
        progress.warned.append("undefined")
        yield Warned(
            "undefined",
            f"`{monitor}` is nan in epoch {row['epoch']:.0f}: it is not defined on these rows, so "
            "it can not tell which epoch is the best",
            "try `early_stopping.monitor: validation_loss`, or other validation rows",
        )


def overfitting_since(progress: Progress) -> int:
    """While it trains: the epoch since which it learns the training rows by heart, or 0."""
    since = progress.best_epoch
    if not 0 < since <= len(progress.history) - LATELY:
        return 0
    best, lately = progress.history[since - 1], progress.history[-LATELY:]
    return since if _overfits(best, lately) else 0


def _overfits(best: EpochRow, lately: Sequence[EpochRow]) -> bool:
    """Did the loss on training rows fall since the best epoch, and the other one rise?"""
    if "validation_loss" not in best:
        return False
    seen, unseen = (
        sum(row[name] for row in lately) / len(lately)
        for name in ("train_loss_evaluated", "validation_loss")
    )
    return seen < best["train_loss_evaluated"] and unseen > OVERFITTED * best["validation_loss"]


def overfitting(progress: Progress) -> Iterator[Warned]:
    """After training: did it go on to learn the training rows by heart?"""
    history, at = progress.history, progress.best_epoch - 1
    if not 0 <= at < len(history) - 1:
        return
    best, last = history[at], history[-1]
    if _overfits(best, [last]):
        seen, unseen = (
            f"from {best[name]:.3g} to {last[name]:.3g}"
            for name in ("train_loss_evaluated", "validation_loss")
        )
        yield Warned(
            "overfitting",
            f"over-fitting since epoch {progress.best_epoch}: the loss on training rows fell "
            f"{seen}, the one on validation rows rose {unseen}",
            f"the model is that of epoch {progress.best_epoch}; `weight_decay`, dropout, fewer "
            "units or more rows may make it better",
        )


def unbeaten(found: Mapping[str, Any] | None) -> Iterator[Warned]:
    """What `baselines` found: does something much simpler do as well?"""
    if not found or not found["no_worse"]:
        return
    name, metric, split = found["no_worse"], found["metric"], found["split"]
    ours, theirs = found["network"], found["scores"][name][metric]
    yield Warned(
        "baseline",
        f"the network is no better than the baseline `{name}` on {split} rows: {metric} "
        f"{'nan' if ours is None else f'{ours:.4g}'}, baseline {theirs:.4g}",
        "a few rows more or less may be chance; else use the simpler model, or look for what it "
        "lacks: more epochs, another learning rate, more units, less regularization",
    )
