"""The manifest: what a run's bits depend on, written before the first step."""

from __future__ import annotations

import platform
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

import nntrain
from nntrain.config import Plugin
from nntrain.data.dataset import Dataset
from nntrain.errors import MachineError
from nntrain.run.archive import damaged
from nntrain.run.folder import RunFolder
from nntrain.run.processes import Processes

FORMAT_VERSION = 1
WENT_ON = "went_on_with"  # what the bits depend on and was another from some step on


def manifest(dataset: Dataset, seed: int, shared: Processes) -> dict[str, Any]:
    """Versions, seed, data, BLAS and machine, as plain values."""
    return {
        "format_version": FORMAT_VERSION,
        "nntrain": nntrain.__version__,
        "created": datetime.now(UTC).isoformat(timespec="microseconds"),
        "seed": seed,
        "data": {
            "path": _absolute(dataset.path),
            "sha256": dataset.sha256,
            "bytes": dataset.size,
            "rows": {name: len(part.rows) for name, part in dataset.parts.items()},
            "validation_path": dataset.validation_path and _absolute(dataset.validation_path),
            "test_path": dataset.test_path and _absolute(dataset.test_path),
            "others": {absolute(path): found for path, found in dataset.others.items()},
        },
        **bits_depend_on(shared),
    }


def manifest_of(plugins: Iterable[Plugin]) -> dict[str, Any]:
    """What a manifest says of plugins; nothing where there are none."""
    facts = [{**plugin.facts(), "path": absolute(str(plugin.path))} for plugin in plugins]
    return {"plugins": facts} if facts else {}


def read_manifest(folder: RunFolder) -> dict[str, Any]:
    """The manifest of an earlier run; a `MachineError` if what is needed of it is not there."""
    facts: dict[str, Any] = folder.read_json(folder.manifest)
    version = facts.get("format_version", FORMAT_VERSION)
    if type(version) is int and version > FORMAT_VERSION:
        raise MachineError(
            f"{folder.manifest}: its format version is {version}, this nntrain reads up to "
            f"{FORMAT_VERSION}: a newer nntrain is needed"
        )
    threads, data = facts.get("threads"), facts.get("data")
    if type(threads) is not int or threads < 1:
        raise damaged(folder.manifest, "it has no `threads`")
    ranks = facts.setdefault("ranks", 1)  # manifests of old have neither
    if type(ranks) is not int or ranks < 1:
        raise damaged(folder.manifest, "it does not say how many `ranks` there are")
    workers = facts.setdefault("workers", 1)
    if workers is not None and (type(workers) is not int or not 1 <= workers <= threads):
        raise damaged(folder.manifest, "it does not say how many `workers` there are")
    if not isinstance(data, dict) or not isinstance(data.get("others", {}), dict):
        raise damaged(folder.manifest, "it does not say which data the run is of")
    named = [data.get("path"), *(data.get(key) or "" for key in ("validation_path", "test_path"))]
    needed = [data.get("sha256"), *(n for n in named if not isinstance(n, list))]
    needed += [name for names in named if isinstance(names, list) for name in names]
    if not all(isinstance(text, str) for text in needed):
        raise damaged(folder.manifest, "it does not say which data the run is of")
    return facts


def _absolute(path: str | tuple[str, ...]) -> str | list[str]:
    return absolute(path) if isinstance(path, str) else [absolute(one) for one in path]


def absolute(path: str) -> str:
    return str(Path(path).absolute())


def bits_depend_on(shared: Processes) -> dict[str, Any]:
    """What must be equal for two runs of one config to give the same bytes."""
    return {
        **shared.facts(),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "blas": blas(),
        "machine": {"system": sys.platform, "processor": platform.machine()},
    }


def with_surroundings(facts: dict[str, Any], odd: dict[str, Any], *, begun: bool) -> dict[str, Any]:
    """The manifest of a run that goes on where `odd`, of what bits depend on, is another."""
    if not odd or not begun:  # before its first step it might as well begin here
        return facts | odd
    return facts | {WENT_ON: {**facts.get(WENT_ON, {}), **odd}}


def blas() -> list[dict[str, Any]]:
    """The linear-algebra libraries in this process and the kernels they chose."""
    keys = ("internal_api", "version", "architecture", "threading_layer")
    return [
        {key: library.get(key) for key in keys}
        for library in _libraries().info()
        if library.get("user_api") == "blas"
    ]


def limit_threads(threads: int) -> None:
    """Give the linear algebra this many threads for the rest of the process.

    One is the default: several wait for each other by spinning, and on a busy machine a training
    with two is many times slower than with one.
    """
    _libraries().limit(limits=threads, user_api="blas")


@cache
def _libraries() -> Any:
    """Those that compute here; NumPy's is there from the start.  To look for them takes 1 ms."""
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
