"""Stages: a run whose config is another from a step on, as `fit --resume RUN --set` makes it.

The manifest has them, so that the run can be trained again as it was.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from nntrain.run.archive import damaged
from nntrain.run.changes import Change
from nntrain.run.folder import RunFolder
from nntrain.run.progress import Progress

KEY = "stages"


class Stage(NamedTuple):
    """What changed after `step` updates: keys with the values before and from there on.

    epoch, batch: the epochs that were over by then, and the updates of the one under way.
    """

    step: int
    epoch: int
    batch: int
    old: dict[str, Any]
    new: dict[str, Any]


def with_stage(
    facts: Mapping[str, Any], progress: Progress, changes: list[Change]
) -> dict[str, Any]:
    """The manifest with one more stage; those that began later are not part of the run any more."""
    old, new = {c.key: c.old for c in changes}, {c.key: c.new for c in changes}
    stage = Stage(progress.step, progress.epoch, progress.batch, old, new)
    before = [s for s in facts.get(KEY, []) if s["step"] < progress.step]
    return {**facts, KEY: [*before, stage._asdict()]}


def read_stages(folder: RunFolder, facts: Mapping[str, Any]) -> list[Stage]:
    """The stages of a run, in order; a `MachineError` where the manifest does not tell them."""
    try:
        found = [Stage(**stage) for stage in facts.get(KEY, [])]
        if not all(
            type(s.step) is type(s.epoch) is type(s.batch) is int and s.old.keys() == s.new.keys()
            for s in found
        ):
            raise ValueError
    except (TypeError, ValueError, AttributeError):
        raise damaged(folder.manifest, f"its `{KEY}` can not be read") from None
    return found


def settings(values: Mapping[str, Any]) -> list[str]:
    """Values by key as `--set` takes them."""
    return [f"{key}={json.dumps(value)}" for key, value in values.items()]


def at_the_start(stages: list[Stage]) -> list[str]:
    """What the config had at the first step and has no more."""
    return settings({key: old for stage in reversed(stages) for key, old in stage.old.items()})
