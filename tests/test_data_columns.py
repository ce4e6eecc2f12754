"""Kinds of columns, missing cells, and every way a column can be wrong."""

from __future__ import annotations

import csv
import io
from typing import Any

import numpy as np
import pytest

from nntrain.data.cells import numbers
from nntrain.data.columns import Column, parse
from nntrain.data.settings import Categorical, Data, Features, Preprocessing
from nntrain.data.sources import Csv
from nntrain.data.table import TEXT, Table, join
from nntrain.errors import DataError

nan = float("nan")


def table_of(**columns: list[str]) -> Table:
    rows = zip(*columns.values(), strict=True)
    file = io.StringIO()
    csv.writer(file).writerows([tuple(columns), *rows])
    file.seek(0)
    return join(list(Csv().read(file)))


def columns_of(cells: dict[str, list[str]], **settings: Any) -> dict[str, Column]:
    """What becomes of the columns; `other` is a numeric one, so that a feature is always left."""
    rows = max(len(column) for column in cells.values())
    other = [str(row) for row in range(rows)]
    columns = parse(table_of(other=other, **cells), Data(path="", **settings))[1]
    return {column.name: column for column in columns}


def kind_of(*cells: str, **settings: Any) -> str:
    return columns_of({"x": list(cells)}, **settings)["x"].kind


def wrong(*cells: str, **settings: Any) -> tuple[str, int, str]:
    with pytest.raises(DataError) as caught:
        kind_of(*cells, **settings)
    assert len(str(caught.value).splitlines()) <= 6
    problem = caught.value.problem
    return problem.message, problem.line, problem.hint


@pytest.mark.parametrize(
    "cells, kind",
    [
        (("1", "2.5", "-1e-3"), "numeric"),
        (("1", "", "2"), "numeric"),
        (("1", "NaN", "2"), "numeric"),
        (("a", "b"), "categorical"),
        (("True", "False"), "categorical"),
        (("1", "b"), "categorical"),
        (("1_0", "2_0"), "categorical"),
        (("2020-01-01", "2020-01-02"), "date"),
        (("2020-01-01T10:00", "", "2020-01-01 10:01:30.5"), "date"),
        (("2020-01-01", "2020-02-30"), "categorical"),
        (("2020-01-01", "2020-01-01"), "ignore"),
        (("7", "7"), "ignore"),
        (("7", "", "7"), "ignore"),
        (("a", "a"), "ignore"),
        (("0x10", "0x11"), "categorical"),
    ],
)
def test_kinds(cells: tuple[str, ...], kind: str) -> None:
    assert kind_of(*cells) == kind


def test_missing_cells_are_counted() -> None:
    found = columns_of(
        {"x": ["1", "", "nan", "-999.0", "3"], "c": ["a", "", "nan", "?", "b"]},
        na_values=("?", "-999"),
    )
    assert (found["x"].kind, found["x"].missing) == ("numeric", 3)
    assert (found["c"].kind, found["c"].missing) == ("categorical", 2)  # `nan` may be a name


def test_numbers_where_missing_is_nan() -> None:
    cells = np.array(["1", "", "NAN", "-9", "0.1", "x", "1_0", "٣"], dtype=TEXT)
    values, bad = numbers(cells, ["-9"])
    assert np.array_equal(values, [1, nan, nan, nan, 0.1, nan, nan, 3], equal_nan=True)
    assert bad.tolist() == [False] * 5 + [True, True, False]
    assert numbers(values, [])[0] is values


def test_mostly_numbers_is_an_error_with_ways_on() -> None:
    message, line, hint = wrong(*["1.5"] * 15, "abc", *["2"] * 328)
    assert message == "column `x`: line 17 has `abc`, where 343 of 344 cells are numbers"
    assert line == 17
    assert "data.na_values: [abc]" in hint
    assert "data.columns: {x: categorical}" in hint
    assert kind_of("1", "2", "abc", na_values=("abc",)) == "numeric"
    assert kind_of("1", "2", "abc", columns={"x": "categorical"}) == "categorical"


@pytest.mark.parametrize("cell", ["inf", "-inf", "Infinity", "1e999", "-1e39"])
def test_numbers_beyond_float32(cell: str) -> None:
    message, line, _ = wrong("1", "2", cell)
    assert message.startswith(f"column `x`: line 4 has `{cell}`")
    assert line == 4
    assert kind_of("1", "2", cell, na_values=(cell,)) == "numeric"


def test_text_that_differs_in_most_rows_is_left_out() -> None:
    found = columns_of({"x": [f"row {i}" for i in range(60)]})["x"]
    assert found.kind == "ignore"
    assert found.note == "looks like an id: 60 different values in 60 rows"
    assert found.shown_kind == "id-like"
    assert kind_of(*[f"row {i}" for i in range(50)]) == "ignore"
    assert kind_of(*[f"row {i}" for i in range(49)], "row 48") == "categorical"
    assert kind_of(*[f"row {i}" for i in range(20)]) == "categorical"
    assert kind_of(*[f"row {i}" for i in range(60)] * 2) == "categorical"
    assert kind_of(*[f"r{i}" for i in range(60)], columns={"x": "categorical"}) == "categorical"


def test_constant_columns_say_so() -> None:
    found = columns_of({"x": ["7", "7"], "c": ["a", "a"]})
    assert found["x"].note == "every value is 7"
    assert found["c"].note == "every value is `a`"
    assert kind_of("7", "7", columns={"x": "numeric"}) == "numeric"
    assert kind_of("a", "a", columns={"x": "categorical"}) == "categorical"


def test_missing_or_not_can_be_all_that_a_column_tells() -> None:
    own = Preprocessing(categorical=Categorical(impute="category"))
    assert kind_of("a", "", "a") == "ignore"
    assert kind_of("a", "", "a", preprocessing=own) == "categorical"


def test_all_cells_missing() -> None:
    message, _, hint = wrong("", "nan", "")
    assert message == "column `x` has no value in any row"
    assert "data.features: {exclude: [x]}" in hint
    assert kind_of("", "", features=Features(exclude=("x",))) == "ignore"
    assert kind_of("", "", columns={"x": "ignore"}) == "ignore"


def test_numeric_by_word_of_the_config() -> None:
    message, line, _ = wrong("a", "b", "c", columns={"x": "numeric"})
    assert message == "column `x`: line 2 has `a`, where 0 of 3 cells are numbers"
    assert line == 2
    assert kind_of("1", "2", columns={"x": "categorical"}) == "categorical"


def test_parts_that_the_config_gives() -> None:
    cells = {name: ["1", "2"] for name in "abcde"}
    found = columns_of(
        cells, target="a", id="b", features=Features(exclude=("c",)), columns={"d": "ignore"}
    )
    kinds = {name: column.kind for name, column in found.items()}
    assert kinds == {
        "other": "numeric", "a": "target", "b": "id", "c": "ignore", "d": "ignore", "e": "numeric",
    }  # fmt: skip
    assert found["c"].note == "in data.features.exclude"
    found = columns_of(cells, features=Features(include=("a", "b")))
    assert [name for name, column in found.items() if column.is_feature] == ["a", "b"]


@pytest.mark.parametrize(
    "settings",
    [
        {"target": "bil"},
        {"target": ("other", "bil")},
        {"id": "bil"},
        {"features": Features(include=("bil",))},
        {"features": Features(exclude=("bil",))},
        {"columns": {"bil": "numeric"}},
    ],
)
def test_unknown_names(settings: dict[str, Any]) -> None:
    with pytest.raises(DataError) as caught:
        columns_of({"Bill": ["1", "2"]}, **settings)
    problem = caught.value.problem
    assert "names a column that the file lacks: `bil`" in problem.message
    assert problem.message.startswith("data.")
    assert problem.hint == "did you mean `Bill`?"
    with pytest.raises(DataError, match="the columns are `other`, `x`"):
        columns_of({"x": ["1"]}, target="species")


@pytest.mark.parametrize(
    "settings",
    [
        {"target": "x", "id": "x"},
        {"target": "x", "features": Features(include=("x",))},
        {"target": "x", "columns": {"x": "ignore"}},
    ],
)
def test_a_column_has_one_part(settings: dict[str, Any]) -> None:
    with pytest.raises(DataError, match="`x` can not be two things at once"):
        columns_of({"x": ["1", "2"]}, **settings)


def test_no_feature_is_left() -> None:
    with pytest.raises(DataError, match="no column is left to learn from") as caught:
        columns_of({"x": ["7", "7"]}, target="other")
    assert "every value is 7" in caught.value.problem.hint


def test_cells_in_messages_are_short_and_plain() -> None:
    message, _, _ = wrong("1", "2", "3", "\x1b[31m" + "x" * 500)
    assert "\x1b" not in message
    assert len(message) < 150


def test_parsing_keeps_what_is_used_alone() -> None:
    table = table_of(x=["1", "3"], c=["a", "b"], k=["7", "7"], t=["1", "2"])
    parsed, _ = parse(table, Data(path="", target="t"))
    assert set(parsed.columns) == {"x", "c", "t"}
    assert parsed.columns["x"].dtype == np.float64
    assert parsed.columns["t"].tolist() == ["1", "2"]
    assert parse(parsed, Data(path="", target="t"))[0].columns["x"] is parsed.columns["x"]


COMMAS = (["0,5", "1,5"], ["1,234", "1,234,567.5", "7"], ["1", "2", "0,5"])


@pytest.mark.parametrize("cells", COMMAS)
def test_numbers_with_a_comma_are_no_categories(cells: list[str]) -> None:
    message, line, hint = wrong(*cells)
    first = next(i for i, cell in enumerate(cells) if "," in cell)
    assert message.endswith("a number with a comma")
    assert line == first + 2
    assert "1234.5" in hint
    assert kind_of(*cells, columns={"x": "categorical"}) == "categorical"


def test_names_in_hints_can_be_pasted_into_yaml() -> None:
    table = table_of(**{"len [mm]": ["1", "2", "N/A"], "y": ["1", "2", "3"]})
    with pytest.raises(DataError) as caught:
        parse(table, Data("f.csv", target="y"))
    hint = caught.value.problem.hint
    assert 'data.na_values: ["N/A"]' in hint
    assert 'data.columns: {"len [mm]": categorical}' in hint
