"""Forecasts: rows in the order of time, each foretold from some of the rows before it.

How many rows a window has, and whether their square roots are easier to foretell, is tried out: by
least squares on the rows that train, judged on the rows for validation.  Rows for the test are not
looked at.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from nntrain.data.cells import absent, numbers
from nntrain.data.dates import dates
from nntrain.data.settings import Window
from nntrain.data.table import Table, is_array
from nntrain.draft.answer import Answer
from nntrain.draft.page import Line
from nntrain.draft.recipe import KEPT, OUTPUT, Recipe, gated
from nntrain.draft.roles import Roles
from nntrain.draft.written import written_as
from nntrain.families import Array
from nntrain.values import dataclass
from nntrain.wording import plural

LENGTHS = (1, 2, 3, 4, 6, 9, 12, 16, 20, 24, 30, 36, 42, 48, 52, 60, 72, 96)
FEWEST_ROWS = 50  # with less, nothing is foretold
BENDING_ROWS = 5000  # from which a network that bends is tried; with less it learns by heart
ALIKE = 0.5  # correlation of a row and the next from which the order of the rows tells something
NOTABLE = 0.97  # share of the error that a longer window must not exceed to be taken
LATEST = 20_000  # rows that are tried out


@dataclass(frozen=True)
class Course:
    """The numbers of a target in the order of time, and what foretells them best.

    clock: the column that tells the time, if there is one.
    alike: the correlation of a row and the next.
    error, naive: of the best linear forecast, and of the last value, on the rows for validation.
    gaps, spread: values that are missing, and the standard deviation of the others.
    """

    clock: str
    alike: float
    length: int
    transform: str
    error: float
    naive: float
    gaps: int
    spread: float

    @property
    def window(self) -> Window:
        return Window(self.length)


def find_course(table: Table, roles: Roles, answers: Sequence[Answer]) -> Course | None:
    """The course of the only target; None where rows are no steps in time."""
    if len(answers) != 1 or answers[0].task != "numbers" or len(table) < FEWEST_ROWS:
        return None
    clock = _clock(table, answers[0].name, tuple(roles.missing))
    others = [name for name in roles.inputs if name != clock]
    if clock is None and others:
        return None
    values = answers[0].values
    known = values[~np.isnan(values)]
    steps = np.diff(known)
    if (steps >= 0).all() or (steps <= 0).all():  # sorted by the target
        return None
    alike = float(np.corrcoef(known[:-1], known[1:])[0, 1])
    if alike < ALIKE:
        return None
    length, transform, error, naive = _best(values[-LATEST:], bendable=not others)
    gaps, spread = int(np.isnan(values).sum()), float(known.std())
    return Course(clock or "", alike, length, transform, error, naive, gaps, spread)


def _clock(table: Table, target: str, na_values: Sequence[str]) -> str | None:
    """A column that rises from row to row: numbers or dates."""
    for name, cells in table.columns.items():
        if name == target or is_array(cells) or absent(cells, na_values).any():
            continue
        values, wrong = numbers(cells, na_values)
        if not wrong.any() and (np.diff(values) > 0).all():
            return name
        texts = cells.tolist()
        dated = all(text[:4].isdigit() and text[4:5] in "-/." for text in texts)
        if dated and all(a < b for a, b in pairwise(texts)):
            return name
        for form in written_as(cells):
            if (np.diff(dates(cells, (), form)[0]) > 0).all():
                return name
    return None


def _best(values: Array, *, bendable: bool) -> tuple[int, str, float, float]:
    """Length and transform with the smallest error, that error, and that of the last value."""
    end = round(len(values) * (1 - KEPT))
    start = round(len(values) * (1 - 2 * KEPT))
    naive = _rmse(values[start - 1 : end - 1] - values[start:end])
    transforms = ["none"]
    if bendable and np.nanmin(values) >= 0:
        transforms.append("sqrt")
    best = (1, "none", np.inf)
    for transform in transforms:
        bent = np.sqrt(values) if transform == "sqrt" else values
        for length in LENGTHS:
            if 4 * length > start:
                break
            error = _error(bent, values, length, start, end, transform)
            if error < NOTABLE * best[2]:
                best = (length, transform, error)
    return (*best, naive)


def _error(bent: Array, values: Array, length: int, start: int, end: int, transform: str) -> float:
    """Error on the rows start … end of a linear forecast from `length` rows before each."""
    lags = np.lib.stride_tricks.sliding_window_view(bent[: end - 1], length)  # (end - length, L)
    x = np.column_stack([lags, np.ones(len(lags))])
    y = bent[length:end]
    sound = ~(np.isnan(x).any(axis=1) | np.isnan(y))
    train = np.arange(len(x)) < start - length
    weights, *_ = np.linalg.lstsq(x[train & sound], y[train & sound], rcond=None)
    judged = ~train & sound
    found = x[judged] @ weights
    if transform == "sqrt":
        found = np.square(np.maximum(found, 0.0))
    return _rmse(found - values[length:end][judged])


def _rmse(errors: Array) -> float:
    return float(np.sqrt(np.nanmean(np.square(errors))))


def forecast_recipe(course: Course, rows: int) -> tuple[Recipe, Line]:
    """A linear forecast; with enough rows a small network that is added to it."""
    bends = rows >= BENDING_ROWS
    validation = KEPT if bends else 0.0
    test = round(rows * KEPT)
    train = round(rows * (1 - validation - KEPT)) - course.length
    batch = 64 if train < 1000 else 256
    each = max(1, round(train / batch))
    steps = 6000 if bends else 10_000
    epochs = max(10, min(2000, round(steps / each)))
    told = f"{plural(each, 'step')} an epoch, so up to {epochs * each:,} in all"
    why = f"the last {test:,} rows are the test, as many before them judge each epoch"
    if not bends:
        why = f"the last {test:,} rows are the test, all before them train, as new ones tell most"
    data = [
        *_preprocessing(course),
        Line(
            f"window: {{length: {course.length}}}",
            f"each row is foretold from the {plural(course.length, 'row')} before it: so many had "
            f"the smallest error ({course.error:.4g}; {course.naive:.4g} by the last value alone)",
        ),
        Line(f"split: {{validation: {validation:g}, test: {KEPT:g}}}", why),
    ]
    recipe = Recipe(
        data,
        _bent() if bends else _linear(rows),
        (epochs, told),
        (batch, f"{train:,} windows that train"),
        rate=3e-3 if bends else 0.01,
        decay=(0.0, "none: a forecast of what grows or swings must not be drawn to the mean"),
        average=0.99,
        patience=max(10, epochs // 4) if bends else 0,
    )
    bound = f'test_rmse: "<= {course.naive:.4g}"'
    return recipe, gated(bound, f"{course.naive:.4g} is the error of the last value, repeated")


def forecast_loss(course: Course) -> list[Line]:
    """The loss, which gaps must not rule: they are filled in, far from what would stand there."""
    if not course.gaps or course.transform != "none":
        return [Line("loss: mean_squared_error", "large errors count more than small ones")]
    delta = 2 * course.error / course.spread
    gaps = plural(course.gaps, "gap")
    why = f"{gaps}, filled with the median: errors of windows that see one must not rule the others"
    return [Line(f"loss: {{type: huber, delta: {delta:.1g}}}", why)]


def _preprocessing(course: Course) -> list[Line]:
    if course.transform == "none":
        return []
    how = f"{{transform: {course.transform}}}"
    return [
        Line("preprocessing:", "square roots had a smaller error than the numbers themselves"),
        Line(f"  numeric: {how}", "of the rows that are seen"),
        Line(f"  target: {how}", "undone in predictions and scores"),
    ]


def _linear(rows: int) -> list[Line]:
    return [
        Line("- {type: flatten}", "the rows of a window side by side"),
        Line(
            "- {type: dense, units: auto}",
            f"a weight for each, and no more: {rows:,} rows are few for a network that bends",
        ),
    ]


def _bent() -> list[Line]:
    return [
        Line("- {type: flatten}", "the rows of a window side by side"),
        Line("- type: residual", "what the network finds is added to a linear forecast"),
        Line("  layers:", "the network"),
        Line("    - {type: dense, units: 32, activation: tanh}", "bent, and within bounds"),
        Line("    - {type: dense, units: 8}", "in a few numbers"),
        OUTPUT,
    ]
