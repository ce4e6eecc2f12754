"""Predictions in files: npy and Parquet hold what CSV does; how a file is cut changes no bit."""

from __future__ import annotations

import io
import mmap
from pathlib import Path
from typing import Any

import numpy as np
import polars
import pytest

from nntrain import room
from nntrain.data import sources
from nntrain.data.parts import Part
from nntrain.data.reading import read
from nntrain.data.report import Report
from nntrain.run.model import Model
from nntrain.run.trained import open_run
from nntrain.training.evaluate import block_size, predict
from nntrain.training.predict import predictions, rows_of
from nntrain.training.writing import write_csv
from tests.conftest import Command


@pytest.fixture
def trained(nntrain: Command, points: Path) -> Command:
    assert nntrain("fit", points, "-q").code == 0
    return nntrain


def test_npy(trained: Command) -> None:
    for name in ("p.npy", "p.csv"):
        assert trained("predict", "points.csv", "-o", name).code == 0
    text = polars.read_csv("p.csv")[:, 2:].to_numpy()
    found = np.load("p.npy", allow_pickle=False)
    assert found.dtype == np.float64 and found.shape == (200, 2)
    np.testing.assert_array_equal(found, found.astype(np.float32))  # every digit that there is
    np.testing.assert_array_equal(text, [[float(f"{v:.7g}") for v in row] for row in found])
    assert [path.name for path in Path().glob(".*")] == []


def test_parquet(trained: Command) -> None:
    for name in ("p.parquet", "p.csv"):
        assert trained("predict", "points.csv", "-o", name).code == 0
    found, text = polars.read_parquet("p.parquet"), polars.read_csv("p.csv")
    assert found.columns == text.columns
    assert found.dtypes == [polars.Int64, polars.String, polars.Float64, polars.Float64]
    assert found[:, :2].equals(text[:, :2])
    np.testing.assert_allclose(found[:, 2:].to_numpy(), text[:, 2:].to_numpy(), rtol=1e-6)


def test_sure_probabilities_are_written_as_python_writes_them() -> None:
    sure = [0.0, 1.0, np.float32(1 - 2**-24), 1e-5, 1e-12, 0.25, np.nan, np.inf]
    stream = io.StringIO()
    write_csv(["p"], [[np.array(sure, np.float32)]], stream)
    wanted = ["0.0", "1.0", "0.9999999", "1e-05", "1e-12", "0.25", "nan", "inf"]
    assert stream.getvalue().split() == ["p", *wanted]
    assert [repr(float(f"{v:.7g}")) for v in np.array(sure, np.float32).tolist()] == wanted


@pytest.mark.parametrize("form", ["npy", "parquet", "csv", "jsonl"])
def test_several_blocks(trained: Command, monkeypatch: pytest.MonkeyPatch, form: str) -> None:
    assert trained("predict", "points.csv", "-o", f"a.{form}").code == 0
    monkeypatch.setattr("nntrain.training.predict.block_size", lambda width: 7)
    assert trained("predict", "points.csv", "-o", f"b.{form}").code == 0
    if form == "npy":
        np.testing.assert_allclose(np.load("a.npy"), np.load("b.npy"), rtol=1e-6)
    elif form == "parquet":
        one, other = (polars.read_parquet(f"{name}.parquet") for name in "ab")
        assert one[:, :2].equals(other[:, :2]) and len(one) == 200
    else:
        lengths = [len(Path(f"{name}.{form}").read_text().splitlines()) for name in "ab"]
        assert lengths == [201 if form == "csv" else 200] * 2


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
    blocks = predictions(model, Path("points.csv"), Report())
    assert [row[2:] for block in blocks for row in rows_of(block)] == known


def test_rows_of_a_large_file_are_predicted_where_they_are_mapped(
    nntrain: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A few whole blocks at a time, none of which is copied."""
    x = np.random.default_rng(0).normal(size=(60, 3)).astype(np.float32)
    np.savez("a.npz", x=x, y=np.arange(60) % 2)
    np.save("x.npy", x)
    Path("a.yaml").write_text(
        "data: {path: a.npz, target: y, preprocessing: {numeric: {scale: none}}}\n"
        "model: {layers: [{type: dense, units: auto}]}\n"
        "loss: cross_entropy\noptimizer: {type: adam}\ntrainer: {max_epochs: 1}\n"
    )
    assert nntrain("fit", "a.yaml", "-q").code == 0
    seen: list[Any] = []

    def spy(model: Model, x: Any, *given: Any, **named: Any) -> Any:
        seen.append(x)
        return predict(model, x, *given, **named)

    monkeypatch.setattr("nntrain.training.predict.predict", spy)
    monkeypatch.setattr("nntrain.training.predict.block_size", lambda width: 7)
    monkeypatch.setattr("nntrain.training.predict.PORTION", 20)
    monkeypatch.setattr(room, "LARGE", 100)
    blocks = predictions(open_run("").model, Path("x.npy"), Report())
    assert sum(len(block[0]) for block in blocks) == 60
    assert [len(rows) for rows in seen] == [14, 14, 14, 14, 4]
    for place in seen:
        while isinstance(place, np.ndarray):
            place = place.base
        assert isinstance(place, mmap.mmap)
