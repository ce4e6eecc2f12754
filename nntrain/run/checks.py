"""What can only be said of a config when its layers, or its data, are there."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from nntrain.config import Loaded
from nntrain.config.tree import KeyPath
from nntrain.data.arrays import Series
from nntrain.data.dataset import Dataset
from nntrain.data.preprocessing import Preprocessor
from nntrain.data.sources import Csv
from nntrain.data.targets import Classes
from nntrain.errors import ConfigError, DataError
from nntrain.families import Loss, Shape
from nntrain.heads import Heads
from nntrain.layers.chain import LayerError
from nntrain.layers.dense import Dense
from nntrain.losses import WeightedSum
from nntrain.metrics import TopK
from nntrain.network import plan, settle_units
from nntrain.store import Plan
from nntrain.wording import quoted, suggestion


def check_layers_alone(loaded: Loaded) -> None:
    """What can be said of the layers before the data is read, where the axes of its rows are known.

    A table is one axis, of a width that stands in for the real one; a window of it is two.  A
    `reshape` can not be judged without the real width.
    """
    data, layers = loaded.experiment.data, loaded.experiment.model.layers
    fixed = any(layer.kind == "reshape" for layer in layers)
    if isinstance(data.source(data.path), Csv) and not fixed:
        check_layers(loaded, (data.window.length, 1) if data.window else (1,))


def check_layers(loaded: Loaded, shape: Shape, outputs: int = 1) -> Plan:
    """The plan of the network; refuses layers that do not fit onto each other."""
    layers = settle_units(loaded.experiment.model.layers, outputs)
    try:
        return plan(layers, shape)
    except LayerError as error:
        raise ConfigError(loaded.problem(_key_path(error.path), error.message)) from None


def _key_path(name: str) -> KeyPath:
    """Where in the config the layer stands that the plan calls `layers.0.layers.1`."""
    numbers = [int(n) for n in re.findall(r"layers\.(\d+)", name)]
    return ("model", *(part for n in numbers for part in ("layers", n)))


def check_outputs(loaded: Loaded, preprocessor: Preprocessor) -> None:
    """Refuse a network that does not fit the data: its inputs, or what is to be learned."""
    check_classes(loaded, preprocessor)
    found = check_layers(loaded, preprocessor.shape, preprocessor.outputs)
    if isinstance(preprocessor.array, Series) and preprocessor.array.varies:
        _check_any_length(loaded, preprocessor, found)
    shape = found.layers[-1].shape
    if shape == (preprocessor.outputs,):
        return
    layers = loaded.experiment.model.layers
    last = max((i for i, layer in enumerate(layers) if isinstance(layer, Dense)), default=None)
    path: KeyPath = ("model", "layers")
    if last is not None:
        path = (*path, last, "units")
    needed = f"the data needs {preprocessor.outputs}"
    if len(shape) != 1:
        shown = " × ".join(map(str, shape))
        message = f"the network ends with {shown} outputs a row, {needed} on one axis"
        hint = "a layer such as `flatten` makes one axis of several"
        raise ConfigError(loaded.problem(("model", "layers"), message, hint))
    message = f"the network ends with {shape[0]} outputs, {needed}"
    hint = f"{_why(preprocessor)}; write `units: auto` in the last dense layer"
    raise ConfigError(loaded.problem(path, message, hint))


def check_loss(loaded: Loaded, dataset: Dataset) -> None:
    """Refuse classes that are not there, and targets that the loss can not learn."""
    known = dataset.preprocessor
    for path, loss, columns in _losses(loaded, known):
        _check_class_weight(loaded, path, loss, known.classes)
        for part in dataset.parts.values():
            if odd := loss.check_target(part.raw[:, columns] if columns else part.raw):
                row, message = odd
                message = f"data row {part.rows[row] + 1:,}: {message} for `{loss.kind}`"
                raise DataError(message, dataset.path)


def _losses(loaded: Loaded, known: Preprocessor) -> Iterator[tuple[KeyPath, Loss, slice | None]]:
    """Every loss that stands in the config: where, and which columns of the target it learns."""
    loss = loaded.experiment.loss
    if isinstance(loss, Heads):
        for name, head in loss.losses.items():
            column = known.targets.index(name)
            yield ("loss", "losses", name), head, slice(column, column + 1)
    elif isinstance(loss, WeightedSum):
        for i, part in enumerate(loss.losses):
            yield ("loss", "losses", i), part, None
    else:
        yield ("loss",), loss, None


def _check_class_weight(loaded: Loaded, path: KeyPath, loss: Loss, classes: Sequence[str]) -> None:
    given = getattr(loss, "class_weight", None)
    names = given if isinstance(given, Mapping) else ()
    if wrong := [name for name in names if name not in classes]:
        message = f"there is no class {quoted(wrong[0])}"
        hint = suggestion(wrong[:1], classes, "classes")
        place = (*path, "class_weight", wrong[0])
        raise ConfigError(loaded.problem(place, message, hint, about_key=True))


def check_classes(loaded: Loaded, preprocessor: Preprocessor) -> None:
    """Refuse metrics of a class that the target does not have, or of more classes than it has."""
    counts = [len(t.classes) for t in preprocessor.each_target if isinstance(t, Classes)]
    for i, metric in enumerate(loaded.experiment.metrics or ()):
        name = getattr(metric, "positive", None)
        if name is not None and name not in preprocessor.classes:
            message = f"the target has no class {quoted(name)}"
            hint = suggestion([name], preprocessor.classes, "classes")
            raise ConfigError(loaded.problem(("metrics", i, "positive"), message, hint))
        if isinstance(metric, TopK) and counts and metric.k >= max(counts):
            message = f"`{metric.name}` is 1 whatever is predicted: there are {max(counts)} classes"
            hint = "write `{type: top_k, k: …}` with fewer"
            raise ConfigError(loaded.problem(("metrics", i), message, hint))


def _check_any_length(loaded: Loaded, preprocessor: Preprocessor, found: Plan) -> None:
    """Weights must not depend on how long a series is, where series differ in that."""
    steps, *rest = preprocessor.shape
    longer = check_layers(loaded, (2 * steps, *rest), preprocessor.outputs)
    for name, row in found.weights.items():
        if longer.weights[name].shape != row.shape:
            message = "series differ in length, and the weights of this layer depend on it"
            hint = "bring each series to one vector first: pool it over time, or end a recurrent "
            hint += "layer with its last step; `flatten` keeps all steps"
            raise ConfigError(loaded.problem(_key_path(name), message, hint))


def _why(preprocessor: Preprocessor) -> str:
    parts = preprocessor.each_target
    if len(parts) > 1:
        each = ", ".join(f"{quoted(part.names[0])} {part.outputs}" for part in parts)
        return f"the targets need {each}"
    if preprocessor.outputs == 1 and preprocessor.classes:
        return "two classes need one output, the probability of the second"
    if preprocessor.classes:
        return f"there are {len(preprocessor.classes)} classes"
    return f"there are {preprocessor.outputs} numbers to predict"
