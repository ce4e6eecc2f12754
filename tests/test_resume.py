"""Everything at once, stopped anywhere and resumed: the same bytes as in one go."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from nntrain.families import Optimizer
from nntrain.run.archive import read_archive, write_archive
from nntrain.run.folder import RunFolder
from nntrain.run.run import Run
from nntrain.training.fit import fit
from tests.cases import OPTIMIZERS
from tests.conftest import write_points
from tests.test_run import same_files, start

EVERYTHING = """\
name: points
data: {path: points.csv, target: kind}
model:
  layers:
    - {type: dense, units: 8, activation: tanh}
    - {type: dropout, rate: 0.2}
    - {type: dense, units: 8, activation: relu}
    - {type: dense, units: 6}
    - {type: dense, units: auto}
loss: cross_entropy
optimizer:
  type: OPTIMIZER
  weight_decay: 0.01
  groups:
    - {layers: ["layers.2"], learning_rate: 0.004, weight_decay: 0.0}
    - {layers: ["layers.3*"], frozen: true}
lr_schedule: {type: plateau, drop: 0.5, patience: 2, min_delta: 0.2, warmup_epochs: 1.5}
regularization: {l1: 1.0e-4, l2: 1.0e-3, max_norm: 2.0}
averaging: AVERAGING
trainer:
  max_epochs: 10
  batch_size: 16
  micro_batch_size: 5
  gradient_clip_norm: 0.5
  gradient_noise: {eta: 1.0e-4, gamma: 0.55}
early_stopping: {monitor: validation_loss, patience: 7, min_delta: 0.05}
"""
AVERAGES = ("{type: ema, decay: 0.9}", "{type: swa, start_epoch: 2, every: 2}")
STEPS = (1, 27, 85)  # an epoch has 9


def write(folder: Path, optimizer: str, averaging: str) -> Path:
    text = EVERYTHING.replace("OPTIMIZER", optimizer).replace("AVERAGING", averaging)
    return write_points(folder, config=text)


def stopped(config: Path, folder: Path, *steps: int) -> Run:
    """Train, stopped after each of these steps and taken up again from the checkpoint."""
    run = start(config, folder)
    for step in steps:
        at = step - run.progress.step
        words = iter([""] * (at - 1) + ["interrupted"] * 99)
        list(fit(run, stop=lambda words=words: next(words)))  # type: ignore[misc]
        run = Run.resume(RunFolder(folder))
        assert run.progress.step == step
    list(fit(run))
    return run


@pytest.mark.parametrize("averaging", AVERAGES)
def test_with_everything_on_a_resumed_run_ends_with_the_same_bytes(
    tmp_path: Path, averaging: str
) -> None:
    config = write(tmp_path, "adam", averaging)
    whole = stopped(config, tmp_path / "whole")
    assert 0 < whole.progress.plateau_factor < 1, "the test needs a plateau"
    for step in STEPS:
        stopped(config, tmp_path / str(step), step)
        assert same_files(tmp_path / "whole", tmp_path / str(step)), step
    stopped(config, tmp_path / "often", *STEPS)
    assert same_files(tmp_path / "whole", tmp_path / "often")


@pytest.mark.parametrize("kind", sorted({type(o).kind for o in OPTIMIZERS}))
def test_every_optimizer_resumes_to_the_bit(tmp_path: Path, kind: str) -> None:
    assert kind in Optimizer.kinds
    config = write(tmp_path, kind, "null")
    stopped(config, tmp_path / "whole")
    stopped(config, tmp_path / "stopped", 1, 31)
    assert same_files(tmp_path / "whole", tmp_path / "stopped")


def test_a_checkpoint_with_the_weights_in_the_order_before(tmp_path: Path) -> None:
    """The first ones had in each group what decays before what does not."""
    text = EVERYTHING.replace("OPTIMIZER", "adam").replace("AVERAGING", AVERAGES[0])
    text = text.replace("  gradient_noise: {eta: 1.0e-4, gamma: 0.55}\n", "")  # drawn by place
    config = write_points(tmp_path, config=text)
    stopped(config, tmp_path / "whole", 31)
    run, words = start(config, tmp_path / "run"), iter([""] * 30 + ["interrupted"] * 99)
    list(fit(run, stop=lambda: next(words)))
    store = run.model.network.store
    arrays, facts = read_archive(run.folder.checkpoint, "checkpoint")
    assert facts.pop("order") == "as built"
    before = sorted(store.weights, key=lambda name: (_place(name), name[-1] == "b"))
    for name, vector in arrays.items():
        if name.rpartition(".")[2] in ("theta", "m", "v"):
            parts = store.views(vector)
            arrays[name] = np.concatenate([parts[part].ravel() for part in before])
    write_archive(run.folder.checkpoint, "checkpoint", arrays, facts)
    list(fit(Run.resume(run.folder)))
    assert same_files(tmp_path / "whole", tmp_path / "run")


def _place(name: str) -> int:
    """Groups in the order of the store."""
    return {"layers.2": 1, "layers.3": 2}.get(name.rpartition(".")[0], 0)
