"""The sweep: values and ranges that make sense, keys that may be tried, scores that compare."""

from __future__ import annotations

from nntrain.config.experiment import EarlyStopping
from nntrain.config.rules.finding import Finding, Findings
from nntrain.config.rules.scores import monitored
from nntrain.config.sweep import Axis, Sweep, noted, values_of
from nntrain.config.tree import KeyPath
from nntrain.data.settings import Data
from nntrain.families import Loss, Metric
from nntrain.wording import quoted

FIXED = {
    "name": "it names the folder",
    "seed": "the best of several seeds is luck; `fit --seeds 5` shows how much of it there is",
    "sweep": "a sweep does not change itself",
    "metrics": "they judge the trials",
    "expect": "gates do not change what is trained",
    "metadata": "it is never read",
    "data.path": "the scores of different rows can not be compared",
    "data.validation_path": "the scores of different rows can not be compared",
    "data.test_path": "the scores of different rows can not be compared",
    "data.split": "the scores of different rows can not be compared",
    "data.target": "the scores of different targets can not be compared",
}
LOSSES = ("loss", "data.preprocessing.target")  # what changes the meaning of a loss


def space_has_keys(sweep: Sweep | None) -> Findings:
    if sweep and not sweep.space:
        message = "expected at least one key"
        yield Finding(("sweep", "space"), message, "such as `optimizer.learning_rate: [0.01, 0.1]`")


def keys_may_change(sweep: Sweep | None) -> Findings:
    for key in sweep.space if sweep else ():
        for fixed, why in FIXED.items():
            if _inside(key, fixed):
                yield Finding(("sweep", "space", key), f"this can not be tried: {why}", "", True)


def axes_are_whole(sweep: Sweep | None) -> Findings:
    for key, axis in sweep.space.items() if sweep else ():
        path: KeyPath = ("sweep", "space", key)
        if isinstance(axis, Axis) and axis.values is None:
            yield from _range(path, axis)
            continue
        given = [noted(value) for value in values_of(axis)]
        inner = (*path, "values") if isinstance(axis, Axis) else path
        if not given:
            yield Finding(inner, "expected at least one value, got an empty list")
        for i, value in enumerate(given):
            if value in given[:i]:
                yield Finding((*inner, i), "this value stands in the list already")
        if isinstance(axis, Axis):
            yield from _only_values(path, axis)


def _range(path: KeyPath, axis: Axis) -> Findings:
    low, high, step = axis.min, axis.max, axis.step
    if low is None or high is None:
        message = "expected `values`, or `min` and `max`"
        yield Finding(path, message, "such as [16, 32, 64], or {min: 0.001, max: 0.1, log: true}")
    elif low >= high:
        yield Finding((*path, "max"), f"expected more than `min`, which is {low:g}")
    elif axis.log and low <= 0:
        yield Finding((*path, "min"), f"expected more than 0 for `log`, got {low:g}")
    elif axis.log and step is not None:
        message = "even steps and `log` do not go together"
        yield Finding((*path, "step"), message, "leave one of the two out, or list the values")
    elif step is not None and step > high - low:
        yield Finding((*path, "step"), f"expected at most `max` - `min`, {high - low:g}")


def _only_values(path: KeyPath, axis: Axis) -> Findings:
    for name, value in (("min", axis.min), ("max", axis.max), ("step", axis.step)):
        if value is not None:
            yield Finding((*path, name), f"`{name}` does nothing beside `values`")
    if axis.log:
        yield Finding((*path, "log"), "`log` does nothing beside `values`")


def epochs_are_for_halving(sweep: Sweep | None) -> Findings:
    if sweep and sweep.pruner == "none" and sweep.min_epochs is not None:
        path = ("sweep", "min_epochs")
        yield Finding(path, "without a pruner no trial is ended", "add `pruner: halving`")


def monitor_of_sweep(
    data: Data,
    loss: Loss,
    metrics: tuple[Metric, ...] | None,
    early_stopping: EarlyStopping | None,
    sweep: Sweep,
) -> Findings:
    """For `nntrain sweep` alone: the trials have a score, and it can judge them."""
    path: KeyPath = ("sweep", "monitor")
    name = sweep.judge(early_stopping.monitor if early_stopping else None)
    if sweep.monitor or early_stopping is None:
        yield from monitored(path if sweep.monitor else ("sweep",), name, data, loss, metrics)
    changing = [key for key in sweep.space if any(_inside(key, other) for other in LOSSES)]
    if changing and name.endswith("_loss"):
        message = f"{quoted(changing[0])} changes what a loss means, so `{name}` can not judge it"
        hint = "monitor a metric, such as `monitor: validation_accuracy`"
        yield Finding(path if sweep.monitor else ("sweep",), message, hint)


def _inside(key: str, other: str) -> bool:
    return key == other or key.startswith(f"{other}.")
