"""Together: the step of a training in one process or in several, and how many there are."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from nntrain.data.batches import Batch
from nntrain.errors import DivergedError, MachineError
from nntrain.run.processes import rows_at_once
from nntrain.run.run import Run
from nntrain.team import ALONE, Team, everyone
from nntrain.threads import cores
from nntrain.training.at_once import at_once
from nntrain.training.in_parts import in_parts_of
from nntrain.training.step import Step, make_gradient, make_step

FEWEST_ROUNDS, ROUNDS = 2, 15  # of measuring; a new process needs some to find a core of its own
ENOUGH = 0.06  # seconds of measuring, after which there is no other round
CLEARLY = 0.8  # of the time: what more processes must be faster by
MOST = 8  # processes that are tried

Upcoming = Callable[[Run], Iterator[Batch]]
"""The batches of all steps to come."""


@contextmanager
def stepping(run: Run, upcoming: Upcoming) -> Iterator[Step]:
    """The step of a run; inside, there are as many processes for it as the run has workers."""
    if everyone().size > 1:
        from nntrain.training.led import leading  # here: few have MPI

        with leading(run) as step:
            yield step
        return
    in_parts = in_parts_of(run, run.workers or 1)  # before they part, as they share its memory
    gradient = make_gradient(run, in_parts)
    if (run.workers or 1) == 1:
        yield make_step(run, ALONE, gradient)
        return
    from nntrain.training.workers import working  # here: most trainings are alone

    def follow(team: Team) -> None:
        run.best.clear()  # as long as it is here, the first process writes into a copy of it
        run.good.clear()
        step = at_once(run, team, in_parts, make_step(run, team, gradient))
        for number, batch in enumerate(upcoming(run), run.progress.step):
            (rate,) = team.total(0.0)
            try:
                step(batch, number, rate)
            except DivergedError:  # the first process says why, and ends this one
                team.meet()

    store = run.model.network.store
    vectors = [store.theta, store.running, *run.slots.values(), *run.average.values()]
    with working(run.workers or 1, store.grad, store.live, vectors, follow) as team:
        step = at_once(run, team, in_parts, make_step(run, team, gradient))

        def lead(batch: Batch, number: int, rate: float) -> float:
            team.total(rate)
            return step(batch, number, rate)

        yield lead


def choose(run: Run, upcoming: Upcoming) -> int:
    """How many processes pay: twice as many again, as long as that is clearly faster.

    Gradients of the first batch are timed; no weight moves.
    """
    from nntrain.training.workers import working

    batch, gradient, store = next(upcoming(run)), make_gradient(run), run.model.network.store
    most = min(cores(), MOST, rows_at_once(run.model.experiment) // 2)

    def find(team: Team) -> None:
        team.meet()
        gradient(batch, run.progress.step, team)

    def follow(team: Team) -> None:
        while True:
            find(team)

    def share_of_time(size: int) -> float:
        with working(size, store.grad, store.live, [], follow) as team:
            find(ALONE)  # for so many rows, arrays are made once
            find(team)
            return _ratio(lambda: find(team), lambda: find(ALONE))

    chosen, least = 1, 1.0
    try:
        while 2 * chosen <= most and (share := share_of_time(2 * chosen)) < CLEARLY * least:
            chosen, least = 2 * chosen, share
    except (MachineError, MemoryError):  # no process can be started here, or live
        return 1
    return chosen


def _ratio(one: Callable[[], None], other: Callable[[], None]) -> float:
    """How long the one takes, as a share of the other, by turns.

    By medians: the least of a few would hide a neighbour, beside whom processes wait.
    """
    from statistics import median  # here: most trainings are alone

    began, ones, others = time.perf_counter(), list[float](), list[float]()
    while len(ones) < FEWEST_ROUNDS or (
        len(ones) < ROUNDS and time.perf_counter() - began < ENOUGH
    ):
        ones.append(_seconds(one))
        others.append(_seconds(other))
    return median(ones) / median(others)


def _seconds(what: Callable[[], None]) -> float:
    start = time.perf_counter()
    what()
    return time.perf_counter() - start
