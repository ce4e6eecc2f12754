"""`nntrain lr-find`: the curve, what it suggests, and where it has nothing to suggest."""

from __future__ import annotations

import io
import json
import math
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from nntrain.config import load
from nntrain.config.writing import one_line
from nntrain.data.dataset import Dataset
from nntrain.display.curve import curve
from nntrain.display.range_test import seen
from nntrain.families import Optimizer
from nntrain.tuning.range_test import Point, _longest_fall, judged, range_test, smooth
from tests.conftest import CONFIG, Command, write_points


def test_it_suggests_a_rate_and_a_line_to_paste(nntrain: Command, tmp_path: Path) -> None:
    config = write_points(tmp_path, config=CONFIG.replace("0.02}", "0.02, weight_decay: 0.1}"))
    done = nntrain("lr-find", config, "--json")
    assert done.code == 0
    found = json.loads(done.out)
    assert 1e-3 < found["suggestion"] < 0.3
    assert found["learning_rate"] == 0.02
    line = f"optimizer: {{type: adam, learning_rate: {found['suggestion']}, weight_decay: 0.1}}"
    assert found["yaml"] == line
    rates = [point["rate"] for point in found["points"]]
    assert rates[0] == 1e-7
    assert np.allclose(np.diff(np.log(rates)), math.log(1e8) / 199)
    assert json.loads(nntrain("lr-find", config, "--json").out) == found
    other = json.loads(nntrain("lr-find", config, "--json", "--seed", "1").out)
    assert other["points"] != found["points"]
    assert [file.name for file in tmp_path.iterdir() if file.is_dir()] == []


def test_in_a_pipe_it_is_a_table(nntrain: Command, points: Path) -> None:
    done = nntrain("lr-find", points, "--from", "1e-5", "--to", "1", "--steps", "50")
    lines = done.out.splitlines()
    assert lines[0].split() == ["learning_rate", "loss", "smoothed"]
    assert lines[1].split()[0] == "1.00e-05"
    assert "worth trying: " in done.out
    assert "\x1b" not in done.out


@pytest.mark.parametrize("kind", sorted(Optimizer.kinds))
def test_every_optimizer_can_be_tested(kind: str, tmp_path: Path) -> None:
    loaded = load(write_points(tmp_path), [f"optimizer={{type: {kind}}}"])
    experiment = loaded.experiment
    data = Dataset.load(experiment.data, loaded.data_paths, "classes", 0)
    found = range_test(experiment, data, steps=60)
    assert found
    assert found.suggestion is not None or found.why


@pytest.mark.parametrize(
    ("sets", "code", "said"),
    [
        (["--from", "1", "--to", "1e30"], 5, "blows up at a learning rate of"),
        (["--from", "1e-15", "--to", "1e-12"], 5, "no learning rate from 1e-15 to 1e-12 makes"),
        (["--from", "1", "--to", "0.1"], 2, "expected 0 < from < to, got 1 and 0.1"),
        (["--steps", "3"], 2, "--steps"),
        (["--set", "optimizer.learning_rate=x"], 2, "expected a number above 0"),
    ],
)
def test_where_there_is_nothing_to_suggest(
    sets: list[str], code: int, said: str, nntrain: Command, points: Path
) -> None:
    done = nntrain("lr-find", points, *sets)
    assert (done.code, said in done.err) == (code, True), done.err
    assert "worth trying" not in done.out


def test_json_says_that_there_is_none(nntrain: Command, points: Path) -> None:
    done = nntrain("lr-find", points, "--from", "1e-15", "--to", "1e-12", "--json")
    found = json.loads(done.out)
    assert (found["suggestion"], found["yaml"], len(found["points"])) == (None, None, 200)


def test_a_stop_ends_it(tmp_path: Path) -> None:
    loaded = load(write_points(tmp_path))
    data = Dataset.load(loaded.experiment.data, loaded.data_paths, "classes", 0)
    assert range_test(loaded.experiment, data, lambda: "interrupted") is None


def test_the_longest_fall_is_that_of_all_subsequences() -> None:
    rng = np.random.default_rng(0)
    for _ in range(50):
        values = rng.integers(0, 9, 12).tolist()
        best = [1] * len(values)
        for i in range(len(values)):
            best[i] += max((best[j] for j in range(i) if values[j] > values[i]), default=0)
        end, length = _longest_fall(values)
        assert length == max(best)
        assert best[end] == length


def test_the_middle_of_a_valley_is_suggested() -> None:
    rates = np.geomspace(1e-6, 1, 121).tolist()
    losses = [2.0] * 60 + np.linspace(2, 0.5, 40).tolist() + np.linspace(0.5, 3, 21).tolist()
    points = list(map(Point, rates, losses, losses))
    found = judged(points)
    assert found.suggestion == rates[99 - 20]
    assert judged(points[:60]).suggestion is None
    assert judged([Point(r, 3 - loss, 3 - loss) for r, loss, _ in points[:80]]).suggestion is None


def test_smoothing_does_not_begin_at_zero() -> None:
    assert np.allclose(list(smooth([5.0] * 9)), 5.0)
    assert np.allclose(list(smooth([1.0, 2.0])), [1.0, (0.09 + 0.2) / 0.19])


@pytest.mark.parametrize("width", [20, 60, 80, 120, 300])
@pytest.mark.parametrize("fancy", [True, False])
def test_a_curve_fits_and_falls(width: int, fancy: bool) -> None:
    xs = np.geomspace(1e-6, 1, 50).tolist()
    lines = curve(xs, np.linspace(1, 0, 50).tolist(), width, mark=1e-3, fancy=fancy)
    assert max(map(len, lines)) <= max(60, min(width, 120))
    assert len(lines) == 13
    assert lines[0].startswith("    1.0000 ") and lines[11].startswith("    0.0000 ")
    assert lines[12].split() == ["1e-6", "1e-5", "1e-4", "1e-3", "1e-2", "1e-1", "1"]
    letters = "".join(lines[:12])
    assert any(ord(letter) > 0x2800 for letter in letters) is fancy
    assert ("*" in letters) is not fancy
    ink = [[i for i, c in enumerate(line) if i > 10 and c not in " │|"] for line in lines[:12]]
    assert all(above[0] <= below[0] for above, below in pairwise(ink))
    marks = {line.index(c) for line in lines[:12] for c in "│|" if c in line}
    assert len(marks) == 1
    assert abs(marks.pop() - lines[12].index("1e-3")) <= 1


def test_what_blows_up_is_not_drawn() -> None:
    lines = curve([1, 10, 100], [1.0, 0.0, 1e9], 60, ceiling=1.5)
    assert lines[0].strip() == "1.5000"


def test_a_terminal_gets_the_curve(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        encoding = "utf-8"

        def isatty(self) -> bool:
            return True

    monkeypatch.setenv("COLUMNS", "70")
    points = [(10.0**-n, 1.0 + n, 1.0 + n) for n in range(6, 0, -1)]
    lines = seen(points, 1e-3, Terminal())
    assert lines[0] == "training loss (smoothed) over the learning rate"
    assert max(map(len, lines)) <= 70
    assert any("│" in line for line in lines)


def test_any_value_fits_in_one_line() -> None:
    value = {"type": "sgd", "groups": ({"layers": ("a",), "frozen": True},), "x": "no: yes"}
    line = one_line("optimizer", value)
    assert line == "optimizer: {type: sgd, groups: [{layers: [a], frozen: true}], x: 'no: yes'}"
    assert one_line("a", 3) == "a: 3"
    assert one_line("a", "word") == "a: word"
