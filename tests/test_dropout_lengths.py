"""Dropout and noise of series: where a batch is cut to its longest row, nothing else changes."""

from __future__ import annotations

import numpy as np

from nntrain.call import Call
from nntrain.layers import Dropout, GaussianNoise
from nntrain.network import Network


def test_the_mask_of_a_step_does_not_depend_on_where_the_batch_is_cut() -> None:
    network = Network([Dropout(0.5)], (7, 3))
    x = np.ones((5, 7, 3), np.float32)
    whole, backward = network(x, Call(training=True, step=2))
    for steps in (1, 4, 7):
        cut, back = network(x[:, :steps], Call(training=True, step=2))
        assert np.array_equal(cut, whole[:, :steps])
        dx, dx_whole = back(x[:, :steps]), backward(x)
        assert dx is not None
        assert dx_whole is not None
        assert np.array_equal(dx, dx_whole[:, :steps])
    assert not np.array_equal(whole[0], whole[1])


def test_more_steps_than_the_network_was_built_for() -> None:
    network = Network([Dropout(0.5)], (4, 3))
    y, _ = network(np.ones((5, 9, 3), np.float32), Call(training=True))
    assert y.shape == (5, 9, 3)
    assert set(np.unique(y)) == {0.0, 2.0}


def test_noise_does_not_depend_on_where_the_batch_is_cut_either() -> None:
    network = Network([GaussianNoise(0.5)], (7, 3))
    x, call = np.ones((5, 7, 3), np.float32), Call(training=True, step=2)
    whole, _ = network(x, call)
    for steps in (1, 4, 7):
        assert np.array_equal(network(x[:, :steps], call)[0], whole[:, :steps])
    longer, _ = network(np.ones((5, 9, 3), np.float32), call)
    assert longer.shape == (5, 9, 3)
    assert len(np.unique(longer)) > 5 * 9
