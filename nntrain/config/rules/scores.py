"""Metrics, and the names of scores where one is monitored or expected."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from nntrain.config import spellings
from nntrain.config.experiment import EarlyStopping
from nntrain.config.hints import did_you_mean
from nntrain.config.rules.finding import TASKS, Finding, Findings, twice
from nntrain.config.scores import scores, tasks
from nntrain.config.tree import KeyPath
from nntrain.data.settings import Data
from nntrain.families import Loss, Metric, Schedule
from nntrain.schedules import Plateau
from nntrain.wording import listed, nearest, quoted

SPLITS = ("train", "validation", "test")
_CONDITION = re.compile(
    r"\s*(>=|<=|>|<)\s*([-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?)\s*"
)


def metrics_score_the_task(loss: Loss, metrics: tuple[Metric, ...] | None) -> Findings:
    learned = {*tasks(loss)}
    for i, metric in enumerate(metrics or ()):
        if any(metric.can_score(task) for task in learned):
            continue
        if metric.tasks & learned:
            message = f"`{metric.kind}` scores one class: which one?"
            hint = f"write `{{type: {metric.kind}, positive: CLASS}}`, or `{metric.kind}_macro`"
            yield Finding(("metrics", i), message, f"{hint} for all of them")
            continue
        kinds: Iterable[tuple[str, Any]] = Metric.kinds.items()
        fitting = [name for name, kind in kinds if kind.tasks & learned]
        what = " or ".join(dict.fromkeys(TASKS[task] for task in tasks(loss)))
        message = f"`{metric.kind}` can not score {what}, which `{loss.kind}` learns"
        yield Finding(("metrics", i), message, f"metrics that can: {listed(fitting, most=12)}")


def metrics_once(metrics: tuple[Metric, ...] | None) -> Findings:
    yield from twice(("metrics",), [metric.name for metric in metrics or ()])


def classes_of_one_target(data: Data, metrics: tuple[Metric, ...] | None) -> Findings:
    for i, metric in enumerate(metrics or ()):
        if getattr(metric, "positive", None) is not None and len(data.targets) > 1:
            message = "with several targets it is not clear which one has this class"
            hint = f"leave it out, or use `{metric.kind}_macro`"
            yield Finding(("metrics", i, "positive"), message, hint)


def monitor(
    data: Data, loss: Loss, metrics: tuple[Metric, ...] | None, early_stopping: EarlyStopping | None
) -> Findings:
    if early_stopping is not None:
        path = ("early_stopping", "monitor")
        yield from monitored(path, early_stopping.monitor, data, loss, metrics)


def monitor_of_plateau(
    data: Data, loss: Loss, metrics: tuple[Metric, ...] | None, lr_schedule: Schedule
) -> Findings:
    if isinstance(lr_schedule, Plateau) and lr_schedule.monitor is not None:
        path = ("lr_schedule", "monitor")
        yield from monitored(path, lr_schedule.monitor, data, loss, metrics)


def monitored(
    path: KeyPath, name: str, data: Data, loss: Loss, metrics: tuple[Metric, ...] | None
) -> Findings:
    """A score that is known by this name at the end of each epoch."""
    known = ["train_loss", "validation_loss"]
    known += [f"validation_{score}" for score in _scores(data, loss, metrics)[1:]]
    if name not in known:
        hint = _score_hint(name, known, "monitor one of")
        yield Finding(path, f"there is no score {quoted(name)} to monitor", hint)
    elif name.startswith("validation_") and not _has_rows("validation", data):
        message = f"`{name}` needs validation rows, but `data.split.validation` is 0"
        yield Finding(path, message, "set `data.split.validation: 0.15`, or monitor `train_loss`")


def gates(
    data: Data, loss: Loss, metrics: tuple[Metric, ...] | None, expect: Mapping[str, str]
) -> Findings:
    known = [f"{split}_{score}" for split in SPLITS for score in _scores(data, loss, metrics)]
    for name, condition in expect.items():
        path, split = ("expect", name), name.partition("_")[0]
        if name not in known:
            hint = _score_hint(name, known, "the scores are")
            yield Finding(path, "there is no such score", hint, about_key=True)
        elif not _has_rows(split, data):
            message = f"needs {split} rows, but `data.split.{split}` is 0"
            yield Finding(path, message, f"set `data.split.{split}: 0.15`", about_key=True)
        if not _is_condition(condition):
            message = f"expected `>=`, `<=`, `>` or `<` and a number, got {quoted(condition)}"
            yield Finding(path, message, 'write it like ">= 0.95"')


def _has_rows(part: str, data: Data) -> bool:
    """Whether the config keeps rows for a part."""
    if part == "train" or (part == "test" and data.split.k_fold):
        return True
    return getattr(data, f"{part}_path") is not None or getattr(data.split, part) > 0


def _is_condition(text: str) -> bool:
    match = _CONDITION.fullmatch(text)
    return bool(match) and math.isfinite(float(match[2]))  # type: ignore[index]


def _scores(data: Data, loss: Loss, metrics: tuple[Metric, ...] | None) -> list[str]:
    return ["loss", *dict.fromkeys(score.name for score in scores(data, loss, metrics))]


def _score_hint(name: str, known: Sequence[str], fallback: str) -> str:
    """Our name of a score that another tool calls `name`."""
    if whole := [score for score in known if score.partition("_")[2] == name]:
        return f"did you mean {' or '.join(map(quoted, whole))}?"
    split, _, metric = name.partition("_")
    split = spellings.ours(split, spellings.SCORES) or split
    metric = spellings.ours(metric, spellings.KINDS["metric"]) or metric
    if own := [score for score in known if _is_another(score, split, metric)]:
        return f"did you mean {' or '.join(map(quoted, own))}?"
    if f"{split}_{metric}" not in known and metric in Metric.kinds and split in SPLITS:
        return f"add `{metric}` to `metrics`, or use one of {listed(known)}"
    if split not in SPLITS:
        return did_you_mean(f"{split}_{metric}", known, fallback)
    names = [score.partition("_")[2] for score in known if score.startswith(f"{split}_")]
    near = [metric] if metric in names else nearest(metric, names)
    return did_you_mean(f"{split}_{near[0]}" if near else "", known, fallback)


def _is_another(score: str, split: str, metric: str) -> bool:
    """Is it the `metric` of one class or of one target, as in `validation_species_accuracy`?"""
    inside = score.removeprefix(f"{split}_")
    another = inside.startswith(f"{metric}_") or inside.endswith(f"_{metric}")
    return metric in Metric.kinds and inside != score and another
