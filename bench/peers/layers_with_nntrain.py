"""Layers of nntrain, forward and backward, one at a time: see `layer_cases.py`."""

from __future__ import annotations

from collections.abc import Callable

import layer_cases
import numpy as np

from nntrain import layers
from nntrain.call import Call
from nntrain.network import Network


def make_step(case: layer_cases.Case) -> Callable[[], object]:
    layer = eval(case.ours, vars(layers))  # noqa: S307  what stands in the table
    network = Network([layer], case.shape[1:], input_gradient=True)
    rng, call = np.random.default_rng(0), Call(training=True)
    x = rng.standard_normal(case.shape, np.float32)
    dy = rng.standard_normal((len(x), *network.shape), np.float32)

    def step() -> object:
        _, backward = network(x, call)
        return backward(dy)

    return step


layer_cases.serve(make_step)
