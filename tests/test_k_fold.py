"""`fit --k-fold` and `--seeds`: runs that can be used, their means, and going on to the bit."""

from __future__ import annotations

import csv
import json
import math
import statistics
from pathlib import Path
from typing import Any

import pytest

from nntrain.cli.signals import Stopper
from tests.conftest import CONFIG, Command, write_points

DATASETS = Path(__file__).parent.parent / "datasets"
CONFIGS = DATASETS.parent / "configs"
PARENT = Path("runs/points/001")
SAME = ("model.safetensors", "metrics.csv", "predictions.csv", "config.resolved.yaml", "layers.csv")


def table(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_each_fold_is_a_run_and_the_means_are_theirs(nntrain: Command, points: Path) -> None:
    done = nntrain("fit", points, "--k-fold", "3", "--json")
    assert done.code == 0, done.err
    summary = json.loads(done.out)
    assert summary == json.loads((PARENT / "summary.json").read_text())
    assert [fold["run"] for fold in summary["folds"]] == [
        str(PARENT / f"fold-{i}") for i in (1, 2, 3)
    ]
    rows = 0
    scores = []
    for fold in summary["folds"]:
        measured = json.loads(nntrain("eval", fold["run"], "--json").out)
        rows += measured["rows"]
        scores.append(measured["metrics"]["accuracy"])
        assert measured["metrics"]["accuracy"] == fold["metrics"]["test_accuracy"]
    assert rows == 200
    assert math.isclose(summary["metrics"]["test_accuracy"], statistics.mean(scores))
    assert math.isclose(summary["deviations"]["test_accuracy"], statistics.stdev(scores))


def test_predictions_are_those_of_the_fold_that_held_the_row_out(
    nntrain: Command, points: Path
) -> None:
    assert nntrain("fit", points, "--k-fold", "4", "-q").code == 0
    whole = table(PARENT / "predictions.csv")
    raw = table(Path("points.csv"))
    summary = json.loads((PARENT / "summary.json").read_text())
    assert summary["predictions"] == str(PARENT / "predictions.csv")
    assert [int(row["row"]) for row in whole] == list(range(1, 201))
    assert [row["target"] for row in whole] == [row["kind"] for row in raw]
    for fold in range(1, 5):
        assert nntrain("predict", PARENT / f"fold-{fold}", "points.csv", "-o", "all.csv").code == 0
        own = {row["row"] for row in table(PARENT / f"fold-{fold}" / "predictions.csv")}
        said = [row for row in table(Path("all.csv")) if row["row"] in own]
        kept = [row for row in whole if row["row"] in own]
        assert list(said[0]) == [name for name in kept[0] if name != "target"]
        for a, b in zip(said, kept, strict=True):
            assert a["prediction"] == b["prediction"]
            assert math.isclose(
                float(a["probability_in"]), float(b["probability_in"]), abs_tol=1e-6
            )


def test_ids_stand_in_the_place_of_numbers(nntrain: Command, tmp_path: Path) -> None:
    lines = [f"n{i},g{i % 9},{i},{i * 2},{i % 5}" for i in range(60)]
    (tmp_path / "a.csv").write_text("\n".join(["name,g,x,y,z", *lines]))
    text = CONFIG.replace("points.csv", "a.csv").replace("kind", "[y, z]\n  id: [name, g]")
    text = text.replace("cross_entropy", "mean_squared_error").replace("[accuracy]", "[rmse]")
    text = text.replace("id: [", "split: {by: group, column: g}\n  id: [")
    (tmp_path / "points.yaml").write_text(text)
    done = nntrain("fit", "points.yaml", "--k-fold", "3", "-q")
    assert done.code == 0, done.err
    rows = table(PARENT / "predictions.csv")
    assert list(rows[0]) == ["name", "g", "target_y", "target_z", "prediction_y", "prediction_z"]
    assert [(row["name"], float(row["target_y"])) for row in rows] == [
        (f"n{i}", 2.0 * i) for i in range(60)
    ]
    for fold in (1, 2, 3):
        facts = json.loads((PARENT / f"fold-{fold}" / "manifest.json").read_text())
        assert sum(facts["data"]["rows"].values()) == 60


@pytest.mark.parametrize("more", ["", "\n  split: {by: time}"])
@pytest.mark.parametrize("flag", ["--k-fold", "--seeds"])
def test_going_on_gives_the_same_bytes(
    nntrain: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, flag: str, more: str
) -> None:
    points = write_points(tmp_path, config=CONFIG.replace("kind", f"kind{more}"))
    assert nntrain("fit", points, flag, "3", "-q", "-o", "whole").code == 0
    places = iter([0, 7, 20, 26])  # in the first trial, in the second, and between two
    for number, steps in enumerate(places):
        words = iter([""] * steps + ["interrupted"] * 9)
        monkeypatch.setattr(Stopper, "__call__", lambda self, words=words: next(words))
        monkeypatch.setattr(Stopper, "exit_code", 130)
        begin = (
            ("fit", points, flag, "3", "-o", "parts")
            if not number
            else ("fit", "--resume", "parts")
        )
        done = nntrain(*begin)
        assert (done.code, "go on with: nntrain fit --resume parts" in done.err) == (130, True)
        assert json.loads(Path("parts/summary.json").read_text())["status"] == "interrupted"
        assert not Path("parts/predictions.csv").exists()
    monkeypatch.setattr(Stopper, "__call__", lambda self: "")
    done = nntrain("fit", "--resume", "parts")
    assert done.code == 0, done.err
    for folder in sorted(Path("whole").iterdir()):
        for name in SAME if folder.is_dir() else ():
            other = Path("parts", folder.name, name)
            if (folder / name).exists() or other.exists():
                assert (folder / name).read_bytes() == other.read_bytes(), (folder, name)
    if flag == "--k-fold":
        assert (
            Path("whole/predictions.csv").read_bytes() == Path("parts/predictions.csv").read_bytes()
        )
    one, two = (json.loads(Path(p, "summary.json").read_text()) for p in ("whole", "parts"))
    assert (one["metrics"], one["deviations"]) == (two["metrics"], two["deviations"])
    again = nntrain("fit", "--resume", "parts")
    assert (again.code, "already finished" in again.err) == (0, True)


def test_predictions_that_were_lost_are_made_again(nntrain: Command, points: Path) -> None:
    """The process may end after a fold's summary and before its predictions."""
    assert nntrain("fit", points, "--k-fold", "2", "-q").code == 0
    wanted = (PARENT / "predictions.csv").read_bytes()
    for file in ("summary.json", "predictions.csv", "fold-1/predictions.csv"):
        (PARENT / file).unlink()
    assert nntrain("fit", "--resume", "last").code == 0
    assert (PARENT / "predictions.csv").read_bytes() == wanted


def test_seeds_are_trained_one_after_the_other(nntrain: Command, points: Path) -> None:
    done = nntrain("fit", points, "--seeds", "2", "--seed", "7", "--json")
    assert done.code == 0, done.err
    summary = json.loads(done.out)
    assert [one["run"] for one in summary["seeds"]] == [str(PARENT / f"seed-{i}") for i in (7, 8)]
    assert nntrain("fit", points, "--seed", "8", "-q", "-o", "alone").code == 0
    model = "model.safetensors"
    assert Path("alone", model).read_bytes() == (PARENT / "seed-8" / model).read_bytes()


@pytest.mark.parametrize("limit, code", [(0.0, 0), (1.0, 5)])
def test_gates_are_judged_on_the_means(
    nntrain: Command, tmp_path: Path, limit: float, code: int
) -> None:
    text = f"{CONFIG}expect: {{test_accuracy: '>= {limit}'}}\n"
    points = write_points(tmp_path, config=text)
    done = nntrain("fit", points, "--k-fold", "2", "-q")
    assert done.code == code
    assert ("error: expect: the mean of test_accuracy is" in done.err) == bool(code)
    status = json.loads((PARENT / "summary.json").read_text())["status"]
    assert status == ("gate_failed" if code else "completed")
    assert json.loads((PARENT / "fold-1/summary.json").read_text())["status"] == "completed"


def test_the_folder_of_all_is_explained(nntrain: Command, points: Path) -> None:
    assert nntrain("fit", points, "--k-fold", "2", "-q").code == 0
    for words in (("eval",), ("predict", "points.csv"), ("runs", "verify", PARENT)):
        done = nntrain(*words)
        assert done.code == 2
        assert f"name one of them: {PARENT}/fold-1 … fold-2" in done.err
    assert nntrain("runs", "verify", PARENT / "fold-1").code == 0
    assert all((PARENT / f"fold-{fold}" / "report.html").is_file() for fold in (1, 2))
    assert [run["run"] for run in json.loads(nntrain("runs", "--json").out)["runs"]] == [
        str(PARENT)
    ]
    assert nntrain("runs", "show", PARENT).code == 0


def test_overwriting_leaves_nothing_of_other_folds(nntrain: Command, points: Path) -> None:
    assert nntrain("fit", points, "--k-fold", "3", "-q", "-o", "out").code == 0
    assert nntrain("fit", points, "--k-fold", "2", "-q", "-o", "out").code == 2
    assert nntrain("fit", points, "--k-fold", "2", "-q", "-o", "out", "--overwrite").code == 0
    assert sorted(path.name for path in Path("out").iterdir() if path.is_dir()) == [
        "fold-1",
        "fold-2",
    ]
    assert nntrain("fit", points, "-q", "-o", "out", "--overwrite").code == 0
    assert not [path for path in Path("out").iterdir() if path.is_dir()]
    assert nntrain("fit", points, "--k-fold", "2", "-q", "-o", "out", "--overwrite").code == 0
    Path("out/fold-1/mine.txt").write_text("")
    done = nntrain("fit", points, "-q", "-o", "out", "--overwrite")
    assert (
        done.code,
        "out holds files that no run wrote, such as fold-1/mine.txt" in done.err,
    ) == (2, True)


@pytest.mark.parametrize(
    "words, message",
    [
        (("--k-fold", "1"), "1 is not in the range"),
        (("--k-fold", "3", "--seeds", "3"), "it does not go with --k-fold"),
        (("--k-fold", "3", "--warm-start", "x"), "may know the rows that a fold holds out"),
        (("--k-fold", "3", "--smoke"), "does not go with --k-fold"),
        (("--k-fold", "300"), "200 usable rows are too few for 300 folds"),
        (("--k-fold", "3", "--set", "data.test_path=a.csv"), "the rows that a fold holds out are"),
        (("--k-fold", "3", "--set", "data.split.by=column", "--set", "data.split.column=word"),
         "there is nothing to fold"),
    ],
)  # fmt: skip
def test_what_does_not_go_together(
    nntrain: Command, points: Path, words: tuple[str, ...], message: str
) -> None:
    done = nntrain("fit", points, *words)
    assert done.code in (2, 3)
    assert message in done.err
    assert not Path("runs").exists()


def test_what_was_stopped_goes_on_as_it_is(nntrain: Command, points: Path) -> None:
    assert nntrain("fit", points, "--k-fold", "2", "-q").code == 0
    done = nntrain("fit", "--resume", PARENT, "--set", "trainer.max_epochs=9")
    assert (done.code, "go on with the config that they have" in done.err) == (2, True)
    (PARENT / "summary.json").unlink()
    Path("points.csv").write_text("a,b,word,kind\n1,2,red,in\n")
    done = nntrain("fit", "--resume", PARENT)
    assert (done.code, "the data has changed" in done.err) == (3, True)


def test_a_text_has_folds_without_predictions(nntrain: Command, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("to be or not to be, that is the question. " * 30)
    (tmp_path / "a.yaml").write_text(
        "data: {path: a.txt, window: {length: 8, stride: 8}}\n"
        "model:\n  layers:\n    - {type: embedding, input_dim: auto, output_dim: 4}\n"
        "    - {type: dense, units: auto}\n"
        "loss: cross_entropy\ntrainer: {max_epochs: 1}\n"
    )
    done = nntrain("fit", "a.yaml", "--k-fold", "2", "--json")
    assert done.code == 0, done.err
    assert not Path("runs/a/001/predictions.csv").exists()
    assert json.loads(done.out)["predictions"] is None


@pytest.mark.parametrize(
    "name, score, least", [("penguins", "test_accuracy", 0.98), ("auto-mpg", "test_r2", 0.80)]
)
def test_real_data_against_scikit_learn(
    nntrain: Command, name: str, score: str, least: float
) -> None:
    """5-fold: penguins .988 (logistic regression) and .994 (MLP); auto-mpg R² .805 (ridge)."""
    done = nntrain("fit", CONFIGS / f"{name}.yaml", "--k-fold", "5", "--json")
    found: dict[str, Any] = json.loads(done.out)
    assert found["metrics"][score] >= least
    assert found["deviations"][score] < 0.05


def test_ids_are_those_of_several_files(nntrain: Command, tmp_path: Path) -> None:
    write_points(tmp_path)
    head, *lines = (tmp_path / "points.csv").read_text().splitlines()
    rows = [f"n{i},{line}" for i, line in enumerate(lines)]
    for number in (0, 1):
        own = rows[number * 100 : (number + 1) * 100]
        (tmp_path / f"part-{number}.csv").write_text("\n".join([f"name,{head}", *own]) + "\n")
    text = CONFIG.replace("points.csv", "part-*.csv").replace("kind", "kind\n  id: name")
    (tmp_path / "points.yaml").write_text(text)
    done = nntrain("fit", "points.yaml", "--k-fold", "2", "-q")
    assert done.code == 0, done.err
    assert [row["name"] for row in table(PARENT / "predictions.csv")] == [
        f"n{i}" for i in range(200)
    ]
