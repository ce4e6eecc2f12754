"""Events: what happens in a training, as the watchers see it.

`fit` is a generator of these; the caller's for-loop is the callback system.  Watchers only look:
whatever decides about the training has been decided before an event is yielded.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from nntrain.arrays import Shape
from nntrain.store import LayerRow
from nntrain.values import dataclass

EpochRow = Mapping[str, float]
"""One line of metrics.csv: epoch, step, learning_rate, train_loss, train_loss_evaluated,
validation_… scores."""


@dataclass(frozen=True)
class Began:
    """Training is about to begin, or to go on at `epoch`, `step` of an earlier run.

    stops_early: it may end before `max_epochs`, where no epoch gets better.
    workers: how many processes share the rows of each batch.
    """

    folder: Path
    layers: tuple[LayerRow, ...]
    inputs: Shape
    rows: Mapping[str, int]
    columns: tuple[str, ...]
    history: tuple[EpochRow, ...]
    best_epoch: int
    max_epochs: int
    step: int
    stops_early: bool = False
    workers: int = 1


@dataclass(frozen=True)
class Stepped:
    """Somewhere inside an epoch; comes a few times a second, not at each step."""

    epoch: int
    batch: int
    batches: int
    loss: float
    samples_per_second: float
    learning_rate: float = math.nan


@dataclass(frozen=True)
class EpochEnded:
    """An epoch is over and validated.

    best: this is the best epoch so far, by the score that `monitor` names; without one (there
    are no validation rows) every epoch is the best.
    overfitting_since: as it looks now, what was learned after this epoch holds for training rows
    alone; 0 where it does not look so.
    """

    row: EpochRow
    best: bool
    monitor: str
    seconds: float
    samples_per_second: float
    overfitting_since: int = 0


class LayerLook(NamedTuple):
    """What was seen of one layer on a sample of training rows; None where there is no such thing.

    gradient_norm: Euclidean norm of the gradient of its weights.
    output_gradient_norm: of the gradient that came back to its output.
    update_ratio: how far the last step moved its matrices, as a share of their norm.
    dead_share: the share of its units that were 0 for every row (relu only).
    """

    epoch: int
    layer: str
    kind: str
    gradient_norm: float | None
    output_gradient_norm: float | None
    update_ratio: float | None
    dead_share: float | None


@dataclass(frozen=True)
class LayersSeen:
    """A look into the network at the end of an epoch; the rows of layers.csv."""

    looks: tuple[LayerLook, ...]


@dataclass(frozen=True)
class Warned:
    """Training goes on, but something is wrong with it: what, and what to do about it.

    kind: one word for the problem; each is told once in a training.
    """

    kind: str
    message: str
    advice: str


@dataclass(frozen=True)
class WentBack:
    """Training diverged and goes on from the end of `epoch`, `step` with a smaller learning rate.

    Epochs after that one are undone.  best_epoch: the best of those that are left, or 0.
    retry: how often this has happened; factor: what all of it made of the learning rate.
    why: what was not finite.
    """

    epoch: int
    step: int
    best_epoch: int
    retry: int
    max_retries: int
    factor: float
    why: str


@dataclass(frozen=True)
class Saved:
    """A checkpoint of this epoch is on the disk; `fit --resume` would go on from this step."""

    path: Path
    epoch: int
    step: int


@dataclass(frozen=True)
class Ended:
    """Training is over; `summary` is what summary.json says."""

    summary: Mapping[str, Any]


@dataclass(frozen=True)
class TrialBegan:
    """Of several trainings of one config, the one numbered `number` of `count` is about to begin.

    goes_on: it was stopped before.  notes: sentences that came up.
    """

    folder: Path
    number: int
    count: int
    goes_on: bool
    notes: tuple[str, ...]


@dataclass(frozen=True)
class TrialEnded:
    """It is over; `summary` is what its summary.json says.  earlier: it had been before."""

    folder: Path
    number: int
    count: int
    summary: Mapping[str, Any]
    earlier: bool


@dataclass(frozen=True)
class TrialsEnded:
    """All of them are over, or stopped; `summary` is that of the folder of all."""

    summary: Mapping[str, Any]


@dataclass(frozen=True)
class SettingsTried:
    """One trial of a sweep is over.

    status: `completed`, `pruned`, `diverged` or `failed`, and `why` for the last two.
    score: of the monitored name, None where there is none.  best: the best one so far.
    """

    folder: Path
    number: int
    count: int
    settings: Mapping[str, Any]
    status: str
    monitor: str
    score: float | None
    epochs: int
    seconds: float
    why: str
    best: bool


@dataclass(frozen=True)
class SweepEnded:
    """A sweep is over, or stopped; `summary` is what its summary.json says."""

    summary: Mapping[str, Any]


Event = (
    Began
    | Stepped
    | EpochEnded
    | LayersSeen
    | Warned
    | WentBack
    | Saved
    | Ended
    | TrialBegan
    | TrialEnded
    | TrialsEnded
    | SettingsTried
    | SweepEnded
)


@dataclass(frozen=True)
class GradientRow:
    """How one gradient compares with finite differences; what `check --gradients` tells.

    training: with dropout and batch statistics, or without.
    error: the largest difference, as a share of the largest number.
    """

    name: str
    training: bool
    size: int
    tried: int
    error: float
    ok: bool
