"""What can only be said of a config when its layers, or its data, are there."""

from __future__ import annotations

import re

from nntrain.config import Loaded
from nntrain.config.tree import KeyPath
from nntrain.data.arrays import Series
from nntrain.data.preprocessing import Preprocessor
from nntrain.data.sources import Csv
from nntrain.errors import ConfigError
from nntrain.families import Shape
from nntrain.layers.chain import LayerError
from nntrain.layers.dense import Dense
from nntrain.network import plan, settle_units
from nntrain.store import Plan


def check_layers_alone(loaded: Loaded) -> None:
    """What can be said of the layers before the data is read, where the axes of its rows are known.

    A table is one axis, whatever its width; a window of it two.
    """
    data = loaded.experiment.data
    if isinstance(data.source(data.path), Csv):
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
    found = check_layers(loaded, preprocessor.shape, preprocessor.outputs)
    if isinstance(preprocessor.array, Series) and preprocessor.array.varies:
        _check_any_length(loaded, preprocessor, found)
    shape = found.layers[-1].shape
    if shape == preprocessor.output_shape:
        return
    layers = loaded.experiment.model.layers
    last = max((i for i, layer in enumerate(layers) if isinstance(layer, Dense)), default=None)
    path: KeyPath = ("model", "layers")
    if last is not None:
        path = (*path, last, "units")
    needed = f"the data needs {preprocessor.outputs}"
    if preprocessor.tokens and len(shape) == 1:
        message = f"the network gives one answer for {preprocessor.shape[0]} steps of text"
        hint = "every step needs one: `return_sequences: true` in recurrent layers, no pooling"
        raise ConfigError(loaded.problem(("model", "layers"), message, hint))
    if len(shape) != len(preprocessor.output_shape):
        shown = " × ".join(map(str, shape))
        message = f"the network ends with {shown} outputs a row, {needed} on one axis"
        hint = "a layer such as `flatten` makes one axis of several"
        raise ConfigError(loaded.problem(("model", "layers"), message, hint))
    message = f"the network ends with {shape[-1]} outputs, {needed}"
    hint = f"{_why(preprocessor)}; write `units: auto` in the last dense layer"
    raise ConfigError(loaded.problem(path, message, hint))


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
    if preprocessor.tokens:
        return f"there are {preprocessor.outputs} different tokens"
    if preprocessor.outputs == 1 and preprocessor.classes:
        return "two classes need one output, the probability of the second"
    if preprocessor.classes:
        return f"there are {len(preprocessor.classes)} classes"
    return f"there are {preprocessor.outputs} numbers to predict"
