"""What training rows tell: the preprocessor of a data set."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from nntrain.data.arrays import Grid, Series
from nntrain.data.categories import Embedded, Hashed, OneHot, Ordinal
from nntrain.data.columns import Column, date_format
from nntrain.data.dates import Dates
from nntrain.data.features import Scaled
from nntrain.data.kinds import Feature
from nntrain.data.preprocessing import Preprocessor
from nntrain.data.ranks import Ranked
from nntrain.data.seen import learn_seen
from nntrain.data.settings import Data
from nntrain.data.several import Several, Target
from nntrain.data.table import Table
from nntrain.data.targets import Amounts, Classes
from nntrain.data.texts import Texts
from nntrain.data.tokens import Tokens
from nntrain.families import Array, Goal, Task

ENCODINGS: dict[str, type[OneHot | Ordinal | Hashed | Embedded]] = {
    "one_hot": OneHot, "ordinal": Ordinal, "hashed": Hashed, "embedding": Embedded,
}  # fmt: skip


def learn(
    table: Table, columns: tuple[Column, ...], rows: Array, settings: Data, goal: Goal
) -> Preprocessor:
    """Learn from training rows, `rows` (N,), of a table that `columns.parse` has read."""
    every = len(rows) == len(table) and bool((rows == np.arange(len(rows))).all())
    training = table if every else table.take(rows)
    kinds: dict[str, str] = {column.name: column.kind for column in columns}
    how, na_values = settings.preprocessing, settings.na_values
    if settings.window:  # what came before is an input, targets too
        lags = "tokens" if settings.text else "numeric" if goal == "numbers" else "categorical"
        kinds |= dict.fromkeys(settings.targets, lags)
    features: list[Feature] = []
    for name, kind in kinds.items():
        if kind == "numeric":
            scaled = Ranked if how.numeric.scale == "rank_normal" else Scaled
            features.append(scaled.learn(training, name, na_values, how.numeric))
        elif kind == "categorical":
            encoded = ENCODINGS[how.categorical.encode]
            features.append(encoded.learn(training, name, na_values, how.categorical))
        elif kind == "date":
            features.append(_dates(training, name, settings))
        elif kind == "text":
            features.append(_texts(training, name, settings))
        elif kind == "grid":
            features.append(Grid.learn(training, name, how.numeric))
        elif kind == "tokens" and settings.text:
            features.append(Tokens.learn(training, name, settings.text.vocabulary))
        elif kind == "series":
            features.append(_series(training, name, settings))
    target = learn_target(training, settings, goal)
    task: Task = "heads" if isinstance(goal, Mapping) else goal
    weight = settings.weight or ""
    seen = () if settings.text else learn_seen(training, features, na_values)
    found = Preprocessor(
        task, tuple(features), target, settings.ids, na_values, settings.window, weight, seen
    )
    if not found.inputs:
        message = "no feature gives an input: no category has as many training rows as it needs"
        raise training.error(message, hint="`min_count` under `data.preprocessing.categorical`")
    return found


def _dates(training: Table, name: str, settings: Data) -> Dates:
    how, in_order = settings.preprocessing.date, settings.split.by == "time"
    form = date_format(settings, name)
    return Dates.learn(training, name, settings.na_values, how, form=form, in_order=in_order)


def _series(training: Table, name: str, settings: Data) -> Series:
    series = Series.learn(training, name, settings.preprocessing.numeric)
    if series.varies and not settings.targets:
        message = "a network can not learn series of unequal length as its own output"
        raise training.error(message, hint="`data.target` names what it is to learn")
    return series


def _texts(training: Table, name: str, settings: Data) -> Texts:
    if not settings.targets:
        message = "a network can not learn texts as its own output"
        raise training.error(message, hint="`data.target` names what it is to learn")
    return Texts.learn(training, name, settings.na_values, settings.preprocessing.text)


def learn_target(table: Table, settings: Data, goal: Goal) -> Target:
    """Classes, scales or tokens of the target in these rows."""
    if settings.text:
        return Tokens.learn(table, settings.targets[0], settings.text.vocabulary)
    if goal == "numbers":
        how = settings.preprocessing.target
        return Amounts.learn(table, settings.targets, settings.na_values, how)
    if isinstance(goal, Mapping):
        return Several.learn(table, settings, goal)
    if goal == "binary" and len(settings.targets) > 1:
        return Several.learn(table, settings, dict.fromkeys(settings.targets, goal))
    if len(settings.targets) != 1:
        found = "several" if settings.targets else "no"
        hint = "`data.target` names the column with the classes"
        raise table.error(f"classes come from one target column, and there are {found}", hint=hint)
    return Classes.learn(table, settings.targets[0], settings.na_values, goal)
