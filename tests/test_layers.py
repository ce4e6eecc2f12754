"""The contract of layers, over the table, and what each of them is for."""

from __future__ import annotations

import tracemalloc
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nntrain.call import INFERENCE, Call
from nntrain.families import Activation, Array, Backward, Builder, Built, Draw, Layer, Shape
from nntrain.initializers import Constant, Ones, UnitForget, Zeros
from nntrain.layers import ActivationLayer, Dense, Dropout, Flatten, Identity, Relu, Softmax, Tanh
from nntrain.layers.chain import LayerError, chain
from nntrain.layers.units import settle_units
from nntrain.network import Network, plan
from nntrain.store import Plan
from tests.cases import (
    ACTIVATIONS,
    LAYERS,
    LayerCase,
    assert_same_slope,
    finite_differences,
    from_spec,
    inputs,
    label,
    over,
    protected,
    quick,
    reference,
    single,
    unregistered,
)

TRAINING = Call(training=True, step=3)


@unregistered
@dataclass(frozen=True)
class Twice(Layer):
    """y = tanh(x W + b) W + b: one weight in two places."""

    def build(self, shape: Shape, store: Builder) -> Built:
        first = Dense(shape[-1], activation=Tanh()).build(shape, store).forward
        second = Dense(shape[-1]).build(shape, store).forward

        def forward(x: Array, call: Call) -> tuple[Array, Backward]:
            h, first_backward = first(x, call)
            y, second_backward = second(h, call)

            def backward(dy: Array) -> Array | None:
                return first_backward(back(second_backward, dy))

            return y, backward

        return Built(forward, shape)


@unregistered
@dataclass(frozen=True)
class RunningScale(Layer):
    """y = x · scale; in training the next scale is the mean of |x| in this batch."""

    def build(self, shape: Shape, store: Builder) -> Built:
        scale, next_scale = store.buffer("scale", shape, 2.0)

        def forward(x: Array, call: Call) -> tuple[Array, Backward]:
            if call.training:
                np.mean(np.abs(x), axis=0, out=next_scale)
            return x * scale, lambda dy: dy * scale

        return Built(forward, shape)


@unregistered
@dataclass(frozen=True)
class Nested(Layer):
    """A chain inside a chain."""

    layers: tuple[Layer, ...] = field(default=(Dense(3, activation=Tanh()), Dense(2)))

    def build(self, shape: Shape, store: Builder) -> Built:
        return chain(self.layers, shape, store)


CONTRACT = [
    *LAYERS,
    *(LayerCase(ActivationLayer(activation), (2, 3)) for activation in ACTIVATIONS),
    LayerCase(Twice(), (3,)),
    LayerCase(RunningScale(), (4,)),
    LayerCase(Nested(), (4,)),
]
every_layer = over("case", CONTRACT)


def built(case: LayerCase, **options: Any) -> Network:
    options = {"seed": 0, "dtype": np.float64, "input_gradient": True, **options}
    return Network([case.layer], case.shape, **options)


def back(backward: Backward, dy: Array) -> Array:
    """The gradient with respect to the input, which is there."""
    dx = backward(dy)
    assert dx is not None
    return dx


def layouts(*arrays: Array) -> list[list[Array]]:
    """The same numbers as views of what lies differently in memory."""
    return [
        list(arrays),
        [np.asfortranarray(values) for values in arrays],
        [np.ascontiguousarray(values.swapaxes(0, 1)).swapaxes(0, 1) for values in arrays],
        [np.repeat(values, 2, axis=-1)[..., ::2] for values in arrays],
        [np.ascontiguousarray(values[::-1])[::-1] for values in arrays],
    ]


def gradients(network: Network, x: Array, dy: Array, call: Call = TRAINING) -> list[Array]:
    """The output, dx, and a copy of all weight gradients."""
    y, backward = network(x, call)
    return [y, back(backward, dy), network.store.grad.copy()]


def assert_equal(found: Sequence[Array], expected: Sequence[Array]) -> None:
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, other)


class TestContract:
    """What holds for every layer."""

    @every_layer
    def test_the_output_has_the_shape_that_build_said(self, case: LayerCase) -> None:
        network = built(case)
        x = inputs(case.shape)
        y, backward = network(x)
        assert y.shape == (len(x), *network.shape)
        assert back(backward, np.ones_like(y)).shape == x.shape

    @every_layer
    @pytest.mark.parametrize("call", [INFERENCE, TRAINING], ids=["inference", "training"])
    def test_gradients_agree_with_finite_differences(self, case: LayerCase, call: Call) -> None:
        network = built(case)
        x = inputs(case.shape)
        dy = inputs(network.shape, seed=3)

        def value() -> float:
            return float(np.sum(network(x, call)[0] * dy))

        _, dx, grad = gradients(network, x, dy, call)
        assert_same_slope(dx, finite_differences(value, x))
        if network.store.size:
            assert_same_slope(grad, finite_differences(value, network.store.theta))

    @every_layer
    def test_float32_stays_float32_everywhere(self, case: LayerCase) -> None:
        network = built(case, dtype=np.float32)
        for call in (INFERENCE, TRAINING):
            x, dy = single(inputs(case.shape)), single(inputs(network.shape))
            y, backward = network(x, call)
            dx = back(backward, dy)
            assert y.dtype == dx.dtype == network.store.grad.dtype == np.float32

    @every_layer
    def test_input_and_output_gradient_are_never_written_into(self, case: LayerCase) -> None:
        network = built(case)
        for call in (INFERENCE, TRAINING):
            x, dy = protected(inputs(case.shape)), protected(inputs(network.shape))
            gradients(network, x, dy, call)  # a write would raise

    @every_layer
    def test_backward_sets_all_gradients_and_never_adds(self, case: LayerCase) -> None:
        network = built(case)
        dy = inputs(network.shape)
        _, backward = network(inputs(case.shape), TRAINING)
        network.store.grad.fill(np.nan)
        first = [back(backward, dy), network.store.grad.copy()]
        second = [back(backward, dy), network.store.grad.copy()]
        assert np.isfinite(network.store.grad).all()
        assert_equal(second, first)

    @every_layer
    def test_the_order_in_memory_changes_nothing(self, case: LayerCase) -> None:
        network = built(case)
        x, dy = inputs(case.shape), inputs(network.shape, seed=4)
        expected = gradients(network, x, dy)
        for one, other in pairwise([*layouts(x, dy), *layouts(x, dy)[:1]]):
            found = gradients(network, one[0], other[1])
            for values, right in zip(found, expected, strict=True):
                np.testing.assert_allclose(values, right, rtol=1e-12, atol=1e-13)

    @every_layer
    @pytest.mark.parametrize("last_first", [True, False])
    def test_two_forwards_do_not_disturb_each_other(
        self, case: LayerCase, last_first: bool
    ) -> None:
        network = built(case)
        pairs = [(inputs(case.shape, seed=i), inputs(network.shape, seed=9 + i)) for i in (1, 2)]
        separate = [gradients(network, x, dy) for x, dy in pairs]

        passes = [(*network(x, TRAINING), dy) for x, dy in pairs]
        together = {}
        for i in (1, 0) if last_first else (0, 1):
            y, backward, dy = passes[i]
            together[i] = [y, back(backward, dy), network.store.grad.copy()]

        for i in (0, 1):
            assert_equal(together[i], separate[i])

    @every_layer
    def test_at_inference_no_row_knows_of_the_others(self, case: LayerCase) -> None:
        network = built(case)
        x = inputs(case.shape)
        together, _ = network(x)
        alone = np.concatenate([network(x[i : i + 1])[0] for i in range(len(x))])
        np.testing.assert_allclose(alone, together, rtol=1e-13, atol=1e-15)

    @every_layer
    def test_equal_seeds_give_equal_bits_and_others_do_not(self, case: LayerCase) -> None:
        one, same, other = built(case, seed=5), built(case, seed=5), built(case, seed=6)
        assert one.store.theta.tobytes() == same.store.theta.tobytes()
        for name, row in one.plan.weights.items():
            if not isinstance(row.initializer, (Zeros, Ones, Constant, UnitForget)):
                assert (one.store.weights[name] != other.store.weights[name]).all()
        x, dy = inputs(case.shape), inputs(one.shape)
        assert_equal(gradients(one, x, dy), gradients(same, x, dy))

    @every_layer
    def test_without_something_to_learn_before_it_nothing_flows_back(self, case: LayerCase) -> None:
        layers = [case.layer, Dense(2)]
        for_training = Network(layers, case.shape, dtype=np.float64)
        for_inputs = Network(layers, case.shape, dtype=np.float64, input_gradient=True)
        x = inputs(case.shape)
        dy = inputs(for_training.shape)
        y, backward = for_training(x, TRAINING)
        assert backward(dy) is None
        y_too, _, grad_too = gradients(for_inputs, x, dy)
        assert_equal([y, for_training.store.grad], [y_too, grad_too])

    @every_layer
    def test_the_plan_is_what_the_store_becomes(self, case: LayerCase) -> None:
        network = built(case)
        planned, store = network.plan, network.store
        assert {row.name: row.shape for row in planned.weights.values()} == {
            name: W.shape for name, W in store.weights.items()
        }
        assert {name: shape for name, (shape, _) in planned.buffers.items()} == {
            name: values.shape for name, values in store.buffers.items()
        }
        last = planned.layers[-1]
        assert (last.path, last.kind) == ("layers.0", case.layer.kind)
        assert last.shape == network.shape
        assert last.parameters == store.size == len(store.theta) == len(store.grad)

    @every_layer
    def test_the_flat_vectors_begin_at_a_cache_line(self, case: LayerCase) -> None:
        store = built(case, dtype=np.float32).store
        for vector in (store.theta, store.grad, store.running):
            assert vector.ctypes.data % 64 == 0 or not vector.size

    @every_layer
    def test_only_buffers_that_were_committed_change_the_output(self, case: LayerCase) -> None:
        network = built(case)
        x = inputs(case.shape)
        before = network(x)[0]
        network(np.full_like(x, np.nan), TRAINING)
        assert_equal([network(x)[0]], [before])


class TestReferences:
    """The same numbers as PyTorch."""

    @over("name", reference("pytorch", "activation"))
    @pytest.mark.parametrize(("dtype", "rtol"), [(np.float64, 1e-12), (np.float32, 1e-5)])
    def test_activations(self, name: str, dtype: type, rtol: float) -> None:
        entry = reference("pytorch")[name]
        layer = ActivationLayer(from_spec(Activation, entry["spec"]))
        network = Network([layer], (4,), dtype=dtype, input_gradient=True)
        y, dx, _ = gradients(network, np.array(entry["x"], dtype), np.array(entry["dy"], dtype))
        assert_close({"y": y, "dx": dx}, entry, rtol)

    @over("name", reference("pytorch", "dense"))
    @pytest.mark.parametrize(("dtype", "rtol"), [(np.float64, 1e-12), (np.float32, 1e-5)])
    def test_dense(self, name: str, dtype: type, rtol: float) -> None:
        entry = reference("pytorch")[name]
        layer = Dense(4, activation=from_spec(Activation, entry["spec"]))
        network = Network([layer], (2, 3), dtype=dtype, input_gradient=True)
        store = network.store
        store.weights["layers.0.W"][...] = entry["W"]
        store.weights["layers.0.b"][...] = entry["b"]
        y, dx, _ = gradients(network, np.array(entry["x"], dtype), np.array(entry["dy"], dtype))
        dW, db = store.gradients["layers.0.W"], store.gradients["layers.0.b"]
        assert_close({"y": y, "dx": dx, "dW": dW, "db": db}, entry, rtol)


def assert_close(found: dict[str, Array], entry: dict[str, Any], rtol: float) -> None:
    for name, values in found.items():
        np.testing.assert_allclose(values, entry[name], rtol=rtol, atol=rtol, err_msg=name)


def test_extreme_inputs_overflow_nowhere() -> None:
    x = np.array([[-1e4, -100.0, 0.0, 100.0, 1e4]], np.float32)
    for activation in ACTIVATIONS:
        network = Network([ActivationLayer(activation)], (5,), input_gradient=True)
        y, dx, _ = gradients(network, x, np.ones_like(x))
        assert np.isfinite(y).all(), label(activation)
        assert np.isfinite(dx).all(), label(activation)


def test_softmax_rows_sum_to_one() -> None:
    softmax = Network([ActivationLayer(Softmax())], (2, 3), dtype=np.float64)
    np.testing.assert_allclose(softmax(inputs((2, 3)))[0].sum(axis=-1), 1.0, rtol=1e-15)


def test_relu_lets_nothing_back_at_zero() -> None:
    network = Network([ActivationLayer(Relu())], (3,), input_gradient=True)
    _, backward = network(np.array([[-1.0, 0.0, 1.0]], np.float32))
    dx = back(backward, np.ones((1, 3), np.float32))
    np.testing.assert_array_equal(dx, [[0.0, 0.0, 1.0]])


def test_identity_and_flatten_copy_nothing() -> None:
    x = inputs((2, 3))
    for layer in (ActivationLayer(Identity()), Flatten()):
        assert np.shares_memory(Network([layer], (2, 3), dtype=np.float64)(x)[0], x)


class TestStore:
    """One flat vector for all weights."""

    layers = (Dense(3), Dropout(0.5), Dense(2))

    def test_weights_lie_in_the_order_of_building(self) -> None:
        store = Network(self.layers, (4,)).store
        assert list(store.weights) == ["layers.0.W", "layers.0.b", "layers.2.W", "layers.2.b"]
        parts = [segment.part for segment in store.segments if segment.decays]
        assert parts == [slice(0, 12), slice(15, 21)]
        for part, name in zip(parts, ("layers.0.W", "layers.2.W"), strict=True):
            np.testing.assert_array_equal(store.theta[part], store.weights[name].ravel())

    def test_weights_and_gradients_are_views_in_the_same_places(self) -> None:
        store = Network(self.layers, (4,)).store
        store.theta[...] = np.arange(store.size)
        store.grad[...] = np.arange(store.size)
        for name, W in store.weights.items():
            np.testing.assert_array_equal(W, store.gradients[name])
        places = np.concatenate([W.ravel() for W in store.weights.values()])
        np.testing.assert_array_equal(places, np.arange(store.size))

    def test_a_weight_that_is_taken_twice_is_one_weight_with_the_sum_of_gradients(self) -> None:
        shared = Network([Twice()], (3,), dtype=np.float64, input_gradient=True)
        layers = [Dense(3, activation=Tanh()), Dense(3)]
        apart = Network(layers, (3,), dtype=np.float64, input_gradient=True)
        W = shared.store.weights["layers.0.W"]
        for i in (0, 1):
            apart.store.weights[f"layers.{i}.W"][...] = W
        x, dy = inputs((3,)), inputs((3,), seed=4)
        y, _, _ = gradients(shared, x, dy)
        y_apart, _, _ = gradients(apart, x, dy)

        assert_equal([y], [y_apart])
        assert shared.store.size == 3 * 3 + 3
        for name in ("W", "b"):
            total = sum(apart.store.gradients[f"layers.{i}.{name}"] for i in (0, 1))
            np.testing.assert_allclose(
                shared.store.gradients[f"layers.0.{name}"], total, rtol=1e-13
            )

    def test_two_different_weights_of_one_name_are_refused(self) -> None:
        counted = Plan()
        counted.weight("W", (2, 3), Zeros())
        with pytest.raises(ValueError, match="two different weights are called W"):
            counted.weight("W", (3, 2), Zeros())

    def test_buffers_take_their_next_values_at_commit(self) -> None:
        network = Network([RunningScale()], (2,), dtype=np.float64)
        x = np.array([[1.0, -4.0], [3.0, -6.0]])
        first, _ = network(x, TRAINING)
        network.store.commit()
        second, _ = network(x)
        np.testing.assert_array_equal(first, x * 2.0)
        np.testing.assert_array_equal(second, x * [2.0, 5.0])
        np.testing.assert_array_equal(network.store.buffers["layers.0.scale"], [2.0, 5.0])

    def test_a_commit_without_a_forward_changes_nothing(self) -> None:
        store = Network([RunningScale()], (2,)).store
        store.commit()
        np.testing.assert_array_equal(store.running, [2.0, 2.0])

    def test_what_a_broken_step_wrote_is_gone_after_the_next(self) -> None:
        network = Network([RunningScale()], (1,), dtype=np.float64)
        network(np.array([[np.nan]]), TRAINING)
        network(np.array([[7.0]]), TRAINING)
        network.store.commit()
        np.testing.assert_array_equal(network.store.running, [7.0])

    def test_first_weights_do_not_depend_on_the_layers_around_them(self) -> None:
        alone = Network([Dense(3)], (4,)).store.weights["layers.0.W"]
        followed = Network([Dense(3), Dense(5)], (4,)).store.weights["layers.0.W"]
        np.testing.assert_array_equal(alone, followed)

    def test_weights_of_equal_shape_begin_differently(self) -> None:
        weights = Network([Dense(3), Dense(3)], (3,)).store.weights
        assert (weights["layers.0.W"] != weights["layers.1.W"]).all()

    def test_float32_weights_are_the_float64_ones_rounded(self) -> None:
        wide = Network(self.layers, (4,), dtype=np.float64).store.theta
        narrow = Network(self.layers, (4,)).store.theta
        np.testing.assert_array_equal(narrow, wide.astype(np.float32))


class TestPlan:
    """What is known before anything is allocated."""

    def test_a_plan_of_a_billion_weights_takes_no_room(self) -> None:
        tracemalloc.start()
        counted = plan([Dense(31_623, activation=Relu()), Dropout(0.5), Dense(1)], (31_623,))
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert sum(row.size for row in counted.weights.values()) > 10**9
        assert peak < 1_000_000

    def test_it_has_a_row_for_each_layer(self) -> None:
        counted = plan([Flatten(), Dense(3), Dropout(0.5), Dense(2)], (2, 2))
        rows = [(row.path, row.kind, row.shape, row.parameters) for row in counted.layers]
        assert rows == [
            ("layers.0", "flatten", (4,), 0),
            ("layers.1", "dense", (3,), 15),
            ("layers.2", "dropout", (3,), 0),
            ("layers.3", "dense", (2,), 8),
        ]

    def test_layers_one_and_ten_are_told_apart(self) -> None:
        counted = plan([Dense(1) for _ in range(11)], (1,))
        assert [row.parameters for row in counted.layers] == [2] * 11

    def test_a_layer_that_does_not_fit_is_named(self) -> None:
        with pytest.raises(LayerError, match=r"^layers\.1: `units: auto`") as caught:
            plan([Dense(3), Dense("auto")], (4,))
        assert caught.value.path == "layers.1"

    def test_a_layer_inside_a_layer_is_named_once(self) -> None:
        inner = Nested((Dense(3), Dense("auto")))
        with pytest.raises(LayerError) as caught:
            plan([Dense(3), inner], (4,))
        assert caught.value.path == "layers.1.layers.1"
        assert "layers" not in caught.value.message

    def test_automatic_units_come_from_the_number_of_outputs(self) -> None:
        settled = settle_units([Dense(8), Dropout(0.1), Dense("auto", activation=Tanh())], 3)
        assert settled == (Dense(8), Dropout(0.1), Dense(3, activation=Tanh()))


def test_a_watch_sees_every_output_and_its_gradient() -> None:
    seen: list[tuple[str, Array, Array | None]] = []
    network = Network([Dense(3), Nested()], (2,), dtype=np.float64)
    call = Call(watch=lambda path, y, dy: seen.append((path, y, dy)))
    y, backward = network(inputs((2,)), call)
    dy = np.ones_like(y)
    backward(dy)
    paths = ["layers.0", "layers.1.layers.0", "layers.1.layers.1", "layers.1"]
    back = ["layers.1", "layers.1.layers.1", "layers.1.layers.0", "layers.0"]
    assert [path for path, _, _ in seen] == paths + back
    assert all(dy is None for _, _, dy in seen[:4])
    assert all(dy is not None and dy.shape == y.shape for _, y, dy in seen[4:])
    np.testing.assert_array_equal(seen[3][1], y)
    assert seen[4][2] is dy


class EveryWord(Plan):
    """Draws each of the 2^16 random numbers once."""

    def random(self, name: str) -> Draw:
        return lambda call, rows, width: np.arange(2**16, dtype=np.uint16).reshape(rows, width)


class TestDropout:
    """Masks are a function of (seed, path, step, number, row), and of nothing else."""

    shape = (6,)
    call = Call(training=True, step=4, row=32, number=1)

    def mask(self, call: Call, rows: int = 8, seed: int = 0, dtype: type = np.float32) -> Array:
        x: Array = np.ones((rows, *self.shape), dtype)
        return Network([Dropout(0.5)], self.shape, seed, dtype=dtype)(x, call)[0] > 0

    @pytest.mark.parametrize("rate", [0.0, 1e-5, 0.1, 0.3, 0.5, 0.9, 0.99999])
    def test_the_expectation_is_exact(self, rate: float) -> None:
        forward, _ = Dropout(rate).build((2**8,), EveryWord())
        y, _ = forward(np.ones((2**8, 2**8)), self.call)
        assert y.mean() == pytest.approx(1.0, rel=1e-12)
        assert np.mean(y == 0) == pytest.approx(rate, abs=2**-16)

    def test_what_stays_is_scaled_by_one_over_the_share_that_stays(self) -> None:
        x = inputs((50,))
        y, _ = Network([Dropout(0.75)], (50,), dtype=np.float64)(x, self.call)
        np.testing.assert_array_equal(y[y != 0], 4.0 * x[y != 0])

    @pytest.mark.parametrize("rate", [0.1, 0.5, 0.8])
    def test_the_share_that_is_dropped_is_the_rate(self, rate: float) -> None:
        n = 100_000
        y, _ = Network([Dropout(rate)], (100,))(np.ones((n // 100, 100), np.float32), self.call)
        assert abs(np.mean(y == 0) - rate) < 5 * (rate * (1 - rate) / n) ** 0.5

    def test_units_and_rows_are_dropped_independently(self) -> None:
        dropped = self.mask(self.call, rows=20_000).astype(np.float64)
        between_units = np.corrcoef(dropped, rowvar=False) - np.eye(6)
        between_rows = np.corrcoef(dropped[:-1].ravel(), dropped[1:].ravel())[0, 1]
        assert np.abs(between_units).max() < 5 / 20_000**0.5
        assert abs(between_rows) < 5 / 120_000**0.5

    @pytest.mark.parametrize("change", [{"step": 5}, {"number": 0}, {"row": 40}], ids=str)
    def test_another_step_number_or_row_gives_another_mask(self, change: dict[str, int]) -> None:
        assert (self.mask(replace(self.call, **change)) != self.mask(self.call)).any()  # type: ignore[arg-type]

    def test_another_seed_gives_another_mask(self) -> None:
        assert (self.mask(self.call, seed=1) != self.mask(self.call)).any()

    def test_the_type_of_the_numbers_does_not_matter(self) -> None:
        np.testing.assert_array_equal(self.mask(self.call, dtype=np.float64), self.mask(self.call))

    def test_every_layer_draws_a_mask_of_its_own(self) -> None:
        store = Network([], self.shape).store
        forwards = []
        for path in ("layers.0", "layers.1", "layers.1"):  # the last two stand in one place
            with store.at(path):
                forwards.append(Dropout(0.5).build(self.shape, store).forward)
        ones = np.ones((16, *self.shape), np.float32)
        masks = {forward(ones, self.call)[0].tobytes() for forward in forwards}
        assert len(masks) == 3

    @quick
    @given(cuts=st.lists(st.integers(0, 20), max_size=3), width=st.integers(1, 9))
    def test_a_batch_in_parts_gets_the_mask_of_the_whole(self, cuts: list[int], width: int) -> None:
        network = Network([Dropout(0.5)], (width,))
        x = np.ones((20, width), np.float32)
        whole, _ = network(x, Call(training=True, step=2))
        edges = [0, *sorted(cuts), 20]
        parts = [
            network(x[start:end], Call(training=True, step=2, row=start))[0]
            for start, end in pairwise(edges)
        ]
        np.testing.assert_array_equal(np.concatenate(parts), whole)

    def test_steps_in_any_order_with_evaluation_between_give_the_same_masks(self) -> None:
        network = Network([Dropout(0.5)], self.shape)
        x = np.ones((8, *self.shape), np.float32)
        in_order = {step: network(x, Call(training=True, step=step))[0] for step in range(5)}
        for step in (3, 0, 4, 4, 1, 2):
            np.testing.assert_array_equal(network(x)[0], x)
            y, _ = network(x, Call(training=True, step=step))
            np.testing.assert_array_equal(y, in_order[step])

    def test_at_inference_it_hands_its_input_on(self) -> None:
        x = inputs(self.shape)
        y, backward = Network([Dropout(0.5)], self.shape, dtype=np.float64)(x)
        assert y is x
        assert backward(x) is x


def test_a_chain_hands_each_layer_the_lengths_of_its_own_input() -> None:
    seen: list[Array | None] = []

    @unregistered
    @dataclass(frozen=True)
    class Halve(Layer):
        """Every second step."""

        def build(self, shape: Shape, store: Builder) -> Built:
            def forward(x: Array, call: Call) -> tuple[Array, Backward]:
                seen.append(call.lengths)
                return x[:, ::2], lambda dy: np.repeat(dy, 2, axis=1)

            return Built(forward, (shape[0] // 2, *shape[1:]))

        def lengths(self, n: Array) -> Array:
            return (n + 1) // 2

    network = Network([Halve(), Nested((Halve(),)), Flatten(), Nested((Dense(1),))], (8, 1))
    network(np.ones((2, 8, 1), np.float32), Call(lengths=np.array([8, 5])))
    assert [n.tolist() for n in seen if n is not None] == [[8, 5], [4, 3]]
