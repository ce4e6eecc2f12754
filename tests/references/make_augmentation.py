"""Writes PyTorch's numbers for shares of classes and images seen from elsewhere.

Run by hand, in an environment that has PyTorch:

    python -m tests.references.make_augmentation
"""

from __future__ import annotations

import importlib
import math
from typing import Any

import numpy as np

from tests.references.make import write

ROWS, CLASSES = 4, 3
MATRICES = {
    "turned": [[math.cos(0.4), math.sin(0.4)], [-math.sin(0.4), math.cos(0.4)]],
    "larger": [[1 / 1.3, 0.0], [0.0, 1 / 1.3]],
    "smaller": [[1 / 0.7, 0.0], [0.0, 1 / 0.7]],
}


def losses(torch: Any) -> dict[str, Any]:
    """`CrossEntropyLoss` with class probabilities, summed, and its gradient."""
    rng = np.random.default_rng(8)
    z = rng.normal(size=(ROWS, CLASSES)) * 2
    shares = rng.dirichlet(np.ones(CLASSES), ROWS)
    shares[0] = [0.0, 1.0, 0.0]
    found = {}
    for name, weight, smoothing in (
        ("plain", None, 0.0), ("weighted", [1.0, 3.0, 0.5], 0.0), ("smoothed", None, 0.1),
    ):  # fmt: skip
        prediction = torch.tensor(z, requires_grad=True)
        function = torch.nn.CrossEntropyLoss(
            weight=None if weight is None else torch.tensor(weight, dtype=torch.float64),
            label_smoothing=smoothing, reduction="sum",
        )  # fmt: skip
        value = function(prediction, torch.tensor(shares))
        value.backward()
        found[f"shares {name}"] = {
            "prediction": z.tolist(), "target": shares.tolist(), "weight": weight,
            "smoothing": smoothing, "value": value.item(), "slope": prediction.grad.tolist(),
        }  # fmt: skip
    prediction = torch.tensor(z[:, :1], requires_grad=True)
    function = torch.nn.BCEWithLogitsLoss(
        pos_weight=torch.tensor([3.0], dtype=torch.float64), reduction="sum"
    )
    value = function(prediction, torch.tensor(shares[:, :1]))
    value.backward()
    found["shares of two"] = {
        "prediction": z[:, :1].tolist(), "target": shares[:, :1].tolist(), "weight": [1.0, 3.0],
        "value": value.item(), "slope": prediction.grad.tolist(),
    }  # fmt: skip
    return found


def images(torch: Any) -> dict[str, Any]:
    """`grid_sample`, bilinear, edges repeated; its coordinates are (right, down) in [-1, 1]."""
    height, width = 5, 7
    x = np.random.default_rng(9).normal(size=(1, height, width, 2))
    found = {}
    for name, matrix in MATRICES.items():
        a = np.array(matrix)
        down, right = (np.arange(n) - (n - 1) / 2 for n in (height, width))
        rows = a[0, 0] * down[:, None] + a[0, 1] * right
        columns = a[1, 0] * down[:, None] + a[1, 1] * right
        grid = np.stack([columns / ((width - 1) / 2), rows / ((height - 1) / 2)], axis=-1)[None]
        y = torch.nn.functional.grid_sample(
            torch.tensor(x.transpose(0, 3, 1, 2)), torch.tensor(grid),
            mode="bilinear", padding_mode="border", align_corners=True,
        )  # fmt: skip
        found[f"mapped {name}"] = {
            "x": x.tolist(), "matrix": matrix, "y": y.numpy().transpose(0, 2, 3, 1).tolist()
        }  # fmt: skip
    return found


if __name__ == "__main__":
    torch: Any = importlib.import_module("torch")
    write("pytorch-augmentation", {**losses(torch), **images(torch)})
