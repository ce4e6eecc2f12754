"""Timing: how long training will take, found out by a few steps of a copy of which nothing is kept.

The steps are those of `fit`, augmentation and update included, with a learning rate of 0.  A pass
that is watched then tells which layers the time goes to.  What would take long or much memory is
not tried but reckoned, from the operations and from the speed of a plain product.
"""

from __future__ import annotations

import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import field, replace

import numpy as np

from nntrain.call import Call
from nntrain.data.batches import Batch, batches, order
from nntrain.data.parts import Part
from nntrain.families import Array
from nntrain.flops import Flops, total
from nntrain.run.run import Run
from nntrain.training.augment import make_augment
from nntrain.training.evaluate import evaluate
from nntrain.training.insight import sample
from nntrain.training.step import make_step
from nntrain.training.weights import shares
from nntrain.values import dataclass

BATCHES = 3  # that are timed, behind one that warms up
AGAIN = 0.1  # seconds: shorter ones are repeated until they take as long together
ENOUGH = 5.0  # seconds, after which fewer batches do
MOST_FLOPS = 4e10  # of a batch; a larger one is not tried
MOST_WEIGHTS = 50_000_000  # nor is a network of more
MOST_ROWS = 1000  # that are evaluated, fewer where they take more operations than
MOST_EVALUATED = 4e9
UPDATE, LOSS = "update", "loss"


@dataclass(frozen=True)
class Timing:
    """Seconds of one step and of an epoch, validation included.

    shares: of the time of a step, by the path of each layer, `loss` and `update`; a layer has that
        of the layers inside.
    untried: why it was not timed but reckoned; then there are no shares.
    """

    step: float
    epoch: float
    shares: dict[str, float] = field(default_factory=dict)
    untried: str = ""


def too_large(each: Flops, batch: int, weights: int, memory: int, machine: int) -> str:
    """Why a network is not tried: `each` row takes as many operations, `memory` of `machine`."""
    if each.training * batch > MOST_FLOPS:
        return f"a batch takes {each.training * batch / 1e9:,.0f} GFLOP"
    if weights > MOST_WEIGHTS:
        return f"there are {weights / 1e6:,.0f} million weights"
    if machine and memory > machine / 2:
        return f"training takes {memory / 1e9:.1f} GB, this machine has {machine / 1e9:.1f}"
    return ""


def reckoned(each: Flops, rows: dict[str, int], batch: int, why: str) -> Timing:
    """At the speed of a plain product, which no network reaches."""
    speed = product_speed()
    epoch = each.training * rows["train"] + each.forward * rows.get("validation", 0)
    return Timing(each.training * batch / speed, epoch / speed, untried=why)


def product_speed() -> float:
    """Operations a second of a product of matrices that is neither small nor large."""
    a = np.ones((384, 384), np.float32)
    spent = []
    for _ in range(5):
        began = time.perf_counter()
        a @ a
        spent.append(time.perf_counter() - began)
    return 2 * len(a) ** 3 / min(spent)


def timed(run: Run) -> Timing:
    """By the clock, on the first batches of the first epoch."""
    part, experiment = run.dataset.parts["train"], run.model.experiment
    run.order = order(len(part), experiment.seed, 0)
    with np.errstate(all="ignore"):
        steps, batch = _step_seconds(run, part)
        spent = _pass_seconds(run, batch)
        evaluation = _evaluation_seconds(run)
    inside = sum(spent.values())
    step, whole = statistics.median(steps), max(min(steps), inside)
    spent[UPDATE] = whole - inside
    epoch = step * len(part) / min(experiment.trainer.batch_size, len(part)) + evaluation
    return Timing(step, epoch, {name: each / whole for name, each in _with_inside(spent).items()})


def _step_seconds(run: Run, part: Part) -> tuple[list[float], Batch]:
    """Of some steps, and the last batch."""
    step, augment, spent = make_step(run), make_augment(run), list[float]()
    endless = _endless(run, part)
    while _goes_on(len(spent), sum(spent)):
        began = time.perf_counter()
        batch = next(endless)
        if augment:
            batch = augment(batch, len(spent))
        step(batch, len(spent), 0.0)
        spent.append(time.perf_counter() - began)
    return spent[1:] or spent, batch


def _endless(run: Run, part: Part) -> Iterator[Batch]:
    """The whole batches of the first epoch, again and again."""
    size = min(run.model.experiment.trainer.batch_size, len(part))
    rows = run.order[: len(part) // size * size]
    while True:
        yield from batches(part.x, part.target, rows, size, 0, part.lengths, part.weights)


def _pass_seconds(run: Run, batch: Batch) -> dict[str, float]:
    """Seconds by layer, without those inside, and of the loss: each the least of some passes."""
    rows = len(batch.x)
    portion = min(rows, run.model.experiment.trainer.micro_batch_size or rows)
    passes, began = list[dict[str, float]](), time.perf_counter()
    while _goes_on(len(passes), time.perf_counter() - began):
        passes.append(_pass(run, batch, slice(0, portion)))
    warm = passes[1:] or passes
    return {name: min(each[name] for each in warm) * rows / portion for name in warm[-1]}


def _goes_on(times: int, seconds: float) -> bool:
    """Whether something is timed once more."""
    return seconds < AGAIN or (times <= BATCHES and seconds < ENOUGH)


def _pass(run: Run, batch: Batch, part: slice) -> dict[str, float]:
    clock, loss, target = _Clock(), run.model.loss, batch.target[part]
    weights = shares(loss, target, run.model.network.store.theta.dtype)
    lengths = None if batch.lengths is None else batch.lengths[part]
    call = Call(training=True, watch=clock, lengths=lengths)
    clock.last = time.perf_counter()
    prediction, backward = run.model.network(batch.x[part], call)
    clock.spend("")
    d_prediction = loss(prediction, target, weights)[1]
    clock.spend(LOSS)
    backward(d_prediction)
    clock.spend(clock.behind)
    clock.spent.pop("", None)
    return clock.spent


class _Clock:
    """Watches a pass.  What ends with a layer's output, and begins with its gradient, is its."""

    def __init__(self) -> None:
        self.spent: dict[str, float] = defaultdict(float)
        self.behind, self.last = "", 0.0

    def __call__(self, path: str, y: Array, dy: Array | None) -> None:
        if dy is None:
            self.spend(path)
        else:
            self.spend(self.behind)
            self.behind = path

    def spend(self, path: str) -> None:
        now = time.perf_counter()
        self.spent[path] += now - self.last
        self.last = now


def _with_inside(spent: dict[str, float]) -> dict[str, float]:
    """To each layer what the layers inside of it take."""
    return {
        outer: sum(own for path, own in spent.items() if f"{path}.".startswith(f"{outer}."))
        for outer in spent
    }


def _evaluation_seconds(run: Run) -> float:
    """Of all that is evaluated at the end of an epoch, measured on some of it."""
    parts = [sample(run), *(p for name, p in run.dataset.parts.items() if name == "validation")]
    most = int(MOST_EVALUATED // max(1, total(run.model.network.plan).forward))
    return sum(_seconds_of(lambda few: evaluate(run.model, few), part, most) for part in parts)


def _seconds_of(measure: Callable[[Part], object], part: Part, most: int) -> float:
    few = max(1, min(MOST_ROWS, len(part), most))
    some = replace(part.take(np.arange(few)), in_order=part.in_order)
    spent = list[float]()
    while len(spent) < 2 and sum(spent) < AGAIN:  # the second time it is warm
        began = time.perf_counter()
        measure(some)
        spent.append(time.perf_counter() - began)
    return spent[-1] * len(part) / few
