"""Run: a network in training, with everything that it takes to stop and to go on."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from nntrain.config import Loaded, resolved
from nntrain.data.dataset import Dataset
from nntrain.errors import ConfigError, MachineError
from nntrain.events import LayerLook
from nntrain.families import Array, Update, to_plain
from nntrain.run.archive import damaged, read_archive, write_archive, write_whole
from nntrain.run.checks import notices
from nntrain.run.earlier import read_experiment, reload_dataset
from nntrain.run.folder import RunFolder, create
from nntrain.run.lock import locked
from nntrain.run.manifest import bits_depend_on, limit_threads, manifest, read_manifest
from nntrain.run.model import Model, build_model, named_vectors, write_model
from nntrain.run.progress import Progress


@dataclass
class Run:
    """A network in training.

    best: the weights and buffers of the best epoch so far, as `theta` and `running`.
    average: the averaged ones likewise; empty without `averaging`.
    notes: sentences for the user that came up on the way.
    order: of the training rows in the epoch under way.
    """

    folder: RunFolder
    model: Model
    dataset: Dataset
    progress: Progress
    slots: dict[str, Array]
    update: Update
    best: dict[str, Array]
    average: dict[str, Array]
    notes: list[str] = field(default_factory=list)
    order: Array = field(default_factory=lambda: np.arange(0))

    def batch_rows(self) -> Array:
        """The rows of the file, from 0, that the batch under way consists of."""
        size = self.model.experiment.trainer.batch_size
        at = self.progress.batch * size
        return self.dataset.parts["train"].rows[self.order[at : at + size]]

    @classmethod
    def start(
        cls,
        loaded: Loaded,
        dataset: Dataset,
        output_dir: Path | None = None,
        *,
        overwrite: bool = False,
        threads: int = 1,
    ) -> Run:
        """A new run: builds the network, then makes the run folder."""
        experiment = loaded.experiment
        limit_threads(threads)
        model = build_model(experiment, dataset.preprocessor)
        facts, text = manifest(dataset, experiment.seed, threads), resolved(experiment)
        folder = create(experiment.name, output_dir, overwrite=overwrite)
        write_whole(folder.config, loaded.text.encode(), flush=False)
        write_whole(folder.resolved, text.encode(), flush=False)
        folder.write_json(folder.manifest, facts)
        run = cls._assemble(folder, model, dataset)
        run.write_history()
        run.notes += notices(experiment, model.network.plan)
        return run

    @classmethod
    def resume(cls, folder: RunFolder) -> Run:
        """An interrupted run, at its newest checkpoint (or at step 0 where there is none)."""
        with locked(folder.lock):
            return cls._take_up(folder)

    @classmethod
    def _take_up(cls, folder: RunFolder) -> Run:
        facts = read_manifest(folder)
        experiment = read_experiment(folder)
        limit_threads(facts["threads"])
        dataset = reload_dataset(folder, experiment)
        run = cls._assemble(folder, build_model(experiment, dataset.preprocessor), dataset)
        if folder.checkpoint.exists():
            run.load_checkpoint()
        run.write_history()
        now = bits_depend_on(facts["threads"])
        odd = [key for key in now if facts.get(key) != now[key]]
        if odd:
            run.notes.append(
                f"this run began with another {', '.join(odd)}: it goes on, but not to the bit "
                "as it would have"
            )
        return run

    @classmethod
    def _assemble(cls, folder: RunFolder, model: Model, dataset: Dataset) -> Run:
        store, optimizer = model.network.store, model.experiment.optimizer
        slots = {name: np.zeros_like(store.theta) for name in optimizer.slots()}
        update = optimizer.build(store.theta, store.grad, store.segments, slots)
        vectors = {"theta": store.theta, "running": store.running}
        best = {name: vector.copy() for name, vector in vectors.items()}
        averaging = model.experiment.averaging
        average = {name: vector.copy() for name, vector in vectors.items() if averaging}
        return cls(folder, model, dataset, Progress(), slots, update, best, average)

    @property
    def steps_per_epoch(self) -> int:
        rows = len(self.dataset.parts["train"])
        return -(-rows // self.model.experiment.trainer.batch_size)

    def averaged_pairs(self) -> list[tuple[Array, Array]]:
        """Each averaged vector and what it is the average of."""
        store = self.model.network.store
        return [(vector, getattr(store, name)) for name, vector in self.average.items()]

    def keep_as_best(self) -> None:
        """The weights as they are now, or their average, are the best so far."""
        for name, vector in self.best.items():
            now = getattr(self.model.network.store, name)
            np.copyto(vector, self.average.get(name, now))

    def take_best(self) -> None:
        """Go back to the best weights: they are what is evaluated, shown and exported."""
        for name, vector in self.best.items():
            np.copyto(getattr(self.model.network.store, name), vector)

    def _vectors(self) -> dict[str, Array]:
        store = self.model.network.store
        return {
            "theta": store.theta,
            "running": store.running,
            **{f"slot.{name}": vector for name, vector in self.slots.items()},
            **{f"best.{name}": vector for name, vector in self.best.items()},
            **{f"average.{name}": vector for name, vector in self.average.items()},
        }

    def write_checkpoint(self) -> None:
        """Everything that `resume` needs, whole on the disk before this returns."""
        facts = {
            "progress": self.progress.to_plain(),
            "data_sha256": self.dataset.sha256,
            "config": to_plain(self.model.experiment),
        }
        write_archive(self.folder.checkpoint, "checkpoint", self._vectors(), facts)

    def load_checkpoint(self) -> None:
        path = self.folder.checkpoint
        arrays, facts = read_archive(path, "checkpoint")
        if facts.get("config") != to_plain(self.model.experiment):
            raise ConfigError(
                f"{self.folder.resolved} was changed since this run began",
                hint="going on would be another run: put it back, or begin a new one",
            )
        vectors = self._vectors()
        for name, vector in vectors.items():
            found = arrays.get(name)
            if found is None or (found.shape, found.dtype) != (vector.shape, vector.dtype):
                raise damaged(path, f"`{name}` does not fit the config of this run")
            np.copyto(vector, arrays[name])
        try:
            self.progress = Progress.from_plain(facts["progress"])
            if any(row.keys() != set(self.columns) for row in self.progress.history):
                raise ValueError("an epoch has other columns than this run")
        except (OverflowError, KeyError, TypeError, ValueError, AttributeError) as error:
            raise damaged(path, f"its progress can not be read ({error})") from None

    def write_model(self) -> None:
        """model.safetensors, of the weights that the network has now."""
        write_model(self.folder.model, self.model, named_vectors(self.model.network))

    def write_history(self) -> None:
        """The tables of the run folder as the history has them: no row lost, none twice."""
        rows = self.progress.history
        lines = [",".join(map(_cell, self.columns)), *(self._csv(row) for row in rows)]
        write_whole(self.folder.metrics_csv, ("\n".join(lines) + "\n").encode(), flush=False)
        text = "".join(self._json(row) + "\n" for row in rows)
        write_whole(self.folder.metrics_jsonl, text.encode(), flush=False)
        looks = [look for look in self.progress.looks if look.epoch <= self.progress.epoch]
        lines = [",".join(LayerLook._fields), *map(_looked, looks)]
        write_whole(self.folder.layers_csv, ("\n".join(lines) + "\n").encode(), flush=False)

    def add_row(self, row: dict[str, float]) -> None:
        """One more epoch in the history and in both files."""
        self.progress.history.append(row)
        append(self.folder.metrics_csv, self._csv(row) + "\n")
        append(self.folder.metrics_jsonl, self._json(row) + "\n")

    def add_looks(self, looks: Iterable[LayerLook]) -> None:
        """What was seen of each layer, in layers.csv."""
        append(self.folder.layers_csv, "".join(f"{_looked(look)}\n" for look in looks))

    def _csv(self, row: Mapping[str, float]) -> str:
        return ",".join(repr(row[name]) for name in self.columns)

    def _json(self, row: Mapping[str, float]) -> str:
        finite = {name: row[name] if math.isfinite(row[name]) else None for name in self.columns}
        return json.dumps(finite, allow_nan=False)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of metrics.csv, in order."""
        names = ["loss", *(score.name for score in self.model.scores)]
        validated = [f"validation_{name}" for name in names if "validation" in self.dataset.parts]
        trained = ("train_loss", "train_loss_evaluated")
        return ("epoch", "step", "learning_rate", *trained, *validated)

    def log(self, line: str) -> None:
        append(self.folder.log, line + "\n")


def _cell(name: str) -> str:
    """A column's name as CSV; names of targets and classes may hold anything."""
    return f'"{name.replace(chr(34), 2 * chr(34))}"' if set(name) & set(',"\r\n') else name


def _looked(look: LayerLook) -> str:
    """A line of layers.csv; a number that does not exist is an empty cell."""
    epoch, layer, kind, *numbers = look
    return ",".join([str(epoch), layer, kind, *("" if n is None else repr(n) for n in numbers)])


def append(path: Path, text: str) -> None:
    try:
        with path.open("a", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except OSError as error:
        raise MachineError(f"{path}: can not be written: {error.strerror or error}") from None
