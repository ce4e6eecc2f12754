"""The tour: all of nntrain in one short file, from a layer to a network that writes."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from nntrain.call import Call
from nntrain.config import load
from nntrain.data.dataset import Dataset
from nntrain.events import EpochEnded
from nntrain.layers import Dense, Gru, Residual, Tanh
from nntrain.losses import MeanSquaredError
from nntrain.network import Network
from nntrain.optimizers import Adam
from nntrain.run.model import read_model
from nntrain.run.run import Run
from nntrain.training.evaluate import evaluate
from nntrain.training.fit import fit
from nntrain.training.generate import generate

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
TEXT = """
data: {path: song.txt, window: {length: 12, stride: 5}}
model:
  layers:
    - {type: embedding, input_dim: auto, output_dim: 8}
    - {type: gru, units: 16, return_sequences: true}
    - {type: dense, units: auto}
loss: cross_entropy
optimizer: {type: adam, learning_rate: 0.03}
trainer: {max_epochs: 20, batch_size: 16}
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


def test_a_residual_block_hands_the_gradient_past_its_layers() -> None:
    network = Network(
        [Residual((Dense(4, activation=Tanh()), Dense(4)))], (4,), input_gradient=True
    )
    network.store.theta[:] = 0.0  # F(x) = 0
    x = np.ones((2, 4), np.float32)
    y, backward = network(x)
    dy = np.full_like(y, 3.0)

    assert np.array_equal(y, x)
    dx = backward(dy)
    assert dx is not None
    assert np.array_equal(dx, dy)


def test_a_recurrent_layer_reads_each_row_to_its_own_end() -> None:
    network = Network([Gru(5)], (3, 2))
    x = np.ones((2, 3, 2), np.float32)
    lengths = np.array([3, 2])  # the last step of the second row is padding
    x[1, 2] = np.nan

    y, _ = network(x, Call(lengths=lengths))

    np.testing.assert_allclose(y[1:], network(x[1:, :2])[0], atol=1e-6)


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


def test_a_text_is_learned_and_gone_on_with(tmp_path: Path) -> None:
    (tmp_path / "song.txt").write_text("row row row your boat\n" * 40)
    (tmp_path / "config.yaml").write_text(TEXT)

    loaded = load(tmp_path / "config.yaml")
    dataset = Dataset.load(loaded.experiment.data, loaded.data_path, "classes", seed=0)
    run = Run.start(loaded, dataset, tmp_path / "run")
    list(fit(run))

    model = read_model(tmp_path / "run" / "model.safetensors")
    assert evaluate(model, dataset.parts["test"])["loss"] < 0.3
    assert "".join(generate(model, "boat\nrow ", 17, temperature=0, seed=0)) == "row row your boat"
