"""PyTorch.

eager    nn.Module, autograd and the optimizer as most programs have them
fused    the same with the optimizer's `fused=True`
compile  forward and loss through torch.compile (needs a C++ compiler), and the fused optimizer
"""

from __future__ import annotations

import importlib
from typing import Any

import contender as c
import workloads as w

given = c.arguments("eager", "fused", "compile")
torch: Any = importlib.import_module("torch")
nn: Any = torch.nn
torch.set_num_threads(given.threads)
work = c.workload_of(given)


def linear(W: Any, b: Any) -> Any:
    layer = nn.Linear(*W.shape)
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(W.T.copy()))
        layer.bias.copy_(torch.from_numpy(b))
    return layer


def mlp(p: dict[str, Any]) -> Any:
    layers: list[Any] = []
    last = len(work.sizes) - 2
    for i in range(last + 1):
        layers.append(linear(p[f"W{i}"], p[f"b{i}"]))
        if i < last:
            layers.append(nn.ReLU())
            if work.dropout:
                layers.append(nn.Dropout(work.dropout))
    return nn.Sequential(*layers)


def cnn(p: dict[str, Any]) -> Any:
    layers: list[Any] = []
    for i in range(2):
        W = p[f"Wconv{i}"]
        layer = nn.Conv2d(*W.shape[2:], w.KERNEL, padding=1)
        with torch.no_grad():
            layer.weight.copy_(torch.from_numpy(W.transpose(3, 2, 0, 1).copy()))
            layer.bias.copy_(torch.from_numpy(p[f"bconv{i}"]))
        layers += [layer, nn.ReLU(), nn.MaxPool2d(2)]
    # the weights are for (height, width, channels), PyTorch flattens (channels, height, width)
    side, channels = w.IMAGE // 4, work.sizes[2]
    W = p["W0"].reshape(side, side, channels, -1).transpose(2, 0, 1, 3).reshape(p["W0"].shape)
    layers += [nn.Flatten(), linear(W, p["b0"]), nn.ReLU(), linear(p["W1"], p["b1"])]
    return nn.Sequential(*layers)


class Lstm(nn.Module):  # type: ignore[misc]  # a peer's environment has no types here
    """The last state, and a linear layer.  The second bias, which PyTorch adds, stays zero."""

    def __init__(self, p: dict[str, Any]):
        super().__init__()
        self.lstm = nn.LSTM(work.sizes[0], work.sizes[1], batch_first=True)
        with torch.no_grad():
            self.lstm.weight_ih_l0.copy_(torch.from_numpy(p["Wx"].T.copy()))
            self.lstm.weight_hh_l0.copy_(torch.from_numpy(p["U"].T.copy()))
            self.lstm.bias_ih_l0.copy_(torch.from_numpy(p["bx"]))
            self.lstm.bias_hh_l0.zero_()
        self.lstm.bias_hh_l0.requires_grad_(requires_grad=False)
        self.head = linear(p["W0"], p["b0"])

    def forward(self, x: Any) -> Any:
        return self.head(self.lstm(x)[0][:, -1])


class Block(nn.Module):  # type: ignore[misc]
    def __init__(self, p: dict[str, Any], i: int):
        super().__init__()
        self.norm = nn.LayerNorm(work.sizes[1])
        self.up = linear(p[f"Wup{i}"], p[f"bup{i}"])
        self.down = linear(p[f"Wdown{i}"], p[f"bdown{i}"])

    def forward(self, x: Any) -> Any:
        return x + self.down(torch.relu(self.up(self.norm(x))))


def residual(p: dict[str, Any]) -> Any:
    blocks = [Block(p, i) for i in range(work.blocks)]
    norm = nn.LayerNorm(work.sizes[1])
    return nn.Sequential(linear(p["Win"], p["bin"]), *blocks, norm, linear(p["Wout"], p["bout"]))


network = {"mlp": mlp, "cnn": cnn, "lstm": Lstm, "residual": residual}[work.kind](w.weights(work))
data, labels = w.read(work)
x = torch.from_numpy(data)
if work.kind == "cnn":
    x = x.permute(0, 3, 1, 2).contiguous()
label = f"torch {given.mode}"


def train() -> None:
    y = torch.from_numpy(labels)
    loss_of = nn.MSELoss() if work.squared else nn.CrossEntropyLoss()
    learned = [p for p in network.parameters() if p.requires_grad]
    fused = None if given.mode == "eager" else True
    if work.momentum is None:
        optimizer = torch.optim.Adam(learned, work.rate, w.BETAS, w.EPS, fused=fused)
    else:
        optimizer = torch.optim.SGD(learned, work.rate, work.momentum, fused=fused)

    def forward(some_x: Any, some_y: Any) -> Any:
        return loss_of(network(some_x), some_y)

    step_loss = torch.compile(forward) if given.mode == "compile" else forward

    def epoch(number: int) -> None:
        network.train()
        rows = torch.from_numpy(w.order(work, number))
        for at in range(0, work.rows, work.batch):
            some = rows[at : at + work.batch]
            loss = step_loss(x[some], y[some])
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()

    def final() -> float:
        network.eval()
        with torch.no_grad():
            stretches = zip(x.split(1000), y.split(1000), strict=True)
            return float(sum(float(loss_of(network(a), b)) * len(a) for a, b in stretches)) / len(x)

    c.compete(work, epoch, final, label)


def predict() -> None:
    network.eval()
    forward = torch.compile(network) if given.mode == "compile" else network
    chosen: list[Any] = []

    def epoch(number: int) -> None:
        with torch.inference_mode():
            for _ in range(work.passes):
                chosen[:] = [torch.cat([forward(some).argmax(1) for some in x.split(work.batch)])]

    c.compete(work, epoch, lambda: float(chosen[0].float().mean()), label)


(predict if work.passes else train)()
