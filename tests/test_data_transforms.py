"""Transforms: there and back, in features, targets, scores and predictions."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nntrain.data.dataset import Dataset
from nntrain.data.preprocessing import Preprocessor
from nntrain.data.settings import Data, Numeric, Preprocessing, Split, TargetScale
from nntrain.data.transforms import TRANSFORMS
from nntrain.errors import DataError
from tests.conftest import Command

FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "none": lambda v: v,
    "log": np.log,
    "log1p": np.log1p,
    "sqrt": np.sqrt,
}


@given(st.floats(1e-6, 1e6), st.sampled_from(sorted(TRANSFORMS)))
def test_there_and_back(value: float, how: str) -> None:
    transform = TRANSFORMS[how]
    there = transform.forward(np.array([value]))
    np.testing.assert_allclose(there, FUNCTIONS[how](value), rtol=1e-12)
    np.testing.assert_allclose(transform.inverse(there), value, rtol=1e-8)


def test_below_all_roots_is_zero() -> None:
    assert TRANSFORMS["sqrt"].inverse(np.array([-3.0, 2.0])).tolist() == [0.0, 4.0]


@pytest.mark.parametrize("how", sorted(TRANSFORMS))
def test_predictions_stay_finite(how: str) -> None:
    far = np.array([-1e6, 1e6])
    assert np.isfinite(TRANSFORMS[how].inverse(far)).all()


def written(tmp_path: Path, rows: list[str]) -> Path:
    path = tmp_path / "rows.csv"
    path.write_text("\n".join(["x,y", *rows]) + "\n")
    return path


def load(path: Path, x: str, y: str) -> Dataset:
    how = Preprocessing(
        numeric=Numeric(transform=x),  # type: ignore[arg-type]
        target=TargetScale(transform=y),  # type: ignore[arg-type]
    )
    data = Data(path="", target="y", preprocessing=how, split=Split(0, 0.25))
    return Dataset.load(data, path, "numbers", 0)


@pytest.mark.parametrize("x", ["none", "log1p", "sqrt"])
@pytest.mark.parametrize("y", ["none", "log", "log1p", "sqrt"])
def test_bent_then_scaled(tmp_path: Path, x: str, y: str) -> None:
    found = load(written(tmp_path, [f"{i},{i * i + 1}" for i in range(24)]), x, y)
    part, rows = found.parts["train"], found.parts["train"].rows.astype(np.float64)
    for value, how, seen in ((rows, x, part.x), (rows**2 + 1, y, part.target)):
        bent = FUNCTIONS[how](value)
        np.testing.assert_allclose(
            seen[:, 0], (bent - bent.mean()) / bent.std(), rtol=1e-5, atol=1e-6
        )
    assert (part.raw[:, 0] == rows**2 + 1).all()
    shown = found.preprocessor.unscale(part.target)
    np.testing.assert_allclose(shown, part.raw, rtol=1e-5, atol=1e-4)
    again = Preprocessor.from_plain(json.loads(json.dumps(found.preprocessor.to_plain())))
    assert again == found.preprocessor


@pytest.mark.parametrize(
    "rows, x, y, message, hint",
    [
        (["-1,1"], "sqrt", "none", "`x`: line 6 has -1, of which there is no sqrt", "or more"),
        (["-1,1"], "log1p", "none", "has -1, of which there is no log1p", "above -1"),
        (["1,0"], "none", "log", "column `y`: line 6 has 0, of which there is no log", "above 0"),
        (["1,-0.5"], "none", "sqrt", "has -0.5, of which there is no sqrt", "of 0 or more"),
    ],
)  # fmt: skip
def test_numbers_that_can_not_be_bent(
    tmp_path: Path, rows: list[str], x: str, y: str, message: str, hint: str
) -> None:
    with pytest.raises(DataError) as caught:
        load(written(tmp_path, ["1,1", "2,2", "3,3", "4,4", *rows]), x, y)
    problem = caught.value.problem
    assert message in problem.message
    assert hint in problem.hint
    assert problem.line == 6


def test_missing_cells_are_filled_in_before(tmp_path: Path) -> None:
    found = load(written(tmp_path, ["4,1", ",2", "4,3", "4,4", "9,", "16,5"]), "sqrt", "log")
    assert np.isfinite(found.parts["train"].x).all()
    assert len(found.notes) == 1


def test_scores_and_predictions_are_in_the_unit_of_the_target(
    nntrain: Command, tmp_path: Path
) -> None:
    written(tmp_path, [f"{i % 7},{(i % 7 + 1) ** 3}" for i in range(60)])
    text = (
        "data:\n  path: rows.csv\n  target: y\n"
        "  preprocessing: {target: {transform: log}}\n  split: {by: time, test: 14}\n"
        "model: {layers: [{type: dense, units: 8, activation: tanh}, {type: dense, units: 1}]}\n"
        "loss: mean_squared_error\ntrainer: {max_epochs: 3}\n"
    )
    (tmp_path / "a.yaml").write_text(text)
    assert nntrain("fit", "a.yaml", "-q").code == 0
    scores: Any = json.loads(nntrain("eval", "--json").out)
    lines = nntrain("predict", "rows.csv").out.splitlines()[-14:]
    predicted = np.array([float(line.split(",")[1]) for line in lines])
    wanted = np.array([(i % 7 + 1) ** 3 for i in range(46, 60)])
    rmse = np.sqrt(np.mean((predicted - wanted) ** 2))
    assert scores["rows"] == 14
    np.testing.assert_allclose(scores["metrics"]["rmse"], rmse, rtol=1e-9)
