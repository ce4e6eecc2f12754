"""Writes the numbers of other libraries that the tests compare with.

Run by hand, in an environment that has the library; the tests read only what this wrote:

    python tests/references/make.py pytorch    # with torch
    python tests/references/make.py sklearn    # with scikit-learn

Everything is computed in float64.
"""

from __future__ import annotations

import importlib
import json
import math
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

Entries = dict[str, dict[str, Any]]

STEPS = 200
KEPT = (1, 2, 3, 10, 63, 64, 65, 130, 200)  # steps of a trajectory that are written down


def draw(rng: np.random.Generator, *shape: int) -> list[Any]:
    """Short normal numbers, none of them near 0, where relu and elu have their kink."""
    values = rng.normal(size=shape).round(2)
    return list((values + np.where(values < 0, -0.05, 0.05)).round(2).tolist())


def pytorch() -> Entries:
    torch: Any = importlib.import_module("torch")
    torch.set_default_dtype(torch.float64)
    return {
        **activations(torch),
        **dense(torch),
        **losses(torch),
        **optimizers(torch),
        **schedules(torch),
    }


def functions(torch: Any) -> list[tuple[dict[str, Any], Callable[[Any], Any]]]:
    f = torch.nn.functional
    return [
        ({"type": "identity"}, lambda x: x * 1.0),
        ({"type": "relu"}, f.relu),
        ({"type": "elu"}, f.elu),
        ({"type": "elu", "alpha": 0.7}, lambda x: f.elu(x, alpha=0.7)),
        ({"type": "sigmoid"}, torch.sigmoid),
        ({"type": "tanh"}, torch.tanh),
        ({"type": "softmax"}, lambda x: torch.softmax(x, dim=-1)),
    ]


def named(family: str, spec: dict[str, Any]) -> str:
    return " ".join([family, *(str(value) for value in spec.values())])


def activations(torch: Any) -> Entries:
    rng = np.random.default_rng(1)
    entries: Entries = {}
    for spec, function in functions(torch):
        given = {"x": draw(rng, 3, 4), "dy": draw(rng, 3, 4)}
        x = torch.tensor(given["x"], requires_grad=True)
        y = function(x)
        y.backward(torch.tensor(given["dy"]))
        found = {"y": y.tolist(), "dx": x.grad.tolist()}
        entries[named("activation", spec)] = {"spec": spec, **given, **found}
    return entries


def dense(torch: Any) -> Entries:
    rng = np.random.default_rng(2)
    entries: Entries = {}
    for spec, function in functions(torch):
        given = {
            "x": draw(rng, 2, 2, 3), "W": draw(rng, 3, 4), "b": draw(rng, 4),
            "dy": draw(rng, 2, 2, 4),
        }  # fmt: skip
        x, W, b = (torch.tensor(given[name], requires_grad=True) for name in "xWb")
        y = function(torch.nn.functional.linear(x, W.T, b))
        y.backward(torch.tensor(given["dy"]))
        found = {"y": y, "dx": x.grad, "dW": W.grad, "db": b.grad}
        entries[named("dense", spec)] = {
            "spec": spec, **given, **{name: value.tolist() for name, value in found.items()},
        }  # fmt: skip
    return entries


def losses(torch: Any) -> Entries:
    rng = np.random.default_rng(3)
    f = torch.nn.functional
    rows: list[tuple[str, Callable[[Any, Any, str], Any], int, list[Any]]] = [
        (
            "mean_squared_error",
            lambda p, t, how: f.mse_loss(p, t, reduction=how),
            2,
            draw(rng, 5, 2),
        ),
        (
            "cross_entropy",
            lambda p, t, how: f.cross_entropy(p, t, reduction=how),
            3,
            [0, 2, 1, 1, 0],
        ),
        (
            "binary_cross_entropy",
            lambda p, t, how: f.binary_cross_entropy_with_logits(p, t, reduction=how),
            2,
            [[0.0, 1.0], [1.0, 1.0], [0.0, 0.0], [1.0, 0.0], [0.0, 1.0]],
        ),
    ]
    entries: Entries = {}
    for kind, function, width, target in rows:
        prediction = draw(rng, 5, width)
        for name, weights in {"mean": [0.2] * 5, "weighted": [0.1, 0.3, 0.0, 0.35, 0.25]}.items():
            p = torch.tensor(prediction, requires_grad=True)
            t = torch.tensor(target)
            if name == "mean":
                value = function(p, t, "mean")
            else:
                each = function(p, t, "none").reshape(5, -1).mean(dim=1)
                value = torch.tensor(weights) @ each
            value.backward()
            entries[f"loss {kind} {name}"] = {
                "spec": {"type": kind}, "prediction": prediction, "target": target,
                "weights": weights, "value": value.item(), "d_prediction": p.grad.tolist(),
            }  # fmt: skip
    return entries


def optimizers(torch: Any) -> Entries:
    """Steps on ½ Σ curvature (θ - minimum)²; the first three weights decay, the others do not."""
    rates = [1.0 + 0.5 * math.cos(0.3 * step) for step in range(STEPS)]
    problem = {
        "start": [1.0, -2.0, 0.5, 3.0, -0.25], "minimum": [0.3, 0.7, -1.5, 0.2, 2.0],
        "curvature": [0.1, 1.0, 4.0, 10.0, 0.5], "decaying": 3, "factors": rates,
    }  # fmt: skip
    optim = torch.optim
    kinds: list[tuple[dict[str, Any], Callable[[Any, dict[str, Any]], Any]]] = [
        ({"type": "sgd"}, optim.SGD),
        ({"type": "sgd", "momentum": 0.9}, optim.SGD),
        ({"type": "sgd", "momentum": 0.9, "nesterov": True}, optim.SGD),
        ({"type": "adam"}, optim.AdamW),
        ({"type": "adam", "betas": [0.8, 0.95], "eps": 0.01}, optim.AdamW),
        ({"type": "adam", "weight_decay": 0.5}, optim.AdamW),
    ]
    entries: Entries = {"problem": problem}
    for spec, make in kinds:
        spec = {**spec, "learning_rate": 0.02}
        start = torch.tensor(problem["start"])
        parts = [start[:3].clone().requires_grad_(), start[3:].clone().requires_grad_()]
        options = {"lr": spec["learning_rate"]}
        options |= {k: v for k, v in spec.items() if k in ("momentum", "nesterov", "betas", "eps")}
        decay = spec.get("weight_decay", 0.0)
        groups = [{"params": parts[:1], "weight_decay": decay},
                  {"params": parts[1:], "weight_decay": 0.0}]  # fmt: skip
        optimizer = make(groups, **options)  # type: ignore[call-arg]
        minimum, curvature = torch.tensor(problem["minimum"]), torch.tensor(problem["curvature"])
        trajectory = {}
        for step, factor in enumerate(rates, 1):
            for group in optimizer.param_groups:
                group["lr"] = spec["learning_rate"] * factor
            optimizer.zero_grad()
            (0.5 * curvature * (torch.cat(parts) - minimum) ** 2).sum().backward()
            optimizer.step()
            if step in KEPT:
                trajectory[str(step)] = torch.cat(parts).tolist()
        entries[named("optimizer", spec)] = {"spec": spec, "trajectory": trajectory}
    return entries


def schedules(torch: Any) -> Entries:
    """Factors step by step; one epoch is one step, but for the step schedule, where it is two."""
    ways = torch.optim.lr_scheduler
    warm = 4
    kinds: list[tuple[str, dict[str, Any], int, Callable[[Any], Any]]] = [
        ("constant", {"type": "constant"}, 1, lambda o: ways.ConstantLR(o, factor=1.0)),
        ("step", {"type": "step", "every_epochs": 3, "drop": 0.5}, 2,
         lambda o: ways.StepLR(o, step_size=6, gamma=0.5)),
        ("exponential", {"type": "exponential", "decay": 0.9}, 1,
         lambda o: ways.ExponentialLR(o, gamma=0.9)),
        ("cosine", {"type": "cosine"}, 1, lambda o: ways.CosineAnnealingLR(o, T_max=20)),
        ("cosine floor", {"type": "cosine", "floor": 0.1}, 1,
         lambda o: ways.CosineAnnealingLR(o, T_max=20, eta_min=0.1)),
        ("warm-up", {"type": "constant", "warmup_epochs": warm}, 1,
         lambda o: ways.LinearLR(o, start_factor=1 / warm, total_iters=warm - 1)),
        ("warm-up cosine", {"type": "cosine", "warmup_epochs": warm}, 1,
         lambda o: ways.SequentialLR(o, [
             ways.LinearLR(o, start_factor=1 / warm, total_iters=warm - 1),
             ways.CosineAnnealingLR(o, T_max=20 - warm)], milestones=[warm])),
    ]  # fmt: skip
    entries: Entries = {}
    for name, spec, epoch, make in kinds:
        weight = torch.zeros(1, requires_grad=True)
        optimizer = torch.optim.SGD([weight], lr=1.0)
        schedule = make(optimizer)
        factors = []
        for _ in range(20):
            factors.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            schedule.step()
        entries[f"schedule {name}"] = {"spec": spec, "epoch": epoch, "factors": factors}
    return entries


def sklearn() -> Entries:
    scores: Any = importlib.import_module("sklearn.metrics")
    rng = np.random.default_rng(4)
    numbers = {"shown": draw(rng, 8, 3), "target": draw(rng, 8, 3)}
    one = {name: [row[:1] for row in rows] for name, rows in numbers.items()}
    probabilities = rng.dirichlet(np.ones(4), 8).round(3).tolist()
    likely = np.argmax(probabilities, axis=1).tolist()
    classes = {"shown": probabilities, "target": [*likely[:5], 0, 1, 2]}
    binary = {"shown": [[0.1], [0.9], [0.45], [0.55], [0.7], [0.2], [0.99], [0.01]],
              "target": [[0.0], [1.0], [1.0], [1.0], [0.0], [0.0], [1.0], [1.0]]}  # fmt: skip
    unequal = [0.5, 2.0, 1.0, 0.0, 3.0, 0.25, 1.0, 1.5]
    entries: Entries = {}
    for name, weights in {"equal": [1.0] * 8, "weighted": unequal}.items():
        for task, given, chosen in (
            ("classes", classes, np.argmax(classes["shown"], axis=1)),
            ("binary", binary, np.array(binary["shown"]) > 0.5),
        ):
            score = scores.accuracy_score(given["target"], chosen, sample_weight=weights)
            spec = {"type": "accuracy"}
            entries[f"accuracy {task} {name}"] = {
                "spec": spec, **given, "weights": weights, "score": float(score),
            }  # fmt: skip
        for width, given in {"one": one, "several": numbers}.items():
            for kind, function in {
                "mae": scores.mean_absolute_error,
                "rmse": lambda t, p, sample_weight: math.sqrt(
                    scores.mean_squared_error(t, p, sample_weight=sample_weight)
                ),
                "r2": scores.r2_score,
            }.items():
                score = function(given["target"], given["shown"], sample_weight=weights)
                entries[f"{kind} {width} {name}"] = {
                    "spec": {"type": kind}, **given, "weights": weights, "score": float(score),
                }  # fmt: skip
    return entries


def write(name: str, entries: Entries) -> None:
    """One line an entry, so that a change shows where it is."""
    lines = (f"{json.dumps(key)}: {json.dumps(entries[key], sort_keys=True)}"
             for key in sorted(entries))  # fmt: skip
    path = Path(__file__).with_name(f"{name}.json")
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    libraries: dict[str, Callable[[], Entries]] = {"pytorch": pytorch, "sklearn": sklearn}
    if len(sys.argv) != 2 or sys.argv[1] not in libraries:
        sys.exit(__doc__)
    write(sys.argv[1], libraries[sys.argv[1]]())
