"""What single activations are for, beyond the contract and PyTorch's numbers in test_layers.py."""

from __future__ import annotations

import math

import numpy as np
import pytest

from nntrain.families import Activation, Array, Backward
from nntrain.layers import (
    ActivationLayer,
    Gelu,
    LeakyRelu,
    LogSoftmax,
    Mish,
    Prelu,
    Relu,
    Selu,
    Silu,
    Softmax,
    Softplus,
)
from nntrain.layers.erf import _COEFFICIENTS, erfcx
from nntrain.network import Network
from tests.cases import inputs, over, reference


def back(backward: Backward, dy: Array) -> Array:
    dx = backward(dy)
    assert dx is not None
    return dx


def network(activation: Activation, width: int, dtype: type = np.float64) -> Network:
    return Network([ActivationLayer(activation)], (width,), dtype=dtype, input_gradient=True)


def test_the_slopes_of_prelu_learn_as_in_pytorch() -> None:
    entry = reference("pytorch")["prelu slopes"]
    net = network(Prelu(), 3)
    net.store.weights["layers.0.alpha"][...] = entry["alpha"]
    y, backward = net(np.array(entry["x"]))
    dx = back(backward, np.array(entry["dy"]))
    d_alpha = net.store.gradients["layers.0.alpha"]
    for found, name in ((y, "y"), (dx, "dx"), (d_alpha, "d_alpha")):
        np.testing.assert_allclose(found, entry[name], rtol=1e-12, atol=1e-15)


def test_the_slopes_of_prelu_begin_with_a_quarter_and_do_not_decay() -> None:
    store = network(Prelu(), 3).store
    np.testing.assert_array_equal(store.theta, [0.25, 0.25, 0.25])
    assert not any(segment.decays for segment in store.segments)


def test_selu_keeps_mean_and_variance_of_normal_inputs() -> None:
    x = np.random.default_rng(0).normal(size=(1000, 1000))
    y, _ = network(Selu(), 1000)(x)
    assert abs(y.mean()) < 0.005
    assert y.var() == pytest.approx(1.0, abs=0.01)


def test_the_exponential_of_log_softmax_is_softmax() -> None:
    x = inputs((4,))
    y, _ = network(LogSoftmax(), 4)(x)
    np.testing.assert_allclose(np.exp(y), network(Softmax(), 4)(x)[0], rtol=1e-14)


@over("activation", [Relu(), LeakyRelu(), Silu(), Mish(), Gelu(), Gelu(True), Softplus()])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_far_from_zero_they_are_lines(activation: Activation, dtype: type) -> None:
    x: Array = np.array([[-1e6, -1e3, 1e3, 1e6]], dtype)
    y, backward = network(activation, 4, dtype)(x)
    dx = back(backward, np.ones_like(x))
    low = getattr(activation, "negative_slope", 0.0)
    np.testing.assert_allclose(y, np.where(x > 0, x, low * x), rtol=1e-6)
    np.testing.assert_allclose(dx, np.where(x > 0, [1.0], low), rtol=1e-6, atol=1e-12)


def erf(z: Array) -> Array:
    found: Array = np.sign(z) * (1.0 - np.exp(-z * z) * erfcx(np.abs(z)))
    return found


@pytest.mark.parametrize(("dtype", "most"), [(np.float64, 1e-15), (np.float32, 5e-7)])
def test_the_error_function_is_that_of_the_c_library(dtype: type, most: float) -> None:
    z: Array = np.linspace(-8.0, 8.0, 40_001).astype(dtype)  # more than one block
    truth = [math.erf(value) for value in z.tolist()]
    assert np.abs(erf(z) - truth).max() < most


def test_its_tail_keeps_its_digits() -> None:
    z = np.linspace(0.0, 5.9, 1000)
    truth = [math.erfc(value) for value in z.tolist()]
    np.testing.assert_allclose(np.exp(-z * z) * erfcx(z), truth, rtol=2e-14)


def test_the_coefficients_are_those_of_the_function() -> None:
    nodes = np.cos(np.pi * (np.arange(30) + 0.5) / 30)
    z = 40.0 / (3.0 * nodes + 7.0) - 4.0
    values = np.array([math.exp(v * v) * math.erfc(v) for v in z.tolist()])
    for k, coefficient in enumerate(_COEFFICIENTS):
        mean = np.mean(values * np.cos(k * np.arccos(nodes)))
        assert (2.0 if k else 1.0) * mean == pytest.approx(coefficient, abs=1e-14)


def test_exact_gelu_keeps_its_digits_where_it_is_small() -> None:
    x = np.linspace(-8.0, -0.01, 500)[None]
    truth = [v * 0.5 * math.erfc(-v / math.sqrt(2.0)) for v in x[0].tolist()]
    np.testing.assert_allclose(network(Gelu(), 500)(x)[0][0], truth, rtol=2e-14)
