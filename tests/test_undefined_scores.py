"""A score that is NaN can not choose an epoch; a training says so and leaves a model."""

from __future__ import annotations

import json
from pathlib import Path

from tests.conftest import Command

CONFIG = """\
data: {path: a.csv, target: y, split: {by: time, test: 20, validation: 20}}
model: {layers: [{type: dense, units: auto}]}
loss: mean_squared_error
metrics: [r2]
lr_schedule: {type: plateau, patience: 2, drop: 0.5}
trainer: {max_epochs: 9}
early_stopping: {monitor: validation_r2, patience: 5}
"""


def test_without_any_score_the_last_epoch_is_kept(nntrain: Command) -> None:
    rows = [f"{i % 7},{0 if i >= 60 else i * i % 11}" for i in range(100)]  # 0 in validation rows
    Path("a.csv").write_text("\n".join(["x,y", *rows]) + "\n")
    Path("a.yaml").write_text(CONFIG)
    result = nntrain("fit", "a.yaml")
    assert result.code == 0
    assert result.err.count("warning: `validation_r2` is nan in epoch 1") == 1
    assert "new best" not in result.err
    summary = json.loads(Path("runs/a/001/summary.json").read_text())
    assert (summary["status"], summary["epochs"], summary["best_epoch"]) == ("early_stopped", 5, 5)
    rates = [line.split(",")[2] for line in Path("runs/a/001/metrics.csv").read_text().split()[1:]]
    assert rates == ["0.001", "0.001", "0.0005", "0.0005", "0.00025"]
    assert nntrain("eval").code == 0
