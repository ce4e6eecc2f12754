"""Layers among themselves."""

from __future__ import annotations

from nntrain.config.experiment import Model
from nntrain.config.rules.finding import Finding, Findings
from nntrain.data.settings import Data
from nntrain.initializers import Zeros
from nntrain.layers.chain import nested
from nntrain.layers.graph import Graph
from nntrain.layers.units import settle_units
from nntrain.layers.wiring import faults, names
from nntrain.wording import plural

_DISTURBING = {"dropout": "erase", "gaussian_noise": "blur"}


def layers_end_well(model: Model) -> Findings:
    if not model.layers:
        message = "expected at least one layer, got an empty list"
        yield Finding(
            ("model", "layers"), message, "the smallest is `- {type: dense, units: auto}`"
        )
    elif (kind := model.layers[-1].kind) in _DISTURBING:
        message = f"{kind} after the last layer would {_DISTURBING[kind]} predictions"
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


def no_first_value_without_a_bias(model: Model) -> Findings:
    for i, layer in enumerate(model.layers):
        start = getattr(layer, "bias_initializer", None)
        if getattr(layer, "use_bias", True) is False and start not in (None, Zeros()):
            path = ("model", "layers", i, "bias_initializer")
            yield Finding(path, "there is no bias here", "leave it out, or `use_bias: true`")
