"""Checkpoint: the newest state of a run on the disk, and the one before it.

A damaged file never stops a run as long as the other one is whole.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from nntrain.errors import MachineError
from nntrain.families import Array
from nntrain.run.archive import damaged, read_archive, write_archive
from nntrain.run.folder import RunFolder
from nntrain.run.history import History
from nntrain.run.progress import Progress
from nntrain.values import dataclass

HISTORY = "history"
ORDER = "as built"  # how weights follow each other in the vectors


@dataclass(frozen=True)
class State:
    """What a checkpoint holds.

    good: where the training stood at the end of its last good epoch, with `on_divergence`.
    in_order: whether weights follow each other as today.
    """

    vectors: Mapping[str, Array]
    progress: Progress
    good: Progress | None
    config: Any
    in_order: bool = True


def write_state(folder: RunFolder, state: State, data_sha256: str, *, keep: bool) -> None:
    """Write the newest checkpoint; with `keep`, the one that was there becomes the previous."""
    arrays = {**state.vectors, HISTORY: state.progress.history.table()}
    if state.good:
        arrays[f"good.{HISTORY}"] = state.good.history.table()
    facts = {
        "progress": state.progress.to_plain(),
        "good": state.good and state.good.to_plain(),
        "columns": state.progress.history.names or (state.good or state.progress).history.names,
        "data_sha256": data_sha256,
        "config": state.config,
        "order": ORDER,
    }
    previous = folder.previous if keep else None
    write_archive(folder.checkpoint, "checkpoint", arrays, facts, keep=previous)


def read_newest(
    folder: RunFolder, vectors: Mapping[str, Array], columns: Collection[str]
) -> tuple[State | None, str]:
    """The newest state that is whole, and why it is not the newest one, if so.

    vectors, columns: those that a state and its history must have.  None where the run has no
    checkpoint.
    """
    files = [file for file in (folder.checkpoint, folder.previous) if file.exists()]
    wrong: list[MachineError] = []
    for file in files:
        try:
            state = _read(file, vectors, columns)
        except MachineError as error:
            wrong.append(error)
        else:
            return state, str(wrong[0]) if wrong else ""
    if wrong:
        raise wrong[0]
    return None, ""


def _read(path: Path, vectors: Mapping[str, Array], columns: Collection[str]) -> State:
    arrays, facts = read_archive(path, "checkpoint")
    for name, vector in vectors.items():
        found = arrays.get(name)
        if found is None or (found.shape, found.dtype) != (vector.shape, vector.dtype):
            raise damaged(path, f"`{name}` does not fit the config of this run")
    try:
        good = facts.get("good") and _progress(facts["good"], f"good.{HISTORY}", arrays, facts)
        progress = _progress(facts["progress"], HISTORY, arrays, facts)
        for each in filter(None, (progress, good)):
            if len(each.history) and set(each.history.names) != set(columns):
                raise ValueError("an epoch has other columns than this run")
        in_order = facts.get("order") == ORDER
        return State(arrays, progress, good, facts["config"], in_order)
    except (OverflowError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise damaged(path, f"its progress can not be read ({error})") from None


def _progress(plain: Any, name: str, arrays: Mapping[str, Array], facts: Any) -> Progress:
    """Where a training stood: its facts, and the array with its history."""
    if "history" in plain:  # the first checkpoints had it among the facts
        rows = [{key: float(cell) for key, cell in row.items()} for row in plain["history"]]
        return Progress.from_plain({k: plain[k] for k in plain if k != "history"}, History(rows))
    history = History.from_table(facts["columns"], arrays[name])
    return Progress.from_plain(plain, history)
