"""What leaves the network, and what the loss and the targets take."""

from __future__ import annotations

from collections.abc import Sequence

from nntrain.config.experiment import Model
from nntrain.config.rules.finding import Finding, Findings
from nntrain.config.scores import tasks
from nntrain.config.tree import KeyPath
from nntrain.data.settings import Data
from nntrain.families import Layer, Loss
from nntrain.layers.chain import nested
from nntrain.layers.graph import Graph
from nntrain.layers.residual import Residual

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


def _ending(layers: Sequence[Layer]) -> tuple[KeyPath, str]:
    """The last activation that changes the output, and where it was written."""
    for i in reversed(range(len(layers))):
        activation = getattr(layers[i], "activation", None)
        if activation is not None and activation.kind != "identity":
            return ("model", "layers", i, "activation"), activation.kind
        if hasattr(layers[i], "units") or isinstance(layers[i], (Graph, Residual)):
            break
    return (), ""
