"""Predictions in files: npy and Parquet hold what CSV does; how a file is cut changes no bit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars
import pytest

from nntrain.data import sources
from nntrain.data.dataset import read
from nntrain.data.parts import Part
from nntrain.data.report import Report
from nntrain.run.trained import open_run
from nntrain.training.evaluate import block_size, predict
from nntrain.training.predict import predictions
from tests.conftest import Command


@pytest.fixture
def trained(nntrain: Command, points: Path) -> Command:
    assert nntrain("fit", points, "-q").code == 0
    return nntrain


def test_npy(trained: Command) -> None:
    for name in ("p.npy", "p.csv"):
        assert trained("predict", "points.csv", "-o", name).code == 0
    text = polars.read_csv("p.csv")
    found = np.load("p.npy", allow_pickle=False)
    assert found.dtype == np.float64 and found.shape == (200, 2)
    np.testing.assert_array_equal(found, text[:, 2:].to_numpy())
    assert [path.name for path in Path().glob(".*")] == []


def test_parquet(trained: Command) -> None:
    for name in ("p.parquet", "p.csv"):
        assert trained("predict", "points.csv", "-o", name).code == 0
    found, text = polars.read_parquet("p.parquet"), polars.read_csv("p.csv")
    assert found.columns == text.columns
    assert found.dtypes == [polars.Int64, polars.String, polars.Float64, polars.Float64]
    assert found.equals(text)


@pytest.mark.parametrize("form", ["npy", "parquet"])
def test_several_portions(trained: Command, monkeypatch: pytest.MonkeyPatch, form: str) -> None:
    assert trained("predict", "points.csv", "-o", f"a.{form}").code == 0
    monkeypatch.setattr("nntrain.training.writing.PORTION", 7)
    assert trained("predict", "points.csv", "-o", f"b.{form}").code == 0
    if form == "npy":
        np.testing.assert_array_equal(np.load("a.npy"), np.load("b.npy"))
    else:
        assert polars.read_parquet("a.parquet").equals(polars.read_parquet("b.parquet"))


def test_the_format_is_named_or_told_by_the_ending(trained: Command) -> None:
    assert trained("predict", "points.csv", "-o", "p", "--format", "npy").code == 0
    assert np.load("p").shape == (200, 2)
    found = trained("predict", "points.csv", "--format", "parquet")
    assert found.code == 2 and "expected --output FILE with it" in found.err
    found = trained("predict", "points.csv", "-o", "p.xlsx")
    assert found.code == 2 and "expected csv, jsonl, npy or parquet" in found.err


def test_nothing_is_written_where_the_data_is_wrong(trained: Command) -> None:
    Path("bad.csv").write_text("a,b,word\n1,2,red\n1,x,red\n")
    for name in ("p.npy", "p.parquet"):
        assert trained("predict", "bad.csv", "-o", name).code == 3
        assert not Path(name).exists() and not Path(f".{name}.part").exists()


def test_the_input_is_not_overwritten_by_the_output(trained: Command) -> None:
    found = trained("predict", "point*.csv", "-o", "points.csv")
    assert found.code == 2 and "is the INPUT itself" in found.err


@pytest.mark.parametrize("cells", [5, 60, 999])
def test_how_a_file_is_cut_changes_no_bit(
    trained: Command, monkeypatch: pytest.MonkeyPatch, cells: int
) -> None:
    model = open_run("").model
    preprocessor = model.preprocessor
    table = read(model.experiment.data, "points.csv")
    whole = predict(model, Part.from_table(table, preprocessor).x)
    known = [[float(f"{v:.7g}") for v in row] for row in whole.tolist()]
    monkeypatch.setattr(sources, "CELLS_AT_A_TIME", cells)  # tables of 1, 15 and 249 rows
    assert 200 % block_size(model.network.widest)
    found = list(predictions(model, Path("points.csv"), Report()))
    assert [row[2:] for row in found] == known
