"""How much memory a training takes at most, said from the plan before anything of it is there.

An estimate: `bench/estimates.py` compares it with what trainings took.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from nntrain.config import Experiment
from nntrain.data.dataset import Dataset
from nntrain.families import Array, Use
from nntrain.layers.attention import MultiHeadAttention
from nntrain.layers.graph import Graph
from nntrain.layers.recurrent import Recurrent
from nntrain.layers.residual import Residual
from nntrain.room import is_large
from nntrain.store import Plan
from nntrain.training.evaluate import block_size
from nntrain.training.insight import look_size

BYTES = 4  # of a float32
PROGRAM = 30_000_000  # Python, NumPy and what else is loaded
GATES = {"lstm": 4, "gru": 3}


class Memory(NamedTuple):
    """Bytes of anonymous memory; pages of mapped files, where large data lie, are no part of it.

    weights: θ and its gradient.  copies: what the optimizer remembers, the best weights, averaged
    ones, those to go back to.  work: the most that comes and goes: the numbers of all layers for
    the rows of a batch, of a look or of a block to evaluate.
    data: the rows of all parts.  program: what is there whatever is trained.
    """

    weights: int
    copies: int
    work: int
    data: int
    program: int = PROGRAM

    @property
    def total(self) -> int:
        return sum(self)


def memory(experiment: Experiment, plan: Plan, dataset: Dataset) -> Memory:
    """The most that training takes on these data, in one process."""
    learned = BYTES * sum(weight.size for weight in plan.weights.values())
    trainer, sizes = experiment.trainer, {name: len(p) for name, p in dataset.parts.items()}
    batch = min(trainer.batch_size, sizes["train"])
    portion = min(batch, trainer.micro_batch_size or batch)
    in_state = 2 + len(experiment.optimizer.slots()) + bool(experiment.averaging)  # θ and the best
    in_state *= 2 if experiment.on_divergence else 1
    kept, widest = numbers(plan), max(math.prod(row.shape) for row in plan.layers)
    step = BYTES * (portion * (kept + 2 * widest) + batch * math.prod(plan.uses[0][1].takes))
    look = BYTES * look_size(widest, sizes["train"]) * (kept + 2 * widest) + learned
    evaluation = BYTES * min(block_size(widest), max(sizes.values())) * kept
    return Memory(
        weights=2 * learned,
        copies=(in_state - 1 + (portion < batch)) * learned,
        work=max(step, look, evaluation),
        data=sum(_held(part.x, part.target, part.raw) for part in dataset.parts.values()),
    )


def numbers(plan: Plan) -> int:
    """How many are kept of one row between the forward pass and the backward pass."""
    return sum(kept_of(use) for _, use in plan.uses)


def kept_of(use: Use) -> int:
    """What one layer keeps of a row: what it gives, before and after its activation, and more."""
    layer, gives = use.layer, math.prod(use.gives)
    if isinstance(layer, Graph | Residual):
        return gives
    if isinstance(layer, Recurrent):  # gates, states and their gradients at every step
        each = 3 * GATES.get(use.layer.kind, 1) * layer.units
        return use.takes[0] * each * (1 + layer.bidirectional) + gives
    if isinstance(layer, MultiHeadAttention):  # twice q, k, v and the scores of each pair of steps
        steps, d = use.takes
        inner = layer.heads * (layer.key_dim or d // layer.heads)
        return 2 * layer.heads * steps**2 + 7 * inner * steps + gives
    activation = getattr(layer, "activation", None)
    return gives * (1 if activation is None or activation.kind == "identity" else 2)


def _held(*arrays: Array) -> int:
    """Bytes of arrays in memory: one that is another again counts once, a large one is mapped."""
    found = {id(array): 0 if is_large(array.nbytes) else array.nbytes for array in arrays}
    return sum(found.values())
