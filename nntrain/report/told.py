"""Told: all that a report tells of one run, gathered at the end of a training or from a folder."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from nntrain.config import Experiment
from nntrain.data.columns import Column
from nntrain.data.dataset import Dataset
from nntrain.data.preprocessing import Preprocessor
from nntrain.errors import MachineError, NNTrainError
from nntrain.events import LayerLook
from nntrain.families import Shape
from nntrain.report import work
from nntrain.report.exhibits import Exhibits, exhibits
from nntrain.report.filters import Filters, filters
from nntrain.report.importance import Importance, can_be_measured, importance
from nntrain.report.judged import Judged, judge
from nntrain.report.tables import Curves, read_looks, read_metrics
from nntrain.run.earlier import read_experiment, reload_dataset
from nntrain.run.folder import RunFolder
from nntrain.run.model import Model, build_plan, read_model
from nntrain.run.recorded import Recorded
from nntrain.run.run import Run
from nntrain.store import LayerRow

MOST_CONFIG = 100_000  # letters


class Told(NamedTuple):
    """What is known of one run; what is not known is empty.

    experiment: what the config comes to.
    columns: of the data; from the model alone, without the missing cells (-1).
    notes: sentences about what is not there, or damaged.
    importance_later: it can be measured, and takes too long for the end of a training.
    """

    name: str
    run: Recorded
    config: str
    curves: Curves
    looks: Sequence[LayerLook]
    experiment: Experiment | None
    layers: Sequence[LayerRow]
    inputs: Shape
    columns: Sequence[Column]
    rows: Mapping[str, int]
    judged: Judged | None
    notes: Sequence[str]
    importance: Importance | None = None
    importance_later: bool = False
    exhibits: Exhibits | None = None
    filters: Filters | None = None

    @property
    def path(self) -> str:
        return str(self.run.folder.path)

    @property
    def shell_path(self) -> str:
        """The folder as it is written in a command."""
        return shlex.quote(self.path)

    @property
    def best_epoch(self) -> int:
        """0 where there is none, or no epoch is better than the others."""
        return self.run.best_epoch


def at_the_end(run: Run) -> Told:
    """A run that has just ended, its network with the best weights."""
    model, dataset, progress = run.model, run.dataset, run.progress
    notes: list[str] = []
    ended, config = Recorded.of(run.folder), _config(run.folder, notes)
    if unread := [*ended.damage, *notes]:  # of a folder in order: the disk fails
        raise MachineError(unread[0])
    budget = work.at_the_end(model, len(dataset.parts["train"]) * len(progress.history))
    whole = progress.best_epoch and ended.status not in ("interrupted", "diverged")
    return Told(
        model.experiment.name,
        ended,
        config,
        Curves(progress.history.names, progress.history.table()),
        progress.looks,
        model.experiment,
        model.network.plan.layers,
        model.preprocessor.shape,
        dataset.columns,
        {name: len(part) for name, part in dataset.parts.items()},
        notes=dataset.notes,
        **(_looked_at(model, dataset, budget) if whole else {"judged": None}),
    )


def from_folder(run: Recorded) -> Told:
    """A run as its folder has it, with its rows where the data is the same still."""
    notes, folder = list(run.damage), run.folder
    experiment, model = _experiment(folder, notes), _model(folder, notes)
    dataset = _dataset(folder, model, experiment, notes)
    known = model.preprocessor if model else dataset.preprocessor if dataset else None
    layers: Sequence[LayerRow] = ()
    if model:
        layers = model.network.plan.layers
    elif experiment and known:
        layers = build_plan(experiment, known).layers
    rows = _of(_of(run.manifest, "data"), "rows")
    return Told(
        experiment.name if experiment and experiment.name else Path(folder.path).parent.name,
        run,
        _config(folder, notes),
        read_metrics(folder.metrics_csv, notes),
        read_looks(folder.layers_csv, notes),
        experiment,
        layers,
        known.shape if known else (),
        dataset.columns if dataset else _columns(known) if known else (),
        {name: n for name, n in rows.items() if type(n) is int},
        notes=[*notes, *(dataset.notes if dataset else ())],
        **(_looked_at(model, dataset, work.ASKED_FOR) if model and dataset else {"judged": None}),
    )


def _of(found: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    inside = found.get(key)
    return inside if isinstance(inside, dict) else {}


def _looked_at(model: Model, dataset: Dataset, budget: float) -> dict[str, Any]:
    """What takes model and rows.  budget: seconds that each of the dear ones may take."""
    parts = dataset.parts
    split = next((name for name in ("test", "validation") if name in parts), "")
    judged = judge(model, split, parts[split]) if split else None
    measured = importance(model, parts, budget)
    return {
        "judged": judged,
        "importance": measured,
        "importance_later": measured is None and can_be_measured(model, parts),
        "exhibits": exhibits(model, parts[split], judged, budget) if judged else None,
        "filters": filters(model),
    }


def _config(folder: RunFolder, notes: list[str]) -> str:
    try:
        text = folder.config.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        notes.append(f"{folder.config}: can not be read: {error.strerror or error}")
        return ""
    return text if len(text) <= MOST_CONFIG else f"{text[:MOST_CONFIG]}…"


def _experiment(folder: RunFolder, notes: list[str]) -> Experiment | None:
    try:
        return read_experiment(folder)
    except NNTrainError as error:
        notes.append(_first_line(error))
        return None


def _model(folder: RunFolder, notes: list[str]) -> Model | None:
    if not folder.model.exists():
        notes.append("there is no model yet, so no predictions are shown")
        return None
    try:
        return read_model(folder.model)
    except NNTrainError as error:
        notes.append(_first_line(error))
        return None


def _dataset(
    folder: RunFolder, model: Model | None, experiment: Experiment | None, notes: list[str]
) -> Dataset | None:
    settings = model.experiment if model else experiment
    if settings is None:
        return None
    try:
        return reload_dataset(folder, settings, model.preprocessor if model else None)
    except NNTrainError as error:
        notes.append(f"{_first_line(error)}: what needs the rows is left out")
        return None


def _first_line(error: NNTrainError) -> str:
    return str(error).partition("\n")[0]


def _columns(known: Preprocessor) -> list[Column]:
    """What a model knows of the columns that it was trained on."""
    targets = [
        Column(name, "target", -1, part.note) for part in known.each_target for name in part.names
    ]
    ids = [Column(name, "id", -1) for name in known.id_columns]
    kinds = {"Scaled": "numeric", "OneHot": "categorical", "Grid": "grid", "Series": "series"}
    features = [
        Column(feature.name, kinds[type(feature).__name__], -1, feature.note)  # type: ignore[arg-type]
        for feature in known.feature_columns
        if type(feature).__name__ in kinds
    ]
    return [*targets, *ids, *features]
