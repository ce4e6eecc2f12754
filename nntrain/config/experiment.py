"""Experiment: all that a config file says, as frozen dataclasses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Annotated, Any, Literal

import nntrain.augmentations
import nntrain.averaging
import nntrain.heads
import nntrain.initializers
import nntrain.layers
import nntrain.losses
import nntrain.metrics  # noqa: F401  importing these registers their kinds
from nntrain.config.sweep import Sweep
from nntrain.data.settings import Data
from nntrain.families import (
    Averaging,
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
from nntrain.limits import Gt, Lt
from nntrain.optimizers import Adam
from nntrain.schedules import Constant
from nntrain.values import dataclass


@dataclass(frozen=True)
class Model(Spec):
    """The network: its layers, from the input to the output.

    layers: in order; `units: auto` on the last one takes the number from the target.
    """

    layers: tuple[Layer, ...]


@dataclass(frozen=True)
class GradientNoise(Spec):
    """Normal noise of variance eta / (1 + t)^gamma on every gradient, t the step from 0.

    Neelakantan et al. 2015, arXiv:1511.06807.  It comes after clipping, which would undo it.

    eta: the variance in the first step; the paper has 0.01, 0.3 or 1.
    gamma: how fast it falls.
    """

    eta: PositiveFloat
    gamma: NonNegativeFloat = 0.55


@dataclass(frozen=True)
class Trainer(Spec):
    """How long and in which portions to train.

    max_epochs: passes over the training rows at most.
    batch_size: rows in one step.
    micro_batch_size: rows that are computed at a time; the gradients of a batch are summed, so
        this saves memory and changes no result.  null: all of a batch at once.
    gradient_clip_norm: longest gradient (Euclidean norm over all weights that are not frozen);
        null: any.
    gradient_clip_value: largest number in a gradient, either way; null: any.
    gradient_noise: noise on every gradient, by `eta` and `gamma`; null: none.
    checkpoint_seconds: seconds between two checkpoints, and at least 100 times as long as writing
        the last one took; 0 writes one after each step.
    deterministic: one process with one thread, as every other number of them rounds otherwise.
    checkpoint_steps: a checkpoint after every so many steps as well; null: by time alone.
    tensorboard: write event files for TensorBoard into `tensorboard/` of the run folder; needs
        the extra `tensorboard`.
    """

    max_epochs: PositiveInt = 100
    batch_size: PositiveInt = 32
    micro_batch_size: PositiveInt | None = None
    gradient_clip_norm: PositiveFloat | None = None
    gradient_clip_value: PositiveFloat | None = None
    gradient_noise: GradientNoise | None = None
    checkpoint_seconds: NonNegativeFloat = 10.0
    checkpoint_steps: PositiveInt | None = None
    deterministic: bool = False
    tensorboard: bool = False


@dataclass(frozen=True)
class Regularization(Spec):
    """Small weights: penalties that are part of the gradient, and a limit.

    They concern the weights that `weight_decay` concerns, which biases are not.  The losses that
    are reported leave the penalties out, so that those of training and validation compare.

    l1: λ of the penalty λ Σ |w|, whose gradient is λ sign(w).
    l2: λ of the penalty ½ λ Σ w², whose gradient is λ w, as PyTorch's coupled `weight_decay` has
        it; Keras's `l2(λ)` is twice that.
    max_norm: longest vector of weights into one unit (all axes but the last); a longer one is
        shortened after the update (Srivastava et al. 2014, section 5.1).  null: any.
    """

    l1: NonNegativeFloat = 0.0
    l2: NonNegativeFloat = 0.0
    max_norm: PositiveFloat | None = None


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
class OnDivergence(Spec):
    """What to do when a number is not finite, instead of ending with exit code 4.

    restore: where to go back to; `last_good`: the end of the epoch with the smallest
        `train_loss_evaluated` so far, or the start.
    learning_rate_factor: what the learning rate is multiplied by from there on, each time.
    max_retries: how often in one run; then it ends with exit code 4.
    """

    restore: Literal["last_good"] = "last_good"
    learning_rate_factor: Annotated[float, Gt(0), Lt(1)] = 0.5
    max_retries: PositiveInt = 2


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
    regularization: penalties on large weights.
    averaging: weights averaged along the way, to validate and to keep; left out, the last ones.
    metrics: scores to report; left out, those usual for the loss.
    trainer: epochs, batches, checkpoints.
    early_stopping: when to stop before `max_epochs`; left out, never.
    on_divergence: to go back and go on with a smaller learning rate; left out, training ends.
    sweep: settings to try with `nntrain sweep`; `fit` leaves it alone.
    expect: gates, such as `{test_accuracy: ">= 0.95"}`; one that is not met ends with exit code 5.
    metadata: anything; kept with the run, never read.
    plugins: Python files with kinds of your own, relative to this file; they are run as it is read.
    """

    data: Data
    model: Model
    loss: Loss
    name: str = ""
    seed: Seed = 0
    optimizer: Optimizer = field(default_factory=Adam)
    lr_schedule: Schedule = field(default_factory=Constant)
    regularization: Regularization = field(default_factory=Regularization)
    averaging: Averaging | None = None
    metrics: tuple[Metric, ...] | None = None
    trainer: Trainer = field(default_factory=Trainer)
    early_stopping: EarlyStopping | None = None
    on_divergence: OnDivergence | None = None
    sweep: Sweep | None = None
    expect: Mapping[str, str] = field(default_factory=dict)
    metadata: Mapping[str, Any] = field(default_factory=dict)
    plugins: tuple[str, ...] = ()
