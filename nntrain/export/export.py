"""Export: a model as an ONNX file, preprocessing and class names included."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

import nntrain
from nntrain.data.arrays import Series
from nntrain.data.kinds import Scalar
from nntrain.data.texts import Texts
from nntrain.export import inputs, outputs
from nntrain.export.graph import Graph, Value, library
from nntrain.export.inputs import is_expressed
from nntrain.export.layers import chained
from nntrain.layers.lookup import Lookup
from nntrain.run.model import Model, lookup_of, named_vectors, settled_layers
from nntrain.wording import quoted


def to_onnx(model: Model) -> Any:
    """The model as a `ModelProto`.  Raises ConfigError for what has no form in ONNX."""
    known, network = model.preprocessor, model.network
    graph = Graph(named_vectors(network))
    x = inputs.write(graph, known)
    graph.columns = known.places
    if lookup := lookup_of(known):
        x = looked_up(graph, lookup, x)
    y = chained(graph, settled_layers(model.experiment, known), x)
    outputs.write(graph, known, model.loss, y)
    return graph.model("nntrain", _facts(model), _about(model), nntrain.__version__)


def checked(made: Any) -> bytes:
    """The bytes of a model that ONNX's checker, with its inference of shapes, finds sound."""
    library("onnx.checker").check_model(made, full_check=True)
    data: bytes = made.SerializeToString()
    return data


def remarks(model: Model) -> list[str]:
    """What someone who uses the file has to know."""
    known = model.preprocessor
    found = []
    odd = [f for f in known.feature_columns if isinstance(f, Scalar) and not is_expressed(f)]
    for feature in odd:
        inner = ", ".join(feature.inputs[:4]) + (", …" if len(feature.inputs) > 4 else "")
        found.append(
            f"{quoted(feature.name)} goes in as nntrain computes it ({inner}): ONNX can not read "
            "dates or take hashes"
        )
    if known.tokens or isinstance(known.array, Texts):
        found.append("text goes in as tokens, one a step")
    if known.window:
        found.append(f"each input takes {known.window.length} steps of its column, oldest first")
    if known.tokens or isinstance(known.array, Texts | Series):
        found.append("rows that go in together have equally many steps")
    return found


def looked_up(graph: Graph, lookup: Lookup, x: Value) -> Value:
    """Columns that are numbers of categories, each replaced by what was learned for it."""
    from nntrain.export.layers import inside

    parts, at = [], 0
    tables = sorted(lookup.tables.items(), key=lambda item: item[1].place)
    width = x.shape[-1]
    for name, table in tables:
        if table.place > at:
            parts.append(_columns(graph, x.name, range(at, table.place)))
        number = graph("Gather", x.name, graph.constant(table.place, np.int64), axis=-1)
        with graph.at("columns"):
            E = graph.own(name)
        rows = np.concatenate([E, np.zeros_like(E[:1])])  # the last one is for no category
        known = inside(graph, number, len(E), len(E))
        parts.append(graph("Gather", graph.constant(rows), known, axis=0))
        width += table.width - 1
        at = table.place + 1
    if at < x.shape[-1]:
        parts.append(_columns(graph, x.name, range(at, x.shape[-1])))
    joined = graph("Concat", *parts, axis=-1) if len(parts) > 1 else parts[0]
    graph.columns = lookup.places(graph.columns)
    return Value(joined, (*x.shape[:-1], width))


def _columns(graph: Graph, x: str, places: range) -> str:
    return graph("Gather", x, graph.constant(places, np.int64), axis=-1)


def _facts(model: Model) -> Mapping[str, str]:
    known = model.preprocessor
    facts = {"task": known.task, "classes": known.classes, "targets": known.targets}
    return {name: json.dumps(value) for name, value in facts.items() if value}


def _about(model: Model) -> str:
    learned = model.preprocessor.targets
    return f"predicts {', '.join(learned)}" if learned else "gives its input again"
