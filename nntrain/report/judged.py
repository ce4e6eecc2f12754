"""Judged: what the best weights make of rows that they have not seen, where these are at hand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from nntrain.call import Call
from nntrain.data.batches import trimmed
from nntrain.data.parts import Part
from nntrain.data.targets import Amounts, Classes
from nntrain.data.tokens import Tokens
from nntrain.families import Array
from nntrain.report.svg import evenly
from nntrain.run.model import Model
from nntrain.training.evaluate import chosen_class, each_head, forward

MOST_MISTAKES = 12
MOST_ROWS = 50_000  # that are kept one by one, for drawings
MOST_KEPT = 1_000_000  # numbers of them
MOST_COUNTS = 200  # classes of which all pairs are counted


class Confusion(NamedTuple):
    """counts (C, C): a row a true class, a column a chosen one."""

    name: str
    classes: tuple[str, ...]
    counts: Array


class Agreement(NamedTuple):
    """Some rows of a number: true and predicted, (M,)."""

    name: str
    true: Array
    predicted: Array


class Certainty(NamedTuple):
    """Some rows of a target of classes.

    p: (M, C) probabilities.  true: (M,) the number of the class.  weights: (M,) what a row counts.
    """

    name: str
    classes: tuple[str, ...]
    p: Array
    true: Array
    weights: Array


class Answer(NamedTuple):
    """One target of one row.  probability, of_true: of the chosen and of the true class."""

    true: str | float
    predicted: str | float
    probability: float | None = None
    of_true: float | None = None


class Mistake(NamedTuple):
    """A row with a large loss.  row: its number in the file, from 1; at: in its part, from 0."""

    row: int
    ids: tuple[str, ...]
    answers: tuple[Answer, ...]
    loss: float
    at: int = 0


class Judged(NamedTuple):
    """What came of the rows of one split.

    mistakes: the rows with the largest loss, the largest first.
    """

    split: str
    rows: int
    confusions: tuple[Confusion, ...]
    agreements: tuple[Agreement, ...]
    targets: tuple[str, ...]
    ids: tuple[str, ...]
    mistakes: tuple[Mistake, ...]
    certainties: tuple[Certainty, ...] = ()


def judge(model: Model, split: str, part: Part) -> Judged | None:
    """Nothing where a network goes on with a text: its tokens are too many to show."""
    known = model.preprocessor
    if known.tokens:
        return None
    kept = _Kept(known.each_target)
    some = evenly(len(part), max(1, min(MOST_ROWS, MOST_KEPT // max(known.outputs, 1))))
    worst, rows = np.empty(0), np.empty(0, np.int64)  # the worst so far, and where they are
    with np.errstate(all="ignore"):
        for block, prediction in forward(model, part.x, part.lengths):
            badness = np.zeros(len(prediction))
            own = some[(some >= block.start) & (some < block.stop)]
            for target, shown, true in each_shown(model, model.show(prediction), part.raw[block]):
                badness += how_bad(target, shown, true)
                kept.add(target, shown, true, own - block.start)
            badness[np.isnan(badness)] = np.inf
            worst = np.concatenate([worst, badness])
            rows = np.concatenate([rows, np.arange(block.start, block.stop)])
            most = np.argsort(-worst, kind="stable")[:MOST_MISTAKES]
            worst, rows = worst[most], rows[most]
        mistakes = sorted(told_of(model, part.take(rows), rows), key=lambda found: -found.loss)
    weights = np.ones(len(some)) if part.weights is None else part.weights[some]
    return Judged(
        split,
        len(part),
        kept.confusions(),
        kept.agreements(),
        known.targets,
        known.id_columns if part.ids else (),
        tuple(mistakes),
        kept.certainties(weights),
    )


class _Kept:
    """What is kept of each target while the rows go by."""

    def __init__(self, targets: Sequence[Classes | Amounts | Tokens]):
        self._classes = {t.name: t for t in targets if isinstance(t, Classes) and _few(t)}
        self._counts = {name: _none(t) for name, t in self._classes.items()}
        self._sure: dict[str, list[Array]] = {}
        self._pairs: dict[str, list[Array]] = {}

    def add(self, target: Classes | Amounts, shown: Array, true: Array, some: Array) -> None:
        """Rows of one target (n, …), and which of them are kept one by one."""
        if isinstance(target, Amounts):
            for column, name in enumerate(target.names):
                pair = np.stack([true[some, column], shown[some, column]])
                self._pairs.setdefault(name, []).append(pair)
        elif target.name in self._counts:
            _count(self._counts[target.name], true, chosen_class(shown))
            p = shown[some] if shown.shape[1] > 1 else np.hstack([1.0 - shown, shown])[some]
            self._sure.setdefault(target.name, []).append(
                np.column_stack([p, _numbers(true)[some]])
            )

    def confusions(self) -> tuple[Confusion, ...]:
        counted = zip(self._classes.values(), self._counts.values(), strict=True)
        return tuple(Confusion(target.name, target.classes, counts) for target, counts in counted)

    def agreements(self) -> tuple[Agreement, ...]:
        return tuple(
            Agreement(name, *np.concatenate(found, axis=1)) for name, found in self._pairs.items()
        )

    def certainties(self, weights: Array) -> tuple[Certainty, ...]:
        """Of rows whose probabilities are numbers."""
        found = []
        for name, pieces in self._sure.items():
            rows = np.concatenate(pieces).astype(np.float64)
            if np.isfinite(rows).all():
                p, true = rows[:, :-1], rows[:, -1].astype(np.int64)
                found.append(Certainty(name, self._classes[name].classes, p, true, weights))
        return tuple(found)


def _few(target: Classes) -> bool:
    return len(target.classes) <= MOST_COUNTS


def _none(target: Classes) -> Array:
    return np.zeros((len(target.classes), len(target.classes)), np.int64)


def each_shown(
    model: Model, shown: Array, true: Array
) -> Iterator[tuple[Classes | Amounts, Array, Array]]:
    """Each target, what is shown for it and what is true."""
    known = model.preprocessor
    heads = dict(each_head(known, shown, true))
    for target in known.each_target:
        if isinstance(target, Classes | Amounts):
            name = target.names[0] if target.names else ""
            yield target, *heads.get(name, (shown, true))


def how_bad(target: Classes | Amounts, shown: Array, true: Array) -> Array:
    """(n,): a quick measure of how far off each row is, to find those worth a look."""
    if isinstance(target, Classes):
        missed: Array = 1.0 - _probability(shown, _numbers(true))
        return missed
    scales = np.array(target.scales) if target.names else 1.0
    far: Array = np.abs((shown - true.reshape(shown.shape)) / scales).mean(axis=1)
    return far


def _numbers(true: Array) -> Array:
    return true.reshape(len(true)).astype(np.int64)


def _probability(shown: Array, number: Array) -> Array:
    """(n,): the probability of class `number` of each row."""
    if shown.shape[1] > 1:
        found: Array = shown[np.arange(len(shown)), number]
        return found
    return np.where(number == 1, shown[:, 0], 1.0 - shown[:, 0])


def _count(counts: Array, true: Array, chosen: Array) -> None:
    np.add.at(counts, (_numbers(true), chosen), 1)


def told_of(model: Model, part: Part, places: Array) -> Iterator[Mistake]:
    """The rows of a small part, each with its loss; places: where they were, (n,)."""
    prediction, _ = model.network(trimmed(part.x, part.lengths), Call(lengths=part.lengths))
    factors = model.loss.row_weights(part.target)
    told = [_answers(*each) for each in each_shown(model, model.show(prediction), part.raw)]
    for at in range(len(part)):
        one = slice(at, at + 1)
        weight = np.ones(1, prediction.dtype) if factors is None else factors[one]
        loss, _ = model.loss(prediction[one], part.target[one], weight)
        ids = tuple(str(cells[at]) for cells in part.ids)
        answers = tuple(answer for target in told for answer in target[at])
        yield Mistake(int(part.rows[at]) + 1, ids, answers, float(loss), int(places[at]))


def _answers(target: Classes | Amounts, shown: Array, true: Array) -> list[list[Answer]]:
    """For each row what was said of the target; of an input that is learned itself, nothing."""
    if isinstance(target, Amounts):
        pairs = zip(true[:, : len(target.names)].tolist(), shown.tolist(), strict=True)
        return [[Answer(*pair) for pair in zip(*row, strict=False)] for row in pairs]
    numbers, chosen = _numbers(true), chosen_class(shown)
    sure, of_true = _probability(shown, chosen).tolist(), _probability(shown, numbers).tolist()
    return [
        [Answer(target.classes[a], target.classes[b], p, q)]
        for a, b, p, q in zip(numbers, chosen, sure, of_true, strict=True)
    ]
