"""Several files of a time series: each is a series of its own; rows that are not in order."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np

from nntrain.data.dataset import Dataset
from nntrain.data.settings import Data, Split, Window
from tests.conftest import Command

SIZES = (40, 25)


def write_files(folder: Path) -> None:
    for number, size in enumerate(SIZES):
        values = [1000 * number + i for i in range(size)]
        (folder / f"s_{number}.csv").write_text("v\n" + "\n".join(map(str, values)) + "\n")


def test_no_window_goes_from_one_file_into_the_next(tmp_path: Path) -> None:
    write_files(tmp_path)
    data = Data(path="x", target="v", window=Window(5))
    found = Dataset.load(data, sorted(tmp_path.glob("s_*.csv")), "numbers", 0)
    windows = sum(len(part) for part in found.parts.values())
    assert windows == sum(size - 5 for size in SIZES)
    for part in found.parts.values():
        steps = np.diff(np.concatenate([part.x[:, :, 0], part.target], axis=1), axis=1)
        assert np.allclose(steps, steps[0, 0], atol=1e-4)
    assert "5 of 60 windows" in " ".join(found.notes)
    assert "begin in one file and end in the next" in " ".join(found.notes)


def test_each_file_is_forecast_past_its_end(nntrain: Command, tmp_path: Path) -> None:
    write_files(tmp_path)
    Path("w.yaml").write_text(
        "data: {path: 's_*.csv', target: v, window: {length: 5}}\nloss: mean_squared_error\n"
        "model: {layers: [{type: flatten}, {type: dense, units: auto}]}\n"
        "trainer: {max_epochs: 1}\n"
    )
    assert nntrain("fit", "w.yaml", "-q", "-o", "run").code == 0
    rows = list(csv.DictReader(io.StringIO(nntrain("predict", "run", "s_*.csv").out)))
    numbers = [int(row["row"]) for row in rows]
    assert numbers == [*range(6, 42), *range(46, 67)]  # one step past the end of each
    alone = list(csv.DictReader(io.StringIO(nntrain("predict", "run", "s_1.csv").out)))
    assert [row["prediction"] for row in rows[-21:]] == [row["prediction"] for row in alone]


def test_dates_out_of_order_are_told(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    days = [f"2024-01-{day:02d}" for day in range(1, 29)]
    for order, told in ((days, False), (days[::-1], True)):
        rows = [f"{day},{i % 5},{i}" for i, day in enumerate(order)]
        path.write_text("\n".join(["day,x,y", *rows]) + "\n")
        found = Dataset.load(Data(path="x", target="y", split=Split(by="time")), path, "numbers", 0)
        assert any("`day` is not in order" in note for note in found.notes) == told
