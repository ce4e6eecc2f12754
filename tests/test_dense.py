"""The bias of a dense layer is a weight on one more input, which is always 1."""

from __future__ import annotations

import numpy as np
import pytest

from nntrain.families import Array, Layer, Optimizer
from nntrain.layers import Dense, DropConnect, Tanh
from nntrain.network import Network
from nntrain.optimizers import Adam, Sgd
from tests.cases import inputs, over


class Pair:
    """The same layer twice: with a bias, and without one on inputs with an appended 1."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        *rows, width = shape
        self.with_bias = Network(
            [Dense(4, activation=Tanh())], shape, dtype=np.float64, input_gradient=True
        )
        self.appended = Network(
            [Dense(4, activation=Tanh(), use_bias=False)], (*rows, width + 1), dtype=np.float64,
            input_gradient=True,
        )  # fmt: skip
        weights = self.with_bias.store.weights
        weights["layers.0.b"][:] = [0.3, -0.2, 0.9, 0.0]
        self.appended.store.weights["layers.0.W"][...] = self.joined(weights)

    @staticmethod
    def joined(named: dict[str, Array]) -> Array:
        """W (D, units) with b as its last row."""
        return np.concatenate([named["layers.0.W"], named["layers.0.b"][None]])

    def assert_same(self, x: Array, dy: Array) -> None:
        """The same outputs, and the same gradients: db is the last row of dW."""
        y, backward = self.with_bias(x)
        ones = np.ones((*x.shape[:-1], 1))
        y_appended, backward_appended = self.appended(np.concatenate([x, ones], axis=-1))
        dx, dx_appended = backward(dy), backward_appended(dy)
        assert dx is not None
        assert dx_appended is not None
        np.testing.assert_allclose(y_appended, y, rtol=1e-13, atol=1e-13)
        np.testing.assert_allclose(dx_appended[..., :-1], dx, rtol=1e-13, atol=1e-13)
        dW = self.appended.store.gradients["layers.0.W"]
        joined = self.joined(self.with_bias.store.gradients)
        np.testing.assert_allclose(dW, joined, rtol=1e-13, atol=1e-13)

    def learn(self, optimizer: Optimizer, steps: int, x: Array, dy: Array) -> None:
        for network in (self.with_bias, self.appended):
            store = network.store
            state = {name: np.zeros_like(store.theta) for name in optimizer.slots()}
            update = optimizer.build(store.theta, store.grad, store.segments, state)
            ones = np.ones((*x.shape[:-1], 1))
            given = x if network is self.with_bias else np.concatenate([x, ones], axis=-1)
            for step in range(1, steps + 1):
                y, backward = network(given)
                backward(dy * y)
                update(step, optimizer.learning_rate, 1.0)


@pytest.mark.parametrize("shape", [(3,), (2, 3)])
@over("optimizer", [Sgd(), Sgd(momentum=0.9, nesterov=True), Adam(learning_rate=0.05)])
def test_the_bias_is_a_weight_on_an_input_of_one(
    optimizer: Optimizer, shape: tuple[int, ...]
) -> None:
    pair, x = Pair(shape), inputs(shape)
    dy = inputs((*shape[:-1], 4), seed=3)
    pair.assert_same(x, dy)
    before = pair.with_bias.store.theta.copy()
    pair.learn(optimizer, 3, x, dy)
    assert np.abs(pair.with_bias.store.theta - before).min() > 0
    pair.assert_same(x, dy)
    np.testing.assert_allclose(
        pair.appended.store.weights["layers.0.W"],
        pair.joined(pair.with_bias.store.weights),
        rtol=1e-12,
    )


@over("layer", [Dense(4, use_bias=False), DropConnect(4, rate=0.5, use_bias=False)])
def test_without_a_bias_there_is_one_weight(layer: Layer) -> None:
    store = Network([layer], (3,)).store
    assert list(store.weights) == ["layers.0.W"]
    assert store.size == 12
