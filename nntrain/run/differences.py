"""Differences between two runs: in their configs, data, surroundings and results."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nntrain.data.files import sha256
from nntrain.families import to_plain
from nntrain.run.earlier import read_experiment, read_plain
from nntrain.run.recorded import Recorded
from nntrain.values import dataclass

TIMES = ("run", "seconds", "samples_per_second")  # of a summary: no two runs have these in common
ABSENT = object()


@dataclass(frozen=True)
class Difference:
    """A key path, and what stands there in either run; `ABSENT` where there is nothing."""

    key: str
    a: Any
    b: Any

    def to_plain(self) -> dict[str, Any]:
        """What is absent is left out, since null is a value."""
        sides = {"a": self.a, "b": self.b}
        return {"key": self.key, **{s: v for s, v in sides.items() if v is not ABSENT}}


def differences(a: Recorded, b: Recorded) -> dict[str, list[Difference]]:
    """What is different, by `config`, `data`, `machine` (versions and threads too), `results`."""
    return {
        "config": between(config_of(a), config_of(b)),
        "data": between(a.manifest.get("data"), b.manifest.get("data")),
        "machine": between(_surroundings(a), _surroundings(b)),
        "results": between(_results(a), _results(b)),
    }


def between(a: Any, b: Any) -> list[Difference]:
    """The key paths at which two trees of JSON types have other values."""
    left, right = flat(a), flat(b)
    found = ((key, left.get(key, ABSENT), right.get(key, ABSENT)) for key in {**left, **right})
    return [
        Difference(*row) for row in found if type(row[1]) is not type(row[2]) or row[1] != row[2]
    ]


def flat(tree: Any, path: str = "") -> dict[str, Any]:
    """The scalars of a tree, and its empty lists and mappings, by their key paths."""
    if isinstance(tree, Mapping):
        items = [(str(key), value) for key, value in tree.items()]
    elif isinstance(tree, list):
        items = [(str(number), value) for number, value in enumerate(tree)]
    else:
        return {path: tree}
    if not items:
        return {path: tree} if path else {}
    found: dict[str, Any] = {}
    for key, value in items:
        found |= flat(value, f"{path}.{key}" if path else key)
    return found


def config_of(run: Recorded) -> Any:
    """What the config of a run says, whatever kinds it names."""
    if run.manifest.get("plugins"):  # whose kinds are not known here
        return read_plain(run.folder)
    return to_plain(read_experiment(run.folder))


def _surroundings(run: Recorded) -> dict[str, Any]:
    left_out = ("created", "data", "seed", "format_version")
    return {key: value for key, value in run.manifest.items() if key not in left_out}


def _results(run: Recorded) -> dict[str, Any]:
    known = {key: value for key, value in run.summary.items() if key not in TIMES}
    compared = {"model": run.folder.model, "metrics": run.folder.metrics_csv}
    hashes = {name: sha256(file) for name, file in compared.items() if file.is_file()}
    return {**known, "status": run.status, "sha256": hashes}
