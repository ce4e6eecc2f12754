"""Writes how many operations PyTorch's own counter finds in a layer, forward and in training.

Run by hand, in an environment that has torch; the tests read only what this wrote:

    python tests/references/make_flops.py

Two rows go through each layer.  `x` says whether the gradient by the input is asked for, as it is
where something before the layer learns.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROWS = 2
Spec = dict[str, Any]


def cases(nn: Any, functional: Any) -> list[tuple[Spec, tuple[int, ...], Callable[[], Any]]]:
    """A layer, the shape of a row, and PyTorch's layer, which has channels first."""
    conv: Spec = {"type": "conv2d", "filters": 6, "kernel_size": 3}
    return [
        ({"type": "dense", "units": 5}, (7,), lambda: nn.Linear(7, 5)),
        ({"type": "dense", "units": 5}, (3, 7), lambda: nn.Linear(7, 5)),
        (conv, (9, 8, 4), lambda: nn.Conv2d(4, 6, 3)),
        ({**conv, "padding": "same"}, (9, 8, 4), lambda: nn.Conv2d(4, 6, 3, padding=1)),
        ({**conv, "strides": 2}, (9, 9, 4), lambda: nn.Conv2d(4, 6, 3, stride=2)),
        ({**conv, "kernel_size": [3, 2], "dilation_rate": 2}, (9, 9, 4),
         lambda: nn.Conv2d(4, 6, (3, 2), dilation=2)),
        ({"type": "conv1d", "filters": 6, "kernel_size": 5, "strides": 2}, (21, 4),
         lambda: nn.Conv1d(4, 6, 5, stride=2)),
        ({"type": "conv2d_transpose", "filters": 6, "kernel_size": 3, "strides": 2}, (5, 4, 3),
         lambda: nn.ConvTranspose2d(3, 6, 3, stride=2)),
        ({"type": "simple_rnn", "units": 5}, (6, 4), lambda: cell(nn, nn.RNNCell(4, 5))),
        ({"type": "gru", "units": 5}, (6, 4), lambda: cell(nn, nn.GRUCell(4, 5))),
        ({"type": "lstm", "units": 5}, (6, 4), lambda: cell(nn, nn.LSTMCell(4, 5))),
        ({"type": "multi_head_attention", "heads": 2}, (6, 8), lambda: attention(nn, 8, 2, 4)),
        ({"type": "multi_head_attention", "heads": 2, "key_dim": 3}, (6, 8),
         lambda: attention(nn, 8, 2, 3)),
        ({"type": "embedding", "input_dim": 9, "output_dim": 4}, (6,), lambda: nn.Embedding(9, 4)),
        ({"type": "flatten"}, (6, 4), lambda: nn.Flatten()),
    ]  # fmt: skip


def cell(nn: Any, one: Any) -> Any:
    """A recurrent cell over all steps; `nn.LSTM` is an operation that it does not know."""
    torch: Any = importlib.import_module("torch")

    class Steps(nn.Module):  # type: ignore[misc]
        """The state begins with zeros that learn, so that its gradient is found at every step."""

        def __init__(self) -> None:
            super().__init__()
            self.one = one
            self.first = nn.Parameter(torch.zeros(ROWS, one.hidden_size))

        def forward(self, x: Any) -> Any:
            pair = isinstance(one, nn.LSTMCell)
            state = (self.first, self.first) if pair else self.first
            for t in range(x.shape[1]):
                state = self.one(x[:, t], state)
            return state[0] if pair else state

    return Steps()


def attention(nn: Any, d: int, heads: int, width: int) -> Any:
    """softmax(q kᵀ / √width) v by plain products."""

    class Attention(nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.qkv = nn.Linear(d, 3 * heads * width)
            self.out = nn.Linear(heads * width, d)

        def forward(self, x: Any) -> Any:
            n, steps, _ = x.shape
            q, k, v = self.qkv(x).reshape(n, steps, 3, heads, width).permute(2, 0, 3, 1, 4)
            mixed = (q @ k.transpose(-1, -2) / width**0.5).softmax(-1) @ v
            return self.out(mixed.transpose(1, 2).reshape(n, steps, heads * width))

    return Attention()


def counted(torch: Any, layer: Any, x: Any, *, backward: bool) -> int:
    counter: Any = importlib.import_module("torch.utils.flop_counter")
    with counter.FlopCounterMode(display=False) as mode:
        y = layer(x)
        if backward and y.requires_grad:
            y.sum().backward()
    each, rest = divmod(mode.get_total_flops(), ROWS)
    assert rest == 0
    return int(each)


def main() -> None:
    torch: Any = importlib.import_module("torch")
    nn = torch.nn
    entries = []
    for spec, shape, make in cases(nn, nn.functional):
        layer = make()
        if spec["type"] == "embedding":
            x = torch.zeros(ROWS, *shape, dtype=torch.long)
        else:
            first = spec["type"].startswith("conv")  # channels first
            x = torch.randn(ROWS, *([shape[-1], *shape[:-1]] if first else shape))
        found = {"forward": counted(torch, layer, x, backward=False)}
        found["training"] = counted(torch, layer, x, backward=True)
        if x.is_floating_point():
            found["training_with_dx"] = counted(torch, layer, x.requires_grad_(), backward=True)
        entries.append({"spec": spec, "shape": shape, **found})
    text = json.dumps({"torch": torch.__version__, "entries": entries}, indent=1)
    Path(__file__).with_name("flops.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
