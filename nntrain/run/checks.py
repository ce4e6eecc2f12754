"""What can only be said of a config when its layers, or its data, are there."""

from __future__ import annotations

import re

from nntrain.config import Loaded
from nntrain.data.preprocessing import Preprocessor
from nntrain.errors import ConfigError
from nntrain.layers.chain import LayerError
from nntrain.layers.dense import Dense
from nntrain.layers.shaping import Flatten
from nntrain.network import plan, settle_units


def check_layers(loaded: Loaded) -> None:
    """Refuse, before the data is read, layers that fit onto each other for no data at all.

    Widths stand in for those of the data.  What then does not fit is a mistake if it stands
    behind a layer that gives the same shape for all of them, as `dense` does, and else may be
    right: `reshape` as the first layer knows what it wants.
    """
    if (error := _misfit(loaded, *_STAND_INS[0])) and _is_certain(loaded, error):
        raise _located(loaded, error)


_STAND_INS = ((1, 1), (2, 3))  # numbers of inputs and outputs
_KEEP = (
    "a column with the same value in all rows is left out; `data.columns: {NAME: numeric}` keeps it"
)


def check_outputs(loaded: Loaded, preprocessor: Preprocessor) -> None:
    """Refuse layers that do not fit the data, and a last one that is not as wide as the target."""
    if error := _misfit(loaded, preprocessor.inputs, preprocessor.outputs):
        raise _located(loaded, error, "" if _is_certain(loaded, error) else _KEEP)
    layers = settle_units(loaded.experiment.model.layers, preprocessor.outputs)
    shape = plan(layers, (preprocessor.inputs,)).layers[-1].shape
    if shape == (preprocessor.outputs,):
        return
    last = max((i for i, layer in enumerate(layers) if isinstance(layer, Dense)), default=None)
    path: tuple[str | int, ...] = ("model", "layers")
    if len(shape) > 1:
        message = f"the network ends with {shape}, the data needs ({preprocessor.outputs},)"
        hint = "add a `flatten` or a global pooling layer, and then `{type: dense, units: auto}`"
        raise ConfigError(loaded.problem((*path, len(layers) - 1), message, hint))
    if last is not None:
        path = (*path, last, "units")
    message = f"the network ends with {shape[0]} outputs, the data needs {preprocessor.outputs}"
    hint = f"{_why(preprocessor)}; write `units: auto` in the last dense layer"
    raise ConfigError(loaded.problem(path, message, hint))


def _misfit(loaded: Loaded, inputs: int, outputs: int) -> LayerError | None:
    """What keeps the layers from being built for so many inputs and outputs."""
    layers = settle_units(loaded.experiment.model.layers, outputs)
    try:
        plan(layers, (inputs,))
    except LayerError as error:
        return error
    return None


def _is_certain(loaded: Loaded, error: LayerError) -> bool:
    """Whether the layer at fault gets one and the same shape, whatever the data is."""
    before = loaded.experiment.model.layers[: _places(error)[0]]
    try:
        shapes = [
            plan((Flatten(), *settle_units(before, outputs)), (inputs,)).layers[-1].shape
            for inputs, outputs in _STAND_INS
        ]
    except LayerError:
        return False
    return shapes[0] == shapes[1]


def _located(loaded: Loaded, error: LayerError, hint: str = "") -> ConfigError:
    path = ("model", *(part for n in _places(error) for part in ("layers", n)))
    return ConfigError(loaded.problem(path, error.message, hint))


def _places(error: LayerError) -> list[int]:
    """The place of the layer at fault among the layers, and so on inwards."""
    return [int(n) for n in re.findall(r"layers\.(\d+)", error.path)]


def _why(preprocessor: Preprocessor) -> str:
    if preprocessor.outputs == 1 and preprocessor.classes:
        return "two classes need one output, the probability of the second"
    if preprocessor.classes:
        return f"there are {len(preprocessor.classes)} classes"
    return f"there are {preprocessor.outputs} numbers to predict"
