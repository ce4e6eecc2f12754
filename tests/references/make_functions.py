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


def losses() -> Entries:
    """The mean by row weights; `each` gives what every row, or every number of it, loses."""
    rng = np.random.default_rng(13)
    numbers, classes = draw(rng, 5, 3), [2, 0, 1, 1, 0]
    shares = rng.dirichlet(np.ones(3), 5).tolist()
    two = [[0.0, 1.0], [1.0, 1.0], [0.0, 0.0], [1.0, 0.0], [0.0, 1.0]]
    steps = [[0, 2, 1], [1, -1, -1], [2, 2, -1], [0, 1, 2], [1, 1, 0]]

    def sequences(p: Any, t: Any) -> Any:
        each = f.cross_entropy(p.transpose(1, 2), t, reduction="none", ignore_index=-1)
        return each.sum(dim=1) / (t >= 0).sum(dim=1)

    def focal(p: Any, t: Any, gamma: float) -> Any:
        log_p = f.log_softmax(p, dim=1).gather(1, t[:, None])[:, 0]
        return -((1 - log_p.exp()) ** gamma) * log_p

    rows: list[tuple[dict[str, Any], Any, Callable[[Any, Any], Any]]] = [
        ({"type": "mean_absolute_error"}, numbers, lambda p, t: f.l1_loss(p, t, reduction="none")),
        ({"type": "huber", "delta": 0.7}, numbers,
         lambda p, t: f.huber_loss(p, t, reduction="none", delta=0.7)),
        ({"type": "log_cosh"}, numbers, lambda p, t: torch.log(torch.cosh(p - t))),
        ({"type": "quantile", "q": 0.8}, numbers,
         lambda p, t: torch.maximum(0.8 * (t - p), -0.2 * (t - p))),
        ({"type": "euclidean_distance"}, numbers,
         lambda p, t: torch.linalg.vector_norm(p - t, dim=1)),
        ({"type": "cosine_similarity"}, numbers,
         lambda p, t: 1 - f.cosine_similarity(p, t, dim=1)),
        ({"type": "poisson"}, [[0.0, 3.0, 1.0], [2.0, 0.0, 7.0]] * 2 + [[1.0, 1.0, 4.0]],
         lambda p, t: f.poisson_nll_loss(p, t, log_input=True, full=False, reduction="none")),
        ({"type": "kl_divergence"}, shares, lambda p, t: f.kl_div(
            f.log_softmax(p, dim=1), t, reduction="none").sum(dim=1)),
        ({"type": "kl_divergence", "label_smoothing": 0.2}, shares, lambda p, t: f.kl_div(
            f.log_softmax(p, dim=1), 0.8 * t + 0.2 / 3, reduction="none").sum(dim=1)),
        ({"type": "cross_entropy", "label_smoothing": 0.1}, classes,
         lambda p, t: f.cross_entropy(p, t, reduction="none", label_smoothing=0.1)),
        ({"type": "cross_entropy"}, steps, sequences),
        ({"type": "focal", "gamma": 2.0}, classes, lambda p, t: focal(p, t, 2.0)),
        ({"type": "focal", "gamma": 0.5}, classes, lambda p, t: focal(p, t, 0.5)),
        ({"type": "focal", "gamma": 0.0}, classes,
         lambda p, t: f.cross_entropy(p, t, reduction="none")),
        ({"type": "hinge"}, classes, lambda p, t: f.multi_margin_loss(p, t, reduction="none")),
        ({"type": "hinge", "margin": 0.6, "squared": True}, classes,
         lambda p, t: f.multi_margin_loss(p, t, p=2, margin=0.6, reduction="none")),
        ({"type": "binary_cross_entropy", "label_smoothing": 0.1}, two,
         lambda p, t: f.binary_cross_entropy_with_logits(p, 0.9 * t + 0.05, reduction="none")),
    ]  # fmt: skip
    entries: Entries = {}
    weights = [0.1, 0.3, 0.0, 0.35, 0.25]
    for spec, target, each in rows:
        shape = (5, 3, 3) if target is steps else (5, 2) if target is two else (5, 3)
        prediction = draw(rng, *shape)
        p = torch.tensor(prediction, requires_grad=True)
        value = torch.tensor(weights) @ each(p, torch.tensor(target)).reshape(5, -1).mean(dim=1)
        value.backward()
        name = named("loss", spec) + (" of sequences" if target is steps else "")
        entries[name] = {
            "spec": spec, "prediction": prediction, "target": target, "weights": weights,
            "value": value.item(), "d_prediction": p.grad.tolist(),
        }  # fmt: skip
    return entries


def class_weights() -> Entries:
    """The mean over a batch whose classes do not count the same."""
    rng = np.random.default_rng(14)
    factors, target = [0.5, 3.0, 1.25], [0, 2, 2, 1, 0, 0, 1]
    prediction = draw(rng, 7, 3)
    p = torch.tensor(prediction, requires_grad=True)
    value = torch.nn.CrossEntropyLoss(weight=torch.tensor(factors))(p, torch.tensor(target))
    value.backward()
    found = {"value": value.item(), "d_prediction": p.grad.tolist()}
    given = {"factors": factors, "target": target, "prediction": prediction}
    return {"class weights": {**given, **found}}


if __name__ == "__main__":
    write(
        "pytorch-functions",
        {**activations(), **prelu(), **schedules(), **losses(), **class_weights()},
    )
