"""Baselines: what the same rows give away without a network, so that it is known what it adds.

The majority class or the mean; a linear model of the network's own inputs, its penalty chosen by
validation rows; of a forecast the last value, of a text how often tokens and pairs of them come.
They are scored as the network is.  No number here reaches the model or its training.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from nntrain.data.dataset import Dataset
from nntrain.data.features import Scaled
from nntrain.data.parts import Part
from nntrain.data.preprocessing import Preprocessor
from nntrain.data.several import Several
from nntrain.data.targets import Amounts, Classes
from nntrain.data.tokens import NOWHERE
from nntrain.data.transforms import TRANSFORMS
from nntrain.families import Array, Shape
from nntrain.linear import Linear, logistic, ridge
from nntrain.run.model import Model
from nntrain.training.evaluate import Sums, blocks, steps_as_rows, unit_of
from nntrain.wording import plural

PENALTIES = (0.1, 0.01, 1e-3, 1e-4)  # from strong to weak, until validation rows object
BUDGET = 1 << 32  # multiplications that the linear model may take: some tenths of a second
FEWEST_STEPS, MOST_STEPS = 20, 60  # of L-BFGS for each penalty; rows are left out to have time
CLOSE = 3e-4  # a gradient so small moves no score
MOST_INPUTS = 4096
MOST_ROWS = 20_000
WIDE = 512  # inputs; a ridge regression of more takes so many rows, whose products are few
MOST_TOKENS = 2000  # different ones; pairs take the square of it

Show = Callable[[Array], Array]
"""What a baseline shows people for inputs (n, …), as `Model.show` does."""


class Target(NamedTuple):
    """One target of the training rows: what it is, its outputs, what to learn (N,) or (N, K)."""

    kind: Classes | Amounts
    target: Array
    raw: Array


class Rows(NamedTuple):
    """Inputs (N, D), what to learn (N,) or (N, K), and how much each row counts, (N,) or None."""

    x: Array
    target: Array
    weights: Array | None


def baselines(model: Model, dataset: Dataset, scores: Mapping[str, float]) -> dict[str, Any]:
    """What `summary.json` says of them: their scores on test rows, else on those for validation.

    scores: the network's, by `<split>_<metric>`.  A baseline that fails is a note.
    """
    split = next((name for name in ("test", "validation") if name in dataset.parts), "")
    if not split or not model.scores:
        return {}
    name, higher = _compared_by(model)
    found: dict[str, dict[str, float | None]] = {}
    notes: list[str] = []
    for kind, build in _kinds(model, dataset, notes):
        try:
            found[kind] = _scores(model, dataset.parts[split], build())
        except Exception as error:  # whatever it is, the run has what it was made for
            notes.append(f"the baseline `{kind}` failed: {type(error).__name__}: {error}"[:200])
    network = scores.get(f"{split}_{name}", math.nan)
    known = {kind: own[name] for kind, own in found.items() if own[name] is not None}
    sign = 1.0 if higher else -1.0
    best = max(known, key=lambda kind: sign * (known[kind] or 0.0), default=None)
    beaten = best is not None and not sign * network > sign * (known[best] or 0.0)
    return {
        "split": split,
        "metric": name,
        "network": network if math.isfinite(network) else None,
        "scores": found,
        "no_worse": best if beaten else None,
        "notes": notes,
    }


def _compared_by(model: Model) -> tuple[str, bool]:
    """The score to compare by, and whether higher is better: the monitored one, else the first."""
    early = model.experiment.early_stopping
    monitored = (early.monitor if early else "").partition("_")[2]
    chosen = next((s for s in model.scores if s.name == monitored), model.scores[0])
    return chosen.name, chosen.metric.higher_is_better


def _scores(model: Model, part: Part, show: Show) -> dict[str, float | None]:
    """Every score of the experiment, None where it is no number."""
    sums = Sums(model)
    width = part.x[:1].size + (model.preprocessor.outputs * part.x[:1].size if part.in_order else 0)
    unit = unit_of(part)
    for block in blocks(len(part), width):
        shown = show(part.x[block])
        ones = np.ones(len(shown)) if part.weights is None else part.weights[block] / unit
        sums.add(steps_as_rows(shown, part.raw[block], ones).counted())
    return {name: v if math.isfinite(v) else None for name, v in sums.scores().items()}


def _kinds(
    model: Model, dataset: Dataset, notes: list[str]
) -> Iterator[tuple[str, Callable[[], Show]]]:
    """The baselines that there are for such data, each by name."""
    train, known = dataset.parts["train"], model.preprocessor
    if known.tokens:
        yield "unigram", lambda: _ngrams(train, known.outputs, pairs=False)
        if known.outputs <= MOST_TOKENS:
            yield "bigram", lambda: _ngrams(train, known.outputs, pairs=True)
        return
    classes = any(isinstance(target, Classes) for target in known.each_target)
    yield "majority" if classes else "mean", lambda: _constant(known, train)
    if (last := _last_value(known)) is not None:
        yield "persistence", lambda: last
    if not known.targets:
        return  # a linear model of the input by itself has nothing to learn
    if known.vocabulary is not None or known.embeddings:
        notes.append("no linear baseline: numbers of tokens and categories are no amounts")
        return
    if known.inputs > MOST_INPUTS:
        notes.append(f"no linear baseline: {plural(known.inputs, 'input')} are too many for it")
        return
    yield "linear", lambda: _linear(model, train, dataset.parts.get("validation"))


def _targets(known: Preprocessor, part: Part) -> list[Target]:
    """Each target, in the order of the network's outputs."""
    target = known.target_columns
    if isinstance(target, Several):
        pairs = [(one, place.column) for one, place in target.places()]
        columns = [(one, slice(at, at + 1)) for one, at in pairs]
        found = [Target(one, part.target[:, at], part.raw[:, at]) for one, at in columns]
    elif isinstance(target, Classes | Amounts):
        found = [Target(target, part.target, part.raw)]
    else:
        found = []
    return [
        t._replace(target=t.target.reshape(-1).astype(np.int64))
        if isinstance(t.kind, Classes)
        else t
        for t in found
    ]


def _constant(known: Preprocessor, train: Part) -> Show:
    """The shares of the classes in training rows, or the mean of the numbers: for every row."""
    shown = []
    own = None if train.weights is None else train.weights / train.weights.sum()
    for kind, target, raw in _targets(known, train):
        if isinstance(kind, Classes):
            counts = np.bincount(target, weights=own, minlength=len(kind.classes))
            shares = counts / counts.sum()
            shown.append(shares[1:] if kind.binary else shares)
        else:
            shown.append(raw.mean(axis=0) if own is None else own @ raw)
    always = np.concatenate(shown)
    return lambda x: np.tile(always, (len(x), 1))


def _last_value(known: Preprocessor) -> Show | None:
    """Tomorrow is as today: the last value of each target in the window."""
    target = known.target_columns
    if not known.window or not isinstance(target, Amounts):
        return None
    by_name = {f.name: f for f in known.feature_columns if isinstance(f, Scaled)}
    if not all(name in by_name for name in target.names):
        return None
    features = [(by_name[name], known.places[name].start) for name in target.names]

    def show(x: Array) -> Array:
        last = x[:, -1].astype(np.float64)
        values = [
            TRANSFORMS[feature.transform].inverse(last[:, at] * feature.scale + feature.shift)
            for feature, at in features
        ]
        return np.stack(values, axis=1)

    return show


def _linear(model: Model, train: Part, validation: Part | None) -> Show:
    """A ridge or logistic regression for each target, on what the network sees."""
    known = model.preprocessor
    own = _thinned(train, known)
    judge = None if validation is None else _thinned(validation, known)
    models: list[tuple[Classes | Amounts, Linear]] = []
    rows = _flat(own.x, known.shape)
    others = None if judge is None else _flat(judge.x, known.shape)
    truths = [] if judge is None else _targets(known, judge)
    weights = _weights(model, own)
    for number, (kind, target, _) in enumerate(_targets(known, own)):
        judging = None
        if judge is not None and others is not None:
            judging = Rows(others, truths[number].target, judge.weights)
        if isinstance(kind, Classes):
            classes = len(kind.classes)
            models.append((kind, _best_logistic(Rows(rows, target, weights), classes, judging)))
        else:
            models.append((kind, _best_ridge(Rows(rows, target, own.weights), judging)))

    def show(x: Array) -> Array:
        flat = _flat(x, known.shape)
        shown = []
        for kind, fitted in models:
            if isinstance(kind, Amounts):
                shown.append(kind.unscaled(fitted(flat)))
            else:
                p = fitted.probabilities(flat)
                shown.append(p[:, 1:] if kind.binary else p)
        return np.concatenate(shown, axis=1)

    return show


def _weights(model: Model, part: Part) -> Array | None:
    """How much each row counts: by its weight, and by the loss's factor of its class."""
    alone = isinstance(model.preprocessor.target_columns, Classes)
    factors = model.loss.row_weights(part.target) if alone else None
    if factors is None or part.weights is None:
        return part.weights if factors is None else factors
    both: Array = factors * part.weights
    return both


def _best_logistic(rows: Rows, classes: int, judging: Rows | None) -> Linear:
    x, target, weights = rows
    most = BUDGET // (4 * (x.size + 1) * classes) // len(PENALTIES)
    most = min(MOST_STEPS, max(FEWEST_STEPS, most))
    if judging is None:
        return logistic(x, target, classes, 1 / len(x), weights, None, most, CLOSE)
    best, lowest, fitted = None, math.inf, None
    for penalty in PENALTIES:
        fitted = logistic(x, target, classes, penalty, weights, fitted, most, CLOSE)
        p = fitted.probabilities(judging.x)[np.arange(len(judging.x)), judging.target]
        loss = -float(np.average(np.log(np.maximum(p, 1e-30)), weights=judging.weights))
        if best is not None and not loss < lowest:
            break
        best, lowest = fitted, loss
    return best if best is not None else logistic(x, target, classes, 1.0, weights)


def _best_ridge(rows: Rows, judging: Rows | None) -> Linear:
    x, y, weights = rows.x, rows.target.astype(np.float64), rows.weights
    if judging is None:
        return ridge(x, y, [1 / len(x)], weights)[0]

    def error(fitted: Linear) -> float:
        squares = np.square(fitted(judging.x) - judging.target).mean(axis=1)
        return float(np.average(squares, weights=judging.weights))

    return min(ridge(x, y, PENALTIES, weights), key=error)


def _thinned(part: Part, known: Preprocessor) -> Part:
    """Rows at equal distances, as many as there is time for."""
    each = 4 * FEWEST_STEPS * len(PENALTIES) * (known.inputs + 1) * max(1, known.outputs)
    if isinstance(known.target_columns, Amounts):
        each = (known.inputs + 1) ** 2
    most = min(MOST_ROWS, max(100, BUDGET // each))
    if known.inputs > WIDE and isinstance(known.target_columns, Amounts):
        most = min(most, WIDE)
    if len(part) <= most:
        return part
    return part.take(np.arange(most) * len(part) // most)


def _flat(x: Array, shape: Shape) -> Array:
    """Rows (n, …) as (n, D) float64; series get the length that the network was built for."""
    if x.shape[1:] != shape:
        steps = min(x.shape[1], shape[0])
        whole = np.zeros((len(x), *shape), np.float64)
        whole[:, :steps] = x[:, :steps]
        x = whole
    return x.reshape(len(x), -1).astype(np.float64)


def _ngrams(train: Part, tokens: int, *, pairs: bool) -> Show:
    """How often each token comes, of all or after the one before it.   x (n, T) -> (n, T, V).

    Pairs are smoothed by single tokens as Witten and Bell 1991 have it, these by one each.
    """
    known = train.target != NOWHERE
    before, after = train.x[known].astype(np.int64), train.target[known]
    single = np.bincount(after, minlength=tokens) + 1.0
    single /= single.sum()
    if not pairs:
        return lambda x: np.broadcast_to(single, (*x.shape, tokens))
    counts = np.bincount(before * tokens + after, minlength=tokens**2).reshape(tokens, tokens)
    kinds = np.maximum((counts > 0).sum(axis=1, keepdims=True), 1)
    table = (counts + kinds * single) / (counts.sum(axis=1, keepdims=True) + kinds)
    return lambda x: table[x.astype(np.int64)]
