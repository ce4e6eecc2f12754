"""Changes: what of a config may be another when a run goes on, and what differs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

from nntrain.config import Experiment
from nntrain.errors import ConfigError
from nntrain.families import to_plain

MAY_DIFFER = (
    "trainer.max_epochs",
    "trainer.checkpoint_seconds",
    "trainer.checkpoint_steps",
    "trainer.tensorboard",
    "early_stopping.patience",
    "expect",
    "metadata",
)
"""What no step depends on, apart from schedules that count on `max_epochs`."""
LONGEST = 40


class Change(NamedTuple):
    """The value at a key, before and now."""

    key: str
    old: Any
    new: Any

    def __str__(self) -> str:
        return f"{self.key}: {_shown(self.old)} -> {_shown(self.new)}"

    @property
    def allowed(self) -> bool:
        return any(self.key == key or self.key.startswith(f"{key}.") for key in MAY_DIFFER)


def changes(old: Any, new: Any) -> list[Change]:
    """Every key whose value differs in two configs that are plain values."""
    return list(_differences("", old, new))


def check_allowed(found: list[Change], where: str) -> None:
    """Refuse changes that would make another run of it."""
    refused = [change for change in found if not change.allowed]
    if refused:
        lines = "".join(f"\n  {change}" for change in refused)
        raise ConfigError(
            f"{where}: going on would be another run{lines}",
            hint=f"may differ: {', '.join(MAY_DIFFER)}; to begin a new run from the weights "
            "of this one: nntrain fit CONFIG --warm-start RUN",
        )


def explained(
    found: list[Change], experiment: Experiment, old_epochs: int, steps: int
) -> list[str]:
    """Sentences about the changes; steps: in an epoch."""
    notes = [f"changed: {change}" for change in found]
    schedule, epochs = experiment.lr_schedule, experiment.trainer.max_epochs
    totals = old_epochs * steps, epochs * steps
    some = range(0, min(totals), max(1, min(totals) // 50))
    if any(schedule(s, totals[0], steps) != schedule(s, totals[1], steps) for s in some):
        notes.append(
            f"the learning rate follows `{schedule.kind}` over {epochs} epochs from here on, so "
            f"the end is not that of a run that had {epochs} from its beginning"
        )
    return notes


def plain_config(experiment: Experiment) -> Any:
    """A config as JSON would have it."""
    return json.loads(json.dumps(to_plain(experiment)))


def _differences(key: str, old: Any, new: Any) -> Iterator[Change]:
    if isinstance(old, dict) and isinstance(new, dict) and old.get("type") == new.get("type"):
        for name in dict.fromkeys((*old, *new)):
            yield from _differences(f"{key}.{name}" if key else name, old.get(name), new.get(name))
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for i, pair in enumerate(zip(old, new, strict=True)):
            yield from _differences(f"{key}.{i}", *pair)
    elif old != new:
        yield Change(key, old, new)


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
