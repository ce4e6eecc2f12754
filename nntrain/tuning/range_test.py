"""Range test: one short training in which the learning rate grows until the loss blows up.

Smith 2015, arXiv:1506.01186, section 3.3; that the rate grows by the same factor at each step is
from Gugger 2018 and fastai.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import count
from statistics import fmean, pstdev
from typing import NamedTuple

import numpy as np

from nntrain.config import Experiment
from nntrain.data.batches import Batch, batches, order
from nntrain.data.dataset import Dataset
from nntrain.errors import DivergedError
from nntrain.run.run import Run
from nntrain.training.augment import make_augment
from nntrain.training.fit import Stop
from nntrain.training.step import make_step
from nntrain.values import dataclass
from nntrain.wording import plural

LOWEST, HIGHEST, STEPS = 1e-7, 10.0, 200
MEMORY = 0.9  # of the smoothed loss: it remembers some ten steps, less than half a decade
MOST_TIMES = 4
BLOWN_UP = 4.0  # times the lowest loss, as in fastai
FIRST = 20  # steps whose losses are that of the untrained network
SHORTEST = 10  # steps of a fall that is worth the name
NOISE = 0.7  # of the deviation of single losses: what the lowest of smoothed ones may show
LEAST_FALL = 0.05  # as a share of the loss at the beginning: less is noise


class Point(NamedTuple):
    """A step: its learning rate, the loss before the update, and that smoothed."""

    rate: float
    loss: float
    smoothed: float


@dataclass(frozen=True)
class Found:
    """What the test saw.

    suggestion: None where no rate can be told; why: a sentence about that.
    """

    points: tuple[Point, ...]
    suggestion: float | None
    why: str = ""


def range_test(
    experiment: Experiment,
    dataset: Dataset,
    stop: Stop = str,
    *,
    lowest: float = LOWEST,
    highest: float = HIGHEST,
    steps: int = STEPS,
) -> Found | None:
    """Train for at most `steps` steps while the rate grows; None where `stop` ended it.

    Little data is gone through several times, from other first weights and in another order of
    rows; the curve is the mean.  Raises `DivergedError` where not even the first step is finite.
    """
    rates = np.geomspace(lowest, highest, steps).tolist()
    passes = steps * experiment.trainer.batch_size // max(1, len(dataset.parts["train"]))
    courses: list[list[float]] = []
    for number in range(min(MOST_TIMES, max(1, passes))):
        seed = (experiment.seed + number) % 2**32
        course = _losses(Run.scratch(replace(experiment, seed=seed), dataset), rates, stop)
        if course is None:
            return None
        courses.append(course)
    losses = list(map(fmean, zip(*courses, strict=False)))  # as far as all of them came
    return judged(list(map(Point, rates, losses, smooth(losses))))


def smooth(losses: Sequence[float]) -> Iterator[float]:
    """Exponential averages, without the pull towards 0 of those at the beginning."""
    average = 0.0
    for number, loss in enumerate(losses, 1):
        average = MEMORY * average + (1.0 - MEMORY) * loss
        yield average / (1.0 - MEMORY**number)


def _losses(run: Run, rates: Sequence[float], stop: Stop) -> list[float] | None:
    """The loss before each step, until it blows up."""
    step, augment = make_step(run), make_augment(run)
    losses: list[float] = []
    average = best = math.inf
    with np.errstate(all="ignore"):  # the guard in the step judges numbers that are not finite
        for number, (rate, batch) in enumerate(zip(rates, _endless(run), strict=False)):
            if stop():
                return None
            try:
                loss = step(augment(batch, number) if augment else batch, number, rate)
            except DivergedError:
                if not losses:
                    raise
                break
            losses.append(loss)
            average = MEMORY * average + (1.0 - MEMORY) * loss if number else loss
            best = min(best, average)
            if average - best > (BLOWN_UP - 1.0) * abs(best):
                break
    return losses


def _endless(run: Run) -> Iterator[Batch]:
    """The training rows in their order of each epoch, as often as they are asked for."""
    part, experiment = run.dataset.parts["train"], run.model.experiment
    size = experiment.trainer.batch_size
    for epoch in count():
        run.order = order(len(part), experiment.seed, epoch)
        yield from batches(part.x, part.target, run.order, size, 0, part.lengths, part.weights)


def judged(points: Sequence[Point]) -> Found:
    """The curve with the rate that it suggests: the middle of the longest valley.

    That is the `valley` rule of fastai: of all steps whose smoothed losses are each lower than
    the one before, the longest chain; half of it is passed where the loss falls for sure and has
    not yet come to its bottom.  Steeper places are more often noise.
    """
    losses = [point.smoothed for point in points]
    first = [point.loss for point in points[:FIRST]]
    start, noise = fmean(first), pstdev(first) * NOISE
    end, length = _longest_fall(losses)
    fell = start - min(losses[FIRST:], default=start) > max(LEAST_FALL * abs(start), noise)
    if length < SHORTEST or not fell:
        return Found(tuple(points), None, _why_not(points))
    return Found(tuple(points), points[end - length // 2].rate)


def _why_not(points: Sequence[Point]) -> str:
    lowest, last = points[0].rate, points[-1].rate
    if len(points) < FIRST:
        return (
            f"the loss blows up at a learning rate of {last:.1e} already, after "
            f"{plural(len(points), 'step')}: begin lower, with --from {lowest / 1e4:.0e}"
        )
    return f"no learning rate from {lowest:.0e} to {last:.0e} makes the loss fall"


def _longest_fall(values: Sequence[float]) -> tuple[int, int]:
    """Where the longest strictly falling subsequence ends, and how long it is.

    Fredman 1975: of the falls of each length, the one that ends highest is worth keeping.
    """
    ends: list[float] = []  # of the falls of length 1, 2, …: minus their last values
    last = 0
    for place, value in enumerate(values):
        length = bisect_left(ends, -value)
        if length == len(ends):
            last = place
        ends[length : length + 1] = [-value]
    return last, len(ends)
