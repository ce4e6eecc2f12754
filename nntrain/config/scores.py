"""Scores: the metrics of an experiment under the names that logs, gates and people use."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from nntrain.data.settings import Data
from nntrain.families import Loss, Metric, Task

_DEFAULT_METRICS: Mapping[Task, tuple[str, ...]] = {
    "classes": ("accuracy",), "binary": ("accuracy",), "numbers": ("rmse", "r2"),
}  # fmt: skip


class Score(NamedTuple):
    """A number to report besides the loss.

    head: the target column that is measured, where each has a loss of its own; else empty.
    """

    name: str
    metric: Metric
    head: str = ""


def scores(data: Data, loss: Loss, metrics: tuple[Metric, ...] | None) -> tuple[Score, ...]:
    """All scores in order; of several heads each metric measures those whose task it can score."""
    used, goal = metrics or default_metrics(loss), loss.goal
    if not isinstance(goal, Mapping):
        return tuple(Score(metric.name, metric) for metric in used)
    return tuple(
        Score(f"{head}_{metric.name}", metric, head)
        for head in data.targets
        for metric in used
        if head in goal and metric.can_score(goal[head])
    )


def default_metrics(loss: Loss) -> tuple[Metric, ...]:
    """The metrics that are usual for what `loss` learns."""
    names = dict.fromkeys(name for task in tasks(loss) for name in _DEFAULT_METRICS.get(task, ()))
    return tuple(Metric.kinds[name]() for name in names)  # type: ignore[misc]


def tasks(loss: Loss) -> tuple[Task, ...]:
    """What `loss` learns: one task, or that of each head."""
    return tuple(loss.goal.values()) if isinstance(loss.goal, Mapping) else (loss.task,)


def sign(monitor: str, data: Data, loss: Loss, metrics: tuple[Metric, ...] | None) -> float:
    """What makes a score (`validation_accuracy`) one that is better when smaller."""
    better_high = {s.name for s in scores(data, loss, metrics) if s.metric.higher_is_better}
    return -1.0 if monitor.partition("_")[2] in better_high else 1.0
