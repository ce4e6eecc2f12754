"""Attention and positions: PyTorch's numbers, and what a step can see."""

from __future__ import annotations

import numpy as np
import pytest

from nntrain.call import Call
from nntrain.layers import MultiHeadAttention, PositionalEncoding
from nntrain.layers.chain import LayerError
from nntrain.network import Network
from tests.cases import assert_same_slope, finite_differences, inputs, over, reference
from tests.test_recurrent import assert_agrees, built, gradients


@over("name", reference("pytorch", "attention"))
@pytest.mark.parametrize(("dtype", "rtol"), [(np.float64, 1e-12), (np.float32, 1e-5)])
def test_the_same_numbers_as_pytorch(name: str, dtype: type, rtol: float) -> None:
    assert_agrees(reference("pytorch")[name], dtype, rtol)


def test_a_causal_step_sees_nothing_that_comes_later() -> None:
    network = built(MultiHeadAttention(2, causal=True), (5, 4))
    x = inputs((5, 4))
    before, _ = network(x)
    changed = x.copy()
    changed[:, 3:] += 1.0
    after, _ = network(changed)
    np.testing.assert_array_equal(after[:, :3], before[:, :3])
    assert (after[:, 3:] != before[:, 3:]).all()


def test_without_positions_the_order_does_not_matter() -> None:
    attention = MultiHeadAttention(2, key_dim=3)
    order = [2, 0, 3, 1]
    x = inputs((4, 6))
    plain = built(attention, (4, 6))
    np.testing.assert_allclose(plain(x[:, order])[0], plain(x)[0][:, order], rtol=1e-12)
    placed = Network([PositionalEncoding(), attention], (4, 6), dtype=np.float64)
    assert not np.allclose(placed(x[:, order])[0], placed(x)[0][:, order], rtol=1e-3)


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("filling", [np.nan, np.inf, 1e3])
def test_padding_is_not_looked_at_whatever_it_is(causal: bool, filling: float) -> None:
    lengths = np.array([2, 0, 4])
    network = built(MultiHeadAttention(2, causal=causal), (4, 4))
    padding = np.arange(4) >= lengths[:, None]
    call = Call(training=True, lengths=lengths)
    found = []
    for content in (filling, 0.0):
        x, dy = inputs((4, 4), rows=3), inputs((4, 4), rows=3, seed=2)
        x[padding], dy[padding] = content, content
        found.append(gradients(network, x, dy, call))
    for one, other in zip(*found, strict=True):
        np.testing.assert_array_equal(one, other)
    y, dx, _ = found[0]
    assert not y[padding].any()
    assert not dx[padding].any()


def test_gradients_with_lengths_agree_with_finite_differences() -> None:
    network = built(MultiHeadAttention(2, key_dim=3, causal=True), (4, 3))
    call = Call(training=True, lengths=np.array([3, 0, 4]))
    x, dy = inputs((4, 3), rows=3), inputs((4, 3), rows=3, seed=5)
    _, dx, grad = gradients(network, x, dy, call)

    def value() -> float:
        return float(np.sum(network(x, call)[0] * dy))

    assert_same_slope(dx, finite_differences(value, x))
    assert_same_slope(grad, finite_differences(value, network.store.theta))


def test_shapes_that_do_not_fit_are_named() -> None:
    with pytest.raises(LayerError, match="5 features can not be shared by 2 heads; set `key_dim`"):
        built(MultiHeadAttention(2), (3, 5))
    for layer in (MultiHeadAttention(2), PositionalEncoding()):
        with pytest.raises(LayerError, match=r"expected sequences of shape .*, got \(4,\)"):
            built(layer, (4,))


class TestPositionalEncoding:
    """Sines and cosines, as the paper has them."""

    @pytest.mark.parametrize("width", [1, 4, 5])
    def test_the_formula(self, width: int) -> None:
        network = built(PositionalEncoding(), (3, width))
        added = network(np.zeros((1, 3, width)))[0][0]
        for t in range(3):
            for i in range(width):
                angle = t / 10_000 ** ((i - i % 2) / width)
                assert added[t, i] == pytest.approx([np.sin, np.cos][i % 2](angle), abs=1e-15)

    def test_a_longer_sequence_than_was_planned_for(self) -> None:
        network = built(PositionalEncoding(), (3, 4))
        long, _ = network(np.zeros((1, 50, 4)))
        short, _ = network(np.zeros((1, 3, 4)))
        np.testing.assert_array_equal(long[:, :3], short)
        assert len(np.unique(long[0].round(6), axis=0)) == 50

    def test_learned_ones_are_weights_of_their_step(self) -> None:
        network = built(PositionalEncoding(learned=True), (3, 2))
        p = network.store.weights["layers.0.p"]
        p[...] = [[1, 2], [3, 4], [5, 6]]
        lengths = np.array([5, 2])
        x, dy = np.zeros((2, 5, 2)), np.ones((2, 5, 2))
        y, _, grad = gradients(network, x, dy, Call(training=True, lengths=lengths))
        np.testing.assert_array_equal(y[0], p[[0, 1, 2, 2, 2]])
        np.testing.assert_array_equal(grad.reshape(3, 2), [[2, 2], [2, 2], [3, 3]])
        _, _, grad = gradients(network, x[:, :2], dy[:, :2], Call(training=True))
        np.testing.assert_array_equal(grad.reshape(3, 2), [[2, 2], [2, 2], [0, 0]])
