"""Trials: a config trained several times, over folds of the rows or with several seeds."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from nntrain.config import Loaded
from nntrain.data.dataset import Dataset
from nntrain.data.parts import Part
from nntrain.data.reading import read
from nntrain.data.report import Report
from nntrain.errors import DivergedError
from nntrain.events import Event, TrialBegan, TrialEnded, TrialsEnded
from nntrain.run.archive import write_whole
from nntrain.run.folder import FINISHED, RunFolder
from nntrain.run.lock import locked
from nntrain.run.manifest import read_manifest
from nntrain.run.model import Model
from nntrain.run.run import Run
from nntrain.run.trained import open_run
from nntrain.run.trials import Trials, summary_of
from nntrain.training.fit import Stop, fit
from nntrain.training.gates import failures
from nntrain.training.predict import columns_with_target, held_out_rows

Load = Callable[[Loaded], Dataset]


def train_all(
    trials: Trials, load: Load, stop: Stop = str, leave: Callable[[Run], object] = lambda run: None
) -> Iterator[Event]:
    """Train what is not trained yet, one after the other; `leave` is called with each that ended.

    Yields `TrialBegan`, the events of its training and `TrialEnded` for each of them, and then
    `TrialsEnded`.  Each is as it would be by itself, so that stopping and going on change nothing.
    """
    with locked(trials.folder.lock):
        ended: list[dict[str, Any]] = []
        for number in range(trials.count):
            try:
                summary = yield from _one(trials, number, load, stop, leave)
            except DivergedError:
                _write(trials, "diverged", ended)
                raise
            ended.append(summary)
            if summary["status"] not in FINISHED:
                yield TrialsEnded(_write(trials, summary["status"], ended))
                return
        if trials.kind == "folds":
            _join_predictions(trials)
        means = trials.summary("", ended)["metrics"]
        failed = failures(trials.loaded.experiment.expect, means)
        yield TrialsEnded(_write(trials, "gate_failed" if failed else "completed", ended))


def _write(trials: Trials, status: str, ended: list[dict[str, Any]]) -> dict[str, Any]:
    summary = trials.summary(status, ended)
    trials.folder.write_json(trials.folder.summary, summary)
    return summary


def _one(
    trials: Trials, number: int, load: Load, stop: Stop, leave: Callable[[Run], object]
) -> Generator[Event, None, dict[str, Any]]:
    """One trial, if it has not come to its end already; returns its summary."""
    folder, place = trials.folder_of(number), (number + 1, trials.count)
    earlier = folder.manifest.exists() and folder.status() in FINISHED
    if not earlier:
        run = _opened(trials, number, load)
        yield TrialBegan(folder.path, *place, run.progress.step > 0, tuple(run.notes))
        yield from fit(run, stop)
        if folder.status() not in FINISHED:
            return summary_of(folder)
        if trials.kind == "folds":
            _write_predictions(folder, run.model, run.dataset.parts["test"])
        leave(run)
    summary = summary_of(folder)
    yield TrialEnded(folder.path, *place, summary, earlier)
    return summary


def _opened(trials: Trials, number: int, load: Load) -> Run:
    """The run of a trial, at its last checkpoint if it has begun."""
    folder = trials.folder_of(number)
    if folder.manifest.exists():
        return Run.resume(folder)
    loaded = trials.loaded_of(number)
    dataset = load(loaded)
    threads, workers = trials.threads, None
    if number and threads is None:  # the first trial has found how many pay
        facts = read_manifest(trials.folder_of(0))
        threads, workers = facts["threads"], facts["workers"]
    return Run.start(loaded, dataset, folder.path, overwrite=True, threads=threads, workers=workers)


def _write_predictions(folder: RunFolder, model: Model, part: Part) -> None:
    """What a fold says of the rows that it holds out."""
    if model.preprocessor.tokens:  # a text has no rows
        return
    names = ["row", *columns_with_target(model)]
    _write_csv(folder.predictions, [names, *held_out_rows(model, part)])


def _join_predictions(trials: Trials) -> None:
    """What each row was predicted to be by the fold that held it out, in the order of the file."""
    names: list[str] = []
    rows: list[list[str]] = []
    for number in range(trials.count):
        folder = trials.folder_of(number)
        if not folder.predictions.exists():  # the process ended between summary and predictions
            trained = open_run(str(folder.path))
            part, _ = trained.rows("test", None, Report())
            _write_predictions(folder, trained.model, part)
        if not folder.predictions.exists():
            return
        with folder.predictions.open(encoding="utf-8", newline="") as file:
            names, *own = csv.reader(file)
        rows += own
    rows.sort(key=lambda row: int(row[0]))
    data = trials.loaded.experiment.data
    if data.ids:
        table = read(data, trials.loaded.data_paths)
        ids = [table.columns[name].tolist() for name in data.ids]
        rows = [[*(cells[int(row[0]) - 1] for cells in ids), *row[1:]] for row in rows]
        names = [*data.ids, *names[1:]]
    _write_csv(trials.folder.predictions, [names, *rows])


def _write_csv(path: Path, rows: Iterable[Sequence[Any]]) -> None:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(rows)
    write_whole(path, text.getvalue().encode())
