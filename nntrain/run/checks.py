"""What can only be said of a config when its layers, or its data, are there."""

from __future__ import annotations

from nntrain.config import Experiment, Loaded
from nntrain.config.tree import KeyPath, find
from nntrain.data.preprocessing import Preprocessor
from nntrain.errors import ConfigError
from nntrain.families import Layer, Shape
from nntrain.layers.chain import LayerError
from nntrain.layers.dense import Dense
from nntrain.layers.graph import Graph
from nntrain.layers.units import settle_units
from nntrain.layers.wiring import names
from nntrain.network import plan
from nntrain.store import Plan
from nntrain.wording import listed


def check_layers(loaded: Loaded, known: Preprocessor | None = None) -> Shape:
    """Refuse layers that do not fit onto each other; the shape of what the last one gives.

    Before the data is read, widths of 1 stand in for those of columns and targets.
    """
    layers = loaded.experiment.model.layers
    if known is None:
        if any(isinstance(layer, Graph) and layer.inputs for layer in layers):
            return ()  # only the data tells how wide its inputs are
        inputs, settled = 1, settle_units(layers, 1, _ones(layers))
    else:
        inputs, settled = known.inputs, settle_units(layers, known.outputs, known.widths)
    try:
        return plan(settled, (inputs,), known.places if known else None).layers[-1].shape
    except LayerError as error:
        raise ConfigError(loaded.problem(_keys(loaded, error.path), error.message)) from None


def _ones(layers: tuple[Layer, ...]) -> tuple[int, ...]:
    last = layers[-1] if layers else None
    return (1,) * len(names(last.outputs)) if isinstance(last, Graph) else (1,)


def _keys(loaded: Loaded, path: str) -> KeyPath:
    """Where the config has the layer that a network calls `layers.2.blocks.0.layers.1`."""
    keys: KeyPath = ("model",)
    parts = [int(part) if part.isdecimal() else part for part in path.split(".")]
    while parts:
        here = (*keys, parts.pop(0))
        if find(loaded.root, here) is not None:
            keys = here
        elif here[-1] == "blocks" and parts:  # written once for all of them
            parts.pop(0)
        else:
            break
    return keys


def check_outputs(loaded: Loaded, preprocessor: Preprocessor) -> None:
    """Refuse a last layer that is not as wide as what is to be learned."""
    shape = check_layers(loaded, preprocessor)
    if shape == (preprocessor.outputs,):
        return
    layers = loaded.experiment.model.layers
    last = max((i for i, layer in enumerate(layers) if isinstance(layer, Dense)), default=None)
    path: tuple[str | int, ...] = ("model", "layers")
    if last is not None and not hasattr(layers[-1], "layers"):
        path = (*path, last, "units")
    message = f"the network ends with {shape[0]} outputs, the data needs {preprocessor.outputs}"
    hint = f"{_why(preprocessor)}; write `units: auto` in the last dense layer"
    raise ConfigError(loaded.problem(path, message, hint))


def notices(experiment: Experiment, plan: Plan) -> list[str]:
    """What is allowed, and does something else than one may think."""
    found = []
    if getattr(experiment.trainer, "micro_batch_size", None) and plan.buffers:
        owners = sorted({name.rpartition(".")[0] for name in plan.buffers})
        found.append(
            f"trainer.micro_batch_size: {listed(owners)} takes the statistics of each portion by "
            "itself, so the gradient is not that of the whole batch"
        )
    return found


def _why(preprocessor: Preprocessor) -> str:
    if preprocessor.outputs == 1 and preprocessor.classes:
        return "two classes need one output, the probability of the second"
    if preprocessor.classes:
        return f"there are {len(preprocessor.classes)} classes"
    return f"there are {preprocessor.outputs} numbers to predict"
