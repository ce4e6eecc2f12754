"""The families that a config may choose from, and the contract of each.

A *kind* is a frozen dataclass: `Dense(units=64)` is the very thing that `{type: dense, units: 64}`
names.  A kind registers itself under its class name in snake case, so adding one is writing one
class.  Nothing here knows YAML, pydantic or training.

Shapes leave out the batch axis, which is axis 0.  Arrays are float32 in training; no kind names a
dtype, so that the tests can build everything in float64.
"""

from nntrain.arrays import Array, Shape
from nntrain.families.augmentation import Augmentation, Draws
from nntrain.families.course import Averaging, Schedule
from nntrain.families.kind import (
    Family,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    Rate,
    Seed,
    Share,
    Spec,
    knowing,
    to_plain,
)
from nntrain.families.layer import (
    Activation,
    Backward,
    Builder,
    Built,
    Draw,
    Forward,
    Initializer,
    Layer,
    Use,
)
from nntrain.families.loss import Goal, Loss, Task
from nntrain.families.metric import Metric
from nntrain.families.optimizer import Arrays, Group, Optimizer, Rule, Segment, Update
from nntrain.families.source import Source

FAMILIES: tuple[type[Family], ...] = (
    Layer, Activation, Loss, Optimizer, Schedule, Averaging, Metric, Source, Initializer,
    Augmentation,
)  # fmt: skip

__all__ = [
    "FAMILIES", "Activation", "Array", "Arrays", "Augmentation", "Averaging", "Backward", "Builder",
    "Built", "Draw", "Draws", "Family", "Forward", "Goal", "Group", "Initializer", "Layer", "Loss",
    "Metric", "NonNegativeFloat", "NonNegativeInt", "Optimizer", "PositiveFloat", "PositiveInt",
    "Rate", "Rule", "Schedule", "Seed", "Segment", "Shape", "Share", "Source", "Spec", "Task",
    "Update", "Use", "knowing", "to_plain",
]  # fmt: skip
