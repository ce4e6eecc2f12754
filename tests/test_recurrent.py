"""Recurrent layers and embedding: PyTorch's numbers, lengths, states that are carried on."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest

from nntrain.call import INFERENCE, Call
from nntrain.families import Array, Layer
from nntrain.initializers import UnitForget
from nntrain.layers import Dense, Embedding, Graph, Gru, Lstm, PositionalEncoding, SimpleRnn
from nntrain.layers.chain import LayerError
from nntrain.layers.recurrent import StateProduct, WayBack, block_width, chunks
from nntrain.layers.units import settle_vocabulary
from nntrain.layers.wiring import GraphNode
from nntrain.network import Network
from nntrain.rng import generator
from tests.cases import (
    LAYERS,
    LayerCase,
    assert_same_slope,
    finite_differences,
    from_spec,
    inputs,
    over,
    protected,
    reference,
)

KINDS = (SimpleRnn, Gru, Lstm)
every_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.kind)
TRAINING = Call(training=True, step=3)
RECURRENT = [
    name for name in reference("pytorch") if name.split()[0] in {kind.kind for kind in KINDS}
]


def built(layer: Layer, shape: tuple[int, ...], dtype: type = np.float64) -> Network:
    return Network([layer], shape, dtype=dtype, input_gradient=True)


def gradients(network: Network, x: Array, dy: Array, call: Call) -> list[Array]:
    """The output, dx, and a copy of all weight gradients."""
    y, backward = network(x, call)
    dx = backward(dy)
    assert dx is not None
    return [y, dx, network.store.grad.copy()]


def assert_agrees(entry: dict[str, Any], dtype: type, rtol: float) -> None:
    """The numbers of an entry that `references/make_sequences.py` wrote."""
    x: Array = np.array(entry["x"], dtype)
    dy: Array = np.array(entry["dy"], dtype)
    network = built(from_spec(Layer, entry["spec"]), x.shape[1:], dtype)
    for name, values in entry["weights"].items():
        network.store.weights[f"layers.0.{name}"][...] = values
    assert len(network.store.weights) == len(entry["weights"])
    lengths = np.array(entry["lengths"]) if entry["lengths"] else None
    y, dx, _ = gradients(network, x, dy, Call(training=True, lengths=lengths))
    np.testing.assert_allclose(y, entry["y"], rtol=rtol, atol=rtol)
    np.testing.assert_allclose(dx, entry["dx"], rtol=rtol, atol=rtol)
    for name, values in entry["gradients"].items():
        found = network.store.gradients[f"layers.0.{name}"]
        np.testing.assert_allclose(found, values, rtol=rtol, atol=rtol, err_msg=name)


@over("name", RECURRENT)
@pytest.mark.parametrize(("dtype", "rtol"), [(np.float64, 1e-12), (np.float32, 1e-5)])
def test_the_same_numbers_as_pytorch(name: str, dtype: type, rtol: float) -> None:
    assert_agrees(reference("pytorch")[name], dtype, rtol)


def test_every_variant_has_numbers_of_pytorch() -> None:
    assert len(RECURRENT) == 3 * 2 * 2 * 2


READS_PADDING = {
    "flatten": "all steps become one row of numbers; padding is some of them",
    "reshape": "the same, in another shape",
    "permute": "where the steps are not first any more, padding is one place of each of the others",
}
DRAWS = {  # and more steps than the network was built for move the places
    "dropout": "random numbers are counted by place",
    "gaussian_noise": "the same",
}
SEQUENCES = [
    case for case in LAYERS if len(case.shape) == 2 and case.layer.kind not in READS_PADDING
]


class TestPadding:
    """What stands behind a sequence changes nothing: no output, no gradient, no statistic."""

    lengths = (3, 1, 4, 2, 2)

    def run(
        self, case: LayerCase, call: Call, filling: float, more: int
    ) -> tuple[list[Array], list[Array]]:
        """What belongs to valid steps, row by row, and the gradients and statistics."""
        lengths = np.array(self.lengths)
        steps = 4 + more
        x = np.full((5, steps, case.shape[1]), filling)
        x[:, :4] = inputs((4, case.shape[1]))
        x[np.arange(steps) >= lengths[:, None]] = filling
        network = built(case.layer, (4, case.shape[1]))
        call = Call(training=call.training, step=call.step, lengths=lengths)
        y, backward = network(protected(x), call)
        after = case.layer.lengths(lengths)
        dy = inputs(y.shape[1:], seed=7) if after is None else np.zeros_like(y)
        if after is not None:
            for row, n in enumerate(after):
                dy[row, :n] = inputs((4, *y.shape[2:]), seed=8)[row, :n]
        dx = backward(protected(dy))
        assert dx is not None
        valid = [row if after is None else row[: after[i]] for i, row in enumerate(y)]
        valid += [row[:n] for row, n in zip(dx, lengths, strict=True)]
        return valid, [network.store.grad.copy(), network.store.next.copy()]

    @over("case", SEQUENCES)
    @pytest.mark.parametrize("call", [INFERENCE, TRAINING], ids=["inference", "training"])
    @pytest.mark.parametrize(("filling", "more"), [(-7.5, 0), (1e3, 0), (0.0, 3), (2.0, 1)])
    def test_neither_its_content_nor_its_size(
        self, case: LayerCase, call: Call, filling: float, more: int
    ) -> None:
        if more and call.training and case.layer.kind in DRAWS:
            return
        for found, expected in zip(
            self.run(case, call, filling, more), self.run(case, call, 0.5, 0), strict=True
        ):
            for one, other in zip(found, expected, strict=True):
                np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-12)

    def test_the_exceptions_are_still_layers(self) -> None:
        assert set(READS_PADDING) | set(DRAWS) <= set(Layer.kinds)

    @every_kind
    @pytest.mark.parametrize("whole", [False, True])
    @pytest.mark.parametrize("filling", [np.nan, np.inf])
    def test_not_even_numbers_that_are_none(self, kind: Any, whole: bool, filling: float) -> None:
        case = LayerCase(kind(3, return_sequences=whole, bidirectional=True), (4, 2))
        for found, expected in zip(
            self.run(case, TRAINING, filling, 0), self.run(case, TRAINING, 0.0, 0), strict=True
        ):
            for one, other in zip(found, expected, strict=True):
                np.testing.assert_array_equal(one, other)

    @every_kind
    def test_outputs_and_gradients_of_padding_are_zero(self, kind: Any) -> None:
        layer = kind(3, return_sequences=True, bidirectional=True)
        lengths = np.array(self.lengths)
        x = inputs((4, 2))
        y, dx, _ = gradients(
            built(layer, (4, 2)), x, inputs((4, 6)), Call(training=True, lengths=lengths)
        )
        padding = np.arange(4) >= lengths[:, None]
        assert not y[padding].any()
        assert not dx[padding].any()
        assert y[~padding].all()

    @every_kind
    @pytest.mark.parametrize("whole", [False, True])
    def test_a_row_of_no_steps_stays_where_it_began(self, kind: Any, whole: bool) -> None:
        layer = kind(3, return_sequences=whole, bidirectional=True)
        network = built(layer, (4, 2))
        call = Call(training=True, lengths=np.array([0, 4, 0]))
        x = inputs((4, 2), rows=3)
        y, dx, grad = gradients(network, x, inputs(network.shape, rows=3), call)
        assert not y[[0, 2]].any()
        assert not dx[[0, 2]].any()
        alone = gradients(network, x[1:2], inputs(network.shape, rows=3)[1:2], Call(training=True))
        np.testing.assert_allclose(grad, alone[2], rtol=1e-12, atol=1e-12)

    @every_kind
    def test_lengths_end_where_the_time_axis_does(self, kind: Any) -> None:
        n = np.array([2, 3])
        assert kind(3).lengths(n) is None
        np.testing.assert_array_equal(kind(3, return_sequences=True).lengths(n), n)

    @every_kind
    @pytest.mark.parametrize("whole", [False, True])
    def test_gradients_with_lengths_agree_with_finite_differences(
        self, kind: Any, whole: bool
    ) -> None:
        network = built(kind(2, return_sequences=whole, bidirectional=True), (4, 2))
        call = Call(training=True, lengths=np.array([3, 0, 4]))
        x, dy = inputs((4, 2), rows=3), inputs(network.shape, rows=3, seed=5)
        _, dx, grad = gradients(network, x, dy, call)

        def value() -> float:
            return float(np.sum(network(x, call)[0] * dy))

        assert_same_slope(dx, finite_differences(value, x))
        assert_same_slope(grad, finite_differences(value, network.store.theta))


class TestState:
    """A long sequence in pieces."""

    @every_kind
    def test_two_halves_are_the_whole(self, kind: Any) -> None:
        stack = [kind(3, return_sequences=True), kind(2, return_sequences=True), Dense(2)]
        network = Network(stack, (6, 2), dtype=np.float64)
        x = inputs((6, 2))
        whole, _ = network(x)
        call = Call(state={})
        parts = [network(part, call)[0] for part in (x[:, :2], x[:, 2:3], x[:, 3:])]
        np.testing.assert_allclose(np.concatenate(parts, axis=1), whole, rtol=1e-13, atol=1e-15)
        assert call.state is not None
        assert set(call.state) == {"layers.0", "layers.1"}

    @every_kind
    def test_where_a_graph_shares_a_layer_each_place_has_a_state_of_its_own(
        self, kind: Any
    ) -> None:
        layers = (kind(2, return_sequences=True),)
        nodes = {"one": GraphNode("input", layers=layers), "two": GraphNode("one", share="one")}
        network = Network([Graph(nodes, "two")], (6, 2), dtype=np.float64)
        x, call = inputs((6, 2)), Call(state={})
        whole, _ = network(x)
        parts = [network(part, call)[0] for part in (x[:, :2], x[:, 2:])]
        np.testing.assert_allclose(np.concatenate(parts, axis=1), whole, rtol=1e-13, atol=1e-15)

    @every_kind
    def test_a_row_goes_on_from_its_own_last_step(self, kind: Any) -> None:
        network = built(kind(3), (5, 2))
        x = inputs((5, 2), rows=2)
        whole, _ = network(x)
        call = Call(state={}, lengths=np.array([2, 4]))
        network(x, call)
        call.lengths = np.array([3, 1])
        rest = np.zeros((2, 3, 2))
        rest[0], rest[1, :1] = x[0, 2:], x[1, 4:]
        np.testing.assert_allclose(network(rest, call)[0], whole, rtol=1e-13, atol=1e-15)

    @every_kind
    def test_the_second_direction_begins_with_zeros(self, kind: Any) -> None:
        network = built(kind(3, bidirectional=True), (4, 2))
        x, call = inputs((4, 2)), Call(state={})
        first, _ = network(x, call)
        second, _ = network(x, call)
        assert (second[:, :3] != first[:, :3]).all()
        np.testing.assert_array_equal(second[:, 3:], first[:, 3:])

    @every_kind
    def test_nothing_flows_back_into_the_beginning(self, kind: Any) -> None:
        network = built(kind(3), (4, 2))
        call = Call(state={})
        network(inputs((4, 2), seed=2), call)
        assert call.state is not None
        begin = {path: values.copy() for path, values in call.state.items()}
        x, dy = inputs((4, 2)), inputs((3,))

        def value() -> float:
            return float(np.sum(network(x, Call(state=dict(begin)))[0] * dy))

        _, dx, grad = gradients(network, x, dy, Call(state=dict(begin)))
        assert_same_slope(dx, finite_differences(value, x))
        assert_same_slope(grad, finite_differences(value, network.store.theta))

    @every_kind
    def test_what_is_left_is_a_copy(self, kind: Any) -> None:
        network = built(kind(3, return_sequences=True), (4, 2))
        call = Call(state={})
        x, dy = inputs((4, 2)), inputs((4, 3))
        _, backward = network(x, call)
        first = backward(dy)
        assert call.state is not None
        call.state["layers.0"].fill(9.0)
        np.testing.assert_array_equal(backward(dy), first)

    @every_kind
    def test_without_a_dictionary_nothing_is_remembered(self, kind: Any) -> None:
        network = built(kind(3), (4, 2))
        x = inputs((4, 2))
        np.testing.assert_array_equal(network(x)[0], network(x)[0])


@every_kind
def test_the_second_direction_is_the_first_on_the_reversed_sequence(kind: Any) -> None:
    both = built(kind(3, bidirectional=True), (4, 2))
    once = built(kind(3), (4, 2))
    x = inputs((4, 2))
    y, _ = both(x)
    for i, (direction, order) in enumerate({"forward": x, "backward": x[:, ::-1]}.items()):
        for name, W in once.store.weights.items():
            W[...] = both.store.weights[name.replace("layers.0.", f"layers.0.{direction}.")]
        np.testing.assert_allclose(once(order)[0], y[:, 3 * i : 3 * (i + 1)], rtol=1e-14)


@every_kind
@pytest.mark.parametrize(("rows", "units"), [(32, 128), (33, 64), (3, 200), (5, 7)])
def test_large_layers_are_cut_into_blocks_that_change_nothing(
    kind: Any, rows: int, units: int
) -> None:
    """More steps than one chunk, and products in blocks; against the rows one by one."""
    network = built(kind(units, return_sequences=True), (6, 3))
    x, dy = inputs((6, 3), rows), inputs((6, units), rows)
    y, dx, grad = gradients(network, x, dy, TRAINING)
    alone = [gradients(network, x[i : i + 1], dy[i : i + 1], TRAINING) for i in range(rows)]
    np.testing.assert_allclose(np.concatenate([a[0] for a in alone]), y, rtol=1e-11, atol=1e-13)
    np.testing.assert_allclose(np.concatenate([a[1] for a in alone]), dx, rtol=1e-11, atol=1e-11)
    np.testing.assert_allclose(sum(a[2] for a in alone), grad, rtol=1e-9, atol=1e-10)


def test_products_of_a_step() -> None:
    rng = np.random.default_rng(0)
    for rows, k, units, gates in product((3, 64), (64, 256), (96, 256, 50), (1, 4)):
        weights, h = rng.normal(size=(gates, k, units)), rng.normal(size=(rows, k))
        step = StateProduct(weights, rows)
        out = np.empty((gates, rows, units))
        step.set(h, step.blocks(out))
        np.testing.assert_allclose(out, h @ weights, rtol=1e-10, atol=1e-10)
        U, dz = rng.normal(size=(units, gates * k)), rng.normal(size=(2, rows, gates * k))
        for t in (1, 0):
            back = WayBack(U, dz).at(t)
            np.testing.assert_allclose(back, dz[t] @ U.T, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize(
    ("rows", "k", "units", "width"),
    [
        (32, 145, 128, 64),
        (128, 128, 128, 32),
        (32, 256, 96, 32),
        (32, 64, 50, 50),
        (300, 300, 64, 64),
    ],
)
def test_blocks_are_as_wide_as_the_small_kernel_allows(
    rows: int, k: int, units: int, width: int
) -> None:
    assert block_width(rows, k, units) == width


def test_chunks_are_all_steps_the_last_first() -> None:
    assert chunks(5, 16_384) == [slice(4, 5), slice(2, 4), slice(0, 2)]
    assert chunks(2, 10**6) == [slice(1, 2), slice(0, 1)]


@every_kind
@pytest.mark.parametrize("shape", [(4,), (4, 2, 1)])
def test_other_shapes_than_steps_of_features_are_refused(kind: Any, shape: tuple[int, ...]) -> None:
    with pytest.raises(LayerError, match=r"expected sequences of shape \(steps, features\), got"):
        built(kind(3), shape)


@every_kind
def test_an_input_wider_than_the_state(kind: Any) -> None:
    """Goes another way than a narrow one, so it is compared with a narrow one that equals it."""
    wide, narrow = built(kind(2, bidirectional=True), (3, 5)), built(kind(2), (3, 1))
    for name, W in narrow.store.weights.items():
        same = wide.store.weights[name.replace("layers.0.", "layers.0.forward.")]
        W[...] = same[:1] if name.endswith("W") else same
    x = np.zeros((4, 3, 5))
    x[..., :1] = inputs((3, 1), rows=4)
    np.testing.assert_allclose(wide(x)[0][:, :2], narrow(x[..., :1])[0], rtol=1e-13)
    x, dy = inputs((3, 5)), inputs((4,))
    _, dx, grad = gradients(wide, x, dy, TRAINING)

    def value() -> float:
        return float(np.sum(wide(x, TRAINING)[0] * dy))

    assert_same_slope(dx, finite_differences(value, x))
    assert_same_slope(grad, finite_differences(value, wide.store.theta))


def test_the_forget_gate_begins_open() -> None:
    store = built(Lstm(2), (3, 1)).store
    np.testing.assert_array_equal(store.weights["layers.0.b"], [0, 0, 1, 1, 0, 0, 0, 0])
    np.testing.assert_array_equal(UnitForget()((4,), generator(0)), [0, 1, 0, 0])


class TestEmbedding:
    """Tokens become rows of a table."""

    def test_a_token_is_its_row(self) -> None:
        network = built(Embedding(5, 3), (2,))
        E = network.store.weights["layers.0.E"]
        for dtype in (np.int64, np.uint8, np.float32, np.float64):
            x = np.array([[1, 4], [0, 1]], dtype)
            np.testing.assert_array_equal(network(x)[0], E[[[1, 4], [0, 1]]])

    def test_repeated_tokens_add_up(self) -> None:
        rng = np.random.default_rng(0)
        network = built(Embedding(7, 3), (50,))
        x, dy = rng.integers(0, 6, (9, 50)), rng.normal(size=(9, 50, 3))
        _, _, grad = gradients(network, x, dy, TRAINING)
        expected = np.zeros((7, 3))
        np.add.at(expected, x, dy)
        np.testing.assert_allclose(grad.reshape(7, 3), expected, rtol=1e-12, atol=1e-13)
        assert not grad.reshape(7, 3)[6].any()

    def test_what_is_no_token_counts_as_the_unknown_one(self) -> None:
        network = built(Embedding(3, 2), (5,))
        E = network.store.weights["layers.0.E"]
        x = np.array([[-1.0, 3.0, np.nan, np.inf, 2.0]])
        np.testing.assert_array_equal(network(x)[0][0], E[[0, 0, 0, 0, 2]])

    def test_padding_is_no_token(self) -> None:
        network = built(Embedding(3, 2), (3,))
        lengths = np.array([2, 0, 3])
        x, dy = np.array([[1, 2, 1], [1, 1, 1], [0, 2, 2]]), np.ones((3, 3, 2))
        for padded in (x, np.where(np.arange(3) >= lengths[:, None], 2, x)):
            _, _, grad = gradients(network, padded, dy, Call(training=True, lengths=lengths))
            np.testing.assert_array_equal(grad.reshape(3, 2), [[1, 1], [1, 1], [3, 3]])

    def test_only_padding_has_no_gradient(self) -> None:
        network = built(Embedding(3, 2), (3,))
        call = Call(training=True, lengths=np.array([0]))
        _, _, grad = gradients(network, np.ones((1, 3)), np.ones((1, 3, 2)), call)
        assert not grad.any()

    def test_rows_of_features_are_refused(self) -> None:
        with pytest.raises(LayerError, match=r"of shape \(steps,\), got \(4, 2\)"):
            built(Embedding(3, 2), (4, 2))

    def test_an_automatic_vocabulary_is_settled_by_its_size(self) -> None:
        layers = [Embedding("auto", 2), PositionalEncoding(), Embedding(4, 2)]
        settled = (Embedding(9, 2), PositionalEncoding(), Embedding(4, 2))
        assert settle_vocabulary(layers, 9) == settled
        with pytest.raises(LayerError, match="`input_dim: auto`"):
            built(Embedding("auto", 2), (4,))
