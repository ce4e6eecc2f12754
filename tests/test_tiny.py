"""The tour: all of nntrain in one short file, from a layer to a trained network."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from nntrain.call import Call
from nntrain.config import load
from nntrain.data.dataset import Dataset
from nntrain.events import EpochEnded
from nntrain.layers import Dense, Tanh
from nntrain.losses import MeanSquaredError
from nntrain.network import Network
from nntrain.optimizers import Adam
from nntrain.run.model import read_model
from nntrain.run.run import Run
from nntrain.training.evaluate import evaluate
from nntrain.training.fit import fit

CONFIG = """
data: {path: points.csv, target: kind}
model:
  layers:
    - {type: dense, units: 8, activation: tanh}
    - {type: dense, units: auto}
loss: cross_entropy
optimizer: {type: adam, learning_rate: 0.03}
trainer: {max_epochs: 30}
"""


def test_a_network_learns_a_curve() -> None:
    x = np.linspace(-1, 1, 64, dtype=np.float32)[:, None]  # (N, 1)
    target = x**2
    network = Network([Dense(units=16, activation=Tanh()), Dense(units=1)], (1,), seed=0)
    store, loss = network.store, MeanSquaredError()
    slots = {name: np.zeros_like(store.theta) for name in Adam().slots()}
    update = Adam().build(store.theta, store.grad, store.segments, slots)
    weights = np.full(64, 1 / 64, np.float32)

    for step in range(400):
        y, backward = network(x, Call(training=True, step=step))
        value, dy = loss(y, target, weights)
        backward(dy)
        update(step + 1, 0.02, 1.0)

    assert value < 1e-3


def test_a_config_and_a_table_become_a_trained_model(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    points = rng.normal(size=(200, 2))
    rows = [f"{a:.4f},{b:.4f},{'in' if a * a + b * b < 1.2 else 'out'}" for a, b in points]
    (tmp_path / "points.csv").write_text("\n".join(["a,b,kind", *rows]))
    (tmp_path / "config.yaml").write_text(CONFIG)

    loaded = load(tmp_path / "config.yaml")
    experiment = loaded.experiment
    dataset = Dataset.load(experiment.data, loaded.data_path, "classes", experiment.seed)
    run = Run.start(loaded, dataset, tmp_path / "run")
    losses = [e.row["train_loss"] for e in fit(run) if isinstance(e, EpochEnded)]
    assert losses[-1] < losses[0] / 3

    model = read_model(tmp_path / "run" / "model.safetensors")
    assert evaluate(model, dataset.parts["test"])["accuracy"] > 0.85
