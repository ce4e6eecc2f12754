"""Targets as they lie in files: classes of any type keep their names, numbers their unit."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from tests.cases import over
from tests.conftest import Command

NAMES: dict[str, tuple[str, ...]] = {
    "text": ("größer, gelb", 'a "quoted" one', "  inside  it", "日本"),
    "truths": ("False", "True"),
    "numbers": ("-3", "0", "7", "10"),
    "written twice": ("1.0", "2", "3"),
    "dates": ("2024-01-31", "2024-02-01"),
    "yes and no": ("no", "yes", "n/a"),
}
CONFIG = """\
data: {path: rows.csv, target: y, columns: {y: categorical}}
model: {layers: [{type: dense, units: 16, activation: tanh}, {type: dense, units: auto}]}
loss: cross_entropy
optimizer: {type: adam, learning_rate: 0.05}
trainer: {max_epochs: 40, batch_size: 16}
expect: {test_accuracy: ">= 0.9"}
"""


def write(folder: Path, classes: tuple[str, ...]) -> None:
    """Two numbers that tell the class."""
    rng = np.random.default_rng(12)
    with (folder / "rows.csv").open("w", newline="", encoding="utf-8") as file:
        out = csv.writer(file)
        out.writerow(["a", "b", "y"])
        for i in range(160):
            k = i % len(classes)
            turn = 2 * np.pi * k / len(classes)
            a, b = np.array([np.cos(turn), np.sin(turn)]) * 3 + rng.normal(0, 0.3, 2)
            out.writerow([f"{a:.3f}", f"{b:.3f}", classes[k]])
    (folder / "rows.yaml").write_text(CONFIG)


@over("kind", list(NAMES))
def test_classes_keep_their_names(kind: str, nntrain: Command, tmp_path: Path) -> None:
    classes = NAMES[kind]
    write(tmp_path, classes)
    done = nntrain("fit", "rows.yaml", "-o", "run")
    assert done.code == 0, done.out + done.err
    said = nntrain("predict", "run", "rows.csv", "-o", "said.csv")
    assert said.code == 0, said.err
    with (tmp_path / "said.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    stripped = [name.strip() for name in classes]
    assert {row["prediction"] for row in rows} == set(stripped)
    right = [row["prediction"] == stripped[i % len(classes)] for i, row in enumerate(rows)]
    assert np.mean(right) > 0.95
    assert {f"probability_{name}" for name in stripped} <= rows[0].keys()
    total = [sum(float(row[f"probability_{name}"]) for name in stripped) for row in rows]
    np.testing.assert_allclose(total, 1.0, atol=1e-5)


@pytest.mark.parametrize(
    "how", ["{scale: standard}", "{transform: log}", "{transform: sqrt, scale: none}",
            "{transform: log1p}"]
)  # fmt: skip
def test_numbers_come_back_in_their_own_unit(how: str, nntrain: Command, tmp_path: Path) -> None:
    rng = np.random.default_rng(13)
    x = rng.uniform(0, 2, (240, 2))
    y, z = np.exp(x[:, 0]) * 500 + 10, 4 + x[:, 1] ** 2
    lines = [f"{a:.4f},{b:.4f},{u:.4f},{v:.4f}" for (a, b), u, v in zip(x, y, z, strict=True)]
    (tmp_path / "rows.csv").write_text("\n".join(["a,b,y,z", *lines]) + "\n")
    (tmp_path / "rows.yaml").write_text(f"""\
data: {{path: rows.csv, target: [y, z], preprocessing: {{target: {how}}}}}
model: {{layers: [{{type: dense, units: 32, activation: tanh}}, {{type: dense, units: auto}}]}}
loss: mean_squared_error
metrics: [rmse, mae]
optimizer: {{type: adam, learning_rate: 0.02}}
trainer: {{max_epochs: 150, batch_size: 16}}
""")
    assert nntrain("fit", "rows.yaml", "-o", "run").code == 0
    told = json.loads(nntrain("eval", "run", "--data", "rows.csv", "--json").out)["metrics"]
    said = nntrain("predict", "run", "rows.csv").out.splitlines()
    found = np.array([[float(cell) for cell in line.split(",")[1:]] for line in said[1:]])
    error = found - np.stack([y, z], axis=1)
    assert told["mae"] == pytest.approx(np.abs(error).mean(), rel=1e-3)
    assert np.abs(error[:, 0]).mean() < 0.05 * y.mean()
    assert np.abs(error[:, 1]).mean() < 0.1 * z.mean()
