"""Trials: several trainings of one config, each a run in a folder of its own below one for all."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from nntrain.config import Loaded, load, resolved, used_by
from nntrain.data.dataset import Dataset
from nntrain.data.settings import Fold
from nntrain.errors import MachineError
from nntrain.run.archive import damaged, write_whole
from nntrain.run.earlier import check_data, require_plugins
from nntrain.run.folder import RunFolder, create
from nntrain.run.manifest import manifest, manifest_of, read_manifest
from nntrain.run.processes import Processes, check_deterministic
from nntrain.values import dataclass

Kind = Literal["folds", "seeds"]


@dataclass(frozen=True)
class Trials:
    """The folder of all, and what each of them is made of.

    threads: as `--threads` asked, None: as many as pay, which the first trial finds.
    kind: they hold out other rows, or begin with another seed.
    """

    folder: RunFolder
    loaded: Loaded
    kind: Kind
    count: int
    threads: int | None

    @classmethod
    def start(
        cls,
        loaded: Loaded,
        kind: Kind,
        count: int,
        dataset: Dataset,
        output_dir: Path | None = None,
        *,
        overwrite: bool = False,
        threads: int | None = 1,
    ) -> Trials:
        """Makes the folder; dataset: that of the first trial."""
        experiment = loaded.experiment
        check_deterministic(experiment, threads)
        folder = create(experiment.name, output_dir, overwrite=overwrite)
        trials = cls(folder, loaded, kind, count, threads)
        write_whole(folder.config, loaded.text.encode())
        write_whole(folder.resolved, resolved(experiment).encode())
        facts = manifest(dataset, experiment.seed, Processes(threads or 1, threads))
        del facts["data"]["rows"]  # each trial has its own
        facts |= manifest_of(used_by(experiment))
        facts |= {"config": str(loaded.path.absolute()), "members": trials.names, kind: count}
        folder.write_json(folder.manifest, facts)
        return trials

    @classmethod
    def resume(cls, folder: RunFolder) -> Trials:
        """Those of an earlier process, over the same data."""
        facts = read_manifest(folder)
        kind: Kind = "folds" if "folds" in facts else "seeds"
        path, count = facts.get("config"), facts.get(kind)
        if not isinstance(path, str) or type(count) is not int or count < 2:
            raise damaged(folder.manifest, "it does not say which trainings belong to it")
        require_plugins(folder)
        check_data(folder)
        loaded = load_for(kind, count, folder.resolved)
        text = folder.config.read_text(encoding="utf-8")
        threads = facts["threads"] if facts["workers"] else None
        return cls(folder, replace(loaded, path=Path(path), text=text), kind, count, threads)

    @property
    def names(self) -> list[str]:
        """Of the folders: `fold-1`, or `seed-7`."""
        first = 1 if self.kind == "folds" else self.loaded.experiment.seed
        return [f"{self.kind[:-1]}-{number}" for number in range(first, first + self.count)]

    def folder_of(self, number: int) -> RunFolder:
        """The folder of a trial, by its number from 0."""
        return RunFolder(self.folder.path / self.names[number])

    def loaded_of(self, number: int) -> Loaded:
        return one_of(self.loaded, self.kind, self.count, number)

    def summary(self, status: str, ended: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
        """What summary.json says: of each trial its own, of all the means of every score.

        Deviations are those of a sample, √(Σ (x - mean)² / (n - 1)).
        """
        found = [dict(summary) for summary in ended]
        whole = len(found) == self.count and all(summary["metrics"] for summary in found)
        names = found[0]["metrics"] if whole else ()
        scores = {name: [summary["metrics"].get(name) for summary in found] for name in names}
        means = {name: _mean(values) for name, values in scores.items()}
        predictions = self.folder.predictions
        return {
            "run": str(self.folder.path),
            "status": status,
            "epochs": sum(summary["epochs"] for summary in found),
            "best_epoch": 0,
            "metrics": means,
            "deviations": {
                name: _deviation(values, means[name]) for name, values in scores.items()
            },
            "seconds": round(sum(summary["seconds"] for summary in found), 3),
            "predictions": str(predictions) if predictions.exists() else None,
            self.kind: found,
        }


def load_for(
    kind: Kind, count: int, path: Path, sets: Iterable[str] = (), *, trusted: bool = False
) -> Loaded:
    """A config that is to be trained several times; refuses one that has no folds.

    trusted: see `config.load`.
    """
    if kind == "seeds":
        return load(path, sets, trusted=trusted).alone
    folds = f"data.split.k_fold={{folds: {count}, fold: 1}}"
    loaded = load(path, [*sets, folds], trusted=trusted).alone
    data = loaded.experiment.data
    whole = replace(data, split=replace(data.split, k_fold=None))
    return replace(loaded, experiment=replace(loaded.experiment, data=whole))


def one_of(loaded: Loaded, kind: Kind, count: int, number: int) -> Loaded:
    """What a trial is made of, by its number from 0; gates are judged on the means alone."""
    experiment = replace(loaded.experiment, expect={})
    if kind == "seeds":
        experiment = replace(experiment, seed=experiment.seed + number)
    else:
        split = replace(experiment.data.split, k_fold=Fold(count, number + 1))
        experiment = replace(experiment, data=replace(experiment.data, split=split))
    return replace(loaded, experiment=experiment)


def _mean(values: list[float | None]) -> float | None:
    """None where a trial has no such score."""
    known = [value for value in values if value is not None]
    return math.fsum(known) / len(known) if known and len(known) == len(values) else None


def _deviation(values: list[float | None], mean: float | None) -> float | None:
    if mean is None or len(values) < 2:
        return None
    squares = math.fsum((value - mean) ** 2 for value in values if value is not None)
    return math.sqrt(squares / (len(values) - 1))


def summary_of(folder: RunFolder) -> dict[str, Any]:
    """What a trial that has ended says of itself; a MachineError where that is no summary."""
    found: dict[str, Any] = folder.read_json(folder.summary)
    numbers = [found.get(key) for key in ("epochs", "best_epoch", "seconds")]
    if not all(type(n) in (int, float) for n in numbers) or not isinstance(
        found.get("metrics"), dict
    ):
        raise MachineError(f"{folder.summary}: the file is damaged: it has no scores")
    return found
