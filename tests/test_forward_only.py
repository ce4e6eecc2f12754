"""A forward pass alone gives the same, and keeps nothing for a way back that nobody goes."""

from __future__ import annotations

import gc
import weakref

import numpy as np

from nntrain.call import Call
from nntrain.families import Array
from nntrain.layers import Dense, LayerNorm, Relu, Residual
from nntrain.network import Network

LAYERS = (Dense(8), Residual((LayerNorm(), Dense(8, activation=Relu())), repeat=3), Dense(2))


def test_what_layers_made_is_let_go_of() -> None:
    network = Network(LAYERS, (4,))
    x = np.random.default_rng(0).normal(size=(5, 4)).astype(np.float32)
    alive: list[weakref.ref[Array]] = []

    def watch(path: str, y: Array, dy: Array | None) -> None:
        alive.append(weakref.ref(y))

    def kept(call: Call) -> int:
        alive.clear()
        held = network(x, call)
        gc.collect()
        count = sum(one() is not None for one in alive)
        del held
        return count

    assert kept(Call(watch=watch)) > 5
    assert kept(Call(watch=watch, forward_only=True)) <= 2  # the output
    assert np.array_equal(network(x, Call(forward_only=True))[0], network(x, Call())[0])
