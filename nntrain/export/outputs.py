"""Outputs: what people are shown of a prediction, as `nntrain predict` shows it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from nntrain.data.preprocessing import Preprocessor
from nntrain.data.several import Several
from nntrain.data.targets import Amounts, Classes
from nntrain.data.tokens import Tokens
from nntrain.data.transforms import HIGHEST
from nntrain.errors import ConfigError
from nntrain.export.graph import STEPS, Graph, Value
from nntrain.export.inputs import BATCH, DOUBLE
from nntrain.families import Loss
from nntrain.heads import Heads

LINKS: dict[str, Callable[[Graph, str], str]] = {
    "": lambda graph, z: z,
    "softmax": lambda graph, z: graph("Softmax", z, axis=-1),
    "sigmoid": lambda graph, z: graph("Sigmoid", z),
    "exp": lambda graph, z: graph("Exp", z),
}


def write(graph: Graph, known: Preprocessor, loss: Loss, prediction: Value) -> None:
    """Adds the outputs for what the network gives."""
    target = known.target_columns
    if not isinstance(target, Several):
        _one(graph, target, prediction.name, prediction.shape, loss, "", known)
        return
    for part, place in target.places():
        own = _slice(graph, prediction.name, place.outputs)
        of_head = loss.losses[part.names[0]] if isinstance(loss, Heads) else loss
        _one(graph, part, own, (part.outputs,), of_head, f"_{part.names[0]}", known)


def _one(
    graph: Graph,
    target: Classes | Amounts | Tokens,
    z: str,
    shape: tuple[int, ...],
    loss: Loss,
    suffix: str,
    known: Preprocessor,
) -> None:
    applies = loss.parts()[0].applies
    if applies not in LINKS:
        raise ConfigError(f"export: the loss `{loss.kind}` shows what has no form in ONNX")
    shown = LINKS[applies](graph, z)
    axes: list[int | str] = [BATCH, *shape]
    if known.tokens:
        axes[1] = STEPS
    if isinstance(target, Tokens):
        names = ("", *target.vocabulary)
        _classes(graph, names, shown, [*axes[:-1], len(names)], suffix)
    elif isinstance(target, Classes):
        if target.binary:
            one = graph.constant(1.0)
            shown = graph("Concat", graph("Sub", one, shown), shown, axis=-1)
        _classes(graph, target.classes, shown, [*axes[:-1], len(target.classes)], suffix)
    elif not known.targets:
        graph.output(shown, f"prediction{suffix}", np.float32, axes, "the inputs again, scaled")
    else:
        graph.output(
            _unscaled(graph, target, shown), f"prediction{suffix}", np.float64, axes,
            f"{', '.join(target.names)}, in the unit of the training data",
        )  # fmt: skip


def _classes(
    graph: Graph, classes: tuple[str, ...], shown: str, axes: list[int | str], suffix: str
) -> None:
    chosen = graph("ArgMax", shown, axis=-1, keepdims=0)
    label = graph("Gather", graph.constant(classes, object), chosen, axis=0)
    graph.output(label, f"prediction{suffix}", np.object_, axes[:-1], "the most probable class")
    about = f"of each class, in the order {', '.join(map(repr, classes))}"[:1000]
    graph.output(shown, f"probability{suffix}", np.float32, axes, about)


def _unscaled(graph: Graph, target: Amounts, shown: str) -> str:
    value = graph("Cast", shown, to=DOUBLE)
    value = graph("Mul", value, graph.constant(target.scales, np.float64))
    value = graph("Add", value, graph.constant(target.shifts, np.float64))
    if target.transform == "none":
        return value
    if target.transform == "sqrt":
        above = graph("Max", value, graph.constant(0.0, np.float64))
        return graph("Mul", above, above)
    grown = graph("Exp", graph("Min", value, graph.constant(HIGHEST, np.float64)))
    if target.transform == "log":
        return grown
    return graph("Sub", grown, graph.constant(1.0, np.float64))


def _slice(graph: Graph, x: str, part: slice) -> str:
    places = graph.constant(range(part.start, part.stop), np.int64)
    return graph("Gather", x, places, axis=-1)
