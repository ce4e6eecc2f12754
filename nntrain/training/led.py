"""Led: a training of several ranks, as the first one leads it and as the others follow.

The first rank is an ordinary `nntrain fit`: it alone reads files, has the run folder, prints and
decides.  The others wait for its orders (`serve`).  When a training begins they are sent config,
training rows and all vectors: they need no files, and it does not matter how many of them go on
with a run.  Then all take the same steps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np

from nntrain.arrays import Array
from nntrain.config import restore
from nntrain.data.batches import Batch
from nntrain.data.dataset import Dataset
from nntrain.data.parts import Part
from nntrain.errors import DivergedError
from nntrain.run.changes import plain_config
from nntrain.run.run import Run, nothing
from nntrain.team import everyone
from nntrain.training.ranks import Crew, Ranks
from nntrain.training.step import Step, make_step

LEAVE, TRAIN, STEP, GATHER, END = range(5)
"""What the first rank orders; the last three are within a training."""


@contextmanager
def leading(run: Run) -> Iterator[Step]:
    """The step of the first rank; inside, the others take the same ones."""
    ranks = everyone()
    assert isinstance(ranks, Ranks)  # noqa: S101  # nothing else is more than one
    with _busy(ranks):
        _send(ranks, run)
        crew = Crew(ranks, run.model.network.store)
        step = make_step(run, crew)
    moved = False

    def lead(batch: Batch, number: int, rate: float) -> float:
        nonlocal moved
        with _busy(ranks):
            ranks.order(STEP, rate)
            moved = True
            return step(batch, number, rate)

    def gather() -> None:
        nonlocal moved
        if moved:
            with _busy(ranks):
                ranks.order(GATHER)
                crew.gather(*_apart(run))
            moved = False

    run.gather = gather
    try:
        yield lead
        gather()
    finally:
        run.gather = nothing
        if not ranks.is_amiss:
            ranks.order(END)


def serve(ranks: Ranks, upcoming: Callable[[Run], Iterator[Batch]]) -> None:
    """Another rank: train with the first one, as often as it does, until it leaves."""
    while ranks.order()[0] == TRAIN:
        _follow(ranks, upcoming)


def leave(ranks: Ranks) -> None:
    """The first rank: the others may end."""
    ranks.order(LEAVE)


def _follow(ranks: Ranks, upcoming: Callable[[Run], Iterator[Batch]]) -> None:
    run = _receive(ranks)
    crew = Crew(ranks, run.model.network.store)
    step, batches, number = make_step(run, crew), upcoming(run), run.progress.step
    with np.errstate(all="ignore"):
        batch = next(batches)
        while (order := ranks.order())[0] != END:
            if order[0] == GATHER:
                crew.gather(*_apart(run))
                continue
            try:
                step(batch, number, order[1])
            except DivergedError:  # the first rank says why, and what to do
                continue
            batch, number = next(batches), number + 1


def _send(ranks: Ranks, run: Run) -> None:
    """What the others need to train with the first rank."""
    ranks.order(TRAIN)
    model, part, progress = run.model, run.dataset.parts["train"], run.progress
    where = progress.epoch, progress.batch, progress.step
    ranks.send((plain_config(model.experiment), model.preprocessor, where, ranks.way_on))
    arrays = {"x": part.x, "lengths": part.lengths, "weights": part.weights}
    arrays |= {} if part.target is part.x else {"target": part.target}
    there = {name: array for name, array in arrays.items() if array is not None}
    for name in ranks.send([*there]):
        ranks.send_array(there[name])
    for vector in _vectors(run):
        ranks.send_array(vector)


def _receive(ranks: Ranks) -> Run:
    """The run as the first rank has it, without a folder."""
    config, preprocessor, where, ranks.way_on = ranks.send()
    arrays = {name: ranks.send_array(None) for name in ranks.send()}
    target, rows = arrays.pop("target", arrays["x"]), np.arange(0)  # no one asks for rows here
    part = Part(
        arrays["x"], target, target, rows, arrays.get("lengths"), False, arrays.get("weights")
    )
    dataset = Dataset("", "", 0, preprocessor, {"train": part}, (), ())
    run = Run.scratch(restore(config, ""), dataset)
    run.progress.epoch, run.progress.batch, run.progress.step = where
    for vector in _vectors(run):
        np.copyto(vector, ranks.send_array(None))
    return run


def _vectors(run: Run) -> list[Array]:
    """What a step reads and changes."""
    store = run.model.network.store
    return [store.theta, store.running, *run.slots.values(), *run.average.values()]


def _apart(run: Run) -> list[Array]:
    """Vectors of which each rank moves its part, and has no more."""
    return [*run.slots.values(), *(run.average[name] for name in run.average if name == "theta")]


@contextmanager
def _busy(ranks: Ranks) -> Iterator[None]:
    """Inside, the others take part; an error that is not theirs, too, leaves them waiting."""
    ranks.is_amiss = True
    try:
        yield
    except DivergedError:
        ranks.is_amiss = False
        raise
    ranks.is_amiss = False
