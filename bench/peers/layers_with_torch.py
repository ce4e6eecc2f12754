"""Layers of PyTorch, forward and backward, one at a time: see `layer_cases.py`.

Channels stand on axis 1, as PyTorch has them, where a layer has places and channels.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import layer_cases

torch: Any = importlib.import_module("torch")
torch.set_num_threads(1)
CHANNELS_FIRST = (
    "Conv",
    "MaxPool",
    "AvgPool",
    "Adaptive",
    "BatchNorm",
    "GroupNorm",
    "InstanceNorm",
)


def make_step(case: layer_cases.Case) -> Callable[[], object]:
    layer = eval(case.theirs, vars(torch.nn))  # noqa: S307  what stands in the table
    shape = case.shape
    if case.theirs.startswith(CHANNELS_FIRST):
        shape = (shape[0], shape[-1], *shape[1:-1])
    x = torch.randn(shape, requires_grad=True)
    recurrent = isinstance(layer, torch.nn.RNNBase)

    def forward() -> Any:
        return layer(x)[0][:, -1] if recurrent else layer(x)

    dy = torch.randn_like(forward())

    def step() -> object:
        x.grad = None
        layer.zero_grad(set_to_none=True)
        forward().backward(dy)
        return x.grad

    return step


layer_cases.serve(make_step)
