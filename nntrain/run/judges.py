"""Scores that a training goes by need rows to be measured on; only the data tells what there is."""

from __future__ import annotations

from nntrain.config import Loaded
from nntrain.config.tree import KeyPath
from nntrain.data.dataset import Dataset
from nntrain.errors import ConfigError
from nntrain.schedules import Plateau
from nntrain.wording import quoted


def check_judges(loaded: Loaded, dataset: Dataset) -> None:
    """Refuse scores of parts without rows, such as a column of parts may leave."""
    experiment = loaded.experiment
    names: dict[KeyPath, str] = {("expect", name): name for name in experiment.expect}
    if experiment.early_stopping:
        names["early_stopping", "monitor"] = experiment.early_stopping.monitor
    if isinstance(experiment.lr_schedule, Plateau) and experiment.lr_schedule.monitor:
        names["lr_schedule", "monitor"] = experiment.lr_schedule.monitor
    for path, name in names.items():
        part = name.partition("_")[0]
        if part not in dataset.parts:
            message = f"{quoted(name)} needs {part} rows, and the split leaves none"
            hint = f"see `data.split` (by: {experiment.data.split.by})"
            raise ConfigError(loaded.problem(path, message, hint))
