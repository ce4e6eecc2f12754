"""Evaluate: loss and metrics of a network over rows, whatever the size of the blocks."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from itertools import chain
from typing import NamedTuple, TypeVar

import numpy as np

from nntrain.call import Call
from nntrain.data.batches import trimmed
from nntrain.data.parts import Part
from nntrain.data.preprocessing import Preprocessor
from nntrain.data.several import Several
from nntrain.data.targets import Classes
from nntrain.data.tokens import NOWHERE
from nntrain.families import Array, Metric
from nntrain.run.model import Model
from nntrain.side_by_side import side_by_side
from nntrain.threads import allowed
from nntrain.training.ahead import Forward, make_forward

BLOCK_BYTES = 2**21  # of the widest layer's output at a time: activations stay near the cache
LITTLE = 2 * BLOCK_BYTES  # in all: no work for several threads, which take as long to begin
TOGETHER = 4  # blocks that a thread takes at a time, where there are many
FEW = 32  # rows that make products of matrices pay; fewer where they alone take `MOST_BYTES`
MOST_BYTES = 2**26

Result = TypeVar("Result")


def block_size(width: int) -> int:
    """How many rows that become `width` numbers go through one forward pass."""
    each = 4 * max(width, 1)
    return max(1, min(FEW, MOST_BYTES // each), min(4096, BLOCK_BYTES // each))


def blocks(rows: int, width: int) -> Iterator[slice]:
    """Slices that cut rows that become `width` numbers into portions for one forward pass."""
    size = block_size(width)
    return (slice(at, min(at + size, rows)) for at in range(0, rows, size))


def forward(model: Model, x: Array, lengths: Array | None) -> Iterator[tuple[slice, Array]]:
    """What the network gives for x (N, …), a portion at a time: its rows, and (n, …)."""
    return on_blocks(model, x, lengths, lambda rows, prediction: (rows, prediction))


def on_blocks(
    model: Model,
    x: Array,
    lengths: Array | None,
    then: Callable[[slice, Array], Result],
    *,
    in_order: bool = False,
    threads: int | None = None,
    forward: Forward | None = None,
) -> Iterator[Result]:
    """`then(rows, prediction)` for all of x (N, …), a portion at a time, on as many threads as
    are allowed, or on `threads`.   forward: where more rows follow, what they share.

    Rows in order go one by one, since each begins with the state that the last one left.
    """
    state: dict[str, Array] | None = {} if in_order else None
    ahead = forward or make_forward(model, 1 if in_order else len(x))

    def go(rows: slice) -> Result:
        own = None if lengths is None else lengths[rows]
        call = Call(lengths=own, state=state, forward_only=True)
        return then(rows, ahead(trimmed(x[rows], own), call))

    if in_order:
        return (go(slice(at, at + 1)) for at in range(len(x)))
    width = model.network.widest
    threads = threads or (allowed() if 4 * len(x) * width > LITTLE else 1)
    each = list(blocks(len(x), width))
    some = max(1, min(TOGETHER, len(each) // (4 * threads)))
    pieces = (each[at : at + some] for at in range(0, len(each), some))
    done = side_by_side(lambda piece: [go(rows) for rows in piece], pieces, threads)
    return chain.from_iterable(done)


@np.errstate(all="ignore")  # what is not finite is told by the callers
def predict(
    model: Model,
    x: Array,
    lengths: Array | None = None,
    threads: int | None = None,
    forward: Forward | None = None,
) -> Array:
    """What people are shown for inputs (N, …): probabilities (N, C) or values (N, K)."""

    def show(rows: slice, prediction: Array) -> tuple[slice, Array]:
        return rows, model.show(prediction)

    parts = on_blocks(model, x, lengths, show, threads=threads, forward=forward)
    found: Array | None = None
    for rows, shown in parts:
        if found is None:  # filled on the way: blocks that are put together take twice the room
            found = np.empty((len(x), *shown.shape[1:]), shown.dtype)
        found[rows] = shown
    if found is None:
        raise ValueError("there are no rows to predict")
    return found


@np.errstate(all="ignore")
def evaluate(model: Model, part: Part) -> dict[str, float]:
    """`loss` and every metric of the config over all rows, each the same for any block size.

    Where a prediction is NaN there is no score, though argmax and sorting would give one.
    """
    unit = unit_of(part)

    def judge(block: slice, prediction: Array) -> tuple[float, float, Sums]:
        target = part.target[block]
        weights = steps_to_answer(target, prediction)
        ones = np.ones(len(prediction), prediction.dtype)
        if part.weights is not None:
            ones = part.weights[block] / unit
            weights *= ones.astype(prediction.dtype)
        factors = model.loss.row_weights(target)
        if factors is not None:
            weights *= factors
        value, _ = model.loss(prediction, target, weights)
        own = Sums(model)
        own.add(steps_as_rows(model.show(prediction), part.raw[block], ones).counted())
        return value, float(weights.sum()), own

    total, count, sums = 0.0, 0.0, Sums(model)
    for value, weight, own in on_blocks(model, part.x, part.lengths, judge, in_order=part.in_order):
        total, count = total + value, count + weight
        sums.join(own)
    return {"loss": total / count if count else 0.0, **sums.scores()}


def unit_of(part: Part) -> float:
    """What weights are divided by, so that they are near 1 in float32."""
    return 1.0 if part.weights is None else float(part.weights.mean()) or 1.0


def steps_to_answer(target: Array, prediction: Array) -> Array:
    """(n,): 1, or where a row is answered step by step, the steps that have a target."""
    if prediction.ndim < 3 or target.ndim > 2:
        return np.ones(len(target), prediction.dtype)
    steps: Array = (target != NOWHERE).sum(axis=1).astype(prediction.dtype)
    return steps


class Rows(NamedTuple):
    """What a metric compares, a row each: shown (N, C), target (N, …), weights (N,)."""

    shown: Array
    target: Array
    weights: Array

    def counted(self) -> Rows:
        """Those that count, since means over none are no numbers."""
        some = self.weights > 0
        return self if some.all() else Rows(self.shown[some], self.target[some], self.weights[some])


def steps_as_rows(shown: Array, target: Array, weights: Array) -> Rows:
    """Rows as they are; of sequences (N, T, C) every step that has a target is a row.

    target: classes (N, T), -1 for none, or numbers (N, T, K), NaN for none.
    """
    if shown.ndim < 3:
        return Rows(shown, target, weights)
    steps = target.reshape(-1, *target.shape[2:])
    known = steps != NOWHERE if steps.ndim == 1 else ~np.isnan(steps).any(axis=1)
    flat = shown.reshape(-1, shown.shape[-1])
    return Rows(flat[known], steps[known], weights.repeat(shown.shape[1])[known])


class Sums:
    """The sums of every score of a model's experiment, which rows are added to."""

    def __init__(self, model: Model):
        self._model = model
        self._sums = dict[str, Array]()
        self._broken = False

    def add(self, rows: Rows) -> None:
        self._broken = self._broken or bool(np.isnan(rows.shown).any())
        if self._broken or not len(rows.weights):
            return
        heads = dict(each_head(self._model.preprocessor, rows.shown, rows.target))
        for name, metric, head in self._model.scores:
            shown, target = heads[head] if head else rows[:2]
            self._put(name, metric, metric.sums(shown, target, rows.weights))

    def join(self, others: Sums) -> None:
        """Add what others have of the rows that follow."""
        self._broken = self._broken or others._broken
        for name, metric, _ in self._model.scores:
            if name in others._sums:
                self._put(name, metric, others._sums[name])

    def _put(self, name: str, metric: Metric, new: Array) -> None:
        before = self._sums.get(name)
        self._sums[name] = new if before is None else metric.combine(before, new)

    def scores(self) -> dict[str, float]:
        """Each score by name; NaN where a prediction was, or no row."""
        return {
            name: math.nan
            if self._broken or name not in self._sums
            else metric.score(self._sums[name])
            for name, metric, _ in self._model.scores
        }


def each_head(
    preprocessor: Preprocessor, shown: Array, target: Array
) -> Iterator[tuple[str, tuple[Array, Array]]]:
    """For each target column by name what its metrics compare: what is shown, and what is true."""
    several = preprocessor.target_columns
    if not isinstance(several, Several):
        return
    for part, (outputs, column) in several.places():
        true = target[:, column : column + 1]
        if isinstance(part, Classes) and not part.binary:
            true = true[:, 0].astype(np.int64)
        yield part.names[0], (shown[:, outputs], true)


def confusions(model: Model, part: Part) -> Iterator[tuple[Classes, Array]]:
    """For each target of classes its counts (C, C): a row a true class, a column a chosen one."""
    known = model.preprocessor
    targets = [target for target in known.each_target if isinstance(target, Classes)]
    if not targets:  # the tokens of a text are too many for a table
        return
    counts = [np.zeros((len(t.classes), len(t.classes)), dtype=np.int64) for t in targets]

    def count(block: slice, prediction: Array) -> list[Array]:
        shown, raw = model.show(prediction), part.raw[block]
        heads = dict(each_head(known, shown, raw))
        pairs = [(target, *heads.get(target.name, (shown, raw))) for target in targets]
        return [_counts(len(t.classes), true, chosen_class(own)) for t, own, true in pairs]

    with np.errstate(all="ignore"):
        for found in on_blocks(model, part.x, part.lengths, count):
            for sums, some in zip(counts, found, strict=True):
                sums += some
    yield from zip(targets, counts, strict=True)


def _counts(classes: int, true: Array, chosen: Array) -> Array:
    place = true.reshape(len(true)).astype(np.int64) * classes + chosen
    return np.bincount(place, minlength=classes**2).reshape(classes, classes)


def chosen_class(shown: Array) -> Array:
    """The number of the most probable class, (N,); of two classes `shown` is the second's."""
    if shown.shape[1] > 1:
        chosen: Array = shown.argmax(axis=1)
        return chosen
    return (shown[:, 0] > 0.5).astype(np.int64)
