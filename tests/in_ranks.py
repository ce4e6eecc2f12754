"""Tests that run in several ranks: the first one runs pytest, the others serve it.

mpiexec -n 3 python -m tests.in_ranks
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from nntrain.cli.ranks import _help, _join, _lead
from nntrain.config import Experiment, parse
from nntrain.data.dataset import Dataset
from nntrain.errors import DivergedError
from nntrain.families import Array, Optimizer
from nntrain.launched import place
from nntrain.optimizers import Lion, Rprop, Sgd
from nntrain.run.run import Run
from nntrain.team import ALONE, come_together, everyone
from nntrain.training.fit import upcoming
from nntrain.training.together import stepping
from tests.cases import OPTIMIZERS, over
from tests.networks import drawn
from tests.test_random_runs import KINDS, experiments
from tests.test_random_runs import folder as folder  # a fixture
from tests.test_team import in_double, trained

SIGNS = (Lion, Rprop)  # they make much of the sign of nothing


@contextmanager
def alone() -> Iterator[None]:
    """Inside, this process trains by itself."""
    ranks = everyone()
    come_together(ALONE)
    try:
        yield
    finally:
        come_together(ranks)


def same(experiment: Experiment, path: Path) -> None:
    dataset = Dataset.load(experiment.data, path, experiment.loss.goal, experiment.seed)
    try:
        with alone():
            wanted = trained(in_double(experiment, dataset, 1))
    except DivergedError:
        assume(False)
    found: list[list[Array]] = [trained(in_double(experiment, dataset, 1)) for _ in range(2)]
    for one, other, again in zip(wanted, *found, strict=True):
        np.testing.assert_allclose(other, one, rtol=1e-7, atol=1e-9)
        np.testing.assert_array_equal(other, again)


@over("kind", KINDS)
@drawn(2)
@given(data=st.data())
def test_a_random_training_is_the_same_in_several_ranks(
    kind: str, folder: Path, data: st.DataObject
) -> None:
    experiment = data.draw(experiments(kind), label="experiment")
    if isinstance(experiment.optimizer, SIGNS):
        experiment = replace(experiment, optimizer=Sgd(learning_rate=0.01, momentum=0.9))
    same(experiment, folder / str(experiment.data.path))


@over("optimizer", OPTIMIZERS)
def test_each_optimizer_is_the_same(optimizer: Optimizer, folder: Path) -> None:
    text = """
data: {path: classes.csv, target: y}
model:
  layers:
    - {type: dense, units: 9, activation: tanh}
    - {type: batch_norm}
    - {type: dense, units: auto}
loss: cross_entropy
regularization: {max_norm: 1}
trainer: {batch_size: 8}
"""
    same(replace(parse(text, ""), optimizer=optimizer), folder / "classes.csv")


HEAD = "loss: cross_entropy\ntrainer: {batch_size: 8}\n"
NETWORKS = {
    "mlp": """
data: {path: classes.csv, target: y}
model:
  layers:
    - {type: dense, units: 12, activation: tanh}
    - {type: batch_norm}
    - {type: dropout, rate: 0.2}
    - {type: dense, units: auto}
""",
    "cnn": """
data: {path: images.npz, target: y}
model:
  layers:
    - {type: conv2d, filters: 4, kernel_size: 3, padding: same, activation: tanh}
    - {type: batch_norm}
    - {type: max_pool2d}
    - {type: flatten}
    - {type: dropout, rate: 0.2}
    - {type: dense, units: auto}
""",
    "lstm": """
data: {path: series.ts, target: class}
model:
  layers:
    - {type: lstm, units: 8}
    - {type: batch_norm}
    - {type: dropout, rate: 0.2}
    - {type: dense, units: auto}
""",
}


@over("name", NETWORKS)
@over("optimizer", {type(each): each for each in OPTIMIZERS}.values())
def test_loss_curves_are_those_of_one_process(
    optimizer: Optimizer, name: str, folder: Path
) -> None:
    """In float32, over ten epochs, at the rate that is each optimizer's own."""
    experiment = replace(parse(NETWORKS[name] + HEAD, ""), optimizer=optimizer)
    path = folder / str(experiment.data.path)
    dataset = Dataset.load(experiment.data, path, experiment.loss.goal, experiment.seed)
    with alone():
        wanted = curve(Run.scratch(experiment, dataset))
    found, again = (curve(Run.scratch(experiment, dataset)) for _ in range(2))
    assert found == again
    assert found == pytest.approx(wanted, rel=1e-5, abs=1e-5)


def curve(run: Run) -> list[float]:
    """The losses of ten epochs."""
    with stepping(run, upcoming) as step:
        batches = zip(range(10 * run.steps_per_epoch), upcoming(run), strict=False)
        rate = run.model.experiment.optimizer.learning_rate
        return [step(batch, number, rate) for number, batch in batches]


def as_sent(scratch: Callable[..., Run], experiment: Experiment, dataset: Dataset) -> Run:
    """A run in the numbers that the first rank has."""
    if dataset.parts["train"].x.dtype == np.float64:
        return in_double(experiment, dataset, 1)
    return scratch(experiment, dataset)


def main() -> None:
    ranks = _join(place(os.environ))
    if ranks.rank:
        scratch = Run.scratch
        Run.scratch = partial(as_sent, scratch)  # type: ignore[method-assign]
        _help(ranks)
        return
    words = [__file__, "-q", "-p", "no:cacheprovider", "-W", "ignore:Module already imported"]
    _lead(ranks, lambda: sys.exit(pytest.main([*words, *sys.argv[1:]])))


if __name__ == "__main__":
    main()
