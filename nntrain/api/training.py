"""Training from Python: the same config, the same run folder, and the events as they come."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from nntrain.api.rows import NAME, Rows, as_table
from nntrain.config import Loaded, load, of_plain
from nntrain.data.dataset import Dataset
from nntrain.events import Event
from nntrain.run.prepare import check_rows, prepared
from nntrain.run.run import Run
from nntrain.training.fit import Stop
from nntrain.training.fit import fit as train


def load_config(config: str | Path | Mapping[str, Any], sets: Iterable[str] = ()) -> Loaded:
    """A config, from a YAML file or as mappings, lists and scalars; `sets` (`a.b=value`) on top.

    Paths in mappings are relative to the working directory.  The files in `plugins` are run.
    Raises `ConfigError` with all mistakes at once.
    """
    if isinstance(config, Mapping):
        return of_plain(config, sets)
    return load(config, sets, trusted=True)


def fit(
    config: Loaded | Run | str | Path | Mapping[str, Any],
    rows: Rows | None = None,
    *,
    output_dir: str | Path | None = None,
    overwrite: bool = False,
    stop: Stop = str,
) -> Iterator[Event]:
    """Train; yields what happens, `Began`, `EpochEnded`, `Saved`, …, and `Ended` with the summary.

    config: of a new run, or a `Run` that is to go on.
    rows: to learn from, in place of the file that the config names: a mapping from names of
        columns to their cells, a list of mappings, or a data frame.
    output_dir: the run folder; by default runs/<name>/001, 002, … below the working directory.
    stop: asked after each step; a word, such as `interrupted`, ends the training with it.

    Raises `DataError` for the rows, `DivergedError` for a training that does not get on, and
    `MachineError` for the disk; what was saved by then stays.
    """
    if isinstance(config, Run):
        yield from train(config, stop)
        return
    loaded = config if isinstance(config, Loaded) else load_config(config)
    if rows is None:
        dataset = prepared(loaded)
    else:
        experiment = loaded.experiment
        table, goal = as_table(rows), experiment.loss.goal
        dataset = Dataset.from_table(table, experiment.data, goal, experiment.seed)
        dataset = replace(dataset, path=NAME)
        check_rows(loaded, dataset)
    folder = None if output_dir is None else Path(output_dir)
    yield from train(Run.start(loaded, dataset, folder, overwrite=overwrite), stop)
