"""A file from end to end: parts, columns, notes, and the mistakes only a whole file shows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nntrain.data.dataset import Dataset, read
from nntrain.data.features import Scaled
from nntrain.data.parts import Part
from nntrain.data.report import Report
from nntrain.data.settings import Categorical, Data, Features, Preprocessing, Split
from nntrain.errors import DataError
from nntrain.families import Task

DATASETS = Path(__file__).parent.parent / "datasets"
ROWS = 40


def written(tmp_path: Path, header: str, rows: list[str]) -> Path:
    path = tmp_path / "rows.csv"
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


def load(path: Path, task: Task, seed: int = 0, **settings: Any) -> Dataset:
    return Dataset.load(Data(path=path.name, **settings), path, task, seed)


def failure(path: Path, task: Task, **settings: Any) -> tuple[str, int, str]:
    with pytest.raises(DataError) as caught:
        load(path, task, **settings)
    assert caught.value.problem.file == str(path)
    assert len(str(caught.value).splitlines()) <= 6
    problem = caught.value.problem
    return problem.message, problem.line, problem.hint


CASES: list[tuple[str, Any, Task, int, int]] = [
    ("iris", "species", "classes", 4, 3),
    ("penguins", "species", "classes", 10, 3),
    ("titanic", "survived", "binary", 6, 1),
    ("digits", "digit", "classes", 61, 10),
    ("auto-mpg", "mpg", "numbers", 7, 1),
    ("iris", None, "numbers", 7, 7),
]


@pytest.mark.parametrize("name, target, task, inputs, outputs", CASES)
def test_shipped_files(name: str, target: str, task: Task, inputs: int, outputs: int) -> None:
    found = load(DATASETS / f"{name}.csv", task, target=target)
    assert (found.preprocessor.inputs, found.preprocessor.outputs) == (inputs, outputs)
    assert found.size == (DATASETS / f"{name}.csv").stat().st_size
    assert list(found.parts) == ["train", "validation", "test"]
    rows = np.concatenate([part.rows for part in found.parts.values()])
    assert len(set(rows.tolist())) == len(rows)
    for part in found.parts.values():
        assert part.x.shape == (len(part), inputs)
        assert part.x.dtype == np.float32
        assert part.x.flags.c_contiguous
        assert np.isfinite(part.x).all()
        assert len(part.target) == len(part.raw) == len(part.rows) == len(part)
    assert all(column.note for column in found.columns)


def test_parts_are_the_rows_of_the_file(tmp_path: Path) -> None:
    path = written(tmp_path, "x,y", [f"{i},{'' if i % 4 == 0 else 2 * i}" for i in range(ROWS)])
    found = load(path, "numbers", target="y")
    for part in found.parts.values():
        assert (part.raw[:, 0] == 2 * part.rows).all()
        assert (part.rows % 4 != 0).all()
    scaled = found.preprocessor.feature_columns[0]
    assert isinstance(scaled, Scaled)
    assert scaled.shift == found.parts["train"].rows.mean()
    left_out, counts = found.notes
    assert left_out == "10 of 40 rows without a value in `y` left out"
    assert counts.startswith("`x` counts the rows one by one: if it is an id, `data.features:")


def test_statistics_come_from_training_rows_alone(tmp_path: Path) -> None:
    rows = [f"{i}.5,{'abc'[i % 3]},{i}" for i in range(ROWS)]
    one = load(written(tmp_path, "x,c,y", rows), "numbers", target="y")
    for name in ("validation", "test"):
        for row in one.parts[name].rows:
            rows[row] = f"{row * 1e6},unseen,{row * -1e6}"
    two = load(written(tmp_path, "x,c,y", rows), "numbers", target="y")
    assert one.preprocessor == two.preprocessor
    assert one.parts["train"].x.tobytes() == two.parts["train"].x.tobytes()
    assert two.notes == (
        "`c`: 12 cells with a category that no training row had (`unseen`)",
    )  # fmt: skip


def test_the_order_of_columns_does_not_matter(tmp_path: Path) -> None:
    rows = [(str(i), "abc"[i % 3], str(i % 2)) for i in range(ROWS)]
    one = load(written(tmp_path, "x,c,y", [",".join(r) for r in rows]), "binary", target="y")
    path = written(tmp_path, "y,c,x", [",".join(r[::-1]) for r in rows])
    part = Part.from_table(read(Data(path=""), path), one.preprocessor)
    train = one.parts["train"]
    assert part.take(train.rows).x.tobytes() == train.x.tobytes()
    assert np.array_equal(part.take(train.rows).target, train.target)


def test_equal_seeds_give_equal_data_and_a_model_brings_its_own_statistics() -> None:
    one, two = (load(DATASETS / "iris.csv", "classes", seed, target="species") for seed in (3, 3))
    assert one.parts["test"].x.tobytes() == two.parts["test"].x.tobytes()
    other = load(DATASETS / "iris.csv", "classes", 4, target="species")
    assert not np.array_equal(other.parts["test"].rows, one.parts["test"].rows)
    settings = Data(path="iris.csv", target="species")
    again = Dataset.load(settings, DATASETS / "iris.csv", "classes", 3, other.preprocessor)
    assert np.array_equal(again.parts["test"].rows, one.parts["test"].rows)
    assert again.preprocessor is other.preprocessor


def test_parts_without_rows_are_left_out(tmp_path: Path) -> None:
    path = written(tmp_path, "x,y", [f"{i},{i}" for i in range(4)])
    found = load(path, "numbers", target="y", split=Split(0, 0.25))
    assert {name: len(part) for name, part in found.parts.items()} == {"train": 3, "test": 1}


def test_too_few_rows(tmp_path: Path) -> None:
    message, _, hint = failure(written(tmp_path, "x,y", ["1,1", "2,2"]), "numbers", target="y")
    assert message == "2 usable rows are too few to be split into 3 parts"
    assert "validation: 0" in hint


def test_an_autoencoder_shares_its_arrays() -> None:
    found = load(
        DATASETS / "iris.csv", "numbers", features=Features(exclude=("species",))
    )  # fmt: skip
    for part in found.parts.values():
        assert part.target is part.x
        assert part.raw is part.x


def test_rows_to_evaluate_on(tmp_path: Path) -> None:
    one = load(written(tmp_path, "x,y", ["1,a", "2,b"] * 5), "classes", target="y")
    path = written(tmp_path, "more,y,x", ["0,b,1", "0,,2", "0,a,"])
    report = Report()
    part = Part.from_table(read(Data(path=""), path), one.preprocessor, report)
    assert part.rows.tolist() == [0, 2]
    assert part.target.tolist() == [1, 0]
    assert (report.missing, report.extra) == ({"x": 1}, ("more",))
    path = written(tmp_path, "y,x", [",1", ",2"])
    with pytest.raises(DataError, match="no row has a value in `y`"):
        Part.from_table(read(Data(path=""), path), one.preprocessor)


# Targets that can not be learned

NUMBERS = [f"{i},{i / 4}" for i in range(ROWS)]
TEXTS = [f"{i},{'abc'[i % 3]}" for i in range(ROWS)]


def test_text_is_no_number_to_predict(tmp_path: Path) -> None:
    message, line, hint = failure(written(tmp_path, "x,y", TEXTS), "numbers", target="y")
    assert message == "column `y`: line 2 has `a`, expected a number"
    assert line == 2
    assert "loss: cross_entropy" in hint


def test_decimals_are_no_classes(tmp_path: Path) -> None:
    path = written(tmp_path, "x,y", NUMBERS)
    message, line, hint = failure(path, "classes", target="y")
    assert message == "target `y` holds decimals, such as `0.25`, not classes"
    assert line == 3
    assert "loss: mean_squared_error" in hint
    meant = load(path, "classes", target="y", columns={"y": "categorical"}, split=Split(0, 0))
    assert meant.preprocessor.outputs == ROWS


@pytest.mark.parametrize("text, suggests", [("", True), ("name ", False)])
def test_too_many_classes(tmp_path: Path, text: str, suggests: bool) -> None:
    path = written(tmp_path, "x,y", [f"{i},{text}{i % 60}" for i in range(100)])
    message, _, hint = failure(path, "classes", target="y")
    assert message == "target `y` has 60 different values in 100 rows: too many for classes"
    assert ("mean_squared_error" in hint) == suggests
    path = written(tmp_path, "x,y", [f"{i},{i % 1001}" for i in range(3003)])
    assert "1,001 different values" in failure(path, "classes", target="y")[0]


def test_binary_takes_two_classes(tmp_path: Path) -> None:
    message, _, hint = failure(written(tmp_path, "x,y", TEXTS), "binary", target="y")
    assert message.startswith("target `y` has 3 classes (`a`, `b`, `c`)")
    assert hint == "say `loss: cross_entropy`"


@pytest.mark.parametrize("task", ["classes", "binary", "numbers"])
def test_a_target_that_never_varies(tmp_path: Path, task: Task) -> None:
    path = written(tmp_path, "x,y", [f"{i},7" for i in range(ROWS)])
    message, _, _ = failure(path, task, target="y")
    assert message.replace("`7`", "7") == "target `y` is 7 in every row: there is nothing to learn"


@pytest.mark.parametrize("task", ["classes", "binary", "numbers"])
def test_no_row_has_a_target(tmp_path: Path, task: Task) -> None:
    path = written(tmp_path, "x,y", [f"{i}," for i in range(ROWS)])
    assert failure(path, task, target="y")[0] == "no row has a value in `y`"


def test_a_class_that_no_training_row_has(tmp_path: Path) -> None:
    path = written(tmp_path, "x,y", [f"{i},{'c' if i == 7 else 'ab'[i % 2]}" for i in range(ROWS)])
    split = Split(stratify=False)
    seeds = range(30)
    lost = [s for s in seeds if 7 not in load_rows(path, s, split)]
    assert lost
    with pytest.raises(DataError, match="no training row has the class `c` of `y`") as caught:
        load(path, "classes", lost[0], target="y", split=split)
    assert "stratify: true" in caught.value.problem.hint
    assert load(path, "classes", lost[0], target="y").preprocessor.classes == ("a", "b", "c")


def load_rows(path: Path, seed: int, split: Split) -> list[int]:
    """Training rows; the number to predict is `x`, so that classes play no part."""
    train = load(path, "numbers", seed, target="x", split=split).parts["train"]
    return list(train.rows)


def test_strict_categories_hold_for_validation_rows_too(tmp_path: Path) -> None:
    path = written(tmp_path, "x,c,y", [f"{i},{'abc'[i % 3]},{i}" for i in range(ROWS)])
    found = load(path, "numbers", target="y")
    rows = path.read_text().splitlines()
    bad = int(found.parts["test"].rows[0])
    rows[bad + 1] = f"{bad},unseen,1"
    path.write_text("\n".join(rows))
    strict = Preprocessing(categorical=Categorical(unknown="error"))
    message, line, _ = failure(path, "numbers", target="y", preprocessing=strict)
    assert "`unseen`" in message
    assert line == bad + 2
