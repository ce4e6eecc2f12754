"""The workload in PyTorch.   Arguments: threads, dropout, eager or fused (the optimizer)."""

from __future__ import annotations

import importlib
import sys
from typing import Any

import workload as w

torch: Any = importlib.import_module("torch")
torch.set_num_threads(int(sys.argv[1]))
x, y = (torch.from_numpy(array) for array in w.rows())
layers: list[Any] = []
for number, (W, b) in enumerate(w.weights()):
    linear = torch.nn.Linear(*W.shape)
    with torch.no_grad():
        linear.weight.copy_(torch.from_numpy(W.T.copy()))
        linear.bias.copy_(torch.from_numpy(b))
    layers.append(linear)
    if number < 2:
        layers += [torch.nn.ReLU(), torch.nn.Dropout(float(sys.argv[2]))]
network = torch.nn.Sequential(*layers)
loss_of = torch.nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(
    network.parameters(), lr=w.RATE, fused=True if sys.argv[3] == "fused" else None
)


def epoch(number: int) -> None:
    network.train()
    rows = torch.from_numpy(w.order(number))
    for at in range(0, w.ROWS, w.BATCH):
        some = rows[at : at + w.BATCH]
        loss = loss_of(network(x[some]), y[some])
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()


def final() -> float:
    network.eval()
    with torch.no_grad():
        return w.mean_loss(network(x).numpy(), y.numpy())


w.report(epoch, final)
