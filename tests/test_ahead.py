"""A chain of dense layers gives ahead what the network gives, but for the last digits."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from nntrain.call import Call
from nntrain.families import Array, Layer
from nntrain.layers import (
    ActivationLayer,
    Dense,
    Dropout,
    Flatten,
    Gelu,
    LayerNorm,
    Prelu,
    Relu,
    Residual,
    Softmax,
    Tanh,
)
from nntrain.network import Network
from nntrain.side_by_side import side_by_side
from nntrain.training import ahead as module
from nntrain.training.ahead import Forward, ahead
from nntrain.training.evaluate import predict
from tests.conftest import write_points
from tests.test_groups import begin

FORWARD = Call(forward_only=True)
ROWS = (1, 2, 63, 64, 65, 127, 300, 1111, 4096, 4099)
CHAINS: dict[str, tuple[Sequence[Layer], tuple[int, ...]]] = {
    "small": ((Dense(64, activation=Relu()), Dense(32, activation=Relu()), Dense(3)), (20,)),
    "one number": ((Dense(1),), (4,)),
    "no bias": ((Dense(7, activation=Relu(), use_bias=False), Dense(2, use_bias=False)), (5,)),
    "ends in relu": ((Dense(5, activation=Relu()),), (3,)),
    "any activation": ((Dense(9, activation=Gelu()), Dense(4, activation=Softmax())), (6,)),
    "dropout": ((Dropout(0.5), Dense(6, activation=Tanh()), Dropout(0.1), Dense(2)), (8,)),
    "flattened": ((Flatten(), Dense(6), ActivationLayer(Relu()), Dense(2)), (3, 4)),
    "wide": ((Dense(300, activation=Relu()), Dense(10)), (200,)),
}


def built(layers: Sequence[Layer], shape: tuple[int, ...]) -> tuple[Network, Forward | None]:
    """In float64, with biases that are not zeros."""
    network = Network(layers, shape, seed=3, dtype=np.float64)
    network.store.theta[:] += 0.1 * np.random.default_rng(1).normal(size=network.store.theta.shape)
    return network, ahead(layers, shape, network.store)


def rows_of(count: int, shape: tuple[int, ...]) -> Array:
    return np.random.default_rng(count).normal(size=(count, *shape))


@pytest.mark.parametrize("rows", ROWS)
@pytest.mark.parametrize("name", CHAINS)
def test_it_gives_what_the_network_gives(name: str, rows: int) -> None:
    layers, shape = CHAINS[name]
    network, forward = built(layers, shape)
    x = rows_of(rows, shape)
    before = x.copy()
    assert forward
    assert np.allclose(forward(x, FORWARD), network(x, FORWARD)[0], rtol=1e-12, atol=1e-12)
    assert np.array_equal(x, before)


def test_what_it_gave_stays_when_other_rows_come() -> None:
    layers, shape = CHAINS["ends in relu"]
    network, forward = built(layers, shape)
    some, others = rows_of(10, shape), -rows_of(10, shape)
    assert forward
    first = forward(some, FORWARD)
    forward(others, FORWARD)
    assert np.allclose(first, network(some, FORWARD)[0], rtol=1e-12, atol=1e-12)


def test_threads_have_arrays_of_their_own() -> None:
    layers, shape = CHAINS["small"]
    _, forward = built(layers, shape)
    assert forward
    batches = [rows_of(2000 + k % 2, shape) for k in range(40)]
    alone = [forward(x, FORWARD).tobytes() for x in batches]
    assert list(side_by_side(lambda x: forward(x, FORWARD).tobytes(), batches, 4)) == alone


def test_nothing_is_hidden_that_is_not_finite() -> None:
    layers, shape = CHAINS["small"]
    network, forward = built(layers, shape)
    x = rows_of(200, shape)
    x[7, 3], x[9, 0], x[11, 1] = np.nan, np.inf, -np.inf
    assert forward
    with np.errstate(all="ignore"):
        found, wanted = forward(x, FORWARD), network(x, FORWARD)[0]
    assert np.array_equal(np.isfinite(found), np.isfinite(wanted))
    assert np.allclose(found, wanted, equal_nan=True)


@pytest.mark.parametrize(
    "layers",
    [
        (Dense(4), LayerNorm(), Dense(2)),
        (Residual((Dense(5),)), Dense(2)),
        (Dense(4, activation=Prelu()), Dense(2)),
        (Dropout(0.5),),
        (Dense(4), Dropout(0.5), ActivationLayer(Relu()), Dense(2)),
        (Dense(4), Residual((ActivationLayer(Relu()),)), Dense(2)),
    ],
)
def test_other_layers_are_left_to_the_network(layers: Sequence[Layer]) -> None:
    assert built(layers, (5,))[1] is None


def test_a_model_predicts_the_same_on_both_ways(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = begin(write_points(tmp_path), tmp_path / "run").model
    x = rows_of(5000, model.preprocessor.shape).astype(np.float32)
    straight = predict(model, x)
    calls: list[object] = []
    monkeypatch.setattr(module, "ahead", lambda *given: calls.append(given))
    assert np.allclose(straight, predict(model, x), atol=1e-6)
    assert calls  # it had been gone
    monkeypatch.undo()
    assert np.array_equal(straight, predict(model, x, threads=3))
