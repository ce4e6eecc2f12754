"""What can only be said of a config when its layers, or its data, are there."""

from __future__ import annotations

import re

from nntrain.config import Loaded
from nntrain.data.preprocessing import Preprocessor
from nntrain.data.targets import Classes
from nntrain.errors import ConfigError
from nntrain.layers.chain import LayerError
from nntrain.layers.dense import Dense
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
