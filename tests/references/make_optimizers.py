"""Writes PyTorch's trajectories of optimizers, and what its plateau schedule does to a rate.

    python -m tests.references.make_optimizers    # with torch; writes pytorch-optimizers.json

The problem is that of `make.py`, whose entry `problem` is read from pytorch.json.
"""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any

from tests.references.make import KEPT, Entries, named, write

SPECS: list[tuple[dict[str, Any], str, dict[str, Any]]] = [
    # our kind, PyTorch's class, what PyTorch needs besides to mean the same
    ({"type": "adagrad", "learning_rate": 0.1}, "Adagrad", {}),
    ({"type": "adagrad", "eps": 0.01, "learning_rate": 0.1}, "Adagrad", {}),
    ({"type": "adadelta", "learning_rate": 1.0}, "Adadelta", {}),
    ({"type": "adadelta", "rho": 0.8, "eps": 1e-3, "learning_rate": 0.5}, "Adadelta", {}),
    ({"type": "rmsprop", "learning_rate": 0.002}, "RMSprop", {"alpha": 0.9}),
    ({"type": "rmsprop", "momentum": 0.9, "learning_rate": 0.002}, "RMSprop", {"alpha": 0.9}),
    ({"type": "rmsprop", "rho": 0.99, "momentum": 0.5, "centered": True, "eps": 1e-3,
      "learning_rate": 0.01}, "RMSprop", {"alpha": 0.99}),
    ({"type": "rmsprop", "rho": 0.95, "centered": True, "eps": 1e-2, "learning_rate": 0.01},
     "RMSprop", {"alpha": 0.95}),
    ({"type": "adamax", "learning_rate": 0.02}, "Adamax", {}),
    ({"type": "adamax", "betas": [0.8, 0.95], "eps": 0.01, "learning_rate": 0.02}, "Adamax", {}),
    ({"type": "nadam", "learning_rate": 0.02}, "NAdam", {}),
    ({"type": "nadam", "weight_decay": 0.3, "momentum_decay": 0.01, "betas": [0.8, 0.95],
      "learning_rate": 0.02}, "NAdam", {"decoupled_weight_decay": True}),
    ({"type": "amsgrad", "learning_rate": 0.02}, "AdamW", {"amsgrad": True}),
    ({"type": "amsgrad", "weight_decay": 0.5, "betas": [0.8, 0.9], "learning_rate": 0.02},
     "AdamW", {"amsgrad": True}),
    ({"type": "radam", "learning_rate": 0.02}, "RAdam", {}),
    ({"type": "radam", "weight_decay": 0.3, "betas": [0.8, 0.95], "eps": 0.01,
      "learning_rate": 0.02}, "RAdam", {"decoupled_weight_decay": True}),
    ({"type": "rprop", "learning_rate": 0.02}, "Rprop", {}),
    ({"type": "rprop", "etas": [0.4, 1.3], "step_sizes": [1e-3, 0.2], "learning_rate": 0.05},
     "Rprop", {}),
]  # fmt: skip
SAME = ("eps", "rho", "momentum", "centered", "betas", "momentum_decay", "etas", "step_sizes")

SCORES = [
    1.0, 0.9, 0.91, 0.92, 0.895, 0.8, 0.81, 0.82, 0.83, 0.84, 0.85, 0.86, 0.7999, 0.7, 0.75, 0.71,
    0.72, 0.73, 0.74, 0.75, 0.76, 0.77, 0.78, 0.5, 0.4, 0.45,
]  # fmt: skip


def trajectories(torch: Any) -> Entries:
    """The first three weights decay.  Rprop's rate stays: PyTorch's only reads the first one."""
    problem = json.loads(Path(__file__).with_name("pytorch.json").read_text("utf-8"))["problem"]
    minimum, curvature = torch.tensor(problem["minimum"]), torch.tensor(problem["curvature"])
    entries: Entries = {}
    for spec, kind, more in SPECS:
        factors = [1.0] * len(problem["factors"]) if kind == "Rprop" else problem["factors"]
        start = torch.tensor(problem["start"])
        parts = [start[:3].clone().requires_grad_(), start[3:].clone().requires_grad_()]
        groups: list[dict[str, Any]] = [{"params": [part]} for part in parts]
        if kind != "Rprop":
            groups[0]["weight_decay"] = spec.get("weight_decay", 0.0)
            groups[1]["weight_decay"] = 0.0
        options = {name: value for name, value in spec.items() if name in SAME} | more
        options.pop("rho", None) if kind == "RMSprop" else None
        optimizer = getattr(torch.optim, kind)(groups, lr=spec["learning_rate"], **options)
        trajectory = {}
        for step, factor in enumerate(factors, 1):
            for group in optimizer.param_groups:
                group["lr"] = spec["learning_rate"] * factor
            optimizer.zero_grad()
            (0.5 * curvature * (torch.cat(parts) - minimum) ** 2).sum().backward()
            optimizer.step()
            if step in KEPT:
                trajectory[str(step)] = torch.cat(parts).tolist()
        entry: dict[str, Any] = {"spec": spec, "trajectory": trajectory}
        entries[named("optimizer", spec)] = entry | (
            {"factors": factors} if kind == "Rprop" else {}
        )
    return entries


def plateaus(torch: Any) -> Entries:
    """Factors after each score.  PyTorch waits for one epoch more than its `patience`."""
    entries: Entries = {}
    cases: list[tuple[str, dict[str, Any], str]] = [
        ("low", {"type": "plateau", "drop": 0.5, "patience": 3}, "min"),
        ("delta", {"type": "plateau", "drop": 0.1, "patience": 2, "min_delta": 0.01}, "min"),
        ("high", {"type": "plateau", "drop": 0.5, "patience": 2, "floor": 0.2}, "max"),
    ]
    for name, spec, mode in cases:
        weight = torch.zeros(1, requires_grad=True)
        optimizer = torch.optim.SGD([weight], lr=1.0)
        schedule = torch.optim.lr_scheduler.ReduceLROnPlateau(
            optimizer, mode, factor=spec["drop"], patience=spec["patience"] - 1,
            threshold=spec.get("min_delta", 0.0), threshold_mode="abs",
            min_lr=spec.get("floor", 0.0), eps=0.0,
        )  # fmt: skip
        factors = []
        for score in SCORES:
            schedule.step(score if mode == "min" else -score)
            factors.append(optimizer.param_groups[0]["lr"])
        entries[f"plateau {name}"] = {
            "spec": spec, "mode": mode, "scores": SCORES, "factors": factors,
        }  # fmt: skip
    return entries


if __name__ == "__main__":
    torch: Any = importlib.import_module("torch")
    torch.set_default_dtype(torch.float64)
    write("pytorch-optimizers", trajectories(torch) | plateaus(torch))
