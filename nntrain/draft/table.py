"""Tables: a row of numbers and categories becomes one vector, and dense layers judge it."""

from __future__ import annotations

from collections.abc import Sequence

from nntrain.data.table import Table
from nntrain.draft.answer import Answer
from nntrain.draft.page import Line
from nntrain.draft.recipe import OUTPUT, Recipe, course, training_rows
from nntrain.draft.roles import Roles
from nntrain.wording import plural

FEW_ROWS = 1000  # below it, what is learned is held smooth


def table_recipe(table: Table, roles: Roles, answers: Sequence[Answer]) -> Recipe:
    """Dense layers with dropout."""
    inputs, told = _inputs(table, roles)
    rows = min(answer.rows for answer in answers)
    return dense_recipe(rows, inputs, told, answers, _target(answers))


def dense_recipe(
    rows: int,
    inputs: int,
    told: str,
    answers: Sequence[Answer],
    preprocessing: Sequence[Line] = (),
    before: Sequence[Line] = (),
) -> Recipe:
    """The same for any vector of inputs; `told` says what they are."""
    few = rows < FEW_ROWS
    units = 256 if inputs >= 40 else 128 if inputs >= 10 else 64
    drop = 0.2
    batch = _batch(rows)
    epochs, steps = course(rows, batch, steps=2500, least=15, most=150)
    count = ("only " if few else "") + f"{rows:,}"
    train = f"{training_rows(rows):,} rows that train"
    activation = "elu" if few else "relu"
    hidden = f"- {{type: dense, units: {units}, activation: {activation}}}"
    noise = f"- {{type: dropout, rate: {drop:g}}}"
    layers = [Line(hidden, told), Line(noise, f"{train}: none is to be known by heart")]
    if any(answer.task == "numbers" for answer in answers):
        layers += [
            Line(hidden, "a second layer, as an amount bends more than the border of a class"),
            Line(noise, "the same again"),
        ]
    return Recipe(
        [],
        [*before, *layers, OUTPUT],
        (epochs, steps),
        (batch, f"{train}"),
        rate=3e-3,
        decay=(0.1 if few else 0.01, f"{count} rows: small weights give a smooth answer"),
        average=0.99,
        patience=max(10, epochs // 2),
        preprocessing=preprocessing,
    )  # fmt: skip


def _batch(rows: int) -> int:
    train = training_rows(rows)
    return 16 if train < 500 else 32 if train < 3000 else 64 if train < 10_000 else 128


def _inputs(table: Table, roles: Roles) -> tuple[int, str]:
    """How many inputs there are, and what they are in words."""
    numeric, categorical = roles.of_kind("number"), roles.of_kind("category")
    categories = sum(len(set(table.columns[name].tolist())) for name in categorical)
    parts = [plural(len(numeric), "number")] if numeric else []
    if dates := roles.of_kind("date"):
        parts.append(f"parts of {plural(len(dates), 'date')}")
    if categorical:
        columns = plural(len(categorical), "column")
        parts.append(f"{categories:,} categories of {columns} of text")
    return len(numeric) + categories, f"from {' and '.join(parts)}"


def _target(answers: Sequence[Answer]) -> list[Line]:
    """How a skewed target is learned."""
    skewed = [answer for answer in answers if answer.task == "numbers"]
    if not skewed or not all(answer.is_skewed for answer in skewed):
        return []
    found = ", ".join(f"{answer.skewness:.1f}" for answer in skewed)
    why = f"a long tail (skewness {found}): its logarithm is learned, predictions are as before"
    return [Line("target: {transform: log}", why)]
