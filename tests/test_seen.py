"""What predict tells of rows that are not like those that trained."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nntrain.data.preprocessing import Preprocessor
from nntrain.data.report import Report
from nntrain.data.seen import Seen
from nntrain.errors import MachineError
from nntrain.run.model import read_model
from nntrain.wording import share
from tests.conftest import Command

MODELS = Path(__file__).parent / "models" / "format-1"


def trained(nntrain: Command, points: Path) -> Preprocessor:
    assert nntrain("fit", points, "-q").code == 0
    return read_model(Path("runs/points/001/model.safetensors")).preprocessor


def test_values_outside_the_range_of_training_rows(nntrain: Command, points: Path) -> None:
    known = {seen.name: seen for seen in trained(nntrain, points).seen}
    low, high = known["b"].low[0], known["b"].high[0]
    Path("new.csv").write_text(
        f"a,b,word\n0,{high},red\n0,{high + 1},red\n,{low - 5},red\n,0,red\n"
    )
    done = nntrain("predict", "new.csv")
    assert f"note: `b`: 2 values outside {low:g} … {high:g}, the range of training rows" in done.err
    assert f"(the farthest is {low - 5:g})" in done.err
    assert "`a`: 2 missing cells filled in: 50 % of the rows, 9 % of training rows" in done.err
    assert "`a`: 1 value" not in done.err
    assert len(done.out.splitlines()) == 5
    assert nntrain("predict", "new.csv", "-q").err == ""


def test_training_rows_themselves_are_inside(nntrain: Command, points: Path) -> None:
    trained(nntrain, points)
    rows = list(csv.DictReader(Path("points.csv").read_text().splitlines()))
    assert "outside" not in nntrain("eval", "--split", "train").err
    known = {seen.name: seen for seen in read_model(Path("runs/points/001/model.safetensors"))
             .preprocessor.seen}  # fmt: skip
    values = [float(row["b"]) for row in rows]
    inside = [known["b"].low[0] <= value <= known["b"].high[0] for value in values]
    assert sum(inside) >= 140  # every training row of 200
    assert known["word"] == Seen("word", (), (), 0.0)
    assert known["a"].missing == pytest.approx(12 / 140)


def test_eval_of_other_data_tells_it_too(nntrain: Command, points: Path) -> None:
    trained(nntrain, points)
    Path("new.csv").write_text("a,b,word,kind\n0,99,red,in\n0,1,red,out\n")
    assert "`b`: 1 value outside" in nntrain("eval", "--data", "new.csv").err


def test_only_training_rows_are_learned_from(nntrain: Command, points: Path) -> None:
    before = trained(nntrain, points).seen
    lines = Path("points.csv").read_text().splitlines()
    low = {seen.name: seen.low for seen in before}["b"][0]
    rows = [i for i, line in enumerate(lines[1:], 1) if float(line.split(",")[1]) < low]
    for row in rows:  # rows for validation or test, whose values no training row reaches
        a, _, word, kind = lines[row].split(",")
        lines[row] = f"{a},-50,{word},{kind}"
    Path("points.csv").write_text("\n".join(lines) + "\n")
    assert nntrain("fit", points, "-q").code == 0
    assert read_model(Path("runs/points/002/model.safetensors")).preprocessor.seen == before


def test_rows_do_not_depend_on_the_portion(
    nntrain: Command, points: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained(nntrain, points)
    Path("new.csv").write_text("a,b,word\n" + "".join(f"0,{n},red\n" for n in range(-20, 30)))
    whole = nntrain("predict", "new.csv")
    monkeypatch.setattr("nntrain.training.predict.PORTION", 7)
    parts = nntrain("predict", "new.csv")
    assert "values outside" in whole.err
    assert whole.err == parts.err


def test_images_beyond_the_range_of_their_channel(nntrain: Command) -> None:
    rng = np.random.default_rng(0)
    x, y = rng.uniform(0, 1, (60, 3, 3, 2)).astype(np.float32), np.arange(60) % 2
    np.savez("a.npz", x=x, y=y)
    Path("a.yaml").write_text(
        "data: {path: a.npz, target: y}\n"
        "model: {layers: [{type: flatten}, {type: dense, units: auto}]}\n"
        "loss: cross_entropy\noptimizer: {type: adam}\ntrainer: {max_epochs: 1}\n"
    )
    assert nntrain("fit", "a.yaml", "-q").code == 0
    x = np.full((4, 3, 3, 2), 0.5, np.float32)
    x[1, 0, 0, 1], x[2, 2, 2, 1] = -3.0, 255.0
    np.savez("new.npz", x=x)
    done = nntrain("predict", "new.npz")
    assert "`x, channel 1`: 2 rows outside" in done.err, done.err
    assert "(the farthest is 255)" in done.err
    assert "channel 0" not in done.err


@pytest.mark.parametrize("width", [1, 3, 5000])
@pytest.mark.parametrize("kind", [np.float32, np.int64])
def test_vectors_beyond_the_range_of_their_channel(
    nntrain: Command, width: int, kind: type[np.generic]
) -> None:
    """Also where more rows are than a byte can count."""
    rng = np.random.default_rng(0)
    x, y = rng.integers(-9, 10, (60, width)), np.arange(60) % 2
    x[:2] = [[-9], [9]]
    np.savez("a.npz", x=x.astype(kind), y=y)
    Path("a.yaml").write_text(
        "data: {path: a.npz, target: y, split: {validation: 0, test: 0}}\n"
        "model: {layers: [{type: dense, units: auto}]}\n"
        "loss: cross_entropy\noptimizer: {type: adam}\ntrainer: {max_epochs: 1}\n"
    )
    assert nntrain("fit", "a.yaml", "-q").code == 0
    x = np.zeros((1400, width), np.int64)
    x[100:800, -1], x[900, -1], x[1399, 0] = 10, -11, 12
    np.savez("new.npz", x=x.astype(kind))
    err = nntrain("predict", "new.npz").err
    text = "note: `{}`: {} outside -9 … 9, the range of training rows (the farthest is {})"
    expected = (
        {text.format("x", "702 rows", 12)}
        if width == 1
        else {
            text.format("x, channel 0", "1 row", 12),
            text.format(f"x, channel {width - 1}", "701 rows", -11),
        }
    )
    assert set(err.splitlines()) == expected


def test_files_of_before_know_no_range() -> None:
    for path in MODELS.glob("*.safetensors"):
        assert read_model(path).preprocessor.seen == ()


@pytest.mark.parametrize(
    "change",
    [
        {"low": [3.0], "high": [1.0]},
        {"low": [1.0]},
        {"low": ["x"], "high": [1.0]},
        {"missing": 1.5},
        {"name": "no column"},
        {"odd": 1},
    ],
)
def test_damage_is_told(nntrain: Command, points: Path, change: dict[str, Any]) -> None:
    plain = json.loads(json.dumps(trained(nntrain, points).to_plain()))
    assert Preprocessor.from_plain(plain).to_plain() == plain
    place = next(i for i, seen in enumerate(plain["seen"]) if seen["name"] == "word")
    plain["seen"][place] |= change
    with pytest.raises(MachineError, match="damaged"):
        Preprocessor.from_plain(plain)


def test_a_list_is_expected(nntrain: Command, points: Path) -> None:
    plain = trained(nntrain, points).to_plain()
    with pytest.raises(MachineError, match="damaged"):
        Preprocessor.from_plain({**plain, "seen": {}})


@given(st.lists(st.lists(st.floats(-100, 100), min_size=1), min_size=1, max_size=5))
def test_the_farthest_of_all_portions_is_kept(portions: list[list[float]]) -> None:
    report = Report()
    for values in portions:
        report.add_outside("a", np.array(values), -1.0, 1.0)
    found = report.outside["a"]
    every = [value for values in portions for value in values]
    assert found.count == len(every)
    distance = max(max(-1.0 - value, value - 1.0) for value in every)
    assert max(-1.0 - found.farthest, found.farthest - 1.0) == distance


def test_nothing_is_said_of_what_is_not_known() -> None:
    report = Report(rows=10)
    report.missing["a"] = 4
    assert report.lines() == ["`a`: 4 missing cells filled in"]
    report.usual_missing["a"] = 0.0
    assert report.lines() == [
        "`a`: 4 missing cells filled in: 40 % of the rows, none of training rows"
    ]


@pytest.mark.parametrize(
    ("part", "said"),
    [(0, "none"), (0.412, "41 %"), (0.003, "0.3 %"), (0.9999, "99.9 %"), (1, "100 %")],
)
def test_shares_in_words(part: float, said: str) -> None:
    assert share(part) == said
