"""What can only be said of a config when its layers, or its data, are there."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from nntrain.config import Loaded
from nntrain.config.tree import KeyPath
from nntrain.data.dataset import Dataset
from nntrain.data.preprocessing import Preprocessor
from nntrain.data.targets import Classes
from nntrain.errors import ConfigError, DataError
from nntrain.families import Loss
from nntrain.heads import Heads
from nntrain.layers.chain import LayerError
from nntrain.layers.dense import Dense
from nntrain.losses import WeightedSum
from nntrain.metrics import TopK
from nntrain.network import plan, settle_units
from nntrain.wording import quoted, suggestion


def check_layers(loaded: Loaded, inputs: int = 1, outputs: int = 1) -> None:
    """Refuse layers that do not fit onto each other; before the data is read, widths stand in."""
    layers = settle_units(loaded.experiment.model.layers, outputs)
    try:
        plan(layers, (inputs,))
    except LayerError as error:
        numbers = [int(n) for n in re.findall(r"layers\.(\d+)", error.path)]
        path = ("model", *(part for n in numbers for part in ("layers", n)))
        raise ConfigError(loaded.problem(path, error.message)) from None


def check_outputs(loaded: Loaded, preprocessor: Preprocessor) -> None:
    """Refuse a last layer that is not as wide as what is to be learned."""
    check_classes(loaded, preprocessor)
    check_layers(loaded, preprocessor.inputs, preprocessor.outputs)
    layers = settle_units(loaded.experiment.model.layers, preprocessor.outputs)
    shape = plan(layers, (preprocessor.inputs,)).layers[-1].shape
    if shape == (preprocessor.outputs,):
        return
    last = max((i for i, layer in enumerate(layers) if isinstance(layer, Dense)), default=None)
    path: tuple[str | int, ...] = ("model", "layers")
    if last is not None:
        path = (*path, last, "units")
    message = f"the network ends with {shape[0]} outputs, the data needs {preprocessor.outputs}"
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
