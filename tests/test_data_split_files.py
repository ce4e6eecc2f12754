"""Splits by count, by time and by file; and that a run notices when one of its files changes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from nntrain.data.settings import Data, Split
from nntrain.data.split import split
from nntrain.errors import DataError
from tests.conftest import Command
from tests.test_data_formats import IMAGES, LABELS, idx


@given(st.integers(3, 400), st.integers(1, 200), st.integers(1, 200), st.integers(0, 9))
def test_whole_numbers_are_rows(n: int, validation: int, test: int, seed: int) -> None:
    assume(validation + test < n)
    for by in ("random", "time"):
        settings = Split(validation, test, by)
        parts = split(n, None, settings, seed)
        assert [len(part) for part in parts] == [n - validation - test, validation, test]
        assert sorted(np.concatenate(parts).tolist()) == list(range(n))


def test_rows_and_shares_can_be_mixed_and_stratified() -> None:
    assert [len(part) for part in split(100, None, Split(0.1, 20), 0)] == [70, 10, 20]
    classes = np.repeat([0, 1], [80, 20])
    parts = split(100, classes, Split(0, 10), 0)
    assert np.bincount(classes[parts.test]).tolist() == [8, 2]


def test_by_time_is_the_order_of_the_file() -> None:
    classes = np.arange(20) % 3
    parts = split(20, classes, Split(0.15, 4, "time"), 7)
    assert parts.train.tolist() == list(range(13))
    assert parts.validation.tolist() == [13, 14, 15]
    assert parts.test.tolist() == [16, 17, 18, 19]


@pytest.mark.parametrize("n", [0, 5, 10])
def test_more_rows_than_there_are(n: int) -> None:
    with pytest.raises(DataError, match=f"leave none of {n} usable rows to train"):
        split(n, None, Split(3, 7), 0)


def test_defaults_that_follow_from_other_keys() -> None:
    assert Data(path="").split == Split(0.15, 0.15, "random")
    assert Data(path="", test_path="b").split == Split(0.15, 0.0, "random")


CONFIG = """\
name: two
data: {path: a.csv, test_path: b.csv, target: y}
model: {layers: [{type: dense, units: auto}]}
loss: cross_entropy
trainer: {max_epochs: 2}
expect: {test_accuracy: ">= 0"}
"""


def two_files(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("x,y\n" + "".join(f"{i},{'ab'[i % 2]}\n" for i in range(40)))
    (tmp_path / "b.csv").write_text("y,x\n" + "".join(f"{'ab'[i % 2]},{i}e3\n" for i in range(9)))
    (tmp_path / "two.yaml").write_text(CONFIG)


def test_the_test_has_a_file_of_its_own(nntrain: Command, tmp_path: Path) -> None:
    two_files(tmp_path)
    assert nntrain("fit", "two.yaml", "-q").code == 0
    facts = json.loads((tmp_path / "runs/two/001/manifest.json").read_text())["data"]
    assert facts["rows"] == {"train": 34, "validation": 6, "test": 9}
    assert facts["test_path"] == str(tmp_path / "b.csv")
    assert list(facts["others"]) == [str(tmp_path / "b.csv")]
    scores = json.loads(nntrain("eval", "--json").out)
    assert (scores["split"], scores["rows"]) == ("test", 9)
    other = json.loads(nntrain("eval", "--json", "--data", "b.csv").out)
    assert other["metrics"] == scores["metrics"]


def test_the_rows_of_the_test_change_no_statistic(nntrain: Command, tmp_path: Path) -> None:
    two_files(tmp_path)
    models = []
    for factor in (1, 1000):
        rows = "".join(f"{'ab'[i % 2]},{i * factor}\n" for i in range(9))
        (tmp_path / "b.csv").write_text("y,x\n" + rows)
        out = tmp_path / f"run{factor}"
        assert nntrain("fit", "two.yaml", "-q", "-o", out).code == 0
        models.append((out / "model.safetensors").read_bytes())
    assert models[0] == models[1]


@pytest.mark.parametrize("change", [True, False])
def test_a_run_notices_that_the_rows_of_its_test_changed(
    nntrain: Command, tmp_path: Path, change: bool
) -> None:
    two_files(tmp_path)
    assert nntrain("fit", "two.yaml", "-q").code == 0
    if change:
        (tmp_path / "b.csv").write_text("y,x\na,1\nb,2\n")
    else:
        (tmp_path / "b.csv").unlink()
    done = nntrain("eval")
    assert done.code == 3
    assert "b.csv" in done.err
    assert ("has changed" if change else "not there any more") in done.err


def test_a_run_notices_that_its_labels_changed(nntrain: Command, tmp_path: Path) -> None:
    (tmp_path / "t-images-idx3-ubyte").write_bytes(idx(np.tile(IMAGES, (5, 1, 1))))
    labels = tmp_path / "t-labels-idx1-ubyte"
    labels.write_bytes(idx(np.tile(LABELS % 2, 5)))
    text = CONFIG.replace(
        "a.csv, test_path: b.csv, target: y", "t-images-idx3-ubyte, target: label"
    )
    text = text.replace("[{type: dense", "[{type: flatten}, {type: dense")
    (tmp_path / "two.yaml").write_text(text)
    done = nntrain("fit", "two.yaml", "-q")
    assert done.code == 0, done.err
    assert nntrain("eval").code == 0
    labels.write_bytes(idx(np.tile(LABELS % 3, 5)))
    done = nntrain("eval")
    assert done.code == 3
    assert "t-labels-idx1-ubyte: the data has changed" in done.err


@pytest.mark.parametrize(
    "old, new, message",
    [
        ("target: y}", "target: y, split: {test: 5}}", "the test has the rows of `data.test_path`"),
        ("b.csv", "c.csv", "there is no such file"),
        ("target: y}", "target: y, split: {validation: 40}}", "leave none of 40 usable rows"),
        (
            "target: y}",
            "target: y, split: {validation: 1.5}}",
            "or a whole number above 0, got 1.5",
        ),
        ("target: y}", "target: y, format: {type: idx, labels: l}}", "labels of one file"),
        ("target: y}", "target: y, split: {by: chronological}}", "did you mean `time`?"),
    ],
)
def test_configs_that_can_not_be(
    nntrain: Command, tmp_path: Path, old: str, new: str, message: str
) -> None:
    two_files(tmp_path)
    assert old in CONFIG
    (tmp_path / "two.yaml").write_text(CONFIG.replace(old, new))
    done = nntrain("fit", "two.yaml")
    assert done.code in (2, 3)
    assert message in done.err
