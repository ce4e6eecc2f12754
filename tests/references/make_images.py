"""Writes PyTorch's numbers for layers of images and signals: `pytorch-images.json`.

Run by hand, in an environment that has torch:

    python tests/references/make_images.py

Everything is computed in float64.  Arrays are written with channels last and kernels with filters
last, as in nntrain.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

Spec = dict[str, Any]
Entries = dict[str, dict[str, Any]]
Case = tuple[Spec, tuple[int, ...], dict[str, tuple[int, ...]], Any]

torch: Any = importlib.import_module("torch")
torch.set_default_dtype(torch.float64)
f: Any = torch.nn.functional

CONV2D: tuple[tuple[Spec, tuple[int, ...]], ...] = (
    ({"kernel_size": 3}, (4, 4, 2)),
    ({"kernel_size": 3, "padding": "same"}, (4, 5, 1)),
    ({"kernel_size": [2, 4], "padding": "same"}, (3, 5, 2)),
    ({"kernel_size": 3, "strides": 2, "padding": "same"}, (4, 5, 2)),
    ({"kernel_size": [3, 2], "strides": [1, 2]}, (5, 5, 2)),
    ({"kernel_size": 2, "dilation_rate": [2, 1]}, (4, 3, 2)),
    ({"kernel_size": 3, "dilation_rate": 2, "padding": "same"}, (4, 3, 2)),
    ({"kernel_size": 3, "strides": 2, "padding": "reflect"}, (4, 5, 2)),
    ({"kernel_size": 1, "use_bias": False}, (3, 2, 3)),
)
CONV1D: tuple[tuple[Spec, tuple[int, ...]], ...] = (
    ({"kernel_size": 3}, (6, 2)),
    ({"kernel_size": 4, "padding": "same"}, (6, 2)),
    ({"kernel_size": 3, "strides": 2, "padding": "same"}, (6, 2)),
    ({"kernel_size": 3, "dilation_rate": 2, "padding": "causal"}, (6, 2)),
    ({"kernel_size": 2, "strides": 2, "padding": "causal", "use_bias": False}, (7, 1)),
)
TRANSPOSE: tuple[tuple[Spec, tuple[int, ...]], ...] = (
    ({"kernel_size": 3}, (2, 3, 2)),
    ({"kernel_size": [3, 2], "strides": [2, 3]}, (3, 2, 2)),
    ({"kernel_size": 2, "strides": 3}, (2, 2, 2)),
    ({"kernel_size": 3, "strides": 2, "padding": "same"}, (3, 2, 2)),
    ({"kernel_size": 5, "strides": 2, "padding": "same", "use_bias": False}, (3, 3, 1)),
)

LATER: tuple[tuple[str, Spec, tuple[int, ...]], ...] = (
    ("conv1d", {"kernel_size": 3, "padding": "reflect"}, (5, 2)),
    (
        "conv1d",
        {"kernel_size": 4, "strides": 2, "dilation_rate": 2, "padding": "reflect"},
        (7, 2),
    ),
    ("conv2d_transpose", {"kernel_size": [3, 2], "dilation_rate": [2, 3]}, (2, 3, 2)),
    (
        "conv2d_transpose",
        {"kernel_size": 3, "strides": 2, "dilation_rate": 2, "padding": "same"},
        (3, 2, 2),
    ),
)


def draw(rng: np.random.Generator, *shape: int) -> Any:
    return torch.tensor(rng.normal(size=shape).round(2))


def pair(value: Any) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else (value[0], value[1])


def first(x: Any) -> Any:
    """Channels first."""
    return x.movedim(-1, 1)


def last(x: Any) -> Any:
    return x.movedim(1, -1)


def ends(spec: Spec, sizes: list[int], dilation: list[int]) -> list[tuple[int, int]]:
    """How much is added before and after each axis."""
    extra = [(k - 1) * d for k, d in zip(sizes, dilation, strict=True)]
    if spec.get("padding", "valid") == "valid":
        return [(0, 0) for _ in extra]
    if spec["padding"] == "causal":
        return [(n, 0) for n in extra]
    return [(n // 2, n - n // 2) for n in extra]


def padded(x: Any, spec: Spec, around: list[tuple[int, int]]) -> Any:
    flat = [n for two in reversed(around) for n in two]
    return f.pad(first(x), flat, mode="reflect" if spec.get("padding") == "reflect" else "constant")


def conv2d(spec: Spec) -> Callable[..., Any]:
    dilation = pair(spec.get("dilation_rate", 1))

    def apply(x: Any, W: Any, b: Any = None) -> Any:
        image = padded(x, spec, ends(spec, list(W.shape[:2]), list(dilation)))
        kernel = W.permute(3, 2, 0, 1).contiguous()
        return last(f.conv2d(image, kernel, b, pair(spec.get("strides", 1)), dilation=dilation))

    return apply


def conv1d(spec: Spec) -> Callable[..., Any]:
    dilation = spec.get("dilation_rate", 1)

    def apply(x: Any, W: Any, b: Any = None) -> Any:
        row = padded(x, spec, ends(spec, [W.shape[0]], [dilation]))
        kernel = W.permute(2, 1, 0).contiguous()
        return last(f.conv1d(row, kernel, b, spec.get("strides", 1), dilation=dilation))

    return apply


def transpose(spec: Spec) -> Callable[..., Any]:
    stride = pair(spec.get("strides", 1))
    dilation = pair(spec.get("dilation_rate", 1))
    same = spec.get("padding") == "same"

    def apply(x: Any, W: Any, b: Any = None) -> Any:
        options: dict[str, Any] = {"dilation": dilation}
        if same:
            options["padding"] = [
                (k - 1) * d // 2 for k, d in zip(W.shape[:2], dilation, strict=True)
            ]
            options["output_padding"] = [s - 1 for s in stride]
        return last(
            f.conv_transpose2d(first(x), W.permute(2, 3, 0, 1).contiguous(), b, stride, **options)
        )

    return apply


def layers() -> Iterator[Case]:
    """The spec, the input's shape, the weights' shapes, and the function."""
    for kind, cases in (("conv2d", CONV2D), ("conv2d_transpose", TRANSPOSE), ("conv1d", CONV1D)):
        yield from (convolution(kind, options, shape) for options, shape in cases)
    yield from norms()
    yield from pools()
    yield from (convolution(*case) for case in LATER)


def convolution(kind: str, options: Spec, shape: tuple[int, ...]) -> Case:
    filters = 3
    make = {"conv2d": conv2d, "conv2d_transpose": transpose, "conv1d": conv1d}[kind]
    size = options["kernel_size"]
    kernel = (size,) if kind == "conv1d" else pair(size)
    weights: dict[str, tuple[int, ...]] = {"W": (*kernel, shape[-1], filters)}
    if options.get("use_bias", True):
        weights["b"] = (filters,)
    return {"type": kind, "filters": filters, **options}, shape, weights, make(options)


def norms() -> Iterator[Case]:
    shapes: tuple[tuple[int, ...], ...] = ((4,), (2, 3, 4))
    for eps in (1e-5, 0.1):
        for shape in shapes:
            gamma: dict[str, tuple[int, ...]] = {"gamma": (4,)}
            both = {**gamma, "beta": (4,)}
            yield (
                {"type": "layer_norm", "eps": eps}, shape, both,
                lambda x, gamma, beta, eps=eps: f.layer_norm(x, (4,), gamma, beta, eps),
            )  # fmt: skip
            yield (
                {"type": "rms_norm", "eps": eps}, shape, gamma,
                lambda x, gamma, eps=eps: f.rms_norm(x, (4,), gamma, eps),
            )  # fmt: skip
            yield (
                {"type": "group_norm", "groups": 2, "eps": eps}, shape, both,
                lambda x, gamma, beta, eps=eps: last(f.group_norm(first(x), 2, gamma, beta, eps)),
            )  # fmt: skip
        yield (
            {"type": "instance_norm", "eps": eps}, (2, 3, 4), both,
            lambda x, gamma, beta, eps=eps: last(
                f.instance_norm(first(x), weight=gamma, bias=beta, eps=eps)
            ),
        )  # fmt: skip


def pools() -> Iterator[Case]:
    rows: list[tuple[Spec, tuple[int, ...], Any]] = [
        ({"type": "max_pool2d"}, (4, 6, 2), lambda x: f.max_pool2d(x, 2)),
        ({"type": "max_pool2d"}, (5, 3, 2), lambda x: f.max_pool2d(x, 2)),
        (
            {"type": "max_pool2d", "pool_size": 3, "strides": 2, "padding": "same"}, (4, 5, 2),
            lambda x: f.max_pool2d(x, 3, 2, 1),
        ),
        (
            {"type": "max_pool2d", "pool_size": [1, 2], "strides": 1}, (3, 4, 1),
            lambda x: f.max_pool2d(x, (1, 2), 1),
        ),
        (
            {"type": "max_pool1d", "pool_size": 3, "strides": 2, "padding": "same"}, (6, 2),
            lambda x: f.max_pool1d(x, 3, 2, 1),
        ),
        (
            {"type": "average_pool2d", "pool_size": 3, "strides": 2, "padding": "same"}, (4, 5, 2),
            lambda x: f.avg_pool2d(x, 3, 2, 1, count_include_pad=False),
        ),
        (
            {"type": "average_pool2d", "pool_size": [2, 3]}, (4, 7, 2),
            lambda x: f.avg_pool2d(x, (2, 3)),
        ),
        (
            {"type": "average_pool1d", "pool_size": 3, "strides": 1}, (5, 2),
            lambda x: f.avg_pool1d(x, 3, 1),
        ),
        ({"type": "global_max_pool2d"}, (2, 3, 2), lambda x: x.amax(dim=(2, 3))),
        ({"type": "global_max_pool1d"}, (4, 2), lambda x: x.amax(dim=2)),
        ({"type": "global_average_pool2d"}, (2, 3, 2), lambda x: x.mean(dim=(2, 3))),
        ({"type": "global_average_pool1d"}, (4, 2), lambda x: x.mean(dim=2)),
        (
            {"type": "upsample2d", "size": [2, 3]}, (2, 3, 2),
            lambda x: f.interpolate(x, scale_factor=(2, 3)),
        ),
        (
            {"type": "upsample2d", "size": [2, 3], "interpolation": "bilinear"}, (3, 4, 2),
            lambda x: f.interpolate(x, scale_factor=(2, 3), mode="bilinear"),
        ),
        (
            {"type": "zero_padding2d", "padding": [1, 2]}, (2, 2, 2),
            lambda x: f.pad(x, (2, 2, 1, 1)),
        ),
    ]  # fmt: skip
    for spec, shape, function in rows:
        yield spec, shape, {}, lambda x, function=function: last(function(first(x)))


def numbers(rng: np.random.Generator) -> Entries:
    entries: Entries = {}
    for spec, shape, weights, function in layers():
        x = draw(rng, 2, *shape).requires_grad_()
        given = {name: draw(rng, *size).requires_grad_() for name, size in weights.items()}
        y = function(x, **given)
        dy = draw(rng, *y.shape)
        y.backward(dy)
        words = (f"{key} {value}" for key, value in spec.items() if key != "type")
        name = f"layer {' '.join((spec['type'], *words))} of {shape}"
        assert name not in entries
        entries[name] = {
            "spec": spec, "shape": list(shape), "x": x.tolist(), "dy": dy.tolist(),
            "weights": {name: value.tolist() for name, value in given.items()},
            "y": y.tolist(), "dx": x.grad.tolist(),
            "gradients": {name: value.grad.tolist() for name, value in given.items()},
        }  # fmt: skip
    return entries


def batch_norm(rng: np.random.Generator) -> Entries:
    """Three steps in training, then one row at inference."""
    entries: Entries = {}
    for shape, momentum, eps in (((3,), 0.9, 1e-5), ((2, 3, 2), 0.75, 0.1)):
        norm = torch.nn.BatchNorm1d(shape[-1], eps, 1.0 - momentum)
        with torch.no_grad():
            norm.weight.copy_(draw(rng, shape[-1]))
            norm.bias.copy_(draw(rng, shape[-1]))
        given = {"gamma": norm.weight.tolist(), "beta": norm.bias.tolist()}
        steps = []
        for _ in range(3):
            x, dy = draw(rng, 4, *shape).requires_grad_(), draw(rng, 4, *shape)
            norm.zero_grad()
            y = norm(x.reshape(-1, shape[-1])).reshape(x.shape)
            y.backward(dy)
            found = {
                "y": y, "dx": x.grad, "dgamma": norm.weight.grad, "dbeta": norm.bias.grad,
                "mean": norm.running_mean, "variance": norm.running_var,
            }  # fmt: skip
            steps.append(
                {"x": x.tolist(), "dy": dy.tolist(), **{k: v.tolist() for k, v in found.items()}}
            )
        norm.eval()
        row = draw(rng, 1, *shape)
        y = norm(row.reshape(-1, shape[-1])).reshape(row.shape)
        entries[f"batch_norm of {shape}"] = {
            "spec": {"type": "batch_norm", "momentum": momentum, "eps": eps},
            "shape": list(shape), "weights": given, "steps": steps,
            "inference": {"x": row.tolist(), "y": y.tolist()},
        }  # fmt: skip
    return entries


if __name__ == "__main__":
    found = {**numbers(np.random.default_rng(1)), **batch_norm(np.random.default_rng(2))}
    path = Path(__file__).with_name("pytorch-images.json")
    lines = ",\n".join(f"{json.dumps(name)}: {json.dumps(entry)}" for name, entry in found.items())
    path.write_text(f"{{\n{lines}\n}}\n", encoding="utf-8")
    print(f"{path}: {len(found)} entries")
