"""A convolution and the pooling behind it in one step give what they give one after the other."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from nntrain.call import INFERENCE, Call
from nntrain.families import Activation, Array, Layer, Shape
from nntrain.initializers import Uniform
from nntrain.layers import (
    AveragePool2d,
    Conv2d,
    Elu,
    Flatten,
    Gelu,
    HardSigmoid,
    Identity,
    LeakyRelu,
    MaxPool2d,
    Mish,
    Prelu,
    Relu,
    Residual,
    Selu,
    Sigmoid,
    Silu,
    Softmax,
    Softplus,
    Softsign,
    Tanh,
    correlation,
    pooled,
    windows,
)
from nntrain.layers.chain import LayerError
from nntrain.network import Network
from nntrain.store import Plan
from tests.cases import assert_same_slope, finite_differences, inputs, over, quick

ACTIVATIONS: tuple[Activation, ...] = (
    Identity(), Relu(), LeakyRelu(0.2), Elu(0.7), Selu(), Softplus(), Sigmoid(), Tanh(),
    HardSigmoid(), Softsign(),
)  # fmt: skip
FALLING: tuple[Activation, ...] = (Gelu(), Silu(), Mish(), Prelu(), Softmax())
SHAPE = (7, 8, 2)
PLAIN = Call(training=True, watch=lambda path, y, dy: None)
BIASED = Uniform(-1.0, 1.0)
small = st.tuples(st.integers(1, 3), st.integers(1, 3))


def network(*layers: Layer, shape: Shape = SHAPE, dtype: Any = np.float64) -> Network:
    return Network(layers, shape, dtype=dtype, input_gradient=True)


def results(of: Network, x: Array, dy: Array, call: Call) -> tuple[Array, Array, Array]:
    """The output, dx and the gradient of all weights."""
    of.store.grad.fill(np.nan)
    y, backward = of(x, call)
    dx = backward(dy)
    assert dx is not None
    return y, dx, of.store.grad.copy()


def assert_same(of: Network, x: Array, dy: Array) -> None:
    """In one step as one after the other, which is what happens where somebody watches."""
    found, expected = results(of, x, dy, Call(training=True)), results(of, x, dy, PLAIN)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-12)


def is_one_step(*layers: Layer, shape: Shape = SHAPE) -> bool:
    plan = Plan(learns=True)
    first = layers[0].build(shape, plan)
    second = layers[1].build(first.shape, plan)
    return pooled.pooled(first.forward, second.forward) is not None


class TestTheSame:
    """As the two layers give by themselves."""

    @over("activation", ACTIVATIONS)
    @pytest.mark.parametrize("kept", [0, pooled.KEPT])
    def test_for_each_activation(
        self, activation: Activation, kept: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(pooled, "KEPT", kept)
        monkeypatch.setattr(windows, "BLOCK", 7 * 8 * 18 * 2)  # two images a block
        conv = Conv2d(3, 3, padding="same", activation=activation, bias_initializer=BIASED)
        assert is_one_step(conv, MaxPool2d())
        of = network(conv, MaxPool2d())
        assert_same(of, inputs(SHAPE), inputs(of.shape, seed=2))

    @over("activation", ACTIVATIONS)
    def test_the_gradient_is_that_of_finite_differences(self, activation: Activation) -> None:
        conv = Conv2d(3, 3, padding="same", activation=activation, bias_initializer=BIASED)
        of = network(conv, MaxPool2d((2, 3)), shape=(5, 7, 2))
        x, dy = inputs((5, 7, 2), rows=3), inputs(of.shape, rows=3, seed=3)

        def value() -> float:
            return float(np.sum(of(x)[0] * dy))

        _, dx, grad = results(of, x, dy, INFERENCE)
        assert_same_slope(dx, finite_differences(value, x))
        assert_same_slope(grad, finite_differences(value, of.store.theta))

    @quick
    @given(
        shape=st.tuples(st.integers(1, 9), st.integers(1, 9), st.sampled_from([1, 2, 8])),
        filters=st.sampled_from([1, 3, 17]),
        size=small,
        strides=small,
        dilation=small,
        padding=st.sampled_from(["valid", "same", "reflect"]),
        tile=small,
        use_bias=st.booleans(),
    )
    def test_for_windows_of_all_kinds(
        self, shape: Shape, filters: int, size: Any, strides: Any, dilation: Any, padding: Any,
        tile: Any, use_bias: bool,
    ) -> None:  # fmt: skip
        conv = Conv2d(filters, size, strides, padding, dilation, Tanh(), use_bias)
        try:
            of = network(conv, MaxPool2d(tile), shape=shape)
        except LayerError:
            assume(False)
        assert is_one_step(conv, MaxPool2d(tile), shape=shape) == (tile != (1, 1))
        assert_same(of, inputs(shape, rows=3), inputs(of.shape, rows=3, seed=2))

    def test_of_equal_numbers_the_first_gets_the_gradient(self) -> None:
        one = Conv2d(2, 1, use_bias=False, activation=Relu())
        of = network(one, MaxPool2d(3), shape=(6, 6, 2))
        of.store.weights["layers.0.W"][...] = np.eye(2)
        x = np.round(inputs((6, 6, 2)))  # in windows of nine, most have several of the largest
        dy = inputs(of.shape, seed=2)
        found, expected = results(of, x, dy, INFERENCE), results(of, x, dy, PLAIN)
        np.testing.assert_array_equal(found[0], expected[0])
        np.testing.assert_array_equal(found[1], expected[1])

    def test_single_precision_stays_it(self) -> None:
        of = network(Conv2d(3, 3, activation=Elu()), MaxPool2d(), dtype=np.float32)
        x = inputs(SHAPE).astype(np.float32)
        y, dx, _ = results(of, x, np.ones((5, *of.shape), np.float32), INFERENCE)
        assert y.dtype == dx.dtype == np.float32

    def test_two_passes_before_their_ways_back(self) -> None:
        of = network(Conv2d(3, 3, activation=Relu()), MaxPool2d())
        x, other, dy = inputs(SHAPE), inputs(SHAPE, seed=4), inputs((2, 3, 3), seed=5)
        expected = results(of, x, dy, INFERENCE)
        first, second = of(x), of(other)
        second[1](dy)
        dx = first[1](dy)
        assert dx is not None
        np.testing.assert_array_equal(dx, expected[1])
        np.testing.assert_array_equal(of.store.grad, expected[2])

    def test_what_is_no_number_goes_on(self) -> None:
        of = network(Conv2d(3, 3, padding="same", activation=Relu()), MaxPool2d())
        x = inputs(SHAPE)
        x[1, 2, 2, 0] = np.nan
        for call in (INFERENCE, Call(forward_only=True), PLAIN):
            y = of(x, call)[0]
            assert np.isnan(y[1]).any()
            assert np.isfinite(y[[0, 2, 3, 4]]).all()

    def test_forward_alone_gives_the_same(self) -> None:
        of = network(Conv2d(3, 3, activation=Relu()), MaxPool2d())
        x = inputs(SHAPE)
        np.testing.assert_array_equal(of(x, Call(forward_only=True))[0], of(x)[0])


class TestWhich:
    """Which pairs are one step, and what is seen of them."""

    @over("activation", FALLING)
    def test_an_activation_that_falls_comes_first(self, activation: Activation) -> None:
        assert not is_one_step(Conv2d(3, 3, activation=activation), MaxPool2d())

    @pytest.mark.parametrize(
        "pool",
        [MaxPool2d(2, strides=1), MaxPool2d(2, padding="same"), MaxPool2d(3, 2), AveragePool2d(),
         MaxPool2d((3, 6)), Flatten()],
        ids=str,
    )  # fmt: skip
    def test_other_pools_are_layers_of_their_own(self, pool: Layer) -> None:
        assert not is_one_step(Conv2d(3, 3, padding="same"), pool)

    def test_who_watches_sees_both_layers(self) -> None:
        conv, pool = Conv2d(3, 3, activation=Relu()), MaxPool2d()
        of, alone = network(conv, pool), network(conv)
        seen = list[tuple[str, Array, bool]]()

        def watch(path: str, y: Array, dy: Array | None) -> None:
            seen.append((path, y, dy is None))

        x = inputs(SHAPE)
        of(x, Call(watch=watch))[1](inputs((2, 3, 3), seed=2))
        assert [(path, first) for path, _, first in seen] == [
            ("layers.0", True), ("layers.1", True), ("layers.1", False), ("layers.0", False),
        ]  # fmt: skip
        np.testing.assert_array_equal(seen[0][1], alone(x)[0])

    def test_others_get_both_in_one_step(self, monkeypatch: pytest.MonkeyPatch) -> None:
        of, x = network(Conv2d(3, 3), MaxPool2d()), inputs(SHAPE)

        def called(self: pooled.Pooled, x: Array, call: Call) -> None:
            raise RecursionError

        monkeypatch.setattr(pooled.Pooled, "__call__", called)
        of(x, PLAIN)
        with pytest.raises(RecursionError):
            of(x, Call(training=True))

    def test_inside_of_a_block_and_in_a_row(self) -> None:
        conv = Conv2d(2, 3, padding="same", activation=Relu())
        inside = Residual((conv, Conv2d(2, 3, padding="same")))
        layers = (inside, conv, MaxPool2d(), conv, MaxPool2d(), MaxPool2d(1), Flatten())
        of = network(*layers, shape=(8, 8, 2))
        assert_same(of, inputs((8, 8, 2)), inputs(of.shape, seed=2))


class TestProducts:
    """Products in pieces, and of two places at once, are those that they stand for."""

    @quick
    @given(
        shape=st.tuples(st.integers(1, 9), st.integers(1, 9), st.sampled_from([1, 8, 9])),
        filters=st.sampled_from([1, 16, 17]),
        size=st.tuples(st.integers(1, 3), st.integers(1, 5)),
        padding=st.sampled_from(["valid", "same", "reflect"]),
        most=st.sampled_from([1, 1000, 20_000, 1_000_000]),
    )
    def test_they_agree(
        self, shape: Shape, filters: int, size: Any, padding: Any, most: int
    ) -> None:
        try:
            of = network(Conv2d(filters, size, padding=padding), shape=shape)
        except LayerError:
            assume(False)
        x, dy = inputs(shape, rows=3), inputs(of.shape, rows=3, seed=2)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(correlation, "NARROW", 0)
            expected = results(of, x, dy, INFERENCE)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(correlation, "SMALL", most)
            found = results(of, x, dy, INFERENCE)
        for one, other in zip(found, expected, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-12)

    @pytest.mark.parametrize(
        ("places", "most", "least", "part"),
        [(196, 200, 8, 196), (196, 100, 8, 98), (196, 48, 48, 0), (169, 100, 8, 13), (7, 9, 8, 0)],
    )
    def test_the_largest_even_part(self, places: int, most: int, least: int, part: int) -> None:
        assert correlation._piece(places, most, least) == part
