"""Compare: the exported model and nntrain's own predictions, on the same rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from nntrain.data.arrays import Series
from nntrain.data.preprocessing import Preprocessor
from nntrain.data.several import Several
from nntrain.data.table import Table
from nntrain.data.targets import Amounts, Classes
from nntrain.data.texts import Texts
from nntrain.data.tokens import Tokens
from nntrain.data.windows import all_beginnings, cut
from nntrain.export import inputs
from nntrain.families import Array
from nntrain.run.model import Model
from nntrain.training.evaluate import predict

ROWS = 64  # that are compared
FEW = 8  # of images, series and texts, over which the evaluator takes its time
ENOUGH = 1e-5  # how far apart both may be, as a share of the largest number

Run = Callable[[Mapping[str, Array]], Mapping[str, Array]]
"""`run(inputs) -> outputs` of an ONNX model, by name."""


class Difference(NamedTuple):
    """rows: that were compared.  largest: the largest difference, as a share of the largest number
    of its output.  labels: predictions of classes that differ."""

    rows: int
    largest: float
    labels: int

    @property
    def is_small(self) -> bool:
        return self.largest <= ENOUGH and not self.labels


def compare(model: Model, table: Table, run: Run) -> Difference:
    """How far the outputs of `run` are from what nntrain says of the first rows of a table."""
    rows, largest, labels = 0, 0.0, 0
    for given, x in batches(model.preprocessor, table):
        found = run(given)
        for name, ours in expected(model.preprocessor, predict(model, x)).items():
            theirs = found[name]
            if ours.dtype.kind == "f":
                scale = max(1.0, float(np.abs(ours).max()))
                largest = max(largest, float(np.abs(theirs - ours).max()) / scale)
            else:
                labels += int((theirs.astype(str) != ours.astype(str)).sum())
        rows += len(x)
    return Difference(rows, largest, labels)


def batches(known: Preprocessor, table: Table) -> Iterator[tuple[dict[str, Array], Array]]:
    """Rows as the inputs of the ONNX model and as those of the network, (N, …)."""
    if known.tokens:
        steps = known.shape[0]
        whole = table.take(slice(0, FEW * steps))
        cells = whole.columns[known.tokens.name].astype(object)
        count = len(cells) // steps
        if count:
            tokens = cells[: count * steps].reshape(count, steps)
            yield (
                {known.tokens.name: tokens},
                known.features(whole)[: tokens.size].reshape(tokens.shape),
            )
    elif known.window:
        some = table.take(slice(0, known.window.length + known.window.horizon + ROWS))
        first = all_beginnings(len(some), known.window)
        given = {
            name: cut(value, first, known.window)
            for name, value in inputs.feeds(known, some).items()
        }
        flat = {n: v[..., 0] if v.shape[-1] == 1 else v for n, v in given.items()}
        yield flat, cut(known.features(some), first, known.window)
    elif isinstance(known.array, Series | Texts):  # of any length: one by one
        for row in range(min(FEW, len(table))):
            one = table.take(slice(row, row + 1))
            yield inputs.feeds(known, one), known.features(one)
    else:
        some = table.take(slice(0, ROWS if known.array is None else FEW))
        yield inputs.feeds(known, some), known.features(some)


def expected(known: Preprocessor, shown: Array) -> dict[str, Array]:
    """What the outputs of the ONNX model should be, by name, for what is shown (N, …)."""
    target = known.target_columns
    if not isinstance(target, Several):
        return _of_one(target, shown, "")
    found: dict[str, Array] = {}
    for part, place in target.places():
        found |= _of_one(part, shown[:, place.outputs], f"_{part.names[0]}")
    return found


def _of_one(target: Classes | Amounts | Tokens, shown: Array, suffix: str) -> dict[str, Array]:
    if isinstance(target, Amounts):
        return {f"prediction{suffix}": shown}
    names = ("", *target.vocabulary) if isinstance(target, Tokens) else target.classes
    if isinstance(target, Classes) and target.binary:
        shown = np.concatenate([1.0 - shown, shown], axis=-1)
    labels = np.array(names, dtype=object)[shown.argmax(axis=-1)]
    return {f"prediction{suffix}": labels, f"probability{suffix}": shown}


def reference(model: Any) -> Run:
    """ONNX's own evaluator, which says what the operators mean."""
    from nntrain.export.graph import library

    evaluator = library("onnx.reference").ReferenceEvaluator(model)

    def run(given: Mapping[str, Array]) -> Mapping[str, Array]:
        return dict(zip(evaluator.output_names, evaluator.run(None, dict(given)), strict=True))

    return run
