"""The optimizer, the trainer and averaging."""

from __future__ import annotations

from typing import Any

from nntrain.averaging import Swa
from nntrain.config.experiment import Trainer
from nntrain.config.rules.finding import Finding, Findings
from nntrain.config.tree import KeyPath
from nntrain.families import Averaging, Optimizer
from nntrain.optimizers import Rprop


def nesterov_needs_momentum(optimizer: Any) -> Findings:
    if getattr(optimizer, "nesterov", False) and not getattr(optimizer, "momentum", 0.0):
        message = "`nesterov` does nothing without momentum"
        yield Finding(("optimizer", "nesterov"), message, "add `momentum: 0.9`")


def groups_change_something(optimizer: Optimizer) -> Findings:
    for i, group in enumerate(optimizer.groups):
        path: KeyPath = ("optimizer", "groups", i)
        own = {"learning_rate": group.learning_rate, "weight_decay": group.weight_decay}
        given = [name for name, value in own.items() if value is not None]
        if not group.layers:
            message = "expected at least one layer, got an empty list"
            yield Finding((*path, "layers"), message, "write paths, such as `layers: [layers.0]`")
        for name in given if group.frozen else ():
            message = f"these weights are frozen, so `{name}` does nothing"
            yield Finding((*path, name), message, "leave one of the two out")
        if not given and not group.frozen:
            message = "this group does not differ from the other weights"
            hint = "give it a `learning_rate`, a `weight_decay` or `frozen: true`"
            yield Finding(path, message, hint)


def step_sizes_in_order(optimizer: Optimizer) -> Findings:
    if isinstance(optimizer, Rprop) and optimizer.step_sizes[0] > optimizer.step_sizes[1]:
        message = "the smallest step comes first, the largest second"
        yield Finding(("optimizer", "step_sizes"), message)


def one_way_of_clipping(trainer: Trainer) -> Findings:
    if trainer.gradient_clip_norm and trainer.gradient_clip_value:
        message = "gradients are clipped by `gradient_clip_norm` already"
        yield Finding(("trainer", "gradient_clip_value"), message, "leave one of the two out")


def micro_batches_are_smaller(trainer: Trainer) -> Findings:
    if (trainer.micro_batch_size or 0) > trainer.batch_size:
        message = f"a batch has only {trainer.batch_size} rows (`trainer.batch_size`)"
        hint = "rows in one step: `batch_size`; rows computed at a time: `micro_batch_size`"
        yield Finding(("trainer", "micro_batch_size"), message, hint)


def averaging_begins_in_time(averaging: Averaging | None, trainer: Trainer) -> Findings:
    if isinstance(averaging, Swa) and averaging.start_epoch > trainer.max_epochs:
        message = f"training ends before, after epoch {trainer.max_epochs} (`trainer.max_epochs`)"
        hint = f"start at three quarters: `start_epoch: {max(1, trainer.max_epochs * 3 // 4)}`"
        yield Finding(("averaging", "start_epoch"), message, hint)
