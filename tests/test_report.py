"""report.html: what it says is so, what is missing is said, and it never costs a training."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nntrain.report import judged, plots, svg
from nntrain.report.letters import told_apart
from nntrain.report.markup import Html
from nntrain.report.page import page
from nntrain.report.told import at_the_end, from_folder
from nntrain.run.folder import RunFolder
from nntrain.run.recorded import named
from nntrain.run.run import Run
from nntrain.run.trained import open_run
from nntrain.training import evaluate as evaluation
from nntrain.training.evaluate import confusions, evaluate, predict
from nntrain.training.fit import fit
from tests.conftest import CONFIG, Command, write_points
from tests.pages import Page
from tests.test_run import start

TITLES = ["Training", "Scores", "Baselines", "Confusion", "Largest losses", "Network"]
TITLES += ["Inside the layers", "Data", "Config", "To repeat it"]


def read(path: Path) -> Page:
    return Page(path.read_text(encoding="utf-8"))


def titles(found: Page) -> list[str]:
    known = {*TITLES, "Predicted against true", "Differences"}
    return [text for text in found.texts if text in known]


@pytest.fixture
def run(points: Path, nntrain: Command) -> Path:
    """The folder of a run that `fit -q` has trained."""
    assert nntrain("fit", points, "-o", "run", "-q").code == 0
    return points.parent / "run"


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run that is not to be touched."""
    home = tmp_path_factory.mktemp("trained")
    list(fit(start(write_points(home), home / "run")))
    return home / "run"


def test_fit_leaves_a_page_that_needs_nothing_else(run: Path) -> None:
    text = (run / "report.html").read_text(encoding="utf-8")
    found = Page(text)
    assert titles(found) == TITLES
    assert "default-src 'none'; style-src 'unsafe-inline'; img-src data:" in found.values
    tags = {element[0] for element in found.shape}
    assert not tags & {"script", "link", "img", "iframe", "a", "base", "object", "form"}
    names = {name for element in found.shape for name in element[1:]}
    assert not names & {"src", "href", "style"} and not any(n.startswith("on") for n in names)
    assert "http" not in text.replace("http-equiv", "") and "url(" not in text
    assert not found.odd


def test_the_page_has_the_scores_and_the_rows_of_the_run(run: Path) -> None:
    found = read(run / "report.html")
    summary = json.loads((run / "summary.json").read_text())
    for score in summary["metrics"].values():
        assert f"{score:.4f}" in found.texts
    assert "points" in found.texts
    assert (run / "config.yaml").read_text() in found.texts
    assert any(text.startswith("nntrain runs verify") for text in found.texts)


def test_baselines_are_those_of_the_summary(run: Path) -> None:
    known = json.loads((run / "summary.json").read_text())["baselines"]
    found = " ".join(read(run / "report.html").texts)
    shown = found[found.index("Baselines") : found.index("Confusion")]
    assert f"What much simpler models score on the {known['split']} rows." in shown
    for name, own in known["scores"].items():
        assert name in shown
        assert f"{own['accuracy']:.4f}" in shown
    assert ("is as good as the network or better" in shown) == (known["no_worse"] is not None)


def test_nothing_but_the_page_is_written(run: Path, nntrain: Command) -> None:
    before = {path.name: path.read_bytes() for path in run.iterdir()}
    made = before.pop("report.html")
    (run / "report.html").unlink()
    told = nntrain("report", "run")
    assert told.code == 0 and "run/report.html" in told.out
    after = {path.name: path.read_bytes() for path in run.iterdir()}
    assert after.pop("report.html") == made  # the same, whether from memory or from the folder
    assert after == before


def test_other_commands_take_no_notice_of_it(run: Path, nntrain: Command) -> None:
    (run / "report.html").write_text("<html>mine</html>")
    for words in (["runs", "verify", "run"], ["runs", "diff", "run", "run"], ["eval", "run"]):
        assert nntrain(*words).code == 0
    assert (run / "report.html").read_text() == "<html>mine</html>"
    assert nntrain("fit", "points.yaml", "-o", "run", "--overwrite", "-q").code == 0
    assert titles(read(run / "report.html")) == TITLES


def test_what_is_judged_is_what_eval_and_predict_say(run: Path) -> None:
    trained = open_run(str(run))
    part, _ = trained.rows("test", None, judged_report())
    found = judged.judge(trained.model, "test", part)
    assert found and found.rows == len(part) and found.targets == ("kind",)
    ((target, counts),) = confusions(trained.model, part)
    assert found.confusions[0].classes == target.classes
    assert (found.confusions[0].counts == counts).all()
    losses = [evaluate(trained.model, part.take(np.array([i])))["loss"] for i in range(len(part))]
    worst = np.argsort(losses)[::-1][: judged.MOST_MISTAKES]
    assert [m.row for m in found.mistakes] == (part.rows[worst] + 1).tolist()
    assert np.allclose([m.loss for m in found.mistakes], np.array(losses)[worst], rtol=1e-5)
    shown = predict(trained.model, part.x)[worst]
    for mistake, row, true in zip(found.mistakes, shown, part.raw[worst], strict=True):
        (answer,) = mistake.answers
        assert answer.predicted == target.classes[int(row.argmax())]
        assert answer.true == target.classes[int(true)]
        assert answer.probability == pytest.approx(row.max(), rel=1e-5)
        assert answer.of_true == pytest.approx(row[int(true)], rel=1e-4)


def judged_report() -> Any:
    from nntrain.data.report import Report

    return Report()


def test_probabilities_of_two_classes_are_of_both(points: Path, nntrain: Command) -> None:
    points.write_text(CONFIG.replace("cross_entropy", "binary_cross_entropy"))
    assert nntrain("fit", points, "-o", "run", "-q").code == 0
    trained = open_run("run")
    part, _ = trained.rows("test", None, judged_report())
    found = judged.judge(trained.model, "test", part)
    assert found
    (one,) = found.certainties
    second = predict(trained.model, part.x)[:, 0]
    assert np.allclose(one.p, np.stack([1 - second, second], axis=1), rtol=0, atol=1e-6)
    assert (one.true == part.raw[:, 0]).all() and (one.weights == 1).all()


def test_the_worst_rows_are_those_of_all_blocks(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trained = open_run(str(run))
    part, _ = trained.rows("train", None, judged_report())
    whole = judged.judge(trained.model, "train", part)
    monkeypatch.setattr(evaluation, "FEW", 1)
    monkeypatch.setattr(evaluation, "MOST_BYTES", 1)
    monkeypatch.setattr(evaluation, "BLOCK_BYTES", 1)
    pieces = judged.judge(trained.model, "train", part)
    assert whole and pieces
    assert [one.row for one in pieces.mistakes] == [one.row for one in whole.mistakes]
    assert max(one.row for one in whole.mistakes) > 20


def test_numbers_are_drawn_and_rows_are_named_by_their_ids(
    tmp_path: Path, nntrain: Command
) -> None:
    config = CONFIG.replace("target: kind", "target: b\n  id: word")
    config = config.replace("cross_entropy", "mean_squared_error").replace("[accuracy]", "[rmse]")
    write_points(tmp_path, config=config)
    assert nntrain("fit", "points.yaml", "-o", "run", "-q").code == 0
    found = read(tmp_path / "run" / "report.html")
    assert "Predicted against true" in found.texts and "Confusion" not in found.texts
    trained = open_run("run")
    part, _ = trained.rows("test", None, judged_report())
    told = judged.judge(trained.model, "test", part)
    assert told and told.ids == ("word",)
    (pair,) = told.agreements
    assert (pair.true == part.raw[:, 0]).all()
    assert np.allclose(pair.predicted, predict(trained.model, part.x)[:, 0])
    off = pair.predicted - pair.true
    assert f", mean {off.mean():.3g}, half within ±{np.median(np.abs(off)):.3g}" in found.texts
    cells = [line.split(",") for line in (tmp_path / "points.csv").read_text().splitlines()[1:]]
    for mistake in told.mistakes:
        assert mistake.ids == (cells[mistake.row - 1][2],)
        assert mistake.answers[0].true == float(cells[mistake.row - 1][1])
    losses = [evaluate(trained.model, part.take(np.array([i])))["loss"] for i in range(len(part))]
    assert np.allclose([m.loss for m in told.mistakes], sorted(losses)[::-1][:12], rtol=1e-5)


def test_where_the_data_has_gone_it_says_so(run: Path, nntrain: Command) -> None:
    (run.parent / "points.csv").unlink()
    assert nntrain("report", "run").code == 0
    found = read(run / "report.html")
    assert titles(found) == [t for t in TITLES if t not in ("Confusion", "Largest losses")]
    assert any("not there any more" in text and "left out" in text for text in found.texts)


def test_a_run_that_was_stopped_shows_what_is_there(points: Path, nntrain: Command) -> None:
    stopped = start(points, points.parent / "run")
    list(fit(stopped, stop=lambda: "interrupted" if stopped.progress.step == 30 else ""))
    assert nntrain("report", "run").code == 0
    found = read(points.parent / "run" / "report.html")
    assert "interrupted" in found.texts and "Training" in found.texts


@pytest.mark.parametrize("name", [f.name for f in RunFolder(Path()).files() if f.name[0] != "."])
@pytest.mark.parametrize("content", [None, b"", b"\x00\xff\xfe<b>", b'{"metrics": 3, "data": []}'])
def test_a_damaged_folder_still_gives_a_page(
    trained: Path, tmp_path: Path, nntrain: Command, name: str, content: bytes | None
) -> None:
    if name == "manifest.json" and content is None:
        return  # no run folder
    run = tmp_path / "run"
    shutil.copytree(trained, run)
    (run / name).unlink(missing_ok=True)
    if content is not None:
        (run / name).write_bytes(content)
    told = nntrain("report", "run", "-o", "out.html")
    assert told.code == 0, told.err
    assert not read(run.parent / "out.html").odd


def test_a_run_before_its_first_step_has_a_page(points: Path, nntrain: Command) -> None:
    start(points, points.parent / "run")
    assert nntrain("report", "run").code == 0
    found = read(points.parent / "run" / "report.html")
    assert "unfinished" in found.texts
    assert titles(found) == ["Network", "Data", "Config", "To repeat it"]


@pytest.mark.parametrize("error", [MemoryError(), ValueError("odd"), RecursionError()])
def test_a_report_that_fails_is_a_note(
    points: Path, nntrain: Command, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fails(run: Run) -> None:
        raise error

    monkeypatch.setattr("nntrain.report.told.at_the_end", fails)
    gate = ["--set", 'expect={test_accuracy: ">= 2"}']
    for more, code in (([], 0), (gate, 5)):
        told = nntrain("fit", points, "-o", "run", "--overwrite", "-q", *more)
        assert told.code == code, told.err
        assert "note: there is no new report.html" in told.err
        assert "Traceback" not in told.err and "report:" not in told.out
    assert (points.parent / "run" / "summary.json").exists()
    assert not (points.parent / "run" / "report.html").exists()


def test_a_training_that_diverged_leaves_a_page(points: Path, nntrain: Command) -> None:
    huge = ["optimizer={type: sgd, learning_rate: 1e38}", "trainer.max_epochs=50"]
    given = [word for text in huge for word in ("--set", text)]
    assert nntrain("fit", points, "-o", "run", "-q", *given).code == 4
    assert "diverged" in read(points.parent / "run" / "report.html").texts


def test_several_runs_stand_side_by_side(run: Path, points: Path, nntrain: Command) -> None:
    more = ["--set", "optimizer.learning_rate=0.07"]
    assert nntrain("fit", points, "-o", "other", "-q", *more).code == 0
    told = nntrain("report", "run", "other")
    assert told.code == 2 and "-o FILE" in told.err
    assert nntrain("report", "run", "other", "-o", "both.html", "-q").code == 0
    found = read(run.parent / "both.html")
    assert [text for text in titles(found) if text in ("Differences", "Confusion")] == [
        "Differences", "Confusion", "Confusion",
    ]  # fmt: skip
    at = found.texts.index("optimizer.learning_rate")
    assert found.texts[at : at + 3] == ["optimizer.learning_rate", "0.02", "0.07"]
    assert "seed" not in found.texts[: at + 9]


def test_only_pages_are_replaced(run: Path, nntrain: Command) -> None:
    model = (run / "model.safetensors").read_bytes()
    told = nntrain("report", "run", "-o", "run/model.safetensors")
    assert told.code == 2 and "no HTML page" in told.err
    assert (run / "model.safetensors").read_bytes() == model
    assert nntrain("report", "run", "-o", "run").code == 2
    for _ in range(2):
        assert nntrain("report", "run", "-o", "page.html").code == 0
    assert nntrain("report", "nowhere").code == 2


def test_many_epochs_and_rows_stay_small(points: Path) -> None:
    many = CONFIG.replace("max_epochs: 6, batch_size: 16", "max_epochs: 3000, batch_size: 1000")
    points.write_text(many)
    long = start(points, points.parent / "run")
    list(fit(long))
    text = page([at_the_end(long)])
    assert len(text) < 120_000
    assert page([from_folder(named(str(points.parent / "run")))]) == text


def test_a_line_of_many_points_keeps_its_highest_and_lowest() -> None:
    y = np.sin(np.arange(20_000) / 50)
    y[7_777], y[13_131], y[5] = 9.0, -9.0, np.nan
    drawn = svg.chart("y", [svg.Line("", np.arange(20_000.0), y)])
    numbers = [float(b) for b in re.findall(r"[ML][\d.]+ ([\d.]+)", drawn)]
    assert min(numbers) == svg.TOP and max(numbers) == svg.HEIGHT - svg.BOTTOM
    assert len(numbers) <= svg.MOST_POINTS + 2


def test_bars_of_a_histogram_count_the_values() -> None:
    values = np.array([-1.0] * 4 + [0.0] * 2 + [2.0])
    drawn = plots.histogram("h", "", values)
    found = re.findall(r'<rect x="([\d.]+)" [^>]*height="([\d.]+)"', drawn)
    heights = [float(height) for _, height in found]
    assert [round(4 * height / max(heights), 2) for height in heights] == [4, 2, 1]
    places = [float(place) for place, _ in found]
    assert places[1] - places[0] < places[2] - places[1]


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (0.0, 1.0, [0.0, 0.25, 0.5, 0.75, 1.0]),
        (1.0, 60.0, [20.0, 40.0, 60.0]),
        (-3.0, 3.0, [-2.0, 0.0, 2.0]),
    ],
)
def test_ticks_are_round(low: float, high: float, ticks: list[float]) -> None:
    assert svg.Scale(low, high, 0, 100).ticks() == ticks


@pytest.mark.parametrize(
    ("ticks", "labels"),
    [
        ([0.0, 0.25, 0.5], ["0", "0.25", "0.5"]),
        ([0.009997, 0.009998, 0.01], ["0.009997", "0.009998", "0.01"]),
        ([1e-7, 1.5e-7], ["1e-7", "1.5e-7"]),
        ([123456.0, 123457.0], ["1.23456e5", "1.23457e5"]),
        ([1234.0, 1235.0], ["1,234", "1,235"]),
        ([], []),
    ],
)
def test_no_two_ticks_look_alike(ticks: list[float], labels: list[str]) -> None:
    assert told_apart(ticks) == labels


@pytest.mark.parametrize(
    "values",
    [
        [np.nan, np.nan], [], [5.0], [0.0, 0.0], [-1e308, 1e308], [1e-320, 1.0], [np.inf, 1.0, 2.0],
        [1e30, 1e30 * (1 + 1e-15)], [5e-324, 1e308],
    ],
)  # fmt: skip
@pytest.mark.parametrize("log", [False, True])
def test_any_numbers_can_be_drawn(values: list[float], log: bool) -> None:
    y = np.array(values)
    x = np.arange(len(y), dtype=float)
    maps = [svg.heat_map("h", ["a"], [1.0] * len(y), y[None])] if len(y) else []
    more = [
        plots.histogram("h", "", y),
        plots.bars("b", "", [plots.Bar("n", value, 0.5) for value in values]),
        plots.unit_square("u", "", [svg.Line("l", y, y)]),
    ]
    lines = [svg.Line("l", x, y)]
    for drawn in (svg.chart("c", lines, log=log), svg.scatter("s", y, y), *maps, *more):
        assert isinstance(drawn, Html)
        assert not re.search(
            r"(nan|inf)", re.sub(r"<text.*?</text>|<figcaption.*?</figcaption>", "", drawn)
        )


def test_a_run_folder_can_be_moved(run: Path, nntrain: Command) -> None:
    shutil.move(run, run.parent / "moved <b>")
    assert nntrain("report", "moved <b>").code == 0
    assert "moved <b>" in read(run.parent / "moved <b>" / "report.html").texts
