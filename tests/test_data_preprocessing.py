"""Preprocessing: numbers by hand, to the bit after a round trip, by name, chunk by chunk."""

from __future__ import annotations

import io
import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nntrain.data.columns import parse
from nntrain.data.learning import learn
from nntrain.data.preprocessing import Preprocessor
from nntrain.data.report import MOST_VALUES, Report
from nntrain.data.settings import Categorical, Data, Features, Numeric, Preprocessing, TargetScale
from nntrain.data.sources import Csv
from nntrain.data.table import Table, join
from nntrain.errors import DataError, MachineError
from nntrain.families import Array, Task


def table_of(text: str) -> Table:
    return join(list(Csv().read(io.StringIO(text.replace(" ", "\n") + "\n"))))


def learned(text: str, task: Task = "numbers", **settings: Any) -> Preprocessor:
    """Learned from all rows; rows are separated by blanks."""
    data = Data(path="", **settings)
    table, columns = parse(table_of(text), data)
    return learn(table, columns, np.arange(len(table)), data, task)


def numeric(**settings: Any) -> Preprocessing:
    return Preprocessing(numeric=Numeric(**settings))


def categorical(**settings: Any) -> Preprocessing:
    return Preprocessing(categorical=Categorical(**settings))


def f32(*rows: Any) -> Array:
    return np.array(rows, dtype=np.float32)


def problem_of(preprocessor: Preprocessor, text: str) -> tuple[str, int, str]:
    with pytest.raises(DataError) as caught:
        preprocessor.features(table_of(text))
    problem = caught.value.problem
    return problem.message, problem.line, problem.hint


# x: 1, 2, (missing), 3, 10 has median 2.5, mean 4; filled with 2.5 its mean is 3.7


@pytest.mark.parametrize(
    "settings, wanted",
    [
        ({"scale": "none"}, [1, 2, 2.5, 3, 10]),
        ({"scale": "none", "impute": "mean"}, [1, 2, 4, 3, 10]),
        ({"scale": "none", "impute": "most_frequent"}, [1, 2, 1, 3, 10]),
        ({"scale": "min_max"}, [0, 1 / 9, 1.5 / 9, 2 / 9, 1]),
        ({}, (np.array([1, 2, 2.5, 3, 10]) - 3.7) / np.sqrt(51.8 / 5)),
    ],
)
def test_numeric_columns_by_hand(settings: dict[str, Any], wanted: Any) -> None:
    text = "x,y 1,1 2,2 ,3 3,4 10,5"
    found = learned(text, target="y", preprocessing=numeric(**settings))
    x = found.features(table_of(text))
    assert x.dtype == np.float32
    assert x.flags.c_contiguous
    np.testing.assert_allclose(x[:, 0], wanted, rtol=1e-6, atol=1e-7)


def test_constant_in_training_rows_scales_by_one() -> None:
    text = "x,y 0.1,1 0.1,2 0.1,3 5,4"
    data = Data(path="", target="y")
    table, columns = parse(table_of(text), data)
    found = learn(table, columns, np.arange(3), data, "numbers")
    np.testing.assert_allclose(found.features(table)[:, 0], [0, 0, 0, 4.9], rtol=1e-6)


def test_no_value_in_any_training_row() -> None:
    data = Data(path="", target="y")
    table, columns = parse(table_of("x,y ,1 ,2 3,3 4,4"), data)
    found = learn(table, columns, np.arange(2), data, "numbers")
    assert found.features(table)[:, 0].tolist() == [0, 0, 3, 4]


def test_one_hot_in_sorted_order() -> None:
    found = learned("c,y b,1 a,2 b,3 ,4", target="y")
    assert found.input_names == ("c=a", "c=b")
    x = found.features(table_of("c,y a,1 b,2 ,3 z,4"))
    assert np.array_equal(x, f32([1, 0], [0, 1], [0, 1], [0, 0]))


def test_missing_as_a_category_of_its_own() -> None:
    own = categorical(impute="category")
    found = learned("c,y b,1 a,2 ,3", target="y", preprocessing=own)
    assert found.input_names == ("c=a", "c=b", "c=")
    x = found.features(table_of("c,d ,1 a,2"))
    assert x.tolist() == [[0, 0, 1], [1, 0, 0]]
    never = learned("c,y b,1 a,2", target="y", preprocessing=own)
    assert never.features(table_of("c,d ,1")).tolist() == [[0, 0]]


def test_numbers_as_categories_are_sorted_and_met_as_numbers() -> None:
    found = learned("c,y 10,1 9,2 1.0,3 1,4", target="y", columns={"c": "categorical"})
    assert found.input_names == ("c=1", "c=9", "c=10")
    assert found.features(table_of("c 10.0 01")).tolist() == [[0, 0, 1], [1, 0, 0]]


def test_unseen_categories_are_counted_or_an_error() -> None:
    text = "c,y b,1 a,2 b,3"
    report = Report()
    learned(text, target="y").features(table_of("c z z a q"), report)
    assert report.unseen == {"c": {"z": 2, "q": 1}}
    assert report.lines() == [
        "`c`: 3 cells with a category that no training row had (`z`, `q`)"
    ]  # fmt: skip
    strict = learned(text, target="y", preprocessing=categorical(unknown="error"))
    message, line, hint = problem_of(strict, "c a z")
    assert message == "column `c`: line 3 has `z`, a category that no training row had"
    assert line == 3
    assert "unknown: ignore" in hint


def test_the_report_adds_up_over_chunks() -> None:
    found = learned("x,c,y 1,a,1 2,b,2", target="y")
    report = Report()
    for text in ("x,c,more ,z,1 3,z,2", "x,c,more ,,1"):
        found.features(table_of(text), report)
    assert report.rows == 3
    assert report.missing == {"x": 2, "c": 1}
    assert report.extra == ("more",)
    assert report.lines() == [
        "`c`: 2 cells with a category that no training row had (`z`)",
        "`x`: 2 missing cells filled in",
        "`c`: 1 missing cell filled in",
        "1 column not used: `more`",
    ]
    assert Report().lines() == []


def test_the_report_stays_small() -> None:
    report = Report()
    report.add_unseen("c", [f"text {i}" for i in range(3 * MOST_VALUES)])
    assert len(report.unseen["c"]) == MOST_VALUES + 1
    assert report.unseen["c"].total() == 3 * MOST_VALUES


def test_columns_are_matched_by_name() -> None:
    found = learned("a,c,b,y 1,u,5,1 2,v,7,2 4,u,8,3", target="y")
    one = found.features(table_of("a,c,b,y 1,u,6,1 3,v,9,2"))
    two = found.features(table_of("more,b,y,a,c 0,6,1,1,u 0,9,2,3,v"))
    assert np.array_equal(one, two)


def test_missing_columns_are_all_named() -> None:
    found = learned("width,height,y 1,5,1 2,7,2", target="y")
    message, _, hint = problem_of(found, "Width,heigth,y 1,2,3")
    assert message == "the model needs columns that the file lacks: `width`, `height`"
    assert hint == "did you mean `Width`, `heigth`?"


def test_text_in_a_numeric_column() -> None:
    found = learned("x,y 1,1 2,2", target="y")
    assert problem_of(found, "x 1 abc")[:2] == (
        "column `x`: line 3 has `abc`, expected a number", 3,
    )  # fmt: skip
    assert problem_of(found, "x 1 1e300")[1] == 3


def test_a_number_too_far_to_scale() -> None:
    found = learned("x,y 1e-30,1 2e-30,2", target="y")
    message, line, _ = problem_of(found, "x 1e-30 1e30")
    assert "too far from the training rows" in message
    assert line == 3


def test_the_target_is_optional_in_predictions() -> None:
    found = learned("x,y 1,1 2,2", target="y", id=None)
    table = table_of("x 1 2")
    assert found.features(table).shape == (2, 1)
    with pytest.raises(DataError, match="the target is a column that the file lacks: `y`"):
        found.target(table)


def test_ids_pass_through_as_text() -> None:
    found = learned("key,x,y 007,1,1 008,2,2", target="y", id="key")
    assert found.input_names == ("x",)
    (ids,) = found.ids(table_of("x,key 1,0010 2,1.50"))
    assert ids.tolist() == ["0010", "1.50"]
    with pytest.raises(DataError, match="`key`"):
        found.ids(table_of("x 1"))


def test_classes() -> None:
    found = learned("x,y 1,b 2,a 3,c 4,", "classes", target="y")
    table = table_of("x,y 1,c 2, 3,a")
    assert (found.classes, found.outputs) == (("a", "b", "c"), 3)
    assert found.has_target(table).tolist() == [True, False, True]
    y = found.target(table.take(np.array([0, 2])))
    assert y.dtype == np.int64
    assert y.tolist() == [2, 0]


def test_numeric_classes_are_sorted_as_numbers_and_met_by_value() -> None:
    found = learned("x,y 1,10 2,9 3,1 4,nan", "classes", target="y")
    assert found.classes == ("1", "9", "10")
    table = table_of("x,y 1,10.0 2,1 3,NaN")
    assert found.has_target(table).tolist() == [True, True, False]
    assert found.target(table.take(slice(2))).tolist() == [2, 0]


def test_two_classes() -> None:
    found = learned("x,y 1,no 2,yes", "binary", target="y")
    y = found.target(table_of("x,y 1,yes 2,no"))
    assert (found.outputs, y.dtype.name) == (1, "float32")
    assert y.tolist() == [[1], [0]]


def test_a_class_never_seen() -> None:
    found = learned("x,y 1,b 2,a", "classes", target="y")
    with pytest.raises(DataError, match="line 3 has `z`, a class that no training row") as caught:
        found.target(table_of("x,y 1,b 2,z"))
    assert caught.value.problem.line == 3
    assert "`a`, `b`" in caught.value.problem.hint


def test_numbers_and_the_way_back() -> None:
    text = "x,y,z 1,1,100 2,2,100 3,3,400"
    found = learned(text, target=("y", "z"))
    table = table_of(text)
    y = found.target(table)
    assert (found.outputs, y.dtype.name, y.shape) == (2, "float32", (3, 2))
    np.testing.assert_allclose(y[:, 0], np.array([-1, 0, 1]) / np.sqrt(2 / 3), rtol=1e-6)
    raw = found.raw_target(table)
    assert raw.dtype == np.float64
    assert raw.tolist() == [[1, 100], [2, 100], [3, 400]]
    np.testing.assert_allclose(found.unscale(y), raw, rtol=1e-6)
    assert found.unscale(y).dtype == np.float64
    none = learned(text, target="y", preprocessing=Preprocessing(target=TargetScale("none")))
    assert none.target(table)[:, 0].tolist() == [1, 2, 3]


def test_without_a_target_the_input_is_learned() -> None:
    found = learned("x,c 1,a 2,b")
    table = table_of("x,c 1,a 2,b")
    x = found.features(table)
    assert found.outputs == found.inputs == 3
    assert np.array_equal(found.target(table), x)
    assert np.array_equal(found.raw_target(table), x)
    assert found.unscale(x) is x
    assert found.has_target(table).all()


@pytest.mark.parametrize("target, found", [(None, "no"), (("x", "y"), "several")])
def test_classes_come_from_one_column(target: Any, found: str) -> None:
    with pytest.raises(DataError, match=f"one target column, and there are {found}"):
        learned("x,y,z 1,a,3 2,b,4", "classes", target=target)


# To the bit

cell = st.one_of(st.just(""), st.floats(-1e30, 1e30).map(repr), st.integers(-9, 9).map(str))
row = st.tuples(cell, st.sampled_from(["", "a", "b", "c"]), st.floats(-1e9, 1e9))
how = st.builds(
    Preprocessing,
    st.builds(
        Numeric,
        st.sampled_from(["median", "mean", "most_frequent"]),
        st.sampled_from(["standard", "min_max", "none"]),
    ),
    st.builds(Categorical, impute=st.sampled_from(["most_frequent", "category"])),
)


def text_of(rows: list[Any]) -> str:
    return "\n".join(["x,c,y", *(f"{x},{c},{y!r}" for x, c, y in rows)])


def fixed(preprocessing: Preprocessing) -> Data:
    kinds = {"x": "numeric", "c": "categorical"}
    return Data(path="", target="y", columns=kinds, preprocessing=preprocessing)  # type: ignore[arg-type]


ANCHOR = [("1.5", "a", 2.0), ("3.25", "b", 4.0)]  # so that no column is empty


@given(st.lists(row, max_size=20), how)
def test_round_trip_to_the_bit(rows: list[Any], preprocessing: Preprocessing) -> None:
    data = fixed(preprocessing)
    raw = table_of(text_of(ANCHOR + rows))
    table, columns = parse(raw, data)
    before = learn(table, columns, np.arange(len(table)), data, "numbers")
    after = Preprocessor.from_plain(json.loads(json.dumps(before.to_plain())))
    assert after == before
    assert before.features(table).tobytes() == after.features(raw).tobytes()
    assert before.target(table).tobytes() == after.target(raw).tobytes()


@given(st.lists(row, min_size=1, max_size=20), st.integers(1, 7), how)
def test_chunks_give_the_bits_of_the_whole(
    rows: list[Any], size: int, preprocessing: Preprocessing
) -> None:
    data = fixed(preprocessing)
    text = text_of(ANCHOR + rows)
    table, columns = parse(table_of(text), data)
    found = learn(table, columns, np.arange(len(table)), data, "numbers")
    whole, parts = Report(), Report()
    x = found.features(table, whole)
    chunks = [found.features(t, parts) for t in Csv().read(io.StringIO(text), size)]
    assert np.concatenate(chunks).tobytes() == x.tobytes()
    assert whole == parts


def test_blocks_give_the_bits_of_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "x,c,y " + " ".join(f"{i / 7},{'abc'[i % 3]},{i}" for i in range(50))
    found = learned(text, target="y")
    whole = found.features(table_of(text))
    monkeypatch.setattr("nntrain.data.preprocessing.BLOCK", 7)
    assert found.features(table_of(text)).tobytes() == whole.tobytes()


@given(st.lists(row, min_size=1, max_size=9), st.lists(row, min_size=1, max_size=9), how)
def test_other_rows_do_not_change_the_statistics(
    some: list[Any], others: list[Any], preprocessing: Preprocessing
) -> None:
    data = fixed(preprocessing)
    found = []
    for rows in (ANCHOR + some, ANCHOR + some + others):
        table, columns = parse(table_of(text_of(rows)), data)
        training = np.arange(len(ANCHOR + some))
        found.append(learn(table, columns, training, data, "numbers").to_plain())
    assert found[0] == found[1]


# What a damaged model file may hold

GOOD = learned("x,c,y 1,a,1 2,b,2", target="y").to_plain()
CLASSES = learned("x,y 1,a 2,b", "classes", target="y").to_plain()


def damage(plain: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    copy: dict[str, Any] = json.loads(json.dumps(plain))
    *keys, last = [int(key) if key.isdigit() else key for key in path.split(".")]
    place: Any = copy
    for key in keys:
        place = place[key]
    place[last] = value
    return copy


@pytest.mark.parametrize(
    "path, value",
    [
        ("task", "dance"),
        ("task", "classes"),
        ("task", None),
        ("features", []),
        ("features", None),
        ("features.0", 3),
        ("features.0.kind", "amounts"),
        ("features.0.kind", ["numeric"]),
        ("features.0.scale", 0),
        ("features.0.scale", "1"),
        ("features.0.scale", True),
        ("features.0.fill", float("nan")),
        ("features.0.shift", None),
        ("features.0.name", "c"),
        ("features.0.more", 1),
        ("features.1.categories", ["b"]),
        ("features.1.categories", "ab"),
        ("features.1.categories", [1]),
        ("features.1.fill", 3),
        ("features.1.gap", 0),
        ("target", None),
        ("target.shifts", []),
        ("target.scales", [-1.0]),
        ("ids", None),
        ("na_values", [None]),
    ],
)
def test_damaged_values(path: str, value: Any) -> None:
    assert Preprocessor.from_plain(GOOD).to_plain() == GOOD
    with pytest.raises(MachineError, match="damaged"):
        Preprocessor.from_plain(damage(GOOD, path, value))


@pytest.mark.parametrize("classes", [[], ["a"], ["a", "a"]])
def test_damaged_classes(classes: list[str]) -> None:
    assert Preprocessor.from_plain(CLASSES).to_plain() == CLASSES
    with pytest.raises(MachineError, match="damaged"):
        Preprocessor.from_plain(damage(CLASSES, "target.classes", classes))


@pytest.mark.parametrize("value", [None, 3, [], {}, "x"])
def test_not_a_preprocessor_at_all(value: Any) -> None:
    with pytest.raises(MachineError, match="damaged"):
        Preprocessor.from_plain(value)


def test_features_to_leave_out() -> None:
    found = learned("a,b,y 1,2,3 2,3,4", target="y", features=Features(exclude=("a",)))
    assert found.input_names == ("b",)
