"""Gradients gathered over portions of a batch are those of the whole batch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nntrain.call import Call
from nntrain.errors import DivergedError
from nntrain.events import EpochEnded
from nntrain.families import Array, Backward, Builder, Built, Layer, Loss, Shape
from nntrain.layers import Dense, Dropout, Tanh
from nntrain.losses import BinaryCrossEntropy, CrossEntropy, MeanSquaredError
from nntrain.network import Network
from nntrain.training.fit import fit
from nntrain.training.portions import Portions
from tests.cases import quick, unregistered
from tests.conftest import write_points
from tests.test_groups import begin
from tests.test_training import NUMBERS, write_numbers

LOSSES: dict[str, Loss] = {
    "numbers": MeanSquaredError(),
    "classes": CrossEntropy(),
    "binary": BinaryCrossEntropy(),
}


def gathered(
    network: Network, loss: Loss, x: Array, target: Array, weights: Array, size: int | None
) -> tuple[float, Array]:
    """The loss and all gradients, computed as the training step does."""
    value = 0.0
    for part in Portions(network.store, size)(len(x)):
        prediction, backward = network(x[part], Call(training=True, step=7, row=part.start))
        of_part, d_prediction = loss(prediction, target[part], weights[part])
        backward(d_prediction)
        value += of_part
    return value, network.store.grad.copy()


@quick
@given(
    rows=st.integers(1, 70),
    size=st.integers(1, 80),
    task=st.sampled_from(sorted(LOSSES)),
    rate=st.sampled_from([0.0, 0.3]),
    seed=st.integers(0, 1000),
)
def test_portions_sum_to_the_whole_batch(
    rows: int, size: int, task: str, rate: float, seed: int
) -> None:
    """Any sizes, the last portion short or not, with dropout and unequal row weights."""
    rng = np.random.default_rng(seed)
    layers = [Dense(6, activation=Tanh()), Dropout(rate), Dense(5), Dropout(rate), Dense(3)]
    network = Network(layers, (4,), seed)
    x = rng.normal(size=(rows, 4)).astype(np.float32)
    target: Array = rng.integers(0, 3, rows)
    if task != "classes":
        target = rng.integers(0, 2, (rows, 3)).astype(np.float32)
    weights = rng.uniform(0.1, 2.0, rows)
    weights = (weights / weights.sum()).astype(np.float32)
    value, grad = gathered(network, LOSSES[task], x, target, weights, None)
    value_of_parts, grad_of_parts = gathered(network, LOSSES[task], x, target, weights, size)
    assert value_of_parts == pytest.approx(value, rel=1e-6)
    assert np.abs(grad_of_parts - grad).max() <= 1e-6 * max(1.0, np.abs(grad).max())


@unregistered
@dataclass(frozen=True)
class RunningMean(Layer):
    """y = x;  keeps mean = 0.9 mean + 0.1 · mean of the rows, as normalising layers do."""

    def build(self, shape: Shape, store: Builder) -> Built:
        mean, coming = store.buffer("mean", shape, 1.0)

        def forward(x: Array, call: Call) -> tuple[Array, Backward]:
            if call.training:
                coming[...] = 0.9 * mean + 0.1 * x.mean(axis=0)
            return x, lambda dy: dy

        return Built(forward, shape)


def test_running_statistics_see_every_portion_by_its_rows() -> None:
    network = Network([RunningMean(), Dense(1)], (2,), dtype=np.float64)
    x = np.random.default_rng(1).normal(size=(7, 2))
    weights = np.full(7, 1 / 7)
    gathered(network, MeanSquaredError(), x, np.zeros((7, 1)), weights, 3)
    np.testing.assert_allclose(network.store.next, 0.9 + 0.1 * x.mean(axis=0), rtol=1e-12)
    np.testing.assert_array_equal(network.store.running, [1.0, 1.0])  # not before the guard


@pytest.mark.parametrize("size", [1, 5, 16])
def test_a_training_in_portions_is_that_in_whole_batches(tmp_path: Path, size: int) -> None:
    """16 rows in a batch, the last batch of an epoch is short: 142 training rows."""
    config = write_points(tmp_path)
    rows, ends = [], []
    for name, micro in (("whole", "null"), ("portions", str(size))):
        run = begin(config, tmp_path / name, f"trainer.micro_batch_size={micro}")
        rows.append([event.row for event in fit(run) if isinstance(event, EpochEnded)])
        ends.append(run.model.network.store.theta.copy())
    np.testing.assert_allclose(ends[1], ends[0], rtol=1e-3, atol=1e-4)
    for whole, portions in zip(*rows, strict=True):
        assert portions == pytest.approx(whole, rel=1e-4)


def test_a_row_that_diverges_is_named_by_its_place_in_the_batch(tmp_path: Path) -> None:
    text = NUMBERS.replace("batch_size: 8", "batch_size: 8, micro_batch_size: 3")
    run = begin(write_numbers(tmp_path, text, odd="3e38"), tmp_path / "run")
    with pytest.raises(DivergedError, match="for data row 14"):
        list(fit(run))
