"""The run folder: names of its files, where new ones go, which one is meant."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from nntrain.errors import ConfigError, MachineError
from nntrain.run.archive import aside, flush_folder, make_folder, write_whole
from nntrain.run.lock import is_locked, locked

RUNS = Path("runs")
FOLDERS = (("plugins", "*.py*"), ("tensorboard", "events.out.tfevents.*"))
"""Folders that a run may make in its own, and what it puts there."""
_MEMBER = re.compile(r"(fold|seed)-\d+")
FINISHED = ("completed", "early_stopped", "gate_failed")


class RunFolder:
    """The files of one run."""

    def __init__(self, path: Path):
        self.path = path
        self.config = path / "config.yaml"
        self.resolved = path / "config.resolved.yaml"
        self.manifest = path / "manifest.json"
        self.metrics_csv = path / "metrics.csv"
        self.metrics_jsonl = path / "metrics.jsonl"
        self.layers_csv = path / "layers.csv"
        self.log = path / "train.log"
        self.model = path / "model.safetensors"
        self.checkpoint = path / "checkpoint.safetensors"
        self.previous = path / "checkpoint.previous.safetensors"
        self.summary = path / "summary.json"
        self.predictions = path / "predictions.csv"
        self.report = path / "report.html"
        self.lock = path / ".lock"

    @property
    def plugins(self) -> Path:
        """The folder with a copy of each plugin."""
        return self.path / "plugins"

    @property
    def tensorboard(self) -> Path:
        """The folder with TensorBoard's event files."""
        return self.path / "tensorboard"

    def files(self) -> list[Path]:
        """All that a run may leave, with what a kill leaves of a file that was being written."""
        files = [value for value in vars(self).values() if value != self.path]
        return [*files, *map(aside, files)]

    def inner_files(self) -> list[Path]:
        """What a run has left in folders of its own."""
        return [file for name, pattern in FOLDERS for file in (self.path / name).glob(pattern)]

    def remove(self) -> None:
        """Remove all that a run has left here, and nothing else; the lock stays."""
        for file in (self.manifest, *self.files(), *self.inner_files()):  # half a run is no run
            if file != self.lock:
                file.unlink(missing_ok=True)
        for name, _ in FOLDERS:
            if (self.path / name).is_dir():
                (self.path / name).rmdir()

    def foreign(self) -> list[str]:
        """What is here and no run has written."""
        own = {*self.files(), *self.inner_files()}
        folders = [self.path / name for name, _ in FOLDERS]
        here = [file for file in self.path.iterdir() if file not in folders or not file.is_dir()]
        inside = [file for folder in folders if folder.is_dir() for file in folder.iterdir()]
        odd = (file for file in (*here, *inside) if file not in own)
        return sorted(file.relative_to(self.path).as_posix() for file in odd)

    def keep_plugins(self, texts: Mapping[str, bytes]) -> None:
        """Copies of plugins, so that this run can be used once the originals have changed."""
        if texts:
            make_folder(self.plugins)
        for name, text in texts.items():
            write_whole(self.plugins / name, text)

    def read_json(self, file: Path) -> Any:
        """What a JSON file of this folder says; `MachineError` if it is not there or not JSON."""
        try:
            found = json.loads(file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise MachineError(f"{file}: there is no such file, so this is no run folder") from None
        except (OSError, ValueError, RecursionError) as error:
            raise MachineError(f"{file}: can not be read: {error}") from None
        if not isinstance(found, dict):
            raise MachineError(f"{file}: the file is damaged: it is no JSON object")
        return found

    def write_json(self, file: Path, value: Any) -> None:
        write_whole(file, json.dumps(value, indent=2, allow_nan=False).encode() + b"\n")

    @property
    def has_checkpoint(self) -> bool:
        return self.checkpoint.exists() or self.previous.exists()

    def status(self) -> str:
        """The `status` of summary.json; empty while nothing has ended the run."""
        if not self.summary.exists():
            return ""
        return str(self.read_json(self.summary).get("status", ""))

    def created(self) -> str:
        """When the run began, as text that sorts by time; also of a run that is damaged."""
        try:
            return str(self.read_json(self.manifest)["created"])
        except (MachineError, KeyError):
            when = datetime.fromtimestamp(self.manifest.stat().st_mtime, UTC)
            return when.isoformat(timespec="microseconds")


def create(name: str, asked: Path | None, *, overwrite: bool, below: Path = RUNS) -> RunFolder:
    """A new, empty run folder: `asked`, or the next free number below `runs/<name>/`."""
    try:
        return _exactly(asked, overwrite) if asked else _next_free(below / name)
    except OSError as error:
        where = asked or below / name
        raise MachineError(f"{where}: can not be created: {error.strerror or error}") from None


def _exactly(path: Path, overwrite: bool) -> RunFolder:
    folder = RunFolder(path)
    check_free(path, overwrite=overwrite)
    make_folder(path)
    with locked(folder.lock):
        folder.remove()
        for inner in map(RunFolder, _inner(path)):
            inner.remove()
            inner.lock.unlink(missing_ok=True)
            inner.path.rmdir()
    return folder


def _inner(path: Path) -> list[Path]:
    """The folders of trials in a folder of several, whatever state they are in."""
    return sorted(
        inner for inner in path.iterdir() if inner.is_dir() and _MEMBER.fullmatch(inner.name)
    )


def members(folder: RunFolder) -> list[Path]:
    """Where a folder is that of several trials (`fit --k-fold`): their folders."""
    if not folder.manifest.exists():
        return []
    names = folder.read_json(folder.manifest).get("members")
    if not isinstance(names, list) or not all(
        isinstance(name, str) and _MEMBER.fullmatch(name) for name in names
    ):
        return []
    return [folder.path / name for name in names]


def check_free(path: Path, *, overwrite: bool) -> None:
    """Refuse an output folder with something in it, unless it is a run to be overwritten."""
    if path.exists() and not path.is_dir():
        raise ConfigError(f"--output-dir: {path} is a file, expected a folder")
    if not path.is_dir() or not any(path.iterdir()):
        return
    folder = RunFolder(path)
    foreign = folder.foreign()
    if not foreign and not folder.manifest.exists() and not folder.has_checkpoint:
        return  # stopped before its first step
    if not overwrite:
        raise ConfigError(
            f"--output-dir: {path} is not empty",
            hint=f"go on with that run: `nntrain fit --resume {path}`; replace it: "
            "`--overwrite`; keep it: another --output-dir, or none",
        )
    inner = _inner(path)
    foreign = [name for name in foreign if path / name not in inner]
    foreign += [f"{one.name}/{name}" for one in inner for name in RunFolder(one).foreign()]
    if foreign:
        raise ConfigError(
            f"--overwrite: {path} holds files that no run wrote, such as {foreign[0]}",
            hint="move them away, or choose another --output-dir",
        )


def _next_free(parent: Path) -> RunFolder:
    make_folder(parent)
    numbers = [int(path.name) for path in parent.iterdir() if path.name.isdigit()]
    number = max(numbers, default=0) + 1
    while True:
        try:
            path = parent / f"{number:03d}"
            path.mkdir()
        except FileExistsError:  # another process took it just now
            number += 1
        else:
            flush_folder(parent)
            return RunFolder(path)


def _all() -> Iterator[RunFolder]:
    for manifest in RUNS.glob("*/*/manifest.json"):
        yield RunFolder(manifest.parent)


def newest(meant: Callable[[RunFolder], bool], what: str) -> RunFolder:
    """The run below `runs/` that began last among those `meant`."""
    found = sorted((folder for folder in _all() if meant(folder)), key=RunFolder.created)
    if not found:
        raise ConfigError(f"no {what} below {RUNS}/", hint="name one, or run `nntrain fit`")
    return found[-1]


def resumable(asked: str) -> RunFolder:
    """The run that `--resume` means: a folder, or `last` for the newest unfinished one."""
    if asked == "last":
        return newest(
            lambda folder: (
                folder.status() not in (*FINISHED, "diverged") and not is_locked(folder.lock)
            ),
            "unfinished run",
        )
    folder = RunFolder(Path(asked))
    if not folder.manifest.exists():
        raise ConfigError(
            f"--resume: {asked} is no run folder (it has no manifest.json)",
            hint="a run folder, or `last` for the newest unfinished run; one that was stopped "
            "before its first step begins anew: nntrain fit CONFIG -o DIR",
        )
    if folder.read_json(folder.manifest).get("sweep"):
        raise ConfigError(
            f"--resume: {asked} is the folder of a sweep", hint=f"nntrain sweep --resume {asked}"
        )
    return folder
