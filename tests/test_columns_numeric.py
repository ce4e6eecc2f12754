"""Numeric columns: filled, flagged and scaled as scikit-learn does it, and by ranks."""

from __future__ import annotations

from statistics import NormalDist
from typing import Any

import numpy as np
import pytest

from nntrain.data.features import Scaled
from nntrain.data.preprocessing import Preprocessor
from nntrain.data.ranks import MOST, Ranked, normal_quantile
from nntrain.data.report import Report
from nntrain.data.settings import Numeric
from nntrain.data.table import Table
from nntrain.errors import DataError, MachineError
from nntrain.families import Array
from tests.cases import over, reference
from tests.test_data_columns import table_of
from tests.test_data_preprocessing import learned, numeric

Column = list[float | None]


def rows(column: Column) -> Table:
    """Rows of this column, and of another, since a line without anything would be no row."""
    cells = ["" if value is None else repr(value) for value in column]
    return table_of(x=cells, other=["1"] * len(cells))


def feature(column: Column, **how: Any) -> Scaled | Ranked:
    kind = Ranked if how.get("scale") == "rank_normal" else Scaled
    return kind.learn(rows(column), "x", (), Numeric(**how))


def inputs(found: Scaled | Ranked, column: Column, dtype: Any = np.float64) -> Array:
    """The inputs of other rows, (C, N)."""
    out = np.empty((len(found.inputs), len(column)), dtype)
    found.write(rows(column), (), out, Report())
    return out


@over("name", [n for n in reference("sklearn", "columns ") if n.startswith(
    ("columns robust", "columns standard", "columns min_max", "columns rank_normal"))])  # fmt: skip
def test_the_same_numbers_as_scikit_learn(name: str) -> None:
    entry = reference("sklearn")[name]
    _, scale, impute, _ = name.split()
    found = feature(entry["column"], scale=scale, impute=impute, fill=-1.5, missing_flag=True)
    for part, wanted in (("column", "scaled"), ("others", "scaled others")):
        x, there = inputs(found, entry[part])[0], np.array(entry[wanted])
        if isinstance(found, Ranked):
            x, there = same_inside(found, entry[part], x, there)
        np.testing.assert_allclose(x, there, rtol=1e-12, atol=1e-12)
    flags = entry["flags"]
    assert inputs(found, entry["others"])[1:].ravel().tolist() == flags
    assert found.inputs == (("x", "x is missing") if flags else ("x",))


def same_inside(found: Ranked, column: Column, x: Array, there: Array) -> tuple[Array, Array]:
    """At the ends scikit-learn goes to 5.2, also where half of the rows have the lowest value."""
    end = -NormalDist().inv_cdf(0.5 / len(found.quantiles))
    assert np.abs(x).max() <= end + 1e-12
    values = np.array([found.fill if value is None else value for value in column])
    inside = (values > found.quantiles[0]) & (values < found.quantiles[-1])
    assert inside.sum() > 2
    x, there, values = x[inside], np.clip(there[inside], -end, end), values[inside]
    alone = np.isin(values, found.quantiles, invert=True) | (
        np.searchsorted(found.quantiles, values, "right")
        - np.searchsorted(found.quantiles, values, "left")
        == 1
    )
    n = len(found.quantiles)  # the place of equal values is rounded there, by a rank at most
    np.testing.assert_allclose(cdf(x[~alone]), cdf(there[~alone]), atol=1 / n)
    return x[alone], there[alone]


def cdf(x: Array) -> list[float]:
    return [NormalDist().cdf(one) for one in x]


def test_equal_values_stand_in_the_middle_of_their_ranks() -> None:
    column: Column = [1, 2, 2, 2, 3, 4, 5]
    x = inputs(feature(column, scale="rank_normal"), column)[0]
    wanted = [NormalDist().inv_cdf(p) for p in (1 / 14, 2 / 6, 2 / 6, 2 / 6, 4 / 6, 5 / 6, 13 / 14)]
    np.testing.assert_allclose(x, wanted, atol=1e-12)


def test_more_rows_than_quantiles() -> None:
    entry = reference("sklearn")["columns many quantiles"]
    found = feature(entry["column"], scale="rank_normal")
    assert isinstance(found, Ranked)
    assert len(found.quantiles) == MOST
    end = -NormalDist().inv_cdf(0.5 / MOST)
    wanted = np.clip(entry["scaled others"], -end, end)
    np.testing.assert_allclose(inputs(found, entry["others"])[0], wanted, rtol=1e-12, atol=1e-12)


def test_the_normal_quantile() -> None:
    p = np.array([1e-9, 0.0005, 0.074, 0.0751, 0.3, 0.5, 0.925, 0.9251, 0.99, 1 - 1e-9])
    wanted = [NormalDist().inv_cdf(one) for one in p]
    np.testing.assert_allclose(normal_quantile(p), wanted, rtol=1e-14, atol=1e-16)


def test_ranks_look_normal_whatever_the_numbers() -> None:
    rng = np.random.default_rng(1)
    values = np.exp(3 * rng.normal(size=5000)).tolist()
    x = inputs(feature(values, scale="rank_normal"), values)[0]
    assert abs(x.mean()) < 1e-2
    assert abs(x.std() - 1) < 2e-2
    assert (np.argsort(x, kind="stable") == np.argsort(values, kind="stable")).mean() > 0.99


def test_ranks_of_what_never_varies() -> None:
    assert inputs(feature([4.0] * 9, scale="rank_normal"), [4.0])[0].tolist() == [0.0]
    assert inputs(feature([4.0], scale="rank_normal"), [1.0, 4.0, 9.0])[0].tolist() == [0.0] * 3


def test_robust_where_half_is_constant() -> None:
    assert inputs(feature([4, 4, 4, 4, 9, 1], scale="robust"), [6])[0].tolist() == [2.0]


def test_a_constant_stands_in() -> None:
    found = feature([1, None, 3], impute="constant", fill=-1.0, scale="none")
    assert inputs(found, [None, 3])[0].tolist() == [-1, 3]
    assert inputs(feature([None], impute="constant", fill=7.0, scale="none"), [None])[0] == [7]


def test_a_flag_only_for_columns_that_miss_values_in_training_rows() -> None:
    text = "a,b,y 1,1,1 ,2,2 3,3,3"
    found = learned(text, target="y", preprocessing=numeric(missing_flag=True, scale="none"))
    assert found.input_names == ("a", "a is missing", "b")
    assert found.places == {"a": slice(0, 2), "b": slice(2, 3)}
    table = table_of(b=["", "5"], a=["", "4"])
    assert found.features(table).tolist() == [[2, 1, 2], [4, 0, 5]]  # medians 2 and 2


@pytest.mark.parametrize("scale", ["robust", "rank_normal"])
def test_a_round_trip_to_the_bit(scale: Any) -> None:
    text = "a,y 0.1,1 ,2 3.7,3 1e-7,4 9,5"
    before = learned(text, target="y", preprocessing=numeric(scale=scale, missing_flag=True))
    after = Preprocessor.from_plain(before.to_plain())
    assert after == before
    table = table_of(a=["0.3", "", "99", "-1e9"])
    assert before.features(table).tobytes() == after.features(table).tobytes()


@pytest.mark.parametrize("quantiles", [[], [2.0, 1.0], [0.0] * 1002])
def test_damaged_quantiles(quantiles: list[float]) -> None:
    plain = learned("a,y 1,1 2,2", target="y", preprocessing=numeric(scale="rank_normal"))
    damaged = plain.to_plain()
    damaged["features"][0]["quantiles"] = quantiles
    with pytest.raises(MachineError, match="a: quantiles"):
        Preprocessor.from_plain(damaged)


def test_what_a_transform_can_not_take_is_told_with_its_line() -> None:
    with pytest.raises(DataError, match="line 3 has -4") as caught:
        feature([1, -4], scale="rank_normal", transform="sqrt")
    assert caught.value.problem.line == 3
