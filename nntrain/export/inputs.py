"""Inputs: the columns of a table, or an array, as a person has them, and what a network gets.

Where ONNX can not do what the preprocessing does (dates and hashed names are text that it can not
read), the input takes what nntrain has computed, and its description says so.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from nntrain.data.arrays import Grid, Series
from nntrain.data.categories import Categories, Embedded, OneHot, Ordinal
from nntrain.data.cells import read_numbers
from nntrain.data.features import Scaled
from nntrain.data.kinds import Scalar
from nntrain.data.labels import UNKNOWN
from nntrain.data.preprocessing import Preprocessor
from nntrain.data.ranks import Ranked
from nntrain.data.report import Report
from nntrain.data.table import Table
from nntrain.data.texts import Texts, tokens_of
from nntrain.data.tokens import Tokens
from nntrain.export.graph import STEPS, Graph, Value
from nntrain.export.ranks import normal_quantile, share_below
from nntrain.families import Array

DOUBLE, FLOAT, INT64 = 11, 1, 7  # ONNX's numbers of these types
BATCH = "rows"

BENDS: dict[str, Callable[[Graph, str], str]] = {
    "none": lambda graph, v: v,
    "log": lambda graph, v: graph("Log", v),
    "log1p": lambda graph, v: graph("Log", graph("Add", v, graph.constant(1.0, np.float64))),
    "sqrt": lambda graph, v: graph("Sqrt", v),
}


def write(graph: Graph, known: Preprocessor) -> Value:
    """Adds the inputs, and gives what the network gets."""
    if isinstance(known.array, Grid | Series):
        return _array(graph, known.array)
    if isinstance(known.array, Texts) or known.tokens:
        return _tokens(graph, known.array if isinstance(known.array, Texts) else known.tokens)
    axis = [known.window.length] if known.window else [1]
    parts = []
    for feature in known.scalars:
        part = _column(graph, feature, axis, known)
        if known.window and len(feature.inputs) == 1:
            part = graph("Unsqueeze", part, graph.constant([2], np.int64))
        parts.append(part)
    x = graph("Concat", *parts, axis=-1) if len(parts) > 1 else parts[0]
    return Value(x, known.shape)


def feeds(known: Preprocessor, table: Table) -> dict[str, Array]:
    """The cells of some rows as the inputs that `write` has made; of windows, see `windowed`."""
    array = known.array
    if isinstance(array, Grid):
        cells = table.columns[array.name].astype(np.float32)
        return {array.name: cells.reshape(len(cells), *array.shape)}
    if isinstance(array, Series):
        return {array.name: np.stack(list(table.columns[array.name])).astype(np.float32)}
    if isinstance(array, Texts):
        texts = table.columns[array.name].tolist()
        rows = [tokens_of(text, array.unit)[: array.longest] or [""] for text in texts]
        return {array.name: np.array(rows, dtype=object)}
    return {feature.name: _cells(feature, table, known) for feature in known.scalars}


def is_expressed(feature: Scalar) -> bool:
    """Whether the model takes the cells of a column as they are."""
    return isinstance(feature, Scaled | Ranked | OneHot | Ordinal | Embedded)


def _cells(feature: Scalar, table: Table, known: Preprocessor) -> Array:
    if isinstance(feature, Scaled | Ranked):
        return read_numbers(table, feature.name, known.na_values)[:, None]
    if is_expressed(feature):
        return table.columns[feature.name].astype(object)[:, None]
    out = np.empty((len(feature.inputs), len(table)), np.float32)
    feature.write(table, known.na_values, out, Report())
    return np.ascontiguousarray(out.T)


def _column(graph: Graph, feature: Scalar, axis: Sequence[int], known: Preprocessor) -> str:
    """One column as inputs of the network, float32 (N, k), or of a window (N, length, k)."""
    if isinstance(feature, Scaled | Ranked):
        return _numeric(graph, feature, axis)
    if isinstance(feature, OneHot | Ordinal | Embedded):
        number = _number(graph, feature, axis, known)
        return _category(graph, feature, number, windowed=len(axis) > 0 and axis != [1])
    shape: list[int | str] = [BATCH, *([] if axis == [1] else axis), len(feature.inputs)]
    about = f"as nntrain computes them: {', '.join(feature.inputs)}"
    return graph.input(feature.name, np.float32, shape, about)


def _numeric(graph: Graph, feature: Scaled | Ranked, axis: Sequence[int]) -> str:
    about = f"a number, NaN where missing; {feature.note}"
    v = graph.input(feature.name, np.float64, [BATCH, *axis], about)
    gone = graph("IsNaN", v)
    filled = graph("Where", gone, graph.constant(feature.fill, np.float64), v)
    bent = BENDS[feature.transform](graph, filled)
    if isinstance(feature, Ranked):
        x = normal_quantile(graph, share_below(graph, bent, feature.quantiles))
    else:
        centred = graph("Sub", bent, graph.constant(feature.shift, np.float64))
        x = graph("Div", centred, graph.constant(feature.scale, np.float64))
    x = graph("Cast", x, to=FLOAT)
    if not feature.flag:
        return x
    flag = graph("Cast", gone, to=FLOAT)
    if axis == [1]:
        return graph("Concat", x, flag, axis=-1)
    last = graph.constant([2], np.int64)
    return graph("Concat", graph("Unsqueeze", x, last), graph("Unsqueeze", flag, last), axis=-1)


def _number(graph: Graph, feature: Categories, axis: Sequence[int], known: Preprocessor) -> str:
    """Which category each cell is, int64; -1 for none."""
    about = f"a category, empty where missing; {feature.note}"
    cells = graph.input(feature.name, np.object_, [BATCH, *axis], about)
    missing = feature.number_of_missing()
    table = {category: i for i, category in enumerate(feature.categories)}
    table |= {text.strip(): missing for text in ("", *known.na_values)}
    return graph(
        "LabelEncoder", cells, domain="ai.onnx.ml",
        keys_strings=[*table], values_int64s=[*table.values()],
        default_int64=feature.size - 1 if feature.other else UNKNOWN,
    )  # fmt: skip


def _category(graph: Graph, feature: Categories, number: str, *, windowed: bool) -> str:
    if isinstance(feature, Embedded):
        return graph("Cast", number, to=FLOAT)
    if isinstance(feature, Ordinal):
        value = graph("Cast", number, to=DOUBLE)
        centred = graph("Sub", value, graph.constant(feature.shift, np.float64))
        x = graph("Div", centred, graph.constant(feature.scale, np.float64))
        none = graph("Equal", number, graph.constant(UNKNOWN, np.int64))
        return graph("Cast", graph("Where", none, graph.constant(0.0, np.float64), x), to=FLOAT)
    if windowed:
        number = graph("Unsqueeze", number, graph.constant([2], np.int64))
    places = graph.constant(range(feature.size), np.int64)
    return graph("Cast", graph("Equal", number, places), to=FLOAT)


def _array(graph: Graph, array: Grid | Series) -> Value:
    shape: list[Any] = [BATCH, *array.shape]
    if isinstance(array, Series) and array.varies:
        shape[1] = STEPS
    v = graph.input(array.name, np.float32, shape, array.note)
    bent = BENDS[array.transform](graph, graph("Cast", v, to=DOUBLE))
    centred = graph("Sub", bent, graph.constant(array.shifts, np.float64))
    x = graph("Div", centred, graph.constant(array.scales, np.float64))
    return Value(graph("Cast", x, to=FLOAT), array.shape)


def _tokens(graph: Graph, text: Texts | Tokens | None) -> Value:
    """Tokens, one a step; rows of a batch have equally many."""
    if text is None:
        raise ValueError("there is no text")
    about = "one token a step: a word in small letters, or a character"
    cells = graph.input(text.name, np.object_, [BATCH, STEPS], about)
    number = graph(
        "LabelEncoder", cells, domain="ai.onnx.ml", keys_strings=[*text.vocabulary],
        values_int64s=[*range(1, len(text.vocabulary) + 1)], default_int64=0,
    )  # fmt: skip
    return Value(number, text.shape if isinstance(text, Texts) else (1,))
