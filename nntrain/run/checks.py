"""What can only be said of a config when its layers, or its data, are there."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from nntrain.config import Loaded
from nntrain.data.dataset import Dataset
from nntrain.data.preprocessing import Preprocessor
from nntrain.errors import ConfigError, DataError
from nntrain.families import Loss
from nntrain.layers.chain import LayerError
from nntrain.layers.dense import Dense
from nntrain.losses import WeightedSum
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
    loss, known = loaded.experiment.loss, dataset.preprocessor
    inside = isinstance(loss, WeightedSum)
    for i, part in enumerate(loss.parts()):
        path: tuple[str | int, ...] = ("loss", "losses", i) if inside else ("loss",)
        _check_class_weight(loaded, path, part, known.classes)
        for one in dataset.parts.values():
            if odd := part.check_target(one.raw):
                row, message = odd
                message = f"data row {one.rows[row] + 1:,}: {message} for `{part.kind}`"
                raise DataError(message, dataset.path)


def _check_class_weight(
    loaded: Loaded, path: tuple[str | int, ...], loss: Loss, classes: Sequence[str]
) -> None:
    given = getattr(loss, "class_weight", None)
    names = given if isinstance(given, Mapping) else ()
    if wrong := [name for name in names if name not in classes]:
        message = f"there is no class {quoted(wrong[0])}"
        hint = suggestion(wrong[:1], classes, "classes")
        place = (*path, "class_weight", wrong[0])
        raise ConfigError(loaded.problem(place, message, hint, about_key=True))


def _why(preprocessor: Preprocessor) -> str:
    if preprocessor.outputs == 1 and preprocessor.classes:
        return "two classes need one output, the probability of the second"
    if preprocessor.classes:
        return f"there are {len(preprocessor.classes)} classes"
    return f"there are {preprocessor.outputs} numbers to predict"
