"""Tests that run in several ranks: the first one runs pytest, the others serve it.

mpiexec -n 3 python -m tests.in_ranks
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
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


@over("optimizer", [each for each in OPTIMIZERS if not isinstance(each, SIGNS)])
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


def main() -> None:
    ranks = _join(place(os.environ))
    if ranks.rank:
        double = lambda cls, experiment, dataset: in_double(experiment, dataset, 1)  # noqa: E731
        Run.scratch = classmethod(double)  # type: ignore[assignment, method-assign]
        _help(ranks)
        return
    words = [__file__, "-q", "-p", "no:cacheprovider", "-W", "ignore:Module already imported"]
    _lead(ranks, lambda: sys.exit(pytest.main([*words, *sys.argv[1:]])))


if __name__ == "__main__":
    main()
