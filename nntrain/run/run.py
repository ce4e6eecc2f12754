"""Run: a network in training, with everything that it takes to stop and to go on."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import field
from pathlib import Path

import numpy as np

from nntrain.config import Experiment, Loaded, resolved, restore, used_by
from nntrain.data.dataset import Dataset
from nntrain.errors import ConfigError, MachineError
from nntrain.events import LayerLook
from nntrain.families import Array
from nntrain.run.archive import damaged, write_whole
from nntrain.run.changes import Change, changes, check_allowed, explained, plain_config
from nntrain.run.checkpoint import State, read_newest, write_state
from nntrain.run.checks import check_extras, notices
from nntrain.run.earlier import read_experiment, reload_dataset, require_plugins
from nntrain.run.folder import RunFolder, create
from nntrain.run.lock import locked
from nntrain.run.manifest import (
    bits_depend_on,
    limit_threads,
    manifest,
    manifest_of,
    read_manifest,
    with_surroundings,
)
from nntrain.run.model import Model, build_model, named_vectors, write_model
from nntrain.run.processes import Processes, processes_again, processes_as_asked
from nntrain.run.progress import Progress
from nntrain.run.stages import with_stage
from nntrain.run.trained import Trained
from nntrain.run.warm_start import begin_with, preprocessed_otherwise
from nntrain.store import beside
from nntrain.values import dataclass


def nothing() -> None:
    """What one process has to do to have all that is there."""


@dataclass
class Run:
    """A network in training.

    best: the weights and buffers of the best epoch so far, as `theta` and `running`.
    average: the averaged ones likewise; empty without `averaging`.
    workers: how many processes share the rows of a batch; None: to be measured by whoever trains.
    notes: sentences for the user that came up on the way.
    order: of the training rows in the epoch under way.
    good, good_progress: all vectors and the progress at the end of the last good epoch; empty
        without `on_divergence`.
    newest_is_damaged: so that the checkpoint before it is the one to keep.
    gather: brings here what other ranks hold of slots and averages, before they are read.
    """

    folder: RunFolder
    model: Model
    dataset: Dataset
    progress: Progress
    slots: dict[str, Array]
    best: dict[str, Array]
    average: dict[str, Array]
    workers: int | None = 1
    notes: list[str] = field(default_factory=list)
    order: Array = field(default_factory=lambda: np.arange(0))
    good: dict[str, Array] = field(default_factory=dict)
    good_progress: Progress | None = None
    newest_is_damaged: bool = False
    gather: Callable[[], None] = nothing

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
        threads: int | None = 1,
        workers: int | None = None,
        warm_start: Trained | None = None,
    ) -> Run:
        """A new run: builds the network, then makes the run folder.

        threads: processes that share the rows of a batch; None: as many as pay.
        workers: as many processes, the threads being theirs together: as an earlier run had it.
        warm_start: the trained network whose weights and buffers are the first ones.
        """
        experiment = loaded.experiment
        check_extras(experiment)
        model = build_model(experiment, dataset.preprocessor)
        shared = processes_as_asked(experiment, model.network.plan, dataset, threads, workers)
        limit_threads(shared.of_each)
        begun = begin_with(model, warm_start) if warm_start else None
        facts, text = manifest(dataset, experiment.seed, shared), resolved(experiment)
        facts |= {"deterministic": experiment.trainer.deterministic, "warm_start": begun}
        plugins = used_by(experiment)
        facts |= manifest_of(plugins)
        folder = create(experiment.name, output_dir, overwrite=overwrite)
        run = cls._assemble(folder, model, dataset, shared)
        if begun:
            run.write_checkpoint()  # the weights that it begins with are nowhere else
        write_whole(folder.config, loaded.text.encode())
        write_whole(folder.resolved, text.encode())
        folder.keep_plugins({plugin.name: plugin.text for plugin in plugins})
        folder.write_json(folder.manifest, facts)
        run.write_history()
        run.notes += [*loaded.notes, *notices(experiment, model.network.plan), *shared.notes]
        run.notes += preprocessed_otherwise(model, warm_start) if warm_start else []
        return run

    @classmethod
    def scratch(cls, experiment: Experiment, dataset: Dataset) -> Run:
        """A run without a folder, to try something out: nothing of it is ever written."""
        model = build_model(experiment, dataset.preprocessor)
        return cls._assemble(RunFolder(Path(os.devnull)), model, dataset, Processes(1, 1))

    @classmethod
    def resume(cls, folder: RunFolder, sets: Iterable[str] = ()) -> Run:
        """An interrupted run, at its newest checkpoint (or at step 0 where there is none).

        sets: `key=value` for keys that may be others from now on, such as `trainer.max_epochs`;
        with them a finished run goes on, too.
        """
        with locked(folder.lock):
            return cls._take_up(folder, list(sets))

    @classmethod
    def _take_up(cls, folder: RunFolder, sets: list[str]) -> Run:
        facts = read_manifest(folder)
        require_plugins(folder)
        before = read_experiment(folder)
        experiment = read_experiment(folder, sets) if sets else before
        found = changes(plain_config(before), plain_config(experiment))
        check_allowed(found, "--set")
        check_extras(experiment)
        shared = processes_again(experiment, facts)
        limit_threads(shared.of_each)
        dataset = reload_dataset(folder, experiment)
        model = build_model(experiment, dataset.preprocessor)
        run = cls._assemble(folder, model, dataset, shared)
        if facts.get("warm_start") and not folder.has_checkpoint:
            raise MachineError(
                f"{folder.path}: its checkpoint is gone, and with it the weights that it began "
                "with: begin anew with `fit CONFIG --warm-start RUN`"
            )
        since, now = run.load_checkpoint(), bits_depend_on(shared)
        odd = {key: now[key] for key in now if facts.get(key) != now[key]}
        told = with_surroundings(facts, odd, begun=run.progress.step > 0)
        if since and run.progress.step:
            told = with_stage(told, run.progress, since)
        if told != facts:
            folder.write_json(folder.manifest, told)
        if found:
            write_whole(folder.resolved, resolved(experiment).encode())
            epochs = before.trainer.max_epochs
            run.notes += explained(found, experiment, epochs, run.steps_per_epoch)
        if sets:
            folder.summary.unlink(missing_ok=True)  # what had ended goes on
        run.write_history()
        if odd and run.progress.step:
            words = ", ".join("number of ranks" if key == "ranks" else key for key in odd)
            run.notes.append(
                f"this run began with another {words}: it goes on, but not to the bit "
                "as it would have"
            )
        return run

    @classmethod
    def _assemble(cls, folder: RunFolder, model: Model, dataset: Dataset, shared: Processes) -> Run:
        store, optimizer = model.network.store, model.experiment.optimizer
        slots = {name: beside(store.theta) for name in optimizer.slots()}
        vectors = {"theta": store.theta, "running": store.running}
        best = {name: vector.copy() for name, vector in vectors.items()}
        averaging = model.experiment.averaging
        average = {name: beside(vector) for name, vector in vectors.items() if averaging}
        for name, vector in average.items():
            np.copyto(vector, vectors[name])
        run = cls(folder, model, dataset, Progress(), slots, best, average, shared.workers)
        if model.experiment.on_divergence:
            run.good = {name: np.zeros_like(vector) for name, vector in run._moving().items()}
        return run

    def settle_workers(self, workers: int) -> None:
        """So many processes train from now on, and when the run goes on another day."""
        facts = self.folder.read_json(self.folder.manifest)
        self.workers = workers
        self.folder.write_json(self.folder.manifest, facts | Processes(workers, workers).facts())

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

    def keep_as_good(self) -> None:
        """Where the training stands now is where `on_divergence` goes back to."""
        self.gather()
        for name, vector in self._moving().items():
            np.copyto(self.good[name], vector)
        self.good_progress = self.progress.copy()

    def take_good(self, good: Progress) -> None:
        """Go back there; time that was spent and retries that were made stay counted."""
        for name, vector in self._moving().items():
            np.copyto(vector, self.good[name])
        seconds, retries = self.progress.seconds, self.progress.retries
        self.progress = good.copy()
        self.progress.seconds, self.progress.retries = seconds, retries
        self.write_history()

    def _vectors(self) -> dict[str, Array]:
        good = {f"good.{name}": vector for name, vector in self.good.items()}
        return {**self._moving(), **good}

    def _moving(self) -> dict[str, Array]:
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
        self.gather()
        config = plain_config(self.model.experiment)
        state = State(self._vectors(), self.progress, self.good_progress, config)
        write_state(self.folder, state, self.dataset.sha256, keep=not self.newest_is_damaged)
        self.newest_is_damaged = False

    def load_checkpoint(self) -> list[Change]:
        """Go to the newest whole checkpoint; without one, stay at step 0.

        Returns what of the config was another when it was written.
        """
        vectors = self._vectors()
        state, why = read_newest(self.folder, vectors, self.columns)
        if why:
            self.newest_is_damaged = True
            self.notes.append(f"{why}; the run goes on from the checkpoint before it")
        if state is None:
            return []
        try:
            old = plain_config(restore(state.config, ""))
        except ConfigError as error:
            why = f"its config can not be used ({error.problems[0]})"
            raise damaged(self.folder.checkpoint, why) from None
        found = changes(old, plain_config(self.model.experiment))
        check_allowed(found, f"{self.folder.resolved} was changed since this run began")
        for name, vector in vectors.items():
            saved = state.vectors[name]
            if not state.in_order and not name.endswith("running"):
                saved = self.model.network.store.from_before(saved)
            np.copyto(vector, saved)
        self.progress, self.good_progress = state.progress, state.good
        return found

    def write_model(self) -> None:
        """model.safetensors, of the weights that the network has now."""
        write_model(self.folder.model, self.model, named_vectors(self.model.network))

    def write_history(self) -> None:
        """The tables of the run folder as the history has them: no row lost, none twice."""
        rows = self.progress.history
        lines = [",".join(map(_cell, self.columns)), *(self._csv(row) for row in rows)]
        write_whole(self.folder.metrics_csv, ("\n".join(lines) + "\n").encode())
        text = "".join(self._json(row) + "\n" for row in rows)
        write_whole(self.folder.metrics_jsonl, text.encode())
        looks = [look for look in self.progress.looks if look.epoch <= self.progress.epoch]
        lines = [",".join(LayerLook._fields), *map(_looked, looks)]
        write_whole(self.folder.layers_csv, ("\n".join(lines) + "\n").encode())

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
        with path.open("ab") as file:
            file.write(text.encode(errors="backslashreplace"))
    except OSError as error:
        raise MachineError(f"{path}: can not be written: {error.strerror or error}") from None
