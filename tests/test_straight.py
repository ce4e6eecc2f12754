"""A straight line gives what the network and its loss give, but for the last digits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nntrain.call import Call
from nntrain.families import Activation, Array, Layer, Loss
from nntrain.layers import (
    ActivationLayer,
    BatchNorm,
    Dense,
    DropConnect,
    Dropout,
    Elu,
    Flatten,
    Gelu,
    Identity,
    LayerNorm,
    Prelu,
    Relu,
    Residual,
    Sigmoid,
    Softmax,
    Tanh,
)
from nntrain.losses import (
    BinaryCrossEntropy,
    CrossEntropy,
    Huber,
    MeanAbsoluteError,
    MeanSquaredError,
)
from nntrain.network import Network
from nntrain.training.straight import Line, make_straight
from tests.cases import over
from tests.networks import drawn

ACTIVATIONS = (Identity(), Relu(), Tanh(), Sigmoid(), Elu(alpha=0.7), Gelu(), Softmax())
LOSSES: dict[str, Loss] = {
    "cross entropy": CrossEntropy(),
    "smoothed": CrossEntropy(label_smoothing=0.2),
    "by class": CrossEntropy(class_weight={"a": 1.0, "b": 3.0, "c": 0.5}),
    "binary": BinaryCrossEntropy(),
    "binary smoothed": BinaryCrossEntropy(label_smoothing=0.1),
    "binary by class": BinaryCrossEntropy(class_weight={"no": 1.0, "yes": 2.5}),
    "squares": MeanSquaredError(),
    "distances": MeanAbsoluteError(),
    "huber": Huber(),
}


class Pair:
    """A network with its loss, and the straight line over the same weights."""

    def __init__(
        self, layers: Sequence[Layer], width: int, loss: Loss, dtype: Any = np.float64,
        *, even: bool = True,
    ):  # fmt: skip
        self.network, self.loss = Network(layers, (width,), seed=3, dtype=dtype), loss
        self.store, self.even = self.network.store, even
        for b in self.store.weights.values():  # biases begin with zeros, and would be told nothing
            b += np.random.default_rng(b.size).normal(size=b.shape) * 0.1
        line = make_straight(layers, (width,), self.store, loss, even=even)
        assert line is not None
        self.line: Line = line

    def data(self, rows: int, seed: int = 0) -> tuple[Array, Array, Array]:
        """Inputs, targets and the weights of rows."""
        rng, dtype = np.random.default_rng([rows, seed]), self.store.theta.dtype
        width, outputs = next(iter(self.store.weights.values())).shape[0], self.network.shape[0]
        x = rng.normal(size=(rows, width)).astype(dtype)
        target: Array = rng.normal(size=(rows, outputs)).astype(dtype)
        if self.loss.task == "classes":
            target = rng.integers(0, outputs, rows)
        elif self.loss.task == "binary":
            target = (target > 0).astype(dtype)
        counts = np.ones(rows) if self.even else rng.random(rows) + 0.1
        return x, target, (counts / counts.sum()).astype(dtype)

    def by_closures(self, x: Array, target: Array, weights: Array, call: Call) -> float:
        prediction, backward = self.network(x, call)
        value, d = self.loss(prediction, target, weights)
        backward(d)
        return value

    def assert_same(self, rows: int, call: Call, digits: float, seed: int = 0) -> None:
        x, target, weights = self.data(rows, seed)
        kept = x.copy(), target.copy()
        found = []
        for way in (self.by_closures, self.line):
            self.store.grad.fill(np.nan)
            found.append((way(x, target, weights, call), self.store.grad.copy()))
        (value, grad), (own_value, own_grad) = found
        assert own_value == pytest.approx(value, rel=digits, abs=digits)
        largest = max(1.0, float(np.abs(grad).max()))
        np.testing.assert_allclose(own_grad, grad, rtol=0.0, atol=digits * largest)
        np.testing.assert_array_equal(x, kept[0])  # what comes in stays as it is
        np.testing.assert_array_equal(target, kept[1])


def outputs_of(loss: Loss) -> int:
    return 2 if loss.task == "binary" else 3


@st.composite
def chains(draw: Callable[[st.SearchStrategy[Any]], Any]) -> tuple[list[Layer], int, Loss]:
    """Layers that a line is made of, the width of their input, and a loss."""
    loss = LOSSES[draw(st.sampled_from(sorted(LOSSES)))]
    layers = list[Layer]()
    for _ in range(draw(st.integers(0, 3))):
        if draw(st.booleans()):
            layers.append(Dropout(draw(st.sampled_from((0.0, 0.3, 0.5)))))
        units, bias = draw(st.integers(1, 9)), draw(st.booleans())
        activation = draw(st.sampled_from(ACTIVATIONS))
        if draw(st.booleans()):
            layers.append(Dense(units, activation=activation, use_bias=bias))
        else:
            layers += [Dense(units, use_bias=bias), ActivationLayer(activation)]
    if draw(st.booleans()):
        layers.append(Flatten())
    return [*layers, Dense(outputs_of(loss))], draw(st.integers(1, 7)), loss


@drawn(150)
@given(chain=chains(), even=st.booleans(), rows=st.integers(1, 9), step=st.integers(0, 5))
def test_as_the_closures(
    chain: tuple[list[Layer], int, Loss], even: bool, rows: int, step: int
) -> None:
    layers, width, loss = chain
    pair = Pair(layers, width, loss, even=even and getattr(loss, "class_weight", None) is None)
    for n in (rows, rows + 3, rows):  # arrays for each number of rows, and used again
        pair.assert_same(n, Call(training=True, step=step, row=2), 1e-10, seed=n)


@over("loss", list(LOSSES))
@over("width", [8, 300])
def test_in_float32(loss: str, width: int) -> None:
    """Narrow products and wide ones, whose arrays lie in other ways."""
    kind = LOSSES[loss]
    even = getattr(kind, "class_weight", None) is None
    layers = [
        Dense(width, activation=Relu()), Dense(width, activation=Tanh()), Dropout(0.2),
        Dense(width, activation=Relu()), Dense(outputs_of(kind)),
    ]  # fmt: skip
    pair = Pair(layers, 5, kind, np.float32, even=even)
    for rows in (32, 7):
        pair.assert_same(rows, Call(training=True, step=1), 3e-6)
