"""Windows: which rows they hold, which they foretell, and what belongs to which part."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nntrain.data.dataset import Dataset
from nntrain.data.settings import Data, Numeric, Preprocessing, Split, TargetScale, Window
from nntrain.data.windows import all_beginnings, beginnings, cut, target_rows
from nntrain.errors import DataError
from nntrain.families import Array
from nntrain.training import predict as prediction
from tests.conftest import Command

PLAIN = Preprocessing(numeric=Numeric(scale="none"), target=TargetScale("none"))
sizes = st.integers(1, 12)


@given(st.integers(0, 60), sizes, sizes, sizes)
def test_windows_by_the_book(rows: int, length: int, horizon: int, stride: int) -> None:
    window = Window(length, horizon, stride)
    wanted = [
        (range(first, first + length), first + length - 1 + horizon)
        for first in range(0, rows, stride)
        if first + length - 1 + horizon < rows
    ]
    first = beginnings(rows, window)
    assert target_rows(first, window).tolist() == [target for _, target in wanted]
    x = np.arange(3 * rows).reshape(rows, 3)
    found = cut(x, first, window)
    assert found.shape == (len(wanted), length, 3)
    assert found.flags.c_contiguous
    assert all(np.array_equal(a, x[list(b)]) for a, (b, _) in zip(found, wanted, strict=True))
    every = all_beginnings(rows, window)
    assert set(first.tolist()) <= set(every.tolist())
    assert (rows - length in every) == (rows >= length)
    assert (every <= rows - length).all()


def written(tmp_path: Path, rows: int = 30, empty: tuple[int, ...] = ()) -> Path:
    """a counts the rows, b is its square."""
    lines = [f"{'' if i in empty else i},{i * i}" for i in range(rows)]
    path = tmp_path / "rows.csv"
    path.write_text("\n".join(["a,b", *lines]) + "\n")
    return path


def load(path: Path, target: Any = "a", preprocessing: Any = PLAIN, **settings: Any) -> Dataset:
    data = Data(path=path.name, target=target, preprocessing=preprocessing, **settings)
    return Dataset.load(data, path, "numbers", 0)


def test_the_last_rows_are_the_test(tmp_path: Path) -> None:
    found = load(written(tmp_path), window=Window(4), split=Split(5, 7))
    assert {name: part.rows.tolist() for name, part in found.parts.items()} == {
        "train": list(range(4, 18)),
        "validation": list(range(18, 23)),
        "test": list(range(23, 30)),
    }
    assert found.preprocessor.shape == (4, 2)
    assert found.preprocessor.inputs == 8
    for part in found.parts.values():
        assert part.x.shape == (len(part), 4, 2)
        wanted = part.rows[:, None] + np.arange(-4, 0)
        assert (part.x[..., 0] == wanted).all()
        assert (part.x[..., 1] == wanted**2).all()
        assert (part.target[:, 0] == part.rows).all()
        assert (part.raw[:, 0] == part.rows).all()


def test_horizon_stride_and_several_targets(tmp_path: Path) -> None:
    found = load(written(tmp_path), ("b", "a"), window=Window(3, 4, 5), split=Split(0, 0))
    part = found.parts["train"]
    assert part.rows.tolist() == [6, 11, 16, 21, 26]
    assert part.x[..., 0].tolist() == [[r - 6, r - 5, r - 4] for r in part.rows]
    assert part.raw.tolist() == [[r * r, r] for r in part.rows]


def test_statistics_come_from_training_rows_alone(tmp_path: Path) -> None:
    path = written(tmp_path)
    how = Preprocessing()
    one = load(path, preprocessing=how, window=Window(4), split=Split(5, 7))
    text = path.read_text().splitlines()
    text[19:] = [f"{10**9 + i},{-i}" for i in range(12)]
    path.write_text("\n".join(text))
    two = load(path, preprocessing=how, window=Window(4), split=Split(5, 7))
    assert one.preprocessor == two.preprocessor
    assert one.parts["train"].x.tobytes() == two.parts["train"].x.tobytes()


def test_windows_that_miss_a_value_are_left_out_and_counted(tmp_path: Path) -> None:
    path = written(tmp_path, empty=(10, 26))
    found = load(path, window=Window(3), split=Split(0, 6))
    gone = {10, 11, 12, 13, 26, 27, 28, 29}
    rows = [r for r in range(3, 30) if r not in gone]
    assert found.parts["train"].rows.tolist() == [r for r in rows if r < 24]
    assert found.parts["test"].rows.tolist() == [24, 25]
    assert found.notes == ("8 of 27 windows that miss a value in `a` left out",)


def test_classes_can_be_foretold(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("y\n" + "\n".join("abc"[i % 3] for i in range(30)))
    data = Data(path="", target="y", window=Window(2), split=Split(0, 6))
    found = Dataset.load(data, path, "classes", 0)
    assert found.preprocessor.shape == (2, 3)
    test = found.parts["test"]
    assert test.target.tolist() == [r % 3 for r in test.rows]
    assert (test.x.argmax(axis=2) == (test.rows[:, None] + [-2, -1]) % 3).all()


@pytest.mark.parametrize(
    "rows, window, split, message",
    [
        (6, Window(6), Split(0, 0), "6 rows hold no window that is whole"),
        (12, Window(8), Split(0, 4), "none of the 8 train rows is the target of a window"),
    ],
)
def test_too_few_rows(
    tmp_path: Path, rows: int, window: Window, split: Split, message: str
) -> None:
    with pytest.raises(DataError) as caught:
        load(written(tmp_path, rows), window=window, split=split)
    assert message in caught.value.problem.message


CONFIG = """\
name: w
data:
  path: rows.csv
  target: a
  window: {length: 3, horizon: %d, stride: %d}
  split: {validation: 0, test: 10}
model: {layers: [{type: flatten}, {type: dense, units: 1}]}
loss: mean_squared_error
trainer: {max_epochs: 3}
"""


def numbers(text: str) -> Array:
    return np.array([[float(c) for c in line.split(",")] for line in text.splitlines()[1:]])


@pytest.mark.parametrize("horizon, stride", [(1, 1), (2, 1), (1, 4), (3, 4)])
def test_predict_says_what_eval_measured_and_what_comes_next(
    nntrain: Command, tmp_path: Path, horizon: int, stride: int
) -> None:
    written(tmp_path)
    (tmp_path / "w.yaml").write_text(CONFIG % (horizon, stride))
    assert nntrain("fit", "w.yaml", "-q").code == 0
    scores = nntrain("eval", "--json").out
    found = numbers(nntrain("predict", "rows.csv").out)
    assert found[-1, 0] == 30 + horizon
    rows = found[:, 0]
    test = found[(rows > 20) & (rows <= 30) & ((rows - 3 - horizon) % stride == 0)]
    rmse = np.sqrt(np.mean((test[:, 1] - (test[:, 0] - 1)) ** 2))
    assert f'"rows": {len(test)}' in scores.replace("\n", "")
    assert abs(float(scores.split('"rmse": ')[1].split(",")[0].rstrip("}\n ")) - rmse) < 1e-9


def test_windows_are_foretold_a_portion_at_a_time(
    nntrain: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(tmp_path)
    (tmp_path / "w.yaml").write_text(CONFIG % (1, 1))
    assert nntrain("fit", "w.yaml", "-q").code == 0
    whole = numbers(nntrain("predict", "rows.csv").out)
    sizes: list[int] = []

    def measured(x: Array, first: Array, window: Window) -> Array:
        sizes.append(len(first))
        return cut(x, first, window)

    monkeypatch.setattr(prediction, "PORTION", 4)
    monkeypatch.setattr(prediction, "cut", measured)
    assert np.allclose(numbers(nntrain("predict", "rows.csv").out), whole)
    assert max(sizes) == 4
    assert sum(sizes) == len(whole)


def test_the_id_of_what_comes_next_is_empty(nntrain: Command, tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("year,a\n" + "\n".join(f"y{i},{i * i % 7}" for i in range(40)))
    text = (CONFIG % (1, 1)).replace("target: a", "target: a\n  id: year")
    (tmp_path / "w.yaml").write_text(text)
    assert nntrain("fit", "w.yaml", "-q").code == 0
    lines = nntrain("predict", "rows.csv").out.splitlines()
    assert lines[0] == "year,prediction"
    assert [line.split(",")[0] for line in lines[1:]] == [*(f"y{i}" for i in range(3, 40)), ""]
    path.write_text("year,a\ny0,1\ny1,2\n")
    few = nntrain("predict", "rows.csv")
    assert few.code == 3
    assert "2 rows are too few: a window takes 3" in few.err


@pytest.mark.parametrize(
    "old, new, message",
    [
        ("  target: a\n", "", "a window needs a target"),
        ("split: {", "split: {by: random, ", "windows overlap"),
        ("length: 3", "length: 0", "expected a whole number above 0, got 0"),
        ("length: 3", "lookback: 3", "did you mean `length`?"),
    ],
)
def test_configs_that_can_not_be(
    nntrain: Command, tmp_path: Path, old: str, new: str, message: str
) -> None:
    written(tmp_path)
    text = CONFIG % (1, 1)
    assert old in text
    (tmp_path / "w.yaml").write_text(text.replace(old, new))
    done = nntrain("fit", "w.yaml")
    assert done.code == 2
    assert message in done.err
