"""Rules between keys that each are right by themselves; none of them reads data.

A rule is a function whose parameters are named after the sections that it looks at; it runs when
those are sound, and yields what it finds.
"""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from nntrain.config import spellings
from nntrain.config.experiment import EarlyStopping, Model
from nntrain.config.hints import did_you_mean
from nntrain.config.tree import KeyPath, Node, place_of
from nntrain.data.settings import Data, Split
from nntrain.errors import Problem
from nntrain.families import Layer, Loss, Metric
from nntrain.wording import listed, nearest, quoted

SPLITS = ("train", "validation", "test")
_DEFAULT_METRICS = {"classes": ("accuracy",), "binary": ("accuracy",), "numbers": ("rmse", "r2")}
_CONDITION = re.compile(
    r"\s*(>=|<=|>|<)\s*([-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?)\s*"
)
_LOGITS = {"classes": "softmax", "binary": "sigmoid"}
_RANGES = {
    "relu": "never below 0",
    "sigmoid": "from 0 to 1",
    "softmax": "from 0 to 1",
    "tanh": "from -1 to 1",
}


class Finding(NamedTuple):
    """What a rule says about the value at `path`, or about its key."""

    path: KeyPath
    message: str
    hint: str = ""
    about_key: bool = False


Findings = Iterator[Finding]


def check(sections: Mapping[str, Any], root: Node) -> list[Problem]:
    """The problems that all rules find in these sections."""
    problems = []
    for rule in RULES:
        wanted = inspect.signature(rule).parameters
        if wanted.keys() <= sections.keys():
            for found in rule(**{name: sections[name] for name in wanted}):
                place = place_of(root, found.path, key=found.about_key)
                problems.append(place.problem(found.path, found.message, found.hint))
    return problems


def default_metrics(loss: Loss) -> tuple[Metric, ...]:
    """The scores that are usual for what `loss` learns."""
    return tuple(Metric.kinds[name]() for name in _DEFAULT_METRICS[loss.task])  # type: ignore[misc]


def run_name(name: str) -> Findings:
    if name and (bad := unusable(name)):
        yield Finding(
            ("name",), f"the name becomes a folder, so {bad}", "use letters, digits, `-` and `_`"
        )


def unusable(name: str) -> str:
    """Why `name` can not name a folder, or nothing."""
    if odd := re.search(r'[/\\:*?"<>|\x00-\x1f\x7f]', name):
        return f"it can not have {quoted(odd[0])} in it"
    if name[0] in ".-~" or name != name.strip():
        return "it can not begin with `.`, `-` or `~`, nor begin or end with a space"
    return "it can have 100 characters at most" if len(name) > 100 else ""


def metrics_score_the_task(loss: Loss, metrics: tuple[Metric, ...] | None) -> Findings:
    for i, metric in enumerate(metrics or ()):
        if loss.task not in metric.tasks:
            fitting = [name for name, kind in Metric.kinds.items() if loss.task in kind.tasks]  # type: ignore[attr-defined]
            message = f"`{metric.kind}` can not score {_task(loss)}, which `{loss.kind}` learns"
            yield Finding(("metrics", i), message, f"metrics that can: {listed(fitting)}")


def _task(loss: Loss) -> str:
    return {"classes": "classes", "binary": "two classes", "numbers": "numbers"}[loss.task]


def metrics_once(metrics: tuple[Metric, ...] | None) -> Findings:
    yield from _twice(("metrics",), [metric.kind for metric in metrics or ()])


def _twice(path: KeyPath, names: Sequence[str]) -> Findings:
    for i, name in enumerate(names):
        if name in names[:i]:
            yield Finding((*path, i), f"{quoted(name)} stands in this list twice")


def monitor(
    data: Data, loss: Loss, metrics: tuple[Metric, ...] | None, early_stopping: EarlyStopping | None
) -> Findings:
    if early_stopping is None:
        return
    path, name = ("early_stopping", "monitor"), early_stopping.monitor
    scores = ["train_loss", "validation_loss"]
    scores += [f"validation_{score}" for score in _scores(loss, metrics)[1:]]
    if name not in scores:
        hint = _score_hint(name, scores, "monitor one of")
        yield Finding(path, f"there is no score {quoted(name)} to monitor", hint)
    elif name.startswith("validation_") and data.split.validation == 0:
        message = f"`{name}` needs validation rows, but `data.split.validation` is 0"
        yield Finding(path, message, "set `data.split.validation: 0.15`, or monitor `train_loss`")


def _scores(loss: Loss, metrics: tuple[Metric, ...] | None) -> list[str]:
    used = metrics or default_metrics(loss)
    return ["loss", *dict.fromkeys(metric.kind for metric in used)]


def _score_hint(name: str, scores: Sequence[str], fallback: str) -> str:
    """Our name of a score that another tool calls `name`."""
    if whole := [score for score in scores if score.partition("_")[2] == name]:
        return f"did you mean {' or '.join(map(quoted, whole))}?"
    split, _, metric = name.partition("_")
    split = spellings.ours(split, spellings.SCORES) or split
    metric = spellings.ours(metric, spellings.KINDS["metric"]) or metric
    if f"{split}_{metric}" not in scores and metric in Metric.kinds and split in SPLITS:
        return f"add `{metric}` to `metrics`, or use one of {listed(scores)}"
    if split not in SPLITS:
        return did_you_mean(f"{split}_{metric}", scores, fallback)
    known = [score.partition("_")[2] for score in scores if score.startswith(f"{split}_")]
    near = [metric] if metric in known else nearest(metric, known)
    return did_you_mean(f"{split}_{near[0]}" if near else "", scores, fallback)


def gates(
    data: Data, loss: Loss, metrics: tuple[Metric, ...] | None, expect: Mapping[str, str]
) -> Findings:
    scores = [f"{split}_{score}" for split in SPLITS for score in _scores(loss, metrics)]
    for name, condition in expect.items():
        path, split = ("expect", name), name.partition("_")[0]
        if name not in scores:
            hint = _score_hint(name, scores, "the scores are")
            yield Finding(path, "there is no such score", hint, about_key=True)
        elif split == "test" and data.test_path is not None:
            pass
        elif split != "train" and getattr(data.split, split) == 0:
            message = f"needs {split} rows, but `data.split.{split}` is 0"
            yield Finding(path, message, f"set `data.split.{split}: 0.15`", about_key=True)
        if not _is_condition(condition):
            message = f"expected `>=`, `<=`, `>` or `<` and a number, got {quoted(condition)}"
            yield Finding(path, message, 'write it like ">= 0.95"')


def _is_condition(text: str) -> bool:
    match = _CONDITION.fullmatch(text)
    return bool(match) and math.isfinite(float(match[2]))  # type: ignore[index]


def split_leaves_rows(data: Data) -> Findings:
    split: Split = data.split
    if sum(size for size in (split.validation, split.test) if size < 1) >= 1:
        parts = f"validation {split.validation:g} and test {split.test:g}"
        message = f"{parts} leave no rows to train on"
        yield Finding(("data", "split"), message, "their sum must be below 1")


def test_rows_once(data: Data) -> Findings:
    if data.test_path is not None and data.split.test:
        message = "the test has the rows of `data.test_path` already"
        yield Finding(("data", "split", "test"), message, "leave one of the two out")


def labels_of_one_file(data: Data) -> Findings:
    if data.test_path is not None and getattr(data.format, "labels", None):
        message = "`labels` names the labels of one file, and with `data.test_path` there are two"
        hint = "leave it out: `…-labels-idx1-ubyte` beside `…-images-idx3-ubyte` is found by itself"
        yield Finding(("data", "format", "labels"), message, hint)


def windows_foretell(data: Data) -> Findings:
    if not data.window:
        return
    if not data.targets:
        message = "a window needs a target: the columns that it foretells"
        yield Finding(("data", "window"), message, "add `data.target: COLUMN`")
    if data.split.by == "random":
        message = "windows overlap, so rows drawn at random would be in training and test at once"
        yield Finding(("data", "split", "by"), message, "leave it out, or write `by: time`")


def columns_once(data: Data) -> Findings:
    lists = {"target": data.targets, "id": data.ids}
    for name, columns in lists.items():
        if not columns and getattr(data, name) is not None:
            yield Finding(("data", name), "expected at least one column, got an empty list")
        yield from _twice(("data", name), columns)
    yield from _twice(("data", "features", "include"), data.features.include or ())
    yield from _twice(("data", "features", "exclude"), data.features.exclude)
    if data.features.include == ():
        message = "expected at least one column, got an empty list"
        yield Finding(("data", "features", "include"), message, "leave it out to use all columns")


def columns_have_one_role(data: Data) -> Findings:
    """A column is a target, an id, a feature, or left out: the later listing is the mistake."""
    roles = {"the target": data.targets, "an id": data.ids}
    places: list[tuple[KeyPath, tuple[str, ...]]] = [
        (("data", "id"), data.ids),
        (("data", "features", "include"), data.features.include or ()),
    ]
    places.append((("data", "features", "exclude"), data.features.exclude))
    for path, columns in places:
        for i, column in enumerate(columns):
            role = next((role for role, names in roles.items() if column in names), "")
            if not role or (path == ("data", "id") and role == "an id"):
                continue
            at = path if isinstance(data.id, str) and path == ("data", "id") else (*path, i)
            hint = "" if path[-1] == "id" else "targets and ids are never features"
            yield Finding(at, f"{quoted(column)} is {role} already", hint)
    for i, column in enumerate(data.features.exclude):
        if column in (data.features.include or ()):
            message = f"{quoted(column)} stands in `include` too"
            yield Finding(("data", "features", "exclude", i), message)


def ids_are_not_names_of_predictions(data: Data) -> Findings:
    for i, column in enumerate(data.ids):
        if column == "prediction" or column.startswith(("prediction_", "probability_")):
            at: KeyPath = ("data", "id") if isinstance(data.id, str) else ("data", "id", i)
            message = f"{quoted(column)} is the name of a column that `predict` writes"
            yield Finding(at, message, "give the id column another name")


def ignored_columns(data: Data) -> Findings:
    for column, kind in data.columns.items():
        if kind == "ignore" and column in (*data.targets, *data.ids):
            role = "the target" if column in data.targets else "an id"
            yield Finding(
                ("data", "columns", column), f"{quoted(column)} is {role}, it can not be ignored"
            )


def layers_end_well(model: Model) -> Findings:
    if not model.layers:
        message = "expected at least one layer, got an empty list"
        yield Finding(
            ("model", "layers"), message, "the smallest is `- {type: dense, units: auto}`"
        )
    elif model.layers[-1].kind == "dropout":
        message = "dropout after the last layer would erase predictions"
        yield Finding(("model", "layers", len(model.layers) - 1), message, "end with a dense layer")


def auto_units_last(model: Model) -> Findings:
    sized = [i for i, layer in enumerate(model.layers) if hasattr(layer, "units")]
    for i in sized[:-1]:
        if getattr(model.layers[i], "units", None) == "auto":
            message = "only the last layer with units can take them from the target"
            hint = "write a number, such as `units: 64`"
            yield Finding(("model", "layers", i, "units"), message, hint)


def _ending(layers: Sequence[Layer]) -> tuple[KeyPath, str]:
    """The last activation that changes the output, and where it was written."""
    for i in reversed(range(len(layers))):
        activation = getattr(layers[i], "activation", None)
        if activation is not None and activation.kind != "identity":
            return ("model", "layers", i, "activation"), activation.kind
        if hasattr(layers[i], "units"):
            break
    return (), ""


def raw_scores_for_cross_entropy(model: Model, loss: Loss) -> Findings:
    path, activation = _ending(model.layers)
    if not activation or loss.task not in _LOGITS:
        return
    own = _LOGITS[loss.task]
    if activation in (own, "softmax", "sigmoid"):
        message = f"`{loss.kind}` takes raw scores and applies {own} itself; here it comes twice"
        message = (
            message if activation == own else f"`{loss.kind}` takes raw scores, not {activation}"
        )
        hint = "leave the activation out; predictions are probabilities all the same"
    else:
        message = f"`{loss.kind}` takes raw scores of any size; `{activation}` cuts them off"
        hint = "leave the last activation out"
    yield Finding(path, message, hint)


def one_output_for_two_classes(model: Model, loss: Loss) -> Findings:
    if loss.kind != "binary_cross_entropy":
        return
    sized = [i for i, layer in enumerate(model.layers) if hasattr(layer, "units")]
    units = getattr(model.layers[sized[-1]], "units", None) if sized else None
    if units not in (None, 1, "auto"):
        message = f"`binary_cross_entropy` learns one score, the last layer gives {units}"
        hint = "write `units: auto`; for more than two classes, `loss: cross_entropy`"
        yield Finding(("model", "layers", sized[-1], "units"), message, hint)


def outputs_reach_the_targets(data: Data, model: Model, loss: Loss) -> Findings:
    path, activation = _ending(model.layers)
    scaled = data.preprocessing.target.scale == "standard" and data.targets
    if loss.task == "numbers" and scaled and activation in _RANGES:
        reach = _RANGES[activation]
        message = (
            f"`{activation}` gives numbers {reach}, but targets are scaled to mean 0, deviation 1"
        )
        hint = "leave it out, or set `data.preprocessing.target.scale: none`"
        yield Finding(path, message, hint)


def target_for_the_loss(data: Data, loss: Loss) -> Findings:
    if not data.targets and data.target is None and loss.task != "numbers":
        message = f"`{loss.kind}` needs a target; without one the network learns its own input"
        hint = "add `data.target: COLUMN`, or use `mean_squared_error`"
        yield Finding(("loss",), message, hint)
    elif len(data.targets) > 1 and loss.task != "numbers":
        message = f"`{loss.kind}` learns one target, got {len(data.targets)}"
        yield Finding(("data", "target"), message, "name one column")


def metadata_is_finite(metadata: Mapping[str, Any]) -> Findings:
    for path, value in _leaves(metadata, ("metadata",)):
        if isinstance(value, float) and not math.isfinite(value):
            yield Finding(path, f"expected a finite number, got {value}", f'quote it: "{value}"')


def _leaves(value: Any, path: KeyPath) -> Iterator[tuple[KeyPath, Any]]:
    if isinstance(value, (Mapping, list, tuple)):
        items = value.items() if isinstance(value, Mapping) else enumerate(value)
        for key, item in items:
            yield from _leaves(item, (*path, key))
    else:
        yield path, value


def nesterov_needs_momentum(optimizer: Any) -> Findings:
    if getattr(optimizer, "nesterov", False) and not getattr(optimizer, "momentum", 0.0):
        message = "`nesterov` does nothing without momentum"
        yield Finding(("optimizer", "nesterov"), message, "add `momentum: 0.9`")


RULES: tuple[Callable[..., Findings], ...] = (
    run_name, metrics_score_the_task, metrics_once, monitor, gates, split_leaves_rows,
    test_rows_once, labels_of_one_file, windows_foretell,
    columns_once, columns_have_one_role, ids_are_not_names_of_predictions,
    ignored_columns, layers_end_well, auto_units_last,
    raw_scores_for_cross_entropy, one_output_for_two_classes, outputs_reach_the_targets,
    target_for_the_loss, metadata_is_finite, nesterov_needs_momentum,
)  # fmt: skip
