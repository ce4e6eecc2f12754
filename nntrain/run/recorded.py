"""Recorded: what a run folder tells of its run, without opening the model.

The folders below `runs/` may be of any age, half written or damaged: one of them must not hide the
others, so what can not be read is an empty value and a sentence in `damage`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import field
from pathlib import Path
from typing import Any

from nntrain.data.files import sha256
from nntrain.errors import ConfigError, MachineError
from nntrain.run.folder import RUNS, RunFolder, newest
from nntrain.run.lock import is_locked
from nntrain.values import dataclass

SPLITS = ("train", "validation", "test")


@dataclass(frozen=True)
class Recorded:
    """A run as its folder tells it.

    manifest, summary: what these files say, empty where they are not there or damaged.
    damage: sentences about files that can not be read.
    """

    folder: RunFolder
    manifest: Mapping[str, Any]
    summary: Mapping[str, Any]
    damage: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, folder: RunFolder) -> Recorded:
        damage: list[str] = []
        read = [_mapping(folder, file, damage) for file in (folder.manifest, folder.summary)]
        return cls(folder, read[0], read[1], damage)

    @property
    def status(self) -> str:
        """That of the summary, or `running`, `unfinished`, `damaged`."""
        if is_locked(self.folder.lock):
            return "running"
        if self.damage:
            return "damaged"
        return _text(self.summary.get("status")) or "unfinished"

    @property
    def created(self) -> str:
        return _text(self.manifest.get("created"))

    @property
    def epochs(self) -> int:
        """Epochs that are over; of a run that has not ended, the rows of its metrics.csv."""
        found = self.summary.get("epochs")
        if type(found) is int:
            return found
        try:
            return max(0, self.folder.metrics_csv.read_bytes().count(b"\n") - 1)
        except OSError:
            return 0

    @property
    def best_epoch(self) -> int:
        found = self.summary.get("best_epoch")
        return found if type(found) is int else 0

    @property
    def metrics(self) -> dict[str, float | None]:
        """Scores by `<split>_<metric>`; None where a score is not a number."""
        found = self.summary.get("metrics")
        if not isinstance(found, dict):
            return {}
        return {str(name): _number(value) for name, value in found.items()}

    @property
    def baselines(self) -> dict[str, Any]:
        """What simpler models score, as `training/baselines.py` writes it; empty if damaged."""
        found = self.summary.get("baselines")
        if not isinstance(found, dict) or not isinstance(found.get("scores"), dict):
            return {}
        scores = {
            str(name): {str(metric): _number(value) for metric, value in own.items()}
            for name, own in found["scores"].items()
            if isinstance(own, dict)
        }
        notes = found.get("notes")
        return {
            "split": _text(found.get("split")),
            "metric": _text(found.get("metric")),
            "network": _number(found.get("network")),
            "scores": scores,
            "no_worse": _text(found.get("no_worse")) or None,
            "notes": [_text(note) for note in notes] if isinstance(notes, list) else [],
        }

    def to_plain(self) -> dict[str, Any]:
        """A line of `runs list` in JSON types."""
        return {
            "run": str(self.folder.path),
            "status": self.status,
            "created": self.created or None,
            "epochs": self.epochs,
            "best_epoch": self.best_epoch,
            "metrics": self.metrics,
            "baselines": self.baselines,
            "seconds": _number(self.summary.get("seconds")),
            "damage": self.damage,
        }

    def files(self) -> dict[str, dict[str, Any]]:
        """Size and SHA-256 of each file in the folder."""
        found = {}
        for file in self.folder.files():
            if file.is_file() and file != self.folder.lock:
                try:
                    found[file.name] = {"bytes": file.stat().st_size, "sha256": sha256(file)}
                except OSError as error:
                    raise MachineError(f"{file}: can not be read: {error.strerror}") from None
        return found


def everything() -> list[Recorded]:
    """All runs below `runs/`, the newest last."""
    found = [Recorded.of(RunFolder(path.parent)) for path in RUNS.glob("*/*/manifest.json")]
    return sorted(found, key=lambda run: (run.created, str(run.folder.path)))


def named(asked: str) -> Recorded:
    """The run whose folder is `asked`; left out, the newest."""
    if not asked:
        return Recorded.of(newest(lambda run: True, "run"))
    path = Path(asked)
    if path.is_file():
        raise ConfigError(f"{path} is a file, expected a run folder", hint=f"such as {path.parent}")
    if not path.is_dir():
        raise ConfigError(f"there is no run {asked}", hint="`nntrain runs` shows all runs")
    folder = RunFolder(path)
    if not folder.manifest.exists():
        raise ConfigError(f"{path} is no run folder (it has no manifest.json)")
    return Recorded.of(folder)


def _mapping(folder: RunFolder, file: Path, damage: list[str]) -> Mapping[str, Any]:
    if not file.exists():
        return {}
    try:
        found: Mapping[str, Any] = folder.read_json(file)
    except MachineError as error:
        damage.append(str(error))
        return {}
    return found


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _number(value: Any) -> float | None:
    return value if type(value) in (int, float) and math.isfinite(value) else None
