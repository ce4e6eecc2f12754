"""Layers to time, in nntrain's words and in PyTorch's, and what times them.

Read by both contenders, so it needs nothing but NumPy and the standard library.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from typing import NamedTuple

ENOUGH = 0.08  # seconds that one measurement takes
AT_LEAST = 5  # times forward and backward


class Case(NamedTuple):
    """A layer and the shape of a batch, in nntrain's order: channels last.

    ours, theirs: the layer as an expression, with `nntrain.layers` and `torch.nn`.
    """

    name: str
    shape: tuple[int, ...]
    ours: str
    theirs: str

    @property
    def key(self) -> str:
        return f"{self.name}, {' × '.join(map(str, self.shape))}"


CASES = [
    Case("conv2d 16 3×3", (64, 28, 28, 1),
         "Conv2d(16, 3, padding='same')", "Conv2d(1, 16, 3, padding=1)"),
    Case("conv2d 32 3×3", (64, 14, 14, 16),
         "Conv2d(32, 3, padding='same')", "Conv2d(16, 32, 3, padding=1)"),
    Case("conv2d 128 3×3", (32, 16, 16, 64),
         "Conv2d(128, 3, padding='same')", "Conv2d(64, 128, 3, padding=1)"),
    Case("conv2d 128 3×3, strides 2", (32, 16, 16, 64),
         "Conv2d(128, 3, 2, padding='same')", "Conv2d(64, 128, 3, 2, padding=1)"),
    Case("conv2d 128 1×1", (32, 16, 16, 64), "Conv2d(128, 1)", "Conv2d(64, 128, 1)"),
    Case("conv1d 64 5", (32, 128, 32),
         "Conv1d(64, 5, padding='same')", "Conv1d(32, 64, 5, padding=2)"),
    Case("max_pool2d 2", (64, 28, 28, 16), "MaxPool2d(2)", "MaxPool2d(2)"),
    Case("max_pool2d 3, strides 2", (64, 28, 28, 16), "MaxPool2d(3, 2)", "MaxPool2d(3, 2)"),
    Case("average_pool2d 2", (64, 28, 28, 16), "AveragePool2d(2)", "AvgPool2d(2)"),
    Case("global_max_pool2d", (64, 14, 14, 32), "GlobalMaxPool2d()", "AdaptiveMaxPool2d(1)"),
    Case("global_average_pool2d", (64, 14, 14, 32),
         "GlobalAveragePool2d()", "AdaptiveAvgPool2d(1)"),
    Case("lstm 128", (32, 64, 16), "Lstm(128)", "LSTM(16, 128, batch_first=True)"),
    Case("lstm 128", (16, 64, 16), "Lstm(128)", "LSTM(16, 128, batch_first=True)"),
    Case("lstm 128", (32, 32, 128), "Lstm(128)", "LSTM(128, 128, batch_first=True)"),
    Case("lstm 256", (32, 32, 64), "Lstm(256)", "LSTM(64, 256, batch_first=True)"),
    Case("lstm 64", (64, 32, 256), "Lstm(64)", "LSTM(256, 64, batch_first=True)"),
    Case("gru 128", (32, 64, 16), "Gru(128)", "GRU(16, 128, batch_first=True)"),
    Case("gru 256", (32, 32, 64), "Gru(256)", "GRU(64, 256, batch_first=True)"),
    Case("simple_rnn 128", (32, 64, 16), "SimpleRnn(128)", "RNN(16, 128, batch_first=True)"),
    Case("layer_norm", (128, 256), "LayerNorm()", "LayerNorm(256)"),
    Case("layer_norm", (32, 64, 128), "LayerNorm()", "LayerNorm(128)"),
    Case("rms_norm", (128, 256), "RmsNorm()", "RMSNorm(256)"),
    Case("batch_norm", (128, 512), "BatchNorm()", "BatchNorm1d(512)"),
    Case("batch_norm", (64, 14, 14, 32), "BatchNorm()", "BatchNorm2d(32)"),
    Case("group_norm 8", (64, 14, 14, 32), "GroupNorm(8)", "GroupNorm(8, 32)"),
    Case("group_norm 8", (128, 256), "GroupNorm(8)", "GroupNorm(8, 256)"),
    Case("instance_norm", (64, 14, 14, 32),
         "InstanceNorm()", "InstanceNorm2d(32, affine=True)"),
    Case("softmax", (128, 10), "ActivationLayer(Softmax())", "Softmax(-1)"),
    Case("softmax", (512, 1000), "ActivationLayer(Softmax())", "Softmax(-1)"),
    Case("softmax", (256, 64, 64), "ActivationLayer(Softmax())", "Softmax(-1)"),
    Case("log_softmax", (512, 1000), "ActivationLayer(LogSoftmax())", "LogSoftmax(-1)"),
    Case("relu", (128, 4096), "ActivationLayer(Relu())", "ReLU()"),
    Case("gelu", (128, 4096), "ActivationLayer(Gelu())", "GELU()"),
    Case("gelu, approximate", (128, 4096),
         "ActivationLayer(Gelu(approximate=True))", "GELU(approximate='tanh')"),
    Case("silu", (128, 4096), "ActivationLayer(Silu())", "SiLU()"),
]  # fmt: skip


def serve(make_step: Callable[[Case], Callable[[], object]]) -> None:
    """Answer each number of a case that is read with the seconds of one step."""
    steps: dict[int, Callable[[], object]] = {}
    for line in sys.stdin:
        number = int(line)
        if number not in steps:
            steps[number] = make_step(CASES[number])
            _seconds(steps[number])  # warm up
        print(_seconds(steps[number]), flush=True)


def _seconds(step: Callable[[], object]) -> float:
    found: list[float] = []
    while sum(found) < ENOUGH or len(found) < AT_LEAST:
        start = time.perf_counter()
        step()
        found.append(time.perf_counter() - start)
    return statistics.median(found)
