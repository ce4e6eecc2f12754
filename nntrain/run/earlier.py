"""What an earlier run was made of: its config, and its rows, if they are the same still."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from nntrain.config import Experiment, load, parse, plain_of, require
from nntrain.data.dataset import Dataset
from nntrain.data.files import sha256
from nntrain.data.preprocessing import Preprocessor
from nntrain.errors import DataError, MachineError
from nntrain.families import to_plain
from nntrain.run.archive import damaged
from nntrain.run.folder import RunFolder
from nntrain.run.manifest import read_manifest


def read_experiment(folder: RunFolder, sets: Iterable[str] = ()) -> Experiment:
    """The experiment of an earlier run, with `sets` (`a.b=value`) on top."""
    if sets:
        return load(folder.resolved, sets).experiment
    return parse(_resolved(folder), str(folder.resolved))


def read_plain(folder: RunFolder) -> Any:
    """What its config says, whatever kinds it names."""
    return to_plain(plain_of(_resolved(folder), str(folder.resolved)))


def _resolved(folder: RunFolder) -> str:
    try:
        return folder.resolved.read_text(encoding="utf-8")
    except OSError as error:
        raise MachineError(f"{folder.resolved}: can not be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise damaged(folder.resolved, "it is no text") from None


def require_plugins(folder: RunFolder) -> None:
    """Refuse a run whose plugins were not named on the command line: a folder runs no code."""
    facts = folder.read_json(folder.manifest).get("plugins", [])
    try:
        require(facts, f"{folder.path}: this run")
    except ValueError as error:
        raise damaged(folder.manifest, str(error)) from None


def check_data(folder: RunFolder) -> dict[str, Any]:
    """What the manifest says of the data of a run; refuses files that have changed since."""
    facts: dict[str, Any] = read_manifest(folder)["data"]
    one = {} if isinstance(facts["path"], list) else {facts["path"]: facts["sha256"]}
    for path, known in {**one, **facts.get("others", {})}.items():
        _check_unchanged(Path(path), known)
    return facts


def reload_dataset(
    folder: RunFolder, experiment: Experiment, preprocessor: Preprocessor | None = None
) -> Dataset:
    """The rows that a run was trained on, found by the manifest and checked by their SHA-256."""
    facts = check_data(folder)
    return Dataset.load(
        experiment.data,
        facts["path"],
        experiment.loss.goal,
        experiment.seed,
        preprocessor,
        facts.get("test_path"),
        facts.get("validation_path"),
    )


def _check_unchanged(path: Path, known: str) -> None:
    if not path.exists():
        raise DataError(
            "the data of this run is not there any more",
            file=path,
            hint="put it back, or give other data with --data (eval)",
        )
    if sha256(path) != known:
        raise DataError(
            "the data has changed since this run began",
            file=path,
            hint="put the old file back, begin a new run, or use --data (eval)",
        )
