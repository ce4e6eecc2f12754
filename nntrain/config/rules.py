"""Rules between keys that each are right by themselves; none of them reads data.

A rule is a function whose parameters are named after the sections that it looks at; it runs when
those are sound, and yields what it finds.
"""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from nntrain.averaging import Swa
from nntrain.config import spellings
from nntrain.config.experiment import EarlyStopping, Model, Trainer
from nntrain.config.hints import did_you_mean
from nntrain.config.scores import scores, tasks
from nntrain.config.tree import KeyPath, Node, place_of
from nntrain.data.settings import Data, Split
from nntrain.errors import Problem
from nntrain.families import Averaging, Layer, Loss, Metric, Optimizer, Schedule
from nntrain.heads import Heads
from nntrain.initializers import Zeros
from nntrain.layers.chain import nested
from nntrain.layers.graph import Graph
from nntrain.layers.residual import Residual
from nntrain.layers.units import settle_units
from nntrain.layers.wiring import faults, names
from nntrain.losses import WeightedSum
from nntrain.optimizers import Rprop
from nntrain.schedules import Plateau
from nntrain.wording import listed, nearest, plural, quoted

SPLITS = ("train", "validation", "test")
_CONDITION = re.compile(
    r"\s*(>=|<=|>|<)\s*([-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?)\s*"
)
_TASKS = {
    "classes": "classes",
    "binary": "two classes",
    "numbers": "numbers",
    "heads": "several targets",
}
_RANGES = {
    "relu": "never below 0",
    "softplus": "never below 0",
    "log_softmax": "never above 0",
    "sigmoid": "from 0 to 1",
    "hard_sigmoid": "from 0 to 1",
    "softmax": "from 0 to 1",
    "tanh": "from -1 to 1",
    "softsign": "from -1 to 1",
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
        what = " or ".join(dict.fromkeys(_TASKS[task] for task in tasks(loss)))
        message = f"`{metric.kind}` can not score {what}, which `{loss.kind}` learns"
        yield Finding(("metrics", i), message, f"metrics that can: {listed(fitting, most=12)}")


def metrics_once(metrics: tuple[Metric, ...] | None) -> Findings:
    yield from _twice(("metrics",), [metric.name for metric in metrics or ()])


def classes_of_one_target(data: Data, metrics: tuple[Metric, ...] | None) -> Findings:
    for i, metric in enumerate(metrics or ()):
        if getattr(metric, "positive", None) is not None and len(data.targets) > 1:
            message = "with several targets it is not clear which one has this class"
            hint = f"leave it out, or use `{metric.kind}_macro`"
            yield Finding(("metrics", i, "positive"), message, hint)


def _twice(path: KeyPath, names: Sequence[str]) -> Findings:
    for i, name in enumerate(names):
        if name in names[:i]:
            yield Finding((*path, i), f"{quoted(name)} stands in this list twice")


def monitor(
    data: Data, loss: Loss, metrics: tuple[Metric, ...] | None, early_stopping: EarlyStopping | None
) -> Findings:
    if early_stopping is not None:
        path = ("early_stopping", "monitor")
        yield from _monitored(path, early_stopping.monitor, data, loss, metrics)


def monitor_of_plateau(
    data: Data, loss: Loss, metrics: tuple[Metric, ...] | None, lr_schedule: Schedule
) -> Findings:
    if isinstance(lr_schedule, Plateau) and lr_schedule.monitor is not None:
        path = ("lr_schedule", "monitor")
        yield from _monitored(path, lr_schedule.monitor, data, loss, metrics)


def _monitored(
    path: KeyPath, name: str, data: Data, loss: Loss, metrics: tuple[Metric, ...] | None
) -> Findings:
    known = ["train_loss", "validation_loss"]
    known += [f"validation_{score}" for score in _scores(data, loss, metrics)[1:]]
    if name not in known:
        hint = _score_hint(name, known, "monitor one of")
        yield Finding(path, f"there is no score {quoted(name)} to monitor", hint)
    elif name.startswith("validation_") and data.split.validation == 0:
        message = f"`{name}` needs validation rows, but `data.split.validation` is 0"
        yield Finding(path, message, "set `data.split.validation: 0.15`, or monitor `train_loss`")


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


def gates(
    data: Data, loss: Loss, metrics: tuple[Metric, ...] | None, expect: Mapping[str, str]
) -> Findings:
    known = [f"{split}_{score}" for split in SPLITS for score in _scores(data, loss, metrics)]
    for name, condition in expect.items():
        path, split = ("expect", name), name.partition("_")[0]
        if name not in known:
            hint = _score_hint(name, known, "the scores are")
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


def graphs_are_wired(model: Model) -> Findings:
    for path, layer in nested(model.layers, ("model", "layers")):
        if isinstance(layer, Graph):
            for keys, message, hint, about_key in faults(layer.inputs, layer.nodes, layer.outputs):
                yield Finding((*path, *keys), message, hint, about_key)


def auto_units_last(data: Data, model: Model) -> Findings:
    """Once the targets are known, no layer may wait for its units."""
    widths = (1,) * max(1, len(data.targets))
    settled = settle_units(model.layers, len(widths), widths)
    for path, layer in nested(settled, ("model", "layers")):
        if getattr(layer, "units", None) == "auto":
            last = model.layers[-1]
            message = "only the last layer with units can take them from the target"
            if isinstance(last, Graph) and len(names(last.outputs)) > 1:
                ends, targets = plural(len(names(last.outputs)), "output"), len(widths)
                message = f"{ends} of the graph for {plural(targets, 'target')}: {message}"
            yield Finding((*path, "units"), message, "write a number, such as `units: 64`")


def _sized(layers: Sequence[Layer], path: KeyPath = ("model", "layers")) -> KeyPath:
    """Where the last layer with units stands; nothing where several, or others, end a network."""
    for i in reversed(range(len(layers))):
        layer, here = layers[i], (*path, i)
        if hasattr(layer, "units"):
            return here
        if isinstance(layer, Residual):
            return _sized(layer.layers, (*here, "layers"))
        if isinstance(layer, Graph):
            return ()
    return ()


def no_first_value_without_a_bias(model: Model) -> Findings:
    for i, layer in enumerate(model.layers):
        start = getattr(layer, "bias_initializer", None)
        if getattr(layer, "use_bias", True) is False and start not in (None, Zeros()):
            path = ("model", "layers", i, "bias_initializer")
            yield Finding(path, "there is no bias here", "leave it out, or `use_bias: true`")


def _ending(layers: Sequence[Layer]) -> tuple[KeyPath, str]:
    """The last activation that changes the output, and where it was written."""
    for i in reversed(range(len(layers))):
        activation = getattr(layers[i], "activation", None)
        if activation is not None and activation.kind != "identity":
            return ("model", "layers", i, "activation"), activation.kind
        if hasattr(layers[i], "units") or isinstance(layers[i], (Graph, Residual)):
            break
    return (), ""


def raw_scores_for_cross_entropy(model: Model, loss: Loss) -> Findings:
    path, activation = _ending(model.layers)
    own = next((part.applies for part in loss.parts()), "")
    if not activation or not own:
        return
    if activation in (own, "softmax", "log_softmax", "sigmoid", "hard_sigmoid"):
        message = f"`{loss.kind}` takes raw scores and applies {own} itself; here it comes twice"
        message = (
            message if activation == own else f"`{loss.kind}` takes raw scores, not {activation}"
        )
        shown = "expected counts" if own == "exp" else "probabilities"
        hint = f"leave the activation out; predictions are {shown} all the same"
    else:
        message = f"`{loss.kind}` takes raw scores of any size; `{activation}` bends them"
        hint = "leave the last activation out"
    yield Finding(path, message, hint)


def one_output_for_two_classes(data: Data, model: Model, loss: Loss) -> Findings:
    if loss.task != "binary":
        return
    path = _sized(model.layers)
    last = next((layer for at, layer in nested(model.layers, path[:2]) if at == path), None)
    units = getattr(last, "units", None)
    wanted = max(len(data.targets), 1)
    if units not in (None, wanted, "auto"):
        each = "one score" if wanted == 1 else f"{wanted} scores, one for each target"
        message = f"`{loss.kind}` learns {each}, the last layer gives {units}"
        hint = "write `units: auto`; for more than two classes, `loss: cross_entropy`"
        yield Finding((*path, "units"), message, hint)


def outputs_reach_the_targets(data: Data, model: Model, loss: Loss) -> Findings:
    path, activation = _ending(model.layers)
    scaled = data.preprocessing.target.scale == "standard" and data.targets
    if any(part.applies for part in loss.parts()):  # it takes raw scores: another rule's matter
        return
    if {*tasks(loss)} == {"numbers"} and scaled and activation in _RANGES:
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
    elif len(data.targets) > 1 and any(getattr(p, "class_weight", None) for p in loss.parts()):
        message = f"`class_weight` is for one target, got {len(data.targets)}"
        yield Finding(("data", "target"), message, "name one column, or leave `class_weight` out")
    elif len(data.targets) > 1 and loss.task == "classes":
        message = f"`{loss.kind}` learns one target, got {len(data.targets)}"
        losses = ", ".join(f"{name}: {loss.kind}" for name in data.targets)
        hint = (
            f"name one column, or give each a loss: `loss: {{type: heads, losses: {{{losses}}}}}`"
        )
        yield Finding(("data", "target"), message, hint)
    for part in loss.parts():
        if part.unscaled and not data.targets:
            message = f"`{part.kind}` learns {part.unscaled}, and needs a target"
            yield Finding(("loss",), message, "add `data.target`, or use `mean_squared_error`")
        elif part.unscaled and data.preprocessing.target.scale != "none":
            message = f"`{part.kind}` learns {part.unscaled}, which must not be scaled"
            yield Finding(("loss",), message, "add `data.preprocessing.target.scale: none`")
        if 0 < len(data.targets) < part.least_targets:
            message = f"`{part.kind}` compares several numbers of a row, got one target"
            yield Finding(("data", "target"), message, "name the columns as a list")


def weighted_sum_is_one_loss(loss: Loss) -> Findings:
    if not isinstance(loss, WeightedSum):
        return
    if not loss.losses:
        yield Finding(("loss", "losses"), "expected at least one loss, got an empty list")
    if loss.weights is not None and len(loss.weights) != len(loss.losses):
        message = f"expected one weight for each loss, got {len(loss.weights)}"
        yield Finding(("loss", "weights"), message, f"the losses are {len(loss.losses)}")
    for i, part in enumerate(loss.losses):
        first = loss.losses[0]
        if isinstance(part, WeightedSum):
            message, hint = "a sum can not stand in a sum", "put all losses in one list"
            yield Finding(("loss", "losses", i), message, hint)
        elif isinstance(first, WeightedSum):
            continue
        elif part.task != first.task or part.applies != first.applies:
            message = f"`{part.kind}` does not learn what `{first.kind}` does"
            hint = f"`{first.kind}` learns {_learned(first)}, `{part.kind}` {_learned(part)}"
            yield Finding(("loss", "losses", i), message, hint)
    weighted = [i for i, part in enumerate(loss.losses) if getattr(part, "class_weight", None)]
    for i in weighted[1:]:
        message = "`class_weight` of one loss counts for the whole sum"
        yield Finding(("loss", "losses", i, "class_weight"), message, "leave it out here")


def _learned(loss: Loss) -> str:
    return f"{_TASKS[loss.task]}, {f'shown by {loss.applies}' if loss.applies else 'as they are'}"


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


def heads_are_the_targets(data: Data, loss: Loss) -> Findings:
    """Every target has a head and every head a target, of which there are several."""
    if not isinstance(loss, Heads) or not data.targets:
        return
    if len(data.targets) == 1:
        message = "`heads` learns several targets, `data.target` names one"
        yield Finding(("loss",), message, "use the one loss itself, or name more targets")
        return
    for name in data.targets:
        if name not in loss.losses:
            message = f"the target {quoted(name)} has no loss"
            yield Finding(("loss", "losses"), message, f"add `{name}: …`; each target needs one")
    for key in ("losses", "weights"):
        for name in getattr(loss, key):
            if name not in data.targets:
                message = f"{quoted(name)} is no target"
                hint = did_you_mean(name, data.targets, "the targets are")
                yield Finding(("loss", key, name), message, hint, about_key=True)


def heads_have_no_heads(loss: Loss) -> Findings:
    for name, inner in loss.losses.items() if isinstance(loss, Heads) else ():
        if isinstance(inner, Heads):
            message = "a head learns one target, so it has no heads of its own"
            yield Finding(("loss", "losses", name), message, "write the loss of this one target")


def nesterov_needs_momentum(optimizer: Any) -> Findings:
    if getattr(optimizer, "nesterov", False) and not getattr(optimizer, "momentum", 0.0):
        message = "`nesterov` does nothing without momentum"
        yield Finding(("optimizer", "nesterov"), message, "add `momentum: 0.9`")


def groups_change_something(optimizer: Optimizer) -> Findings:
    for i, group in enumerate(optimizer.groups):
        path: KeyPath = ("optimizer", "groups", i)
        own = {"learning_rate": group.learning_rate, "weight_decay": group.weight_decay}
        given = [name for name, value in own.items() if value is not None]
        if not group.layers:
            message = "expected at least one layer, got an empty list"
            yield Finding((*path, "layers"), message, "write paths, such as `layers: [layers.0]`")
        for name in given if group.frozen else ():
            message = f"these weights are frozen, so `{name}` does nothing"
            yield Finding((*path, name), message, "leave one of the two out")
        if not given and not group.frozen:
            message = "this group does not differ from the other weights"
            hint = "give it a `learning_rate`, a `weight_decay` or `frozen: true`"
            yield Finding(path, message, hint)


def step_sizes_in_order(optimizer: Optimizer) -> Findings:
    if isinstance(optimizer, Rprop) and optimizer.step_sizes[0] > optimizer.step_sizes[1]:
        message = "the smallest step comes first, the largest second"
        yield Finding(("optimizer", "step_sizes"), message)


def one_way_of_clipping(trainer: Trainer) -> Findings:
    if trainer.gradient_clip_norm and trainer.gradient_clip_value:
        message = "gradients are clipped by `gradient_clip_norm` already"
        yield Finding(("trainer", "gradient_clip_value"), message, "leave one of the two out")


def micro_batches_are_smaller(trainer: Trainer) -> Findings:
    if (trainer.micro_batch_size or 0) > trainer.batch_size:
        message = f"a batch has only {trainer.batch_size} rows (`trainer.batch_size`)"
        hint = "rows in one step: `batch_size`; rows computed at a time: `micro_batch_size`"
        yield Finding(("trainer", "micro_batch_size"), message, hint)


def averaging_begins_in_time(averaging: Averaging | None, trainer: Trainer) -> Findings:
    if isinstance(averaging, Swa) and averaging.start_epoch > trainer.max_epochs:
        message = f"training ends before, after epoch {trainer.max_epochs} (`trainer.max_epochs`)"
        hint = f"start at three quarters: `start_epoch: {max(1, trainer.max_epochs * 3 // 4)}`"
        yield Finding(("averaging", "start_epoch"), message, hint)


RULES: tuple[Callable[..., Findings], ...] = (
    run_name, metrics_score_the_task, metrics_once, monitor, gates, split_leaves_rows,
    test_rows_once, labels_of_one_file, windows_foretell,
    columns_once, columns_have_one_role, ids_are_not_names_of_predictions,
    ignored_columns, no_first_value_without_a_bias, layers_end_well, graphs_are_wired,
    auto_units_last,
    raw_scores_for_cross_entropy, one_output_for_two_classes, outputs_reach_the_targets,
    target_for_the_loss, heads_are_the_targets, heads_have_no_heads, classes_of_one_target,
    weighted_sum_is_one_loss, metadata_is_finite, nesterov_needs_momentum,
    monitor_of_plateau, groups_change_something, step_sizes_in_order, one_way_of_clipping,
    micro_batches_are_smaller, averaging_begins_in_time,
)  # fmt: skip
