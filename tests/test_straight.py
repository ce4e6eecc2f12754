"""A straight line gives what the network and its loss give, but for the last digits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nntrain.call import Call
from nntrain.events import EpochEnded
from nntrain.families import Array, Layer, Loss
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
    RmsNorm,
    Sigmoid,
    Softmax,
    Tanh,
)
from nntrain.layers.lookup import LearnedTable, Lookup
from nntrain.losses import (
    BinaryCrossEntropy,
    CrossEntropy,
    Huber,
    MeanAbsoluteError,
    MeanSquaredError,
)
from nntrain.network import Network
from nntrain.training import stages, step, straight
from nntrain.training.backpropagate import closures
from nntrain.training.ends import make_end
from nntrain.training.fit import fit
from nntrain.training.straight import Line, make_straight
from tests.cases import over
from tests.conftest import write_points
from tests.networks import drawn
from tests.test_groups import begin

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
        self.store, self.even, self.width = self.network.store, even, width
        for b in self.store.weights.values():  # biases begin with zeros, and would be told nothing
            b += np.random.default_rng(b.size).normal(size=b.shape) * 0.1
        self.by_closures: Line = closures(self.network, loss)
        self.line = make_straight(
            layers, (width,), self.store, loss, self.by_closures, weighted=not even
        )
        assert self.line is not self.by_closures

    def data(self, rows: int, seed: int = 0) -> tuple[Array, Array, Array]:
        """Inputs, targets and the weights of rows."""
        rng, dtype = np.random.default_rng([rows, seed]), self.store.theta.dtype
        width, outputs = self.width, self.network.shape[0]
        x = rng.normal(size=(rows, width)).astype(dtype)
        target: Array = rng.normal(size=(rows, outputs)).astype(dtype)
        if self.loss.task == "classes":
            target = rng.integers(0, outputs, rows)
        elif self.loss.task == "binary":
            target = (target > 0).astype(dtype)
        counts = np.ones(rows) if self.even else rng.random(rows) + 0.1
        return x, target, (counts / counts.sum()).astype(dtype)

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


EPS = (1e-5, 0.1)


@st.composite
def inner(
    draw: Callable[[st.SearchStrategy[Any]], Any], depth: int, most: int = 3, least: int = 0
) -> list[Layer]:
    """Layers that a line is made of, blocks with more of them inside among them."""
    layers = list[Layer]()
    for _ in range(draw(st.integers(least, most))):
        activation, units = draw(st.sampled_from(ACTIVATIONS)), draw(st.integers(1, 9))
        kinds = ["dense", "dense", "apart", "dropout", "norm", "bend", *["block"] * (2 * depth)]
        kind = draw(st.sampled_from(kinds))
        if kind == "dense":
            layers.append(Dense(units, activation=activation, use_bias=draw(st.booleans())))
        elif kind == "apart":
            layers += [Dense(units), ActivationLayer(activation)]
        elif kind == "dropout":
            layers.append(Dropout(draw(st.sampled_from((0.0, 0.3, 0.5)))))
        elif kind == "norm":
            layers.append(draw(st.sampled_from((LayerNorm, RmsNorm)))(draw(st.sampled_from(EPS))))
        elif kind == "bend":
            layers.append(ActivationLayer(activation))
        else:
            layers.append(
                Residual(
                    tuple(draw(inner(depth - 1, least=1))),
                    repeat=draw(st.integers(1, 2)),
                    activation=draw(st.sampled_from((Identity(), Relu(), Tanh(), Elu()))),
                )
            )
    return layers


@st.composite
def chains(draw: Callable[[st.SearchStrategy[Any]], Any]) -> tuple[list[Layer], int, Loss]:
    """Layers that a line is made of, the width of their input, and a loss."""
    loss = LOSSES[draw(st.sampled_from(sorted(LOSSES)))]
    layers = draw(inner(2, most=4))
    if draw(st.booleans()):
        layers.append(Flatten())
    return [*layers, Dense(outputs_of(loss))], draw(st.integers(1, 7)), loss


@drawn(250)
@given(chain=chains(), even=st.booleans(), rows=st.integers(1, 9), step=st.integers(0, 5))
def test_as_the_closures(
    chain: tuple[list[Layer], int, Loss], even: bool, rows: int, step: int
) -> None:
    layers, width, loss = chain
    pair = Pair(layers, width, loss, even=even)
    for n in (rows, rows + 3, rows):  # arrays for each number of rows, and used again
        pair.assert_same(n, Call(training=True, step=step, row=2), 1e-9, seed=n)


@over("loss", list(LOSSES))
@over("width", [8, 60, 300, 320])
def test_in_float32(loss: str, width: int) -> None:
    """Narrow products and wide ones, whose arrays lie in other ways: of 60, rows are copied beside
    a column of ones; products of 320 are cut."""
    kind = LOSSES[loss]
    layers = [
        Dense(width, activation=Relu()), Dense(width, activation=Tanh()), Dropout(0.2),
        Dense(width, activation=Relu()), Dense(outputs_of(kind)),
    ]  # fmt: skip
    pair = Pair(layers, 5, kind, np.float32)
    for rows in (32, 7):
        pair.assert_same(rows, Call(training=True, step=1), 3e-6)


def block(width: int, *, units: int | None = None) -> Residual:
    layers = (LayerNorm(), Dense(width, activation=Relu()), Dropout(0.2), Dense(units or width))
    return Residual(layers, repeat=1 if units else 3)


@over("width", [8, 300])
@over("rows", [32, 7])
def test_blocks_in_float32(width: int, rows: int) -> None:
    layers = [
        Dense(width), block(width), block(width, units=width + 20), RmsNorm(),
        Residual((Dense(20), block(20), ActivationLayer(Relu())), activation=Tanh()), LayerNorm(),
        Dense(3),
    ]  # fmt: skip
    pair = Pair(layers, 5, CrossEntropy(), np.float32)
    pair.assert_same(rows, Call(training=True, step=1), 1e-5)


def test_large_means_cost_no_digits() -> None:
    """Rows are 1000 ± 1: a norm may lose what their own last digit is, not those of squares."""
    layers = [LayerNorm(), Dense(8), Residual((LayerNorm(), Dense(8))), Dense(3)]
    found = []
    for dtype in (np.float32, np.float64):
        pair = Pair(layers, 64, MeanSquaredError(), dtype)
        x, target, weights = pair.data(16)
        x = np.random.default_rng(4).normal(1000.0, 1.0, x.shape).astype(np.float32).astype(dtype)
        target = np.zeros_like(target)
        pair.store.theta[:] = np.random.default_rng(5).normal(size=pair.store.theta.shape)
        pair.line(x, target, weights, Call(training=True))
        found.append(pair.store.grad.copy())
    largest = float(np.abs(found[1]).max())
    np.testing.assert_allclose(found[0], found[1], rtol=0.0, atol=1e-5 * largest)


@over("dtype", [np.float32, np.float64])
def test_relu_lets_through_what_is_above_zero(dtype: Any) -> None:
    z: Array = np.array([[-0.0, 0.0, -1.0, 1e-40, 2.0, np.inf, -np.inf]], dtype)
    wanted = np.where(z > 0, z, 0)
    alive, dy = z > 0, np.full(z.shape, -3.0, dtype)
    activate, back = stages.activation_of(Relu(), z, stages.Rooms(z.dtype))
    for run in [*activate, *back(dy)]:
        run()
    np.testing.assert_array_equal(z, wanted)
    np.testing.assert_array_equal(dy, np.where(alive, -3.0, 0.0))


@over("orders", ["CC", "CF", "FC", "FF"])
@over("back", [False, True])
def test_products_that_are_cut(orders: Sequence[Any], back: bool) -> None:
    rng, (of_x, of_out) = np.random.default_rng(0), orders
    x, W = np.asarray(rng.normal(size=(33, 224)), order=of_x), rng.normal(size=(224, 160))
    out = np.asarray(np.zeros((33, 160)), order=of_out)
    at_once = stages.columns_at_once(x, out, back=back)
    assert at_once == (16 if back else {"C": 0, "F": 8 if of_out == "C" else 32}[of_x])
    stages._product(x, W, out, at_once)()
    np.testing.assert_allclose(out, x @ W, rtol=1e-12, atol=1e-12)


@over("far", [0.0, 1e-6, 5.0, 30.0, 60.0, 87.0, 95.0, 300.0, 3e4])
@over("first", [-1.0, 1.0])
def test_cross_entropy_of_scores_that_are_far_apart(far: float, first: float) -> None:
    """Differences from the first class may be beyond what e^z can be, or all of a small loss."""
    z = np.asfortranarray(np.random.default_rng(0).normal(size=(8, 4)), np.float32)
    z[:, 0] += first * far
    for target in (np.zeros(8, np.int64), np.full(8, 3)):
        weights = np.full(8, 0.125, np.float32)
        value, d = CrossEntropy()(z.astype(np.float64), target, weights)
        finish, own_d = make_end(CrossEntropy(), z, target, 0.125)
        with np.errstate(all="ignore"):  # as in a training
            found = finish(target, weights)
        assert found == pytest.approx(value, rel=2e-5, abs=1e-9)
        np.testing.assert_allclose(own_d, d, rtol=2e-5, atol=2e-8)


def test_scores_that_are_not_finite_give_no_loss() -> None:
    for odd in (np.nan, np.inf, -np.inf):
        z, target = np.zeros((4, 3), np.float32, "F"), np.arange(4) % 3
        z[2, 1] = odd
        with np.errstate(all="ignore"):
            finish, d = make_end(CrossEntropy(), z, target, 0.25)
            value = finish(target, np.full(4, 0.25))
        assert not np.isfinite(value + d.sum())


OUTSIDE: dict[str, tuple[list[Layer], tuple[int, ...]]] = {
    "connections that drop": ([DropConnect(3, rate=0.5), Dense(3)], (4,)),
    "a layer of another kind": ([Dense(4), BatchNorm(), Dense(3)], (4,)),
    "a layer of another kind in a block": ([Residual((Dense(4), BatchNorm())), Dense(3)], (4,)),
    "a series": ([Dense(2), Flatten(), Dense(3)], (5, 4)),
    "a norm of a series": ([LayerNorm(), Flatten(), Dense(3)], (5, 4)),
    "an activation that learns": ([Dense(4, activation=Prelu()), Dense(3)], (4,)),
    "one that ends a block": ([Residual((Dense(4),), activation=Prelu()), Dense(3)], (4,)),
    "nothing that learns": ([Dropout(0.5), Flatten()], (3,)),
}  # fmt: skip


@over("name", list(OUTSIDE))
def test_what_is_no_such_chain_goes_through_the_closures(name: str) -> None:
    layers, shape = OUTSIDE[name]
    network, loss = Network(layers, shape), CrossEntropy()
    plain = closures(network, loss)
    assert make_straight(layers, shape, network.store, loss, plain) is plain


def test_so_do_columns_that_are_looked_up() -> None:
    layers, lookup = [Dense(3)], Lookup({"town": LearnedTable(1, 5, 2)})
    network = Network(layers, (3,), lookup=lookup)
    plain = closures(network, CrossEntropy())
    assert make_straight(layers, (3,), network.store, CrossEntropy(), plain) is plain


def test_images_are_flattened_first() -> None:
    layers = [Dropout(0.3), Flatten(), Dense(4, activation=Relu()), Dense(3)]
    network, loss = Network(layers, (2, 3, 1), seed=1, dtype=np.float64), CrossEntropy()
    x, target = np.random.default_rng(0).normal(size=(5, 2, 3, 1)), np.arange(5) % 3
    plain = closures(network, loss)
    line = make_straight(layers, (2, 3, 1), network.store, loss, plain)
    assert line is not plain
    found = []
    for way in (plain, line):
        value = way(x, target, np.full(5, 0.2), Call(training=True, step=4))
        found.append((value, network.store.grad.copy()))
    assert found[1][0] == pytest.approx(found[0][0], rel=1e-12)
    np.testing.assert_allclose(found[1][1], found[0][1], rtol=0.0, atol=1e-14)


def test_gradients_are_those_of_finite_differences() -> None:
    """Not only those of the closures: dropout, every activation, shares by class."""
    layers = [
        Dense(5, activation=Tanh()), Dropout(0.3), Dense(4, activation=Sigmoid()),
        Residual((LayerNorm(0.1), Dense(3, activation=Elu()), Dropout(0.2), Dense(5))),
        RmsNorm(0.1), Dense(3),
    ]  # fmt: skip
    pair = Pair(layers, 4, LOSSES["by class"], even=False)
    x, target, weights = pair.data(6)
    call, theta = Call(training=True, step=2), pair.store.theta
    pair.line(x, target, weights, call)
    grad, small = pair.store.grad.copy(), 1e-6
    for i in range(len(theta)):
        kept, sides = theta[i], []
        for change in (small, -small):
            theta[i] = kept + change
            sides.append(pair.line(x, target, weights, call))
        theta[i] = kept
        assert grad[i] == pytest.approx((sides[0] - sides[1]) / (2 * small), abs=1e-8)


def test_large_batches_go_through_the_closures(monkeypatch: pytest.MonkeyPatch) -> None:
    """And their number of rows alone decides."""
    monkeypatch.setattr(straight, "LARGEST", 50)
    calls = []
    pair = Pair([Dense(5), Dense(3)], 4, CrossEntropy())

    def plain(*of_rows: Any) -> float:
        calls.append(len(of_rows[0]))
        return pair.by_closures(*of_rows)

    line = make_straight([Dense(5), Dense(3)], (4,), pair.store, pair.loss, plain)
    for rows in (10, 11, 10, 11):
        line(*pair.data(rows), Call(training=True))
    assert calls == [11, 11]


def test_a_bias_in_the_product() -> None:
    """Where little is computed; dropout, and layers without a bias, or too large, do without."""
    for layers in (
        [Dense(5, activation=Relu()), Dense(4, activation=Tanh()), Dense(3)],
        [Dense(5, use_bias=False), Dense(4, activation=Gelu()), Dropout(0.4), Dense(6), Dense(3)],
        [Dense(900, activation=Relu()), Dense(4), Dense(3)],
        [Dropout(0.3), Dense(4), Dense(3, activation=Sigmoid())],
    ):
        for loss in (CrossEntropy(), MeanSquaredError()):
            pair = Pair(layers, 4, loss)
            pair.assert_same(5, Call(training=True, step=3), 1e-12)


MORE = (
    "model.layers=[{type: dense, units: 6, activation: relu}, {type: dropout, rate: 0.2},"
    " {type: dense, units: auto}]"
)


@over("size", ["null", "5"])
@over("weight", ["null", "balanced"])
def test_a_training_is_that_by_closures(
    size: str, weight: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whole batches and portions, the last ones short."""
    config = write_points(tmp_path)
    sets = (
        MORE, f"trainer.micro_batch_size={size}",
        f"loss={{type: cross_entropy, class_weight: {weight}}}",
    )  # fmt: skip
    ends, rows = [], []
    for name in ("straight", "closures"):
        if name == "closures":
            monkeypatch.setattr(
                step, "make_backpropagate", lambda model: closures(model.network, model.loss)
            )
        run = begin(config, tmp_path / name, *sets)
        rows.append([event.row for event in fit(run) if isinstance(event, EpochEnded)])
        ends.append(run.model.network.store.theta.copy())
    assert not np.array_equal(ends[0], ends[1]), "both took the same way"
    np.testing.assert_allclose(ends[1], ends[0], rtol=1e-3, atol=1e-4)
    for one, other in zip(*rows, strict=True):
        assert other == pytest.approx(one, rel=1e-4)
