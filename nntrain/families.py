"""The families that a config may choose from, and the contract of each.

A *kind* is a frozen dataclass: `Dense(units=64)` is the very thing that `{type: dense, units: 64}`
names.  A kind registers itself under its class name in snake case, so adding one is writing one
class.  Nothing here knows YAML, pydantic or training.

Shapes leave out the batch axis, which is axis 0.  Arrays are float32 in training; no kind names a
dtype, so that the tests can build everything in float64.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, NamedTuple, TextIO, TypeVar

import numpy as np

from nntrain.arrays import Array, Shape
from nntrain.blocks import BLOCK, FLUSH_EVERY, blocks, flush_subnormals
from nntrain.call import Call
from nntrain.limits import Ge, Gt, Le, Lt

Backward = Callable[[Array], Array | None]
Forward = Callable[[Array, Call], tuple[Array, Backward]]

PositiveInt = Annotated[int, Gt(0)]
NonNegativeInt = Annotated[int, Ge(0)]
Seed = Annotated[int, Ge(0), Lt(2**32)]  # one word, so that no two seeds give one stream
PositiveFloat = Annotated[float, Gt(0)]
NonNegativeFloat = Annotated[float, Ge(0)]
Rate = Annotated[float, Ge(0), Lt(1)]  # a share that must leave something over
Share = Annotated[float, Gt(0), Le(1)]

Task = Literal["classes", "binary", "numbers", "heads"]
"""What a loss learns: one of several classes, one of two, numbers; or each target its own task."""

Goal = Task | Mapping[str, Task]
"""The task, or the task of each target column where they are `heads` of one network."""


class Spec:
    """Anything that a mapping in a config file describes: a frozen dataclass."""


class Family(Spec):
    """A set of kinds that one place in the config may choose from by `type`."""

    kinds: ClassVar[dict[str, type[Family]]]
    kind: ClassVar[str]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if Family in cls.__bases__:
            cls.kinds = {}
        else:
            cls.kind = (
                cls.__dict__.get("kind")
                or re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", cls.__name__).lower()
            )
            cls.kinds[cls.kind] = cls


Draw = Callable[[Call, int, int], Array]
"""`draw(call, rows, width) -> (rows, width) uint16`: uniform random numbers by position."""


@dataclass
class Builder:
    """What `Layer.build` talks to.  Names are paths: `layers.0.W`."""

    learns: bool = False  # does anything before the layer that is being built learn?
    path: str = ""
    columns: Mapping[str, slice] = field(default_factory=dict)
    """Where the columns of the table stand on the last axis, for the first layer alone."""

    @contextmanager
    def at(self, path: str) -> Iterator[None]:
        """Names given inside are below `path`."""
        outer = self.path
        self.path = self.name(path)
        try:
            yield
        finally:
            self.path = outer

    def name(self, name: str) -> str:
        return f"{self.path}.{name}" if self.path else name

    def weight(
        self, name: str, shape: Shape, initializer: Initializer, *, decays: bool = True
    ) -> tuple[Array, Array]:
        """A weight and its gradient, both of `shape`; `backward` fills the gradient."""
        raise NotImplementedError

    def buffer(self, name: str, shape: Shape, value: float) -> tuple[Array, Array]:
        """Numbers that survive a call but are not learned by gradient, and their next values.

        A forward in training writes the next values only; `commit` takes them over once the step
        is known to be sound.
        """
        raise NotImplementedError

    def random(self, name: str) -> Draw:
        """Random numbers for this layer, a function of (seed, layer, step, call, row)."""
        raise NotImplementedError

    def own_path(self) -> str:
        """The path, and where shared layers stand there too, one that is none of theirs."""
        return self.path

    def record(self, kind: str, shape: Shape, activation: str = "") -> None:
        """A layer of this kind, which ends with this activation, now stands at `path`."""


class Built(NamedTuple):
    """A layer that stands on a store: its forward, and the shape that comes out of it."""

    forward: Forward
    shape: Shape


class Layer(Family):
    """A piece of network: `build(shape, store) -> Built`, `forward(x, call) -> (y, backward)`.

    1. Never write into `x` or `dy`; returning one of them unchanged is allowed.
    2. `backward(dy) -> dx` *sets* the gradients of its weights; it never adds.
    3. `backward` returns `None` where nothing upstream learns (`store.learns` at build).
    4. What survives a call lives in the store: `store.weight(...)`, `store.buffer(...)`.
    5. Two forwards, then their backwards in any order, give the same as one after the other.
    6. Constants are Python floats: one `np.float64` scalar makes a float32 pass 16 times slower.
    7. `build` is pure and runs twice: on a plan that only counts, then on the real store.
    8. Where `call.lengths` is given, what stands in the padding changes no output, no gradient
       and no statistic; lengths count along axis 1, and that axis may differ from call to call.
    """

    def build(self, shape: Shape, store: Builder) -> Built:
        raise NotImplementedError

    def lengths(self, n: Array) -> Array | None:
        """The lengths of the output's sequences, from those of the input's, (N,) both.

        Not the same where a layer strides or pools along axis 1, None where that axis is gone.
        """
        return n


class Activation(Family):
    """An elementwise or rowwise function; the contract is that of `Layer`, the shape stays."""

    def build(self, shape: Shape, store: Builder) -> Built:
        raise NotImplementedError


class Loss(Family):
    """`loss(prediction, target, weights) -> (float, d_prediction)`: the weighted *sum*.

    `weights` (N,) sum to 1 over the whole batch, so short batches, accumulated ones and batches
    shared by processes are exact.  `link(prediction)` is what people are shown: probabilities
    where the loss takes logits.

    task: what it learns.
    applies: the function that `link` is, where it is one.
    unscaled: what it takes targets for, where these must not be scaled.
    least_targets: how many target columns it needs.
    """

    task: ClassVar[Task]
    applies: ClassVar[str] = ""
    unscaled: ClassVar[str] = ""
    least_targets: ClassVar[int] = 1

    def __call__(self, prediction: Array, target: Array, weights: Array) -> tuple[float, Array]:
        raise NotImplementedError

    def link(self, prediction: Array) -> Array:
        return prediction

    def parts(self) -> tuple[Loss, ...]:
        """The losses that it is a sum of."""
        return (self,)

    def row_weights(self, target: Array) -> Array | None:
        """Factors of the rows, (N,), by their class; None where all count the same.

        Whoever calls the loss multiplies its weights by them, and divides by their sum.
        """
        return None

    def settled(self, classes: Sequence[str], counts: Sequence[int]) -> Loss:
        """The same loss, once the classes and their training rows are known."""
        return self

    def check_target(self, target: Array) -> tuple[int, str] | None:
        """The first row of (N, K) that the loss can not learn, and why."""
        return None

    @property
    def goal(self) -> Goal:
        """What the data has to provide."""
        return self.task

    def for_outputs(self, widths: Mapping[str, int]) -> Loss:
        """The same loss once the data is known: how many outputs each target column takes."""
        return self


Update = Callable[[int, float, float], None]
"""`update(step, rate, scale)`: one move of all weights; steps count from 1."""


@dataclass(frozen=True, kw_only=True)
class Group(Spec):
    """Weights that move in another way than the rest.

    layers: paths such as `layers.0`, or shell patterns such as `layers.1*`; what is inside such a
        layer belongs to it.  A layer that several groups name belongs to the first of them.
    learning_rate: η of these weights; null: that of the optimizer.
    weight_decay: their decay; null: that of the optimizer.
    frozen: they do not move at all.  Gradients flow through, running statistics go on.
    """

    layers: tuple[str, ...]
    learning_rate: PositiveFloat | None = None
    weight_decay: NonNegativeFloat | None = None
    frozen: bool = False

    def holds(self, name: str) -> bool:
        """Whether the weight or layer of this name is in it, or inside something that is."""
        parts = name.split(".")
        outer = [".".join(parts[:n]) for n in range(1, len(parts) + 1)]
        return any(fnmatchcase(path, pattern) for path in outer for pattern in self.layers)


class Segment(NamedTuple):
    """A stretch of the flat vectors whose weights move alike.

    group: number of the group from 1, 0 for weights that are in none.  decays: not biases.
    """

    part: slice
    group: int = 0
    decays: bool = True


@dataclass(frozen=True, kw_only=True)
class Optimizer(Family):
    """How the weights move: in place on the flat vectors, in blocks that stay in the cache.

    Learning rates, weight decay and clipping are applied here, once for all kinds; a kind writes
    the rule of one block.  State lives in named slots, vectors as long as θ, which checkpoints
    save.  A step allocates nothing.

    learning_rate: η, before the schedule's factor.
    weight_decay: shrinks θ by η · weight_decay at each step.  It is decoupled (Loshchilov &
        Hutter 2019, arXiv:1711.05101), and biases do not decay.
    groups: layers with a learning rate or a decay of their own, or frozen.
    """

    learning_rate: PositiveFloat
    weight_decay: NonNegativeFloat = 0.0
    groups: tuple[Group, ...] = ()

    def slots(self) -> tuple[str, ...]:
        """Names of the vectors that the rule remembers between steps; they begin with zeros."""
        return ()

    def constants(self, step: int, rate: float) -> tuple[float, ...]:
        """The numbers of the rule that are the same for all blocks in this step."""
        raise NotImplementedError

    def move(
        self,
        p: Array,
        g: Array,
        work: Sequence[Array],
        state: Sequence[Array],
        constants: Sequence[Array],
    ) -> None:
        """The rule for one block: weights `p` move in place; `work` is twice room of that size."""
        raise NotImplementedError

    def build(
        self, theta: Array, grad: Array, segments: Sequence[Segment], state: Mapping[str, Array]
    ) -> Update:
        """The update of `theta` by `grad`; what no segment holds stays as it is."""
        room = np.empty((2, len(theta[:BLOCK])), theta.dtype)
        slots = [state[name] for name in self.slots()]
        manners = [(segment.part, *self.manner(segment)) for segment in segments]
        shrinking = [(theta[part], factor * decay) for part, factor, decay in manners if decay]
        moves = [
            (self._of_stretch(theta, grad, stretch, slots, room), factor)
            for stretch, factor in _joined([(part, factor) for part, factor, _ in manners])
        ]

        def update(step: int, rate: float, scale: float) -> None:
            for weights, decay in shrinking:
                np.multiply(weights, 1.0 - rate * decay, out=weights)
            for move, factor in moves:
                move(step, rate * factor, scale)

        return update

    def _of_stretch(
        self, theta: Array, grad: Array, stretch: slice, slots: Sequence[Array], room: Array
    ) -> Update:
        """The update of weights that have one learning rate, block by block."""
        pieces = [
            (
                theta[part],
                grad[part],
                [row[: part.stop - part.start] for row in room],
                [slot[part] for slot in slots],
            )
            for part in blocks(stretch)
        ]
        numbers = [np.empty((), theta.dtype) for _ in self.constants(1, 0.0)]
        kept = np.empty(room.shape[1:], np.bool_)

        def update(step: int, rate: float, scale: float) -> None:
            for number, value in zip(numbers, self.constants(step, rate), strict=True):
                number[()] = value
            for p, g, work, state in pieces:
                if scale != 1.0:
                    np.multiply(g, scale, out=g)
                self.move(p, g, work, state, numbers)
                if step % FLUSH_EVERY == 0:
                    flush_subnormals(state, work[0], kept[: len(p)])

        return update

    def manner(self, segment: Segment) -> tuple[float, float]:
        """How the weights of a segment move: a factor of the learning rate, and their decay."""
        group = self.groups[segment.group - 1] if segment.group else Group(layers=())
        rate, decay = group.learning_rate, group.weight_decay
        factor = 1.0 if rate is None else rate / self.learning_rate
        return factor, (self.weight_decay if decay is None else decay) * segment.decays


def _joined(parts: Sequence[tuple[slice, float]]) -> list[tuple[slice, float]]:
    """Neighbours with one factor as one stretch: fewer and longer blocks."""
    found: list[tuple[slice, float]] = []
    for part, factor in parts:
        if found and found[-1][0].stop == part.start and found[-1][1] == factor:
            part = slice(found.pop()[0].start, part.stop)
        found.append((part, factor))
    return found


@dataclass(frozen=True, kw_only=True)
class Schedule(Family):
    """A pure function of the step: `schedule(step, total, epoch) -> factor` of the learning rate.

    `step` counts from 0, `total` is the number of steps of the whole training, `epoch` the number
    of steps in one epoch.  All schedules share the warm-up, after which `factor` gets the steps
    that are left: (step + 1) / warm for step < warm = warmup_epochs · epoch
    (Goyal et al. 2017, arXiv:1706.02677, section 2.2).
    """

    warmup_epochs: NonNegativeFloat = 0.0

    def __call__(self, step: int, total: int, epoch: int) -> float:
        warm = math.ceil(min(self.warmup_epochs * epoch, 1e18))
        if step < warm:
            return (step + 1) / warm
        return self.factor(step - warm, max(total - warm, 1), epoch)

    def factor(self, step: int, total: int, epoch: int) -> float:
        raise NotImplementedError


class Averaging(Family):
    """Weights averaged along the way: average = k · average + (1 - k) · θ.

    k = `kept(step, epoch)` is a pure function; `step` counts the updates from 1, `epoch` is the
    number of steps in one epoch.  The average begins as the first weights.  Running statistics
    are averaged as weights are.  Validation, the best epoch and the model use the average.
    """

    def kept(self, step: int, epoch: int) -> float:
        """The share of the average that stays after this step; 1 leaves it as it is."""
        raise NotImplementedError


class Metric(Family):
    """A score that batching can not change: rows become `sums`, sums combine, `score` reads them.

    `shown` is what people are shown (`Loss.link`, in the target's own unit).  Sums are float64.
    """

    tasks: ClassVar[frozenset[Task]]
    higher_is_better: ClassVar[bool]

    @property
    def name(self) -> str:
        """What people call the score; a field that makes another score of it is part of it."""
        return self.kind

    def can_score(self, task: Task) -> bool:
        return task in self.tasks

    def for_classes(self, classes: tuple[str, ...]) -> Metric:
        """The same metric once the data is known: the names of the target's classes."""
        return self

    def sums(self, shown: Array, target: Array, weights: Array) -> Array:
        raise NotImplementedError

    def combine(self, a: Array, b: Array) -> Array:
        return a + b

    def score(self, sums: Array) -> float:
        raise NotImplementedError


class Initializer(Family):
    """The first values of a weight: `initializer(shape, generator) -> array` of that shape.

    The last axis holds the outputs; the axes before it are what one output sums over.
    """

    def __call__(self, shape: Shape, generator: np.random.Generator) -> Array:
        raise NotImplementedError


class Source(Family):
    """A file format: `read(source)` yields the rows as tables of bounded size.

    `source` is a path, or for formats of text an open text stream.
    """

    def read(self, source: str | Path | TextIO, rows_at_a_time: int = 32_768) -> Iterator[Any]:
        raise NotImplementedError

    def companions(self, path: Path) -> tuple[Path, ...]:
        """Other files that are read along with the one at `path`, such as one of labels."""
        return ()


FAMILIES: tuple[type[Family], ...] = (
    Layer, Activation, Loss, Optimizer, Schedule, Averaging, Metric, Source, Initializer,
)  # fmt: skip


K = TypeVar("K")


def knowing(kind: K, **facts: Any) -> K:
    """A copy of a kind that also knows what only the data tells, which is no key of the config."""
    copy = replace(kind)  # type: ignore[type-var]
    for name, fact in facts.items():
        object.__setattr__(copy, name, fact)
    return copy


def to_plain(value: Any) -> Any:
    """The YAML form of a kind, a section or anything made of them: mappings, lists, scalars."""
    if isinstance(value, Spec):
        own = {each.name: to_plain(getattr(value, each.name)) for each in fields(value)}  # type: ignore[arg-type]
        return {"type": value.kind, **own} if isinstance(value, Family) else own
    if isinstance(value, (tuple, list)):
        return [to_plain(item) for item in value]
    if isinstance(value, dict):
        return {key: to_plain(item) for key, item in value.items()}
    return value


__all__ = [
    "FAMILIES", "Activation", "Array", "Averaging", "Backward", "Builder", "Built", "Draw",
    "Family", "Forward", "Goal", "Group", "Initializer", "Layer", "Loss", "Metric",
    "NonNegativeFloat", "NonNegativeInt", "Optimizer", "PositiveFloat", "PositiveInt", "Rate",
    "Schedule", "Seed", "Segment", "Shape", "Share", "Source", "Spec", "Task", "Update", "knowing",
    "to_plain",
]  # fmt: skip
