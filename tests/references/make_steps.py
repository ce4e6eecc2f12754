"""Writes weights after three steps of PyTorch's optimizers, with every layer and loss that it has.

    python -m tests.references.make_steps    # with torch; writes pytorch-steps.json

What the networks and losses are in nntrain stands in `tests/test_steps.py` under the same names.
Weights have nntrain's names and layouts; each network is a function of them, in PyTorch's own
layers, so that its optimizers move the very same numbers.  Three batches, one a step, in float64.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

torch: Any = importlib.import_module("torch")
torch.set_default_dtype(torch.float64)
f: Any = torch.nn.functional

Weights = dict[str, Any]
ROWS, STEPS = 5, 3
DECAYING = ("W", "U", "E", "W_o", "projection")
OPTIMIZERS: dict[str, Callable[[list[dict[str, Any]]], Any]] = {
    "momentum": lambda groups: torch.optim.SGD(groups, lr=0.05, momentum=0.9),
    "nesterov": lambda groups: torch.optim.SGD(groups, lr=0.05, momentum=0.9, nesterov=True),
    "adam": lambda groups: torch.optim.Adam(groups, lr=0.05, eps=1e-3),
    "adamw": lambda groups: torch.optim.AdamW(groups, lr=0.05, eps=1e-3),
    "rmsprop": lambda groups: torch.optim.RMSprop(groups, lr=0.02, alpha=0.9, eps=1e-3),
}
DECAY = 0.3  # of adamw


class Case(NamedTuple):
    """A network: its input, the shapes of its weights, the function, its tokens, its buffers."""

    shape: tuple[int, ...]
    weights: dict[str, tuple[int, ...]]
    function: Callable[..., Any]
    tokens: int = 0
    channels: int = 0


def first(x: Any) -> Any:
    return x.movedim(-1, 1)


def last(x: Any) -> Any:
    return x.movedim(1, -1)


def linear(x: Any, w: Weights, name: str) -> Any:
    return f.linear(x, w[f"{name}.W"].T, w.get(f"{name}.b"))


def dense(name: str, inputs: int, units: int, bias: bool = True) -> dict[str, tuple[int, ...]]:
    return {f"{name}.W": (inputs, units)} | ({f"{name}.b": (units,)} if bias else {})


def conv1d(x: Any, w: Weights) -> Any:
    wide = f.pad(first(x), (1, 2), mode="reflect")
    y = last(f.conv1d(wide, w["0.W"].permute(2, 1, 0).contiguous(), w["0.b"]))
    return linear(f.silu(y).mean(dim=1), w, "2")


def conv2d(x: Any, w: Weights) -> Any:
    y = f.conv2d(first(x), w["0.W"].permute(3, 2, 0, 1).contiguous(), w["0.b"], stride=2, padding=1)
    return linear(last(torch.tanh(y)).reshape(len(x), -1), w, "2")


def transpose(x: Any, w: Weights) -> Any:
    y = f.conv_transpose2d(
        first(x),
        w["0.W"].permute(2, 3, 0, 1).contiguous(),
        w["0.b"],
        2,
        padding=1,
        output_padding=1,
    )
    return linear(last(f.max_pool2d(y, 2)).reshape(len(x), -1), w, "3")


def batch_norm(x: Any, w: Weights, mean: Any, variance: Any) -> Any:
    y = last(f.conv1d(first(x), w["0.W"].permute(2, 1, 0).contiguous()))
    y = last(f.batch_norm(first(y), mean, variance, w["1.gamma"], w["1.beta"], True, 0.25, 0.01))
    return linear(torch.tanh(y).amax(dim=1), w, "4")


def layer_norm(x: Any, w: Weights) -> Any:
    y = f.layer_norm(linear(x, w, "0"), (4,), w["1.gamma"], w["1.beta"], 0.01)
    y = f.rms_norm(linear(f.gelu(y), w, "3"), (3,), w["4.gamma"], 0.01)
    return linear(y, w, "5")


def group_norm(x: Any, w: Weights) -> Any:
    y = f.conv2d(first(x), w["0.W"].permute(3, 2, 0, 1).contiguous(), w["0.b"])
    y = last(f.group_norm(y, 2, w["1.gamma"], w["1.beta"], 0.01))
    return linear(y.reshape(len(x), -1), w, "3")


def instance_norm(x: Any, w: Weights) -> Any:
    y = f.instance_norm(first(x), weight=w["0.gamma"], bias=w["0.beta"], eps=0.1)
    return linear(last(y).reshape(len(x), -1), w, "2")


def recurrent(module: Any, x: Any, w: Weights, path: str, suffix: str = "") -> dict[str, Any]:
    """PyTorch's names of one direction's weights; its second bias is 0, but for n's of a GRU."""
    W, U, b = (w[f"{path}.{name}"] for name in ("W", "U", "b"))
    second = torch.zeros_like(b)
    if f"{path}.c" in w:
        second = torch.cat([second[: -len(w[f"{path}.c"])], w[f"{path}.c"]])
    return {
        f"weight_ih_l0{suffix}": W.T, f"weight_hh_l0{suffix}": U.T,
        f"bias_ih_l0{suffix}": b, f"bias_hh_l0{suffix}": second,
    }  # fmt: skip


def run(module: Any, x: Any, given: dict[str, Any]) -> Any:
    return torch.func.functional_call(module, given, (x,))[0]


def simple_rnn(x: Any, w: Weights) -> Any:
    module = torch.nn.RNN(2, 3, batch_first=True, bidirectional=True)
    given = recurrent(module, x, w, "0.forward") | recurrent(module, x, w, "0.backward", "_reverse")
    y = run(module, x, given)
    return linear(torch.cat([y[:, -1, :3], y[:, 0, 3:]], dim=1), w, "1")


def lstm(x: Any, w: Weights) -> Any:
    lower, upper = (torch.nn.LSTM(n, m, batch_first=True) for n, m in ((2, 3), (3, 2)))
    y = run(lower, x, recurrent(lower, x, w, "0"))
    return linear(run(upper, y, recurrent(upper, y, w, "1"))[:, -1], w, "2")


def gru(x: Any, w: Weights) -> Any:
    module = torch.nn.GRU(2, 3, batch_first=True)
    y = f.embedding(x, w["0.E"])
    return linear(run(module, y, recurrent(module, y, w, "1"))[:, -1], w, "2")


def attention(x: Any, w: Weights) -> Any:
    module = torch.nn.MultiheadAttention(4, 2, batch_first=True)
    given = {
        "in_proj_weight": w["1.W"].T, "in_proj_bias": w["1.b"],
        "out_proj.weight": w["1.W_o"].T, "out_proj.bias": w["1.b_o"],
    }  # fmt: skip
    x = x + w["0.p"]
    later = torch.triu(torch.ones(3, 3, dtype=torch.bool), 1)
    options = {"attn_mask": later, "need_weights": False}
    y = torch.func.functional_call(module, given, (x, x, x), options)[0]
    return linear(y.reshape(len(y), -1), w, "3")


def prelu(x: Any, w: Weights) -> Any:
    return linear(f.prelu(linear(x, w, "0"), w["0.alpha"]), w, "1")


def residual(x: Any, w: Weights) -> Any:
    x = x @ w["0.projection"] + linear(torch.tanh(linear(x, w, "0.layers.0")), w, "0.layers.1")
    for block in ("1.blocks.0", "1.blocks.1"):
        x = torch.sigmoid(x + linear(x, w, f"{block}.layers.0"))
    return linear(x, w, "2")


def graph(x: Any, w: Weights) -> Any:
    one = torch.tanh(linear(x, w, "0.nodes.one.layers.0"))
    two = torch.tanh(linear(one, w, "0.nodes.one.layers.0"))
    both = torch.cat([one * two, x], dim=1)
    return linear(both, w, "0.nodes.head.layers.0")


def cell(path: str, inputs: int, units: int, gates: int) -> dict[str, tuple[int, ...]]:
    shapes: dict[str, tuple[int, ...]] = {
        f"{path}.W": (inputs, gates * units), f"{path}.U": (units, gates * units),
        f"{path}.b": (gates * units,),
    }  # fmt: skip
    return shapes | ({f"{path}.c": (units,)} if gates == 3 else {})


def affine(path: str, channels: int) -> dict[str, tuple[int, ...]]:
    return {f"{path}.gamma": (channels,), f"{path}.beta": (channels,)}


def plain(x: Any, w: Weights) -> Any:
    return linear(torch.tanh(linear(x, w, "0")), w, "1")


OUT = 3
NETWORKS: dict[str, Case] = {
    "dense": Case((2,), dense("0", 2, 3) | dense("1", 3, OUT), plain),
    "conv1d": Case((5, 2), {"0.W": (4, 2, 2), "0.b": (2,)} | dense("2", 2, OUT), conv1d),
    "conv2d": Case((4, 3, 1), {"0.W": (3, 3, 1, 2), "0.b": (2,)} | dense("2", 8, OUT), conv2d),
    "conv2d_transpose": Case(
        (2, 2, 1), {"0.W": (3, 3, 1, 2), "0.b": (2,)} | dense("3", 8, OUT), transpose
    ),
    "batch_norm": Case(
        (4, 2), {"0.W": (2, 2, 3)} | affine("1", 3) | dense("4", 3, OUT), batch_norm, channels=3
    ),
    "layer_norm rms_norm": Case(
        (2,),
        dense("0", 2, 4) | affine("1", 4) | dense("3", 4, 3) | {"4.gamma": (3,)}
        | dense("5", 3, OUT),
        layer_norm,
    ),
    "group_norm": Case(
        (3, 2, 1), {"0.W": (2, 2, 1, 4), "0.b": (4,)} | affine("1", 4) | dense("3", 8, OUT),
        group_norm,
    ),
    "instance_norm": Case((2, 2, 2), affine("0", 2) | dense("2", 8, OUT), instance_norm),
    "simple_rnn": Case(
        (3, 2),
        cell("0.forward", 2, 3, 1) | cell("0.backward", 2, 3, 1) | dense("1", 6, OUT),
        simple_rnn,
    ),
    "lstm": Case((3, 2), cell("0", 2, 3, 4) | cell("1", 3, 2, 4) | dense("2", 2, OUT), lstm),
    "embedding gru": Case(
        (4,), {"0.E": (4, 2)} | cell("1", 2, 3, 3) | dense("2", 3, OUT), gru, tokens=4
    ),
    "attention": Case(
        (3, 4),
        {"0.p": (3, 4), "1.W": (4, 12), "1.b": (12,), "1.W_o": (4, 4), "1.b_o": (4,)}
        | dense("3", 12, OUT),
        attention,
    ),
    "prelu": Case((2,), dense("0", 2, 4) | {"0.alpha": (4,)} | dense("1", 4, OUT), prelu),
    "residual": Case(
        (2,),
        dense("0.layers.0", 2, 3) | dense("0.layers.1", 3, 3) | {"0.projection": (2, 3)}
        | dense("1.blocks.0.layers.0", 3, 3) | dense("1.blocks.1.layers.0", 3, 3)
        | dense("2", 3, OUT),
        residual,
    ),
    "graph": Case(
        (2,), dense("0.nodes.one.layers.0", 2, 2) | dense("0.nodes.head.layers.0", 4, OUT), graph
    ),
}  # fmt: skip

Loss = Callable[[Any, Any], Any]
CLASSES: dict[str, Loss] = {
    "cross_entropy": f.cross_entropy,
    "cross_entropy smooth": lambda z, t: f.cross_entropy(z, t, label_smoothing=0.1),
    "cross_entropy class_weight": lambda z, t: f.cross_entropy(
        z, t, weight=torch.tensor([1.0, 3.0, 0.5])
    ),
    "hinge": f.multi_margin_loss,
    "hinge squared": lambda z, t: f.multi_margin_loss(z, t, p=2, margin=0.5),
}
NUMBERS: dict[str, Loss] = {
    "mean_squared_error": f.mse_loss,
    "mean_absolute_error": f.l1_loss,
    "huber": lambda p, t: f.huber_loss(p, t, delta=0.3),
    "euclidean_distance": lambda p, t: torch.linalg.vector_norm(p - t, dim=1).mean(),
    "cosine_similarity": lambda p, t: (1.0 - f.cosine_similarity(p, t)).mean(),
}
LOSSES: dict[str, Loss] = {
    **CLASSES,
    **NUMBERS,
    "binary_cross_entropy": f.binary_cross_entropy_with_logits,
    "kl_divergence": lambda z, t: f.kl_div(f.log_softmax(z, dim=1), t, reduction="batchmean"),
    "poisson": f.poisson_nll_loss,
    "weighted_sum": lambda p, t: 0.3 * f.mse_loss(p, t) + 2.0 * f.l1_loss(p, t),
}


def target_of(loss: str, rng: np.random.Generator) -> Any:
    size = (ROWS, OUT)
    if loss in CLASSES:
        return torch.tensor(rng.integers(0, OUT, ROWS))
    if loss == "binary_cross_entropy":
        return torch.tensor(rng.integers(0, 2, size) * 1.0)
    if loss == "kl_divergence":
        shares = rng.integers(1, 5, size) * 1.0
        return torch.tensor(shares / shares.sum(axis=1, keepdims=True))
    if loss == "poisson":
        return torch.tensor(rng.poisson(2.0, size) * 1.0)
    return torch.tensor(rng.normal(size=size).round(2))


def inputs_of(case: Case, rng: np.random.Generator) -> Any:
    size = (ROWS, *case.shape)
    if case.tokens:
        return torch.tensor(rng.integers(0, case.tokens, size))
    return torch.tensor(rng.normal(size=size).round(2))


def trained(case: Case, loss: str, optimizer: str, problem: dict[str, Any]) -> dict[str, Any]:
    """The loss of each step, and all numbers after the last."""
    w = {name: value.clone().requires_grad_() for name, value in problem["weights"].items()}
    groups: list[dict[str, Any]] = [{"params": []}, {"params": []}]
    for name, value in w.items():
        groups[name.split(".")[-1] not in DECAYING]["params"].append(value)
    for group, decay in zip(groups, (DECAY, 0.0), strict=True):
        group["weight_decay"] = decay if optimizer == "adamw" else 0.0
    update = OPTIMIZERS[optimizer]([group for group in groups if group["params"]])
    buffers = [torch.zeros(case.channels), torch.ones(case.channels)] if case.channels else []
    losses = []
    for x, target in zip(problem["x"], problem["target"], strict=True):
        update.zero_grad()
        value = LOSSES[loss](case.function(x, w, *buffers), target)
        value.backward()
        update.step()
        losses.append(value.item())
    found = {"losses": losses, "weights": {name: shown(value) for name, value in w.items()}}
    return found | ({"buffers": [shown(buffer) for buffer in buffers]} if buffers else {})


def shown(values: Any) -> Any:
    """Thirteen digits, which is what can be compared."""
    if values.dtype in (torch.int64, torch.int32):
        return values.tolist()
    rounded = [float(f"{value:.13g}") for value in values.detach().reshape(-1).tolist()]
    return np.reshape(rounded, tuple(values.shape)).tolist()


def entry(case: Case, loss: str, optimizers: list[str], seed: int) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    problem: dict[str, Any] = {
        "weights": {
            name: torch.tensor(rng.normal(0.0, 0.5, size).round(2))
            for name, size in case.weights.items()
        },
        "x": [inputs_of(case, rng) for _ in range(STEPS)],
        "target": [target_of(loss, rng) for _ in range(STEPS)],
    }
    after = {name: trained(case, loss, name, problem) for name in optimizers}
    return {
        "loss": loss,
        "weights": {name: value.tolist() for name, value in problem["weights"].items()},
        "x": [x.tolist() for x in problem["x"]],
        "target": [shown(target) for target in problem["target"]],
        "after": after,
    }


def entries() -> dict[str, Any]:
    """Every loss behind dense layers, and every other network before one loss or the other."""
    found, losses = {}, list(LOSSES)
    for seed, loss in enumerate(losses):
        found[f"steps dense {loss}"] = entry(NETWORKS["dense"], loss, list(OPTIMIZERS), seed)
    for number, (name, case) in enumerate(list(NETWORKS.items())[1:]):
        loss = losses[number % len(losses)]
        optimizers = ["momentum", "adam", "adamw"]
        found[f"steps {name} {loss}"] = entry(case, loss, optimizers, 100 + number)
    return found


if __name__ == "__main__":
    found = entries()
    path = Path(__file__).with_name("pytorch-steps.json")
    lines = ",\n".join(f"{json.dumps(name)}: {json.dumps(value)}" for name, value in found.items())
    path.write_text(f"{{\n{lines}\n}}\n", encoding="utf-8")
    print(f"{path}: {len(found)} entries, {path.stat().st_size:,} bytes")
