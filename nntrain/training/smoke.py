"""Smoke: a few batches through every phase, so that what would break breaks within seconds."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from nntrain.averaging import Swa
from nntrain.config import Loaded
from nntrain.data.dataset import Dataset
from nntrain.errors import MachineError
from nntrain.run.model import read_model
from nntrain.run.run import Run
from nntrain.training.evaluate import predict
from nntrain.training.fit import fit

BATCHES = 3  # in an epoch, for each split


def smoke(loaded: Loaded, dataset: Dataset) -> Iterator[str]:
    """Train, stop, resume, validate, save, reload and predict, in a temporary folder.

    Yields a sentence for each phase that went well.  Gates are not judged.
    """
    experiment = loaded.experiment
    trainer = replace(experiment.trainer, max_epochs=2, checkpoint_seconds=0.0)
    averaging = experiment.averaging
    if isinstance(averaging, Swa):  # begin at once, two epochs are not many
        averaging = replace(averaging, start_epoch=1)
    short = replace(
        experiment, trainer=trainer, averaging=averaging, early_stopping=None, expect={}
    )
    few = shortened(dataset, BATCHES * trainer.batch_size)
    with tempfile.TemporaryDirectory(prefix="nntrain-smoke-") as place:
        run = Run.start(replace(loaded, experiment=short), few, Path(place))
        list(fit(run, stop=lambda: "interrupted"))
        yield "trained one batch and wrote a checkpoint"
        run.load_checkpoint()
        events = list(fit(run))
        yield f"went on from it to the end of epoch {run.progress.epoch} ({len(events)} events)"
        model = read_model(run.folder.model)
        rows = few.parts["train"].take(np.arange(min(2, len(few.parts["train"]))))
        found, wanted = (predict(m, rows.x, rows.lengths) for m in (model, run.model))
        if not np.array_equal(found, wanted):
            raise MachineError("the model file predicts other than the trained network")
        yield "reloaded the model file and predicted the same"


def shortened(dataset: Dataset, rows: int) -> Dataset:
    """The same data with at most `rows` rows in each split."""
    first = np.arange(rows)
    parts = {name: part.take(first[: len(part)]) for name, part in dataset.parts.items()}
    return replace(dataset, parts=parts)
