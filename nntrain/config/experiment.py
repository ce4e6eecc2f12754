"""Experiment: all that a config file says, as frozen dataclasses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import nntrain.heads
import nntrain.initializers
import nntrain.layers
import nntrain.losses
import nntrain.metrics  # noqa: F401  importing these registers their kinds
from nntrain.data.settings import Data
from nntrain.families import (
    Layer,
    Loss,
    Metric,
    NonNegativeFloat,
    Optimizer,
    PositiveFloat,
    PositiveInt,
    Schedule,
    Seed,
    Spec,
)
from nntrain.optimizers import Adam
from nntrain.schedules import Constant


@dataclass(frozen=True)
class Model(Spec):
    """The network: its layers, from the input to the output.

    layers: in order; `units: auto` on the last one takes the number from the target.
    """

    layers: tuple[Layer, ...]


@dataclass(frozen=True)
class Trainer(Spec):
    """How long and in which portions to train.

    max_epochs: passes over the training rows at most.
    batch_size: rows in one step.
    gradient_clip_norm: longest gradient (Euclidean norm over all weights); null: any.
    checkpoint_seconds: seconds between two checkpoints; 0 writes one after each step.
    """

    max_epochs: PositiveInt = 100
    batch_size: PositiveInt = 32
    gradient_clip_norm: PositiveFloat | None = None
    checkpoint_seconds: NonNegativeFloat = 10.0


@dataclass(frozen=True)
class EarlyStopping(Spec):
    """Stop when the monitored score has not become better for a while.

    monitor: `train_loss`, `validation_loss` or `validation_` and the name of a metric.
    patience: epochs without a better score after which training stops.
    min_delta: by how much a score must be better to count.
    """

    monitor: str = "validation_loss"
    patience: PositiveInt = 10
    min_delta: NonNegativeFloat = 0.0


@dataclass(frozen=True)
class Experiment(Spec):
    """What a config file says.

    name: names the run folder; left out, the file's name.
    seed: everything random follows from it.
    data: which rows, which columns.
    model: the network.
    loss: what training makes small.
    optimizer: how the weights move.
    lr_schedule: how the learning rate changes over the steps.
    metrics: scores to report; left out, those usual for the loss.
    trainer: epochs, batches, checkpoints.
    early_stopping: when to stop before `max_epochs`; left out, never.
    expect: gates, such as `{test_accuracy: ">= 0.95"}`; one that is not met ends with exit code 5.
    metadata: anything; kept with the run, never read.
    """

    data: Data
    model: Model
    loss: Loss
    name: str = ""
    seed: Seed = 0
    optimizer: Optimizer = field(default_factory=Adam)
    lr_schedule: Schedule = field(default_factory=Constant)
    metrics: tuple[Metric, ...] | None = None
    trainer: Trainer = field(default_factory=Trainer)
    early_stopping: EarlyStopping | None = None
    expect: Mapping[str, str] = field(default_factory=dict)
    metadata: Mapping[str, Any] = field(default_factory=dict)
