"""Sweep: which settings to try, as a config says it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, Literal

from nntrain.families import PositiveFloat, PositiveInt, Spec
from nntrain.values import dataclass

Value = str | int | float | bool | None
"""What stands for a value where it is noted: itself, or a list or mapping as JSON."""


@dataclass(frozen=True)
class Axis(Spec):
    """The values of one key: some of them, or a range.

    values: each is tried as it stands; a mapping may be one of them.  A bare list is short for it.
    min: the smallest value.
    max: the largest value.
    log: draw the exponent evenly and not the value, for learning rates and the like.
    step: only `min`, `min + step`, … up to `max`; left out, 1 for whole numbers and else any.
    when: `{KEY: VALUE}`, or a list of values: what keys before it in the space must be, so that
        this one is set; else it stays as the config has it.
    """

    values: tuple[Any, ...] | None = None
    min: float | None = None
    max: float | None = None
    log: bool = False
    step: PositiveFloat | None = None
    when: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Sweep(Spec):
    """Trains with many settings and finds the best: `nntrain sweep`.  `fit` does not look at it.

    space: what is tried, by the path of the key: `optimizer.learning_rate`,
        `model.layers.0.units`; a list of values, or a mapping.
    trials: how many settings are tried; null: 30, or all of a grid.
    method: tpe learns from the trials before (Bergstra et al. 2011, Watanabe 2023,
        arXiv:2304.11127); random draws; grid tries all values with each other.
    monitor: the score of a trial; null: what `early_stopping` monitors, or `validation_loss`.
    pruner: halving ends a trial that, after some epochs, is not in the best third of those that
        came as far (asynchronous successive halving, Li et al. 2020, arXiv:1810.05934).
    min_epochs: those that each trial gets; then three times as many, and so on.  null: a ninth of
        `trainer.max_epochs`.
    """

    space: Mapping[str, tuple[Any, ...] | Axis]
    trials: PositiveInt | None = None
    method: Literal["tpe", "random", "grid"] = "tpe"
    monitor: str | None = None
    pruner: Literal["halving", "none"] = "halving"
    min_epochs: PositiveInt | None = None

    def judge(self, stops_by: str | None) -> str:
        """The score that a trial is judged by; stops_by: what `early_stopping` monitors."""
        return self.monitor or stops_by or "validation_loss"


def noted(value: Any) -> Value:
    """What stands for a value of the config: itself, or JSON of a list or mapping."""
    if isinstance(value, (dict, list, tuple)):
        return json.dumps(value)
    return value  # type: ignore[no-any-return]


def values_of(axis: tuple[Any, ...] | Axis) -> Iterable[Any]:
    """The values that are listed; none for a range."""
    return (axis.values or ()) if isinstance(axis, Axis) else axis
