"""Writes PyTorch's numbers of activations, losses and schedules into pytorch-functions.json.

Run by hand, in an environment that has torch:

    python -m tests.references.make_functions
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np

from tests.references.make import Entries, draw, named, write

torch: Any = importlib.import_module("torch")
torch.set_default_dtype(torch.float64)
f = torch.nn.functional


def activations() -> Entries:
    rows: list[tuple[dict[str, Any], Callable[[Any], Any]]] = [
        # by its definition, since the derivative of f.hardsigmoid has a 1/6 of float32 in it
        ({"type": "hard_sigmoid"}, lambda x: f.relu6(x + 3) / 6),
        ({"type": "softsign"}, f.softsign),
        ({"type": "log_softmax"}, lambda x: f.log_softmax(x, dim=-1)),
        ({"type": "leaky_relu"}, f.leaky_relu),
        ({"type": "leaky_relu", "negative_slope": 0.3}, lambda x: f.leaky_relu(x, 0.3)),
        ({"type": "prelu"}, lambda x: f.prelu(x, torch.full((4,), 0.25))),
        ({"type": "selu"}, f.selu),
        ({"type": "softplus"}, f.softplus),
        ({"type": "silu"}, f.silu),
        ({"type": "mish"}, f.mish),
        ({"type": "gelu"}, f.gelu),
        ({"type": "gelu", "approximate": True}, lambda x: f.gelu(x, approximate="tanh")),
    ]
    rng = np.random.default_rng(11)
    entries: Entries = {}
    for spec, function in rows:
        given = {"x": (3.0 * np.array(draw(rng, 6, 4))).round(2).tolist(), "dy": draw(rng, 6, 4)}
        x = torch.tensor(given["x"], requires_grad=True)
        y = function(x)
        y.backward(torch.tensor(given["dy"]))
        found = {"y": y.tolist(), "dx": x.grad.tolist()}
        entries[named("activation", spec)] = {"spec": spec, **given, **found}
    return entries


def prelu() -> Entries:
    """The gradient of the slopes, one a channel."""
    rng = np.random.default_rng(12)
    given = {"x": draw(rng, 5, 3), "alpha": [0.25, -0.1, 1.3], "dy": draw(rng, 5, 3)}
    x, alpha = (torch.tensor(given[name], requires_grad=True) for name in ("x", "alpha"))
    y = f.prelu(x, alpha)
    y.backward(torch.tensor(given["dy"]))
    found = {"y": y, "dx": x.grad, "d_alpha": alpha.grad}
    return {"prelu slopes": {**given, **{name: v.tolist() for name, v in found.items()}}}


def schedules() -> Entries:
    """Factors of 20 steps; `epoch` steps are one epoch."""
    ways = torch.optim.lr_scheduler
    rows: list[tuple[dict[str, Any], int, Callable[[Any], Any]]] = [
        ({"type": "multi_step", "milestones": [2, 5, 6], "drop": 0.5}, 2,
         lambda o: ways.MultiStepLR(o, [4, 10, 12], gamma=0.5)),
        ({"type": "polynomial", "power": 1.7}, 1,
         lambda o: ways.PolynomialLR(o, total_iters=20, power=1.7)),
        ({"type": "linear", "floor": 0.2}, 1,
         lambda o: ways.LinearLR(o, start_factor=1.0, end_factor=0.2, total_iters=20)),
        ({"type": "cosine_restarts", "first_epochs": 2, "t_mult": 2, "floor": 0.1}, 3,
         lambda o: ways.CosineAnnealingWarmRestarts(o, T_0=6, T_mult=2, eta_min=0.1)),
        ({"type": "cosine_restarts", "first_epochs": 2, "t_mult": 1}, 3,
         lambda o: ways.CosineAnnealingWarmRestarts(o, T_0=6, T_mult=1)),
        ({"type": "one_cycle"}, 1, lambda o: ways.OneCycleLR(o, max_lr=1.0, total_steps=20)),
        ({"type": "one_cycle", "rise": 0.43, "start": 0.1, "end": 0.001}, 1,
         lambda o: ways.OneCycleLR(o, max_lr=1.0, total_steps=20, pct_start=0.43, div_factor=10,
                                   final_div_factor=100)),
        ({"type": "cyclic", "cycle_epochs": 4, "floor": 0.2}, 2,
         lambda o: ways.CyclicLR(o, base_lr=0.2, max_lr=1.0, step_size_up=4)),
        ({"type": "inverse_time", "decay": 0.3}, 2,
         lambda o: ways.LambdaLR(o, lambda step: 1 / (1 + 0.3 * step / 2))),
    ]  # fmt: skip
    entries: Entries = {}
    for spec, epoch, make in rows:
        optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0, momentum=0.9)
        schedule = make(optimizer)
        factors = []
        for step in range(20):
            factors.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            if step < 19:
                schedule.step()
        entries[named("schedule", spec)] = {"spec": spec, "epoch": epoch, "factors": factors}
    return entries


if __name__ == "__main__":
    write("pytorch-functions", {**activations(), **prelu(), **schedules()})
