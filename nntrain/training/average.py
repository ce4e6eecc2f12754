"""Average: the mean of the weights along the way, kept beside them and used to validate."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np

from nntrain.blocks import BLOCK, blocks
from nntrain.run.run import Run
from nntrain.team import Team


def make_average(run: Run, team: Team) -> Callable[[int], None]:
    """`move(step)`: average = k · average + (1 - k) · θ; steps count from 1."""
    averaging, epoch = run.model.experiment.averaging, run.steps_per_epoch
    store = run.model.network.store
    if averaging is None:
        return lambda step: None
    room, own = np.empty(BLOCK, store.theta.dtype), team.part(store.live)
    statistics = slice(0, 0 if team.rank else len(store.running))  # the first process sets them
    pieces = [
        (average[block], vector[block], room[: block.stop - block.start])
        for average, vector in run.averaged_pairs()
        for block in blocks(own if vector is store.theta else statistics)
    ]

    def move(step: int) -> None:
        kept = averaging.kept(step, epoch)
        if kept == 1.0:
            return
        for average, vector, work in pieces:
            if kept == 0.0:
                np.copyto(average, vector)
                continue
            np.subtract(vector, average, out=work)
            np.multiply(work, 1.0 - kept, out=work)
            np.add(average, work, out=average)

    return move


@contextmanager
def averaged(run: Run) -> Iterator[None]:
    """Inside, the network has the averaged weights, if there are any."""
    run.gather()
    _swap(run)
    try:
        yield
    finally:
        _swap(run)


def _swap(run: Run) -> None:
    for average, vector in run.averaged_pairs():
        kept = vector.copy()
        np.copyto(vector, average)
        np.copyto(average, kept)
