"""Judged: what the best weights make of rows that they have not seen, where these are at hand."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from nntrain.call import Call
from nntrain.data.batches import trimmed
from nntrain.data.parts import Part
from nntrain.data.targets import Amounts, Classes
from nntrain.families import Array
from nntrain.run.model import Model
from nntrain.training.evaluate import chosen_class, each_head, forward

MOST_MISTAKES = 12
MOST_POINTS = 1500  # of a drawing of predicted against true
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


class Answer(NamedTuple):
    """One target of one row.  probability, of_true: of the chosen and of the true class."""

    true: str | float
    predicted: str | float
    probability: float | None = None
    of_true: float | None = None


class Mistake(NamedTuple):
    """A row with a large loss.  row: its number in the file, from 1."""

    row: int
    ids: tuple[str, ...]
    answers: tuple[Answer, ...]
    loss: float


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


def judge(model: Model, split: str, part: Part) -> Judged | None:
    """Nothing where a network goes on with a text: its tokens are too many to show."""
    known = model.preprocessor
    if known.tokens:
        return None
    some = np.unique(np.linspace(0, len(part) - 1, min(len(part), MOST_POINTS)).astype(int))
    counts = {t.name: _none(t) for t in known.each_target if isinstance(t, Classes) and _few(t)}
    pairs: dict[str, list[Array]] = {}
    worst, rows = np.empty(0), np.empty(0, np.int64)  # the worst so far, and where they are
    with np.errstate(all="ignore"):
        for block, prediction in forward(model, part.x, part.lengths):
            badness = np.zeros(len(prediction))
            drawn = some[(some >= block.start) & (some < block.stop)] - block.start
            for target, shown, true in _each(model, model.show(prediction), part.raw[block]):
                badness += _badness(target, shown, true)
                if isinstance(target, Amounts):
                    for column, name in enumerate(target.names):
                        pair = np.stack([true[drawn, column], shown[drawn, column]])
                        pairs.setdefault(name, []).append(pair)
                elif target.name in counts:
                    _count(counts[target.name], true, chosen_class(shown))
            badness[np.isnan(badness)] = np.inf
            worst = np.concatenate([worst, badness])
            rows = np.concatenate([rows, np.arange(block.start, block.stop)])
            most = np.argsort(-worst, kind="stable")[:MOST_MISTAKES]
            worst, rows = worst[most], rows[most]
        mistakes = sorted(_mistakes(model, part.take(rows)), key=lambda found: -found.loss)
    return Judged(
        split,
        len(part),
        tuple(
            Confusion(t.name, t.classes, counts[t.name])
            for t in known.each_target
            if isinstance(t, Classes) and t.name in counts
        ),
        tuple(Agreement(name, *np.concatenate(found, axis=1)) for name, found in pairs.items()),
        known.targets,
        known.id_columns if part.ids else (),
        tuple(mistakes),
    )


def _few(target: Classes) -> bool:
    return len(target.classes) <= MOST_COUNTS


def _none(target: Classes) -> Array:
    return np.zeros((len(target.classes), len(target.classes)), np.int64)


def _each(
    model: Model, shown: Array, true: Array
) -> Iterator[tuple[Classes | Amounts, Array, Array]]:
    """Each target, what is shown for it and what is true."""
    known = model.preprocessor
    heads = dict(each_head(known, shown, true))
    for target in known.each_target:
        if isinstance(target, Classes | Amounts):
            name = target.names[0] if target.names else ""
            yield target, *heads.get(name, (shown, true))


def _badness(target: Classes | Amounts, shown: Array, true: Array) -> Array:
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


def _mistakes(model: Model, part: Part) -> Iterator[Mistake]:
    """The rows of a small part, each with its loss."""
    prediction, _ = model.network(trimmed(part.x, part.lengths), Call(lengths=part.lengths))
    factors = model.loss.row_weights(part.target)
    told = [_answers(*each) for each in _each(model, model.show(prediction), part.raw)]
    for at in range(len(part)):
        one = slice(at, at + 1)
        weight = np.ones(1, prediction.dtype) if factors is None else factors[one]
        loss, _ = model.loss(prediction[one], part.target[one], weight)
        ids = tuple(str(cells[at]) for cells in part.ids)
        answers = tuple(answer for target in told for answer in target[at])
        yield Mistake(int(part.rows[at]) + 1, ids, answers, float(loss))


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
