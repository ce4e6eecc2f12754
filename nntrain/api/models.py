"""A trained network, as Python programs use it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from nntrain.api.rows import Rows, as_table
from nntrain.config import load_plugins
from nntrain.data.dataset import part_of
from nntrain.data.features import Scaled
from nntrain.data.ranks import Ranked
from nntrain.data.report import Report
from nntrain.data.several import Several
from nntrain.data.targets import Classes
from nntrain.errors import ConfigError
from nntrain.families import Array
from nntrain.run.model import Model
from nntrain.run.trained import open_run
from nntrain.training.evaluate import chosen_class
from nntrain.training.evaluate import evaluate as measure
from nntrain.training.evaluate import predict as shown_for


class TrainedModel:
    """What `load_model` gives: rows as they are in a table in, classes and numbers out.

    classes: the classes of a single target, in the order of the columns of `predict_proba`; none
        where it is an amount.
    targets: the columns that it has learned.  inputs: those that it needs.
    """

    def __init__(self, model: Model):
        self._model = model
        known = model.preprocessor
        self.classes, self.targets = known.classes, known.targets
        self.inputs = tuple(feature.name for feature in known.feature_columns)

    def predict(self, rows: Rows) -> Array | dict[str, Array]:
        """The class of each row, (N,) text, or the amounts, (N,) or (N, K) float64.

        Of several targets an array for each, by name.  Raises `DataError` for rows that the model
        can not take.
        """
        shown, known = self._shown(rows), self._model.preprocessor
        target = known.target_columns
        if isinstance(target, Several):
            return {
                part.names[0]: _labels(part, shown[:, place.outputs])
                if isinstance(part, Classes)
                else shown[:, place.outputs][:, 0]
                for part, place in target.places()
            }
        if isinstance(target, Classes):
            return _labels(target, shown)
        return shown[:, 0] if shown.shape[1:] == (1,) else shown

    def predict_proba(self, rows: Rows) -> Array:
        """The probability of each class, (N, C), in the order of `classes`."""
        if not self.classes:
            raise ConfigError("predict_proba: the target is no single one of classes")
        shown = self._shown(rows)
        return np.hstack([1.0 - shown, shown]) if shown.shape[1] == 1 else shown

    def evaluate(self, rows: Rows) -> dict[str, float]:
        """Loss and metrics of rows whose targets are known, by name."""
        table = as_table(rows, self._numeric)
        return measure(self._model, part_of(table, self._model.preprocessor, Report()))

    @property
    def _numeric(self) -> set[str]:
        columns = self._model.preprocessor.feature_columns
        return {column.name for column in columns if isinstance(column, Scaled | Ranked)}

    def _shown(self, rows: Rows) -> Array:
        known = self._model.preprocessor
        if known.window or known.tokens:
            raise ConfigError(
                "predict: this network takes windows of rows in order",
                hint="use the command: nntrain predict RUN INPUT",
            )
        table = as_table(rows, self._numeric)
        return shown_for(self._model, known.features(table), known.lengths(table))


def _labels(target: Classes, shown: Array) -> Array:
    labels: Array = np.array(target.classes, dtype=object)[chosen_class(shown)]
    return labels


def load_model(path: str | Path, plugins: Iterable[str | Path] = ()) -> TrainedModel:
    """The network of a run folder or a model file.

    plugins: Python files with the kinds that it needs; they are run.
    Raises `ConfigError` where there is no run, `MachineError` where the file is damaged.
    """
    load_plugins(plugins)
    return TrainedModel(open_run(str(path)).model)
