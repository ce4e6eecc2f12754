"""Verify: train a run again from the start, and compare what comes out, to the bit."""

from __future__ import annotations

import csv
import io
import shlex
import tempfile
from collections.abc import Generator, Iterator
from itertools import zip_longest
from pathlib import Path
from typing import Any

import numpy as np

import nntrain
from nntrain.config import load
from nntrain.data.files import sha256
from nntrain.errors import ConfigError, DivergedError, GateError, MachineError
from nntrain.events import Ended, Event
from nntrain.run.archive import read_archive
from nntrain.run.differences import Difference, between
from nntrain.run.earlier import reload_dataset, require_plugins
from nntrain.run.folder import FINISHED, RunFolder, members
from nntrain.run.manifest import WENT_ON, bits_depend_on, read_manifest
from nntrain.run.processes import Processes
from nntrain.run.recorded import Recorded
from nntrain.run.run import Run
from nntrain.run.stages import Stage, at_the_start, read_stages, settings
from nntrain.run.trained import Trained, open_run
from nntrain.team import everyone
from nntrain.training.fit import Stop, fit
from nntrain.values import dataclass

COMPARED = ("model.safetensors", "metrics.csv")


@dataclass(frozen=True)
class Verified:
    """How a run compares with itself, trained again.

    sha256: of each compared file, as it was and as it is now.
    first: the first place in metrics.csv that differs: the epoch, the column, both values.
    weights: the largest difference of each array that differs; None where that is no number.
    surroundings: what the bits depend on and is another now.
    """

    sha256: dict[str, tuple[str, str]]
    first: dict[str, Any] | None
    weights: dict[str, float | None]
    surroundings: list[Difference]

    @property
    def equal(self) -> bool:
        return all(was == now for was, now in self.sha256.values())

    def to_plain(self) -> dict[str, Any]:
        return {
            "equal": self.equal,
            "sha256": {name: {"a": was, "b": now} for name, (was, now) in self.sha256.items()},
            "first_difference": self.first,
            "weights": self.weights,
            "surroundings": [difference.to_plain() for difference in self.surroundings],
        }


def surroundings(run: Recorded) -> list[Difference]:
    """What the bits of a run depend on and is another in this process, or was on the run's way.

    The number of ranks is not one of these: with another one `verify` does not begin.
    """
    facts = read_manifest(run.folder)
    now = {"nntrain": nntrain.__version__, **bits_depend_on(Processes.of(facts))}
    now |= {"ranks": facts["ranks"]}
    on_its_way = facts.get(WENT_ON) or {}
    then = {key: facts.get(key) for key in now} | {WENT_ON: {k: facts.get(k) for k in on_its_way}}
    return between(then, now | {WENT_ON: on_its_way})


def verify(run: Recorded, stop: Stop = str) -> Generator[Event, None, Verified | None]:
    """Train again in a temporary folder, with the config, data, seed and threads of the run.

    Yields the events of the training; returns nothing where `stop` ended it.
    """
    _check_finished(run)
    require_plugins(run.folder)
    facts, changed = read_manifest(run.folder), surroundings(run)
    _check_ranks(run.folder, facts["ranks"])
    stages = read_stages(run.folder, facts)
    loaded = load(run.folder.resolved, [*at_the_start(stages), "trainer.tensorboard=false"])
    dataset = reload_dataset(run.folder, loaded.experiment)
    source = _first_weights(run)
    with tempfile.TemporaryDirectory(prefix="nntrain-verify-") as place:
        again = Run.start(
            loaded,
            dataset,
            Path(place),
            threads=facts["threads"],
            workers=facts["workers"],
            warm_start=source,
        )
        try:
            for stage in stages:
                yield from _until(again, stage, stop)
                if again.progress.step < stage.step:
                    return None
                again = Run.resume(again.folder, settings(stage.new))
            yield from fit(again, stop)
        except DivergedError as error:
            raise GateError(f"{run.folder.path}: trained again, it diverged: {error}") from None
        if again.folder.status() not in FINISHED:
            return None
        return _compared(run.folder, again.folder, changed)


def _until(run: Run, stage: Stage, stop: Stop) -> Iterator[Event]:
    """Train up to where a stage begins, or until `stop` ends it."""

    def over() -> str:
        return stop() or ("interrupted" if run.progress.step == stage.step else "")

    events = fit(run, over) if stage.batch else fit(run, stop, last_epoch=stage.epoch)
    return (event for event in events if not isinstance(event, Ended))


def _check_finished(run: Recorded) -> None:
    path = run.folder.path
    if run.damage:
        raise MachineError(run.damage[0])
    if run.status not in FINISHED:
        raise ConfigError(
            f"{path} was not trained to its end ({run.status}): there is nothing to compare with",
            hint=f"train it to its end: nntrain fit --resume {path}",
        )
    if inner := members(run.folder):
        hint = f"name one of them: {inner[0]} … {inner[-1].name}"
        raise ConfigError(f"{path} holds {len(inner)} trainings", hint=hint)
    for name in COMPARED:
        if not (path / name).is_file():
            raise MachineError(f"{path / name}: there is no such file")
    read_archive(run.folder.model, "model")  # before all the work


def _check_ranks(folder: RunFolder, ranks: int) -> None:
    here = everyone().size
    if here != ranks:
        command = shlex.join(["nntrain", "runs", "verify", str(folder.path)])
        raise ConfigError(
            f"{folder.path} was trained by {_processes(ranks)}, this is {_processes(here)}: "
            "the last digits depend on their number",
            hint=f"mpiexec -n {ranks} {command}" if ranks > 1 else f"without mpiexec: {command}",
        )


def _processes(ranks: int) -> str:
    return f"{ranks} ranks" if ranks > 1 else "one process"


def _first_weights(run: Recorded) -> Trained | None:
    """The trained network that a run began with, if its file is still the same."""
    known = run.manifest.get("warm_start")
    if not known:
        return None
    path = Path(str(known["path"])) if isinstance(known, dict) and "path" in known else Path()
    if not path.is_file() or sha256(path) != known.get("sha256"):
        raise ConfigError(
            f"{run.folder.path} began with the weights in {path}, which is not that file any more",
            hint="put it back: without it the run can not be trained again from the start",
        )
    return open_run(str(path))


def _compared(old: RunFolder, new: RunFolder, changed: list[Difference]) -> Verified:
    hashes = {name: (sha256(old.path / name), sha256(new.path / name)) for name in COMPARED}
    first, weights = None, dict[str, float | None]()
    if len(set(hashes["metrics.csv"])) > 1:
        first = _first_difference(old.metrics_csv, new.metrics_csv)
    if len(set(hashes["model.safetensors"])) > 1:
        weights = _other_weights(old.model, new.model)
    return Verified(hashes, first, weights, changed)


def _first_difference(old: Path, new: Path) -> dict[str, Any] | None:
    """Where two metrics.csv part: the epoch, the column, both cells (None where there is none)."""
    tables = [
        list(csv.reader(io.StringIO(file.read_text("utf-8", "replace")))) for file in (old, new)
    ]
    names = tables[0][0] if tables[0] else []
    for number, rows in enumerate(zip_longest(*tables, fillvalue=())):
        for column, (a, b) in enumerate(zip_longest(*rows)):
            if a != b:
                name = names[column] if column < len(names) else None
                return {"epoch": number, "column": name, "a": a, "b": b}
    return None  # line ends, say


def _other_weights(old: Path, new: Path) -> dict[str, float | None]:
    """The largest difference of each array that is another; an empty mapping: only facts are."""
    was, now = (read_archive(path, "model")[0] for path in (old, new))
    found: dict[str, float | None] = {}
    for name in sorted({**was, **now}):
        a, b = was.get(name), now.get(name)
        if a is None or b is None or a.shape != b.shape:
            found[name] = None
        elif a.tobytes() != b.tobytes():
            largest = float(np.abs(a - b).max())
            found[name] = largest if np.isfinite(largest) else None
    return found
