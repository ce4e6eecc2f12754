"""What can only be said of a config when its layers, or its data, are there."""

from __future__ import annotations

import re
from collections.abc import Iterator

from nntrain.config import Loaded
from nntrain.data.preprocessing import Preprocessor
from nntrain.errors import ConfigError, Problem
from nntrain.families import Group
from nntrain.layers.chain import LayerError
from nntrain.layers.dense import Dense
from nntrain.network import plan, settle_units
from nntrain.store import Plan, of_groups
from nntrain.wording import listed, quoted


def check_layers(loaded: Loaded, inputs: int = 1, outputs: int = 1) -> None:
    """Refuse layers that do not fit onto each other; before the data is read, widths stand in."""
    layers = settle_units(loaded.experiment.model.layers, outputs)
    try:
        planned = plan(layers, (inputs,))
    except LayerError as error:
        numbers = [int(n) for n in re.findall(r"layers\.(\d+)", error.path)]
        path = ("model", *(part for n in numbers for part in ("layers", n)))
        raise ConfigError(loaded.problem(path, error.message)) from None
    if problems := list(_problems_of_groups(loaded, planned)):
        raise ConfigError(*problems)


def _problems_of_groups(loaded: Loaded, planned: Plan) -> Iterator[Problem]:
    """Groups that name no layer with weights, or leave nothing to train."""
    groups = loaded.experiment.optimizer.groups
    learning = [row.path for row in planned.layers if row.parameters]
    for i, group in enumerate(groups):
        for j, pattern in enumerate(group.layers):
            one = Group(layers=(pattern,))
            if any(map(one.holds, learning)):
                continue
            idle = [row for row in planned.layers if one.holds(row.path)]
            message = f"there is no layer {quoted(pattern)}"
            if idle:
                message = f"{quoted(pattern)} ({idle[0].kind}) has no weights"
            hint = f"the layers with weights are {listed(learning, most=12)}"
            yield loaded.problem(("optimizer", "groups", i, "layers", j), message, hint)
    numbers = of_groups(list(planned.weights), groups)
    if numbers and all(number and groups[number - 1].frozen for number in numbers):
        message = "all layers with weights are frozen, so there is nothing to train"
        yield loaded.problem(("optimizer", "groups"), message)


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


def _why(preprocessor: Preprocessor) -> str:
    if preprocessor.outputs == 1 and preprocessor.classes:
        return "two classes need one output, the probability of the second"
    if preprocessor.classes:
        return f"there are {len(preprocessor.classes)} classes"
    return f"there are {preprocessor.outputs} numbers to predict"
