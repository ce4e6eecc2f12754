"""The workload in nntrain, through its own trainer.   Arguments: threads, dropout."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np
import workload as w

import nntrain.training.fit as training
from nntrain.config import load
from nntrain.data.dataset import Dataset
from nntrain.data.features import Scaled
from nntrain.data.parts import Part
from nntrain.data.preprocessing import Preprocessor
from nntrain.data.targets import Classes
from nntrain.events import EpochEnded
from nntrain.run.run import Run
from nntrain.training.fit import fit

CONFIG = f"""
data: {{path: none.csv, target: y, split: {{validation: 0, test: 0}}}}
model:
  layers:
    - {{type: dense, units: {w.SIZES[1]}, activation: relu}}
    - {{type: dropout, rate: {sys.argv[2]}}}
    - {{type: dense, units: {w.SIZES[2]}, activation: relu}}
    - {{type: dropout, rate: {sys.argv[2]}}}
    - {{type: dense, units: auto}}
loss: cross_entropy
optimizer: {{type: adam, learning_rate: {w.RATE}}}
trainer: {{max_epochs: {w.EPOCHS}, batch_size: {w.BATCH}}}
"""

setattr(training, "order", lambda n, seed, epoch: w.order(epoch))  # noqa: B010  as all contenders
x, y = w.rows()
features = tuple(Scaled(f"p{i}", 0.0, 0.0, 1.0) for i in range(w.SIZES[0]))
classes = tuple(str(i) for i in range(w.SIZES[-1]))
preprocessor = Preprocessor("classes", features, Classes("y", classes, binary=False))
parts = {"train": Part(x, y, y, np.arange(len(x)))}
dataset = Dataset("none.csv", "", 0, preprocessor, parts, (), ())
with tempfile.TemporaryDirectory() as place:
    config = Path(place, "config.yaml")
    config.write_text(CONFIG)
    run = Run.start(load(config), dataset, Path(place, "run"), threads=int(sys.argv[1]))
    store = run.model.network.store
    for layer, (W, b) in zip((0, 2, 4), w.weights(), strict=True):
        store.weights[f"layers.{layer}.W"][...] = W
        store.weights[f"layers.{layer}.b"][...] = b
    seconds = [event.seconds for event in fit(run) if isinstance(event, EpochEnded)]
    logits, _ = run.model.network(x)
    w.tell(seconds, w.mean_loss(logits, y))
