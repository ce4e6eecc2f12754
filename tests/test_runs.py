"""`nntrain runs`: the table, one run, two side by side, and one trained again."""

from __future__ import annotations

import json
import os
import signal
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nntrain.errors import DivergedError
from nntrain.events import Began, Event
from nntrain.run.archive import read_archive, write_archive
from nntrain.run.differences import between, flat
from nntrain.run.folder import RunFolder
from nntrain.run.lock import locked
from nntrain.run.run import Run
from nntrain.training import verify as training
from nntrain.training.fit import Stop, fit
from tests.conftest import Command

ONE, TWO = "runs/points/001", "runs/points/002"


@pytest.fixture
def two(nntrain: Command, points: Path) -> Command:
    """Two finished runs, the second with another learning rate and seed."""
    assert nntrain("fit", points, "-q").code == 0
    assert nntrain("fit", points, "-q", "--seed", "3", "--set", "optimizer.eps=1e-6").code == 0
    return nntrain


def edit(file: str | Path, change: Callable[[dict[str, Any]], Any]) -> None:
    value = json.loads(Path(file).read_text())
    change(value)
    Path(file).write_text(json.dumps(value))


def _put(warm_start: Any, facts: dict[str, Any]) -> None:
    facts["warm_start"] = warm_start


# list


@pytest.mark.parametrize("words", [("runs",), ("runs", "list")])
def test_the_table_of_all_runs(two: Command, words: tuple[str, ...]) -> None:
    done = two(*words)
    assert done.code == 0
    lines = done.out.splitlines()
    assert lines[0] == "scores: validation / test"
    assert lines[2].split() == ["run", "status", "epochs", "best", "loss", "accuracy"]
    assert [line.split()[0] for line in lines[3:]] == [ONE, TWO]
    assert lines[3].split()[1:3] == ["completed", "6"]
    scores = json.loads(Path(ONE, "summary.json").read_text())["metrics"]
    assert f"{scores['validation_loss']:.4f} / {scores['test_loss']:.4f}" in lines[3]


@pytest.mark.parametrize("words", [("runs", "--json"), ("runs", "list", "--json")])
def test_the_table_as_json(two: Command, words: tuple[str, ...]) -> None:
    found = json.loads(two(*words).out)["runs"]
    assert [run["run"] for run in found] == [ONE, TWO]
    for run in found:
        summary = json.loads(Path(run["run"], "summary.json").read_text())
        for key in ("status", "epochs", "best_epoch", "metrics", "seconds"):
            assert run[key] == summary[key]
        assert run["damage"] == []


def test_no_runs_are_no_mistake(nntrain: Command) -> None:
    none = nntrain("runs")
    assert (none.code, none.out) == (0, "")
    assert "no run below runs/ yet" in none.err
    assert json.loads(nntrain("runs", "--json").out) == {"runs": []}


def test_runs_that_did_not_end(two: Command, points: Path) -> None:
    assert two("fit", points, "-q", "--max-time", "0s").code == 0
    Path(TWO, "summary.json").unlink()  # as after a SIGKILL
    with locked(RunFolder(Path(ONE)).lock):
        found = {run["run"]: run for run in json.loads(two("runs", "--json").out)["runs"]}
    assert found[ONE]["status"] == "running"
    assert (found[TWO]["status"], found[TWO]["epochs"]) == ("unfinished", 6)
    assert found["runs/points/003"]["status"] == "max_time"


@pytest.mark.parametrize("name", ["summary.json", "manifest.json"])
@pytest.mark.parametrize("text", ["", "[]", "{", "[" * 100_000, "3", '"\udc80"'])
def test_a_damaged_run_hides_no_other(two: Command, name: str, text: str) -> None:
    Path(ONE, name).write_text(text, encoding="utf-8", errors="surrogateescape")
    done = two("runs", "--json")
    assert done.code == 0
    found = {run["run"]: run for run in json.loads(done.out)["runs"]}
    assert found[ONE]["status"] == "damaged"
    assert found[TWO]["status"] == "completed"
    assert str(Path(ONE, name)) in done.err
    assert two("runs", "show", ONE).code == 0


@pytest.mark.parametrize(
    "change", [{"metrics": []}, {"metrics": {"test_loss": "x"}}, {"epochs": "6"}, {"status": 3},
               {"best_epoch": None}, {"seconds": {}}], ids=str,
)  # fmt: skip
def test_a_summary_of_other_types(two: Command, change: dict[str, Any]) -> None:
    edit(Path(ONE, "summary.json"), lambda summary: summary.update(change))
    for words in (("runs",), ("runs", "--json"), ("runs", "show", ONE), ("runs", "diff", ONE, TWO)):
        assert two(*words).code == 0


def test_a_wrong_word_is_answered(nntrain: Command) -> None:
    wrong = nntrain("runs", "verfy")
    assert wrong.code == 2
    assert "did you mean `verify`?" in wrong.err
    assert nntrain("runs", "--help").code == 0


# show


def test_one_run_in_full(two: Command) -> None:
    newest, named = two("runs", "show"), two("runs", "show", ONE)
    assert newest.code == named.code == 0
    assert newest.out.splitlines()[0].split() == ["run", TWO]
    for word in ("completed", "validation_accuracy", "data.sha256", "blas.0.", "model.safetensors"):
        assert word in named.out
    found = json.loads(two("runs", "show", ONE, "--json").out)
    assert found["manifest"] == json.loads(Path(ONE, "manifest.json").read_text())
    assert (
        found["files"]["model.safetensors"]["bytes"]
        == Path(ONE, "model.safetensors").stat().st_size
    )


@pytest.mark.parametrize("words", [("show",), ("verify",), ("diff", ONE)])
def test_what_is_no_run(two: Command, words: tuple[str, ...]) -> None:
    Path("empty").mkdir()
    for name, says in (
        ("nowhere", "there is no run nowhere"),
        ("empty", "empty is no run folder"),
        (f"{ONE}/model.safetensors", "is a file, expected a run folder"),
    ):
        failed = two("runs", *words, name)
        assert failed.code == 2
        assert says in failed.err


def test_the_newest_of_no_runs(nntrain: Command) -> None:
    for word in ("show", "verify"):
        assert nntrain("runs", word).code == 2
    assert nntrain("runs", "diff").code == 2


# diff


def test_what_two_runs_have_different(two: Command) -> None:
    found = json.loads(two("runs", "diff", ONE, TWO, "--json").out)
    assert (found["a"], found["b"]) == (ONE, TWO)
    assert {row["key"]: (row["a"], row["b"]) for row in found["config"]} == {
        "seed": (0, 3),
        "optimizer.eps": (1e-8, 1e-6),
    }
    assert found["data"] == found["machine"] == []
    keys = {row["key"] for row in found["results"]}
    assert {"metrics.train_loss", "sha256.model", "sha256.metrics"} <= keys
    shown = two("runs", "diff", ONE, TWO)
    assert shown.code == 0
    assert f"config         {ONE}  {TWO}" in shown.out.splitlines()
    assert shown.out.splitlines()[-1] == "the same: data, machine"
    (line,) = (line for line in shown.out.splitlines() if line.startswith("test_loss"))
    a, b, change = map(float, line.split()[1:])
    assert change == pytest.approx(b - a, abs=2e-4)


def test_runs_of_other_data_and_on_another_machine(two: Command, points: Path) -> None:
    table = points.with_name("points.csv")
    table.write_text(table.read_text() + "0.5,0.5,red,in\n")
    assert two("fit", points, "-q").code == 0
    third = "runs/points/003"
    edit(f"{third}/manifest.json", lambda facts: facts.update(numpy="9.9", threads=7))
    found = json.loads(two("runs", "diff", ONE, third, "--json").out)
    assert {"data.sha256", "bytes"} & {row["key"] for row in found["data"]}
    assert {row["key"]: row["b"] for row in found["machine"]} == {"numpy": "9.9", "threads": 7}


def test_a_run_does_not_differ_from_itself(two: Command) -> None:
    assert two("runs", "diff", ONE, ONE).out == f"{ONE} and {ONE} do not differ\n"


def test_differences_are_told_by_key_path() -> None:
    a = {"x": [1, {"y": None}], "same": 1, "gone": [], "kind": 1}
    b = {"x": [1, {"y": 2}, 3], "same": 1, "kind": True}
    found = [row.to_plain() for row in between(a, b)]
    assert found == [
        {"key": "x.1.y", "a": None, "b": 2},
        {"key": "gone", "a": []},
        {"key": "kind", "a": 1, "b": True},
        {"key": "x.2", "b": 3},
    ]
    assert flat({}) == {}


# verify


def test_a_run_that_comes_out_the_same(two: Command) -> None:
    before = {path: path.read_bytes() for path in Path("runs").rglob("*") if path.is_file()}
    done = two("runs", "verify", ONE, "--json")
    assert done.code == 0, done.err
    found = json.loads(done.out)
    assert found["equal"] is True
    assert found["surroundings"] == [] and found["weights"] == {}
    assert found["first_difference"] is None
    after = {path: path.read_bytes() for path in Path("runs").rglob("*") if path.is_file()}
    assert after == before
    assert "came out the same, to the bit" in two("runs", "verify", "-q").out


def test_a_resumed_run_comes_out_the_same(nntrain: Command, points: Path) -> None:
    assert nntrain("fit", points, "-q", "--max-time", "0s").code == 0
    assert nntrain("fit", "--resume", "last", "-q").code == 0
    assert nntrain("runs", "verify", "-q").code == 0


COSINE = "lr_schedule={type: cosine, warmup_epochs: 1}"


def going_on(nntrain: Command, points: Path) -> dict[str, Any]:
    """A run of 3 epochs that went on to 5, and from the middle of the 4th on to 7."""
    assert nntrain("fit", points, "-q", "--set", COSINE, "--set", "trainer.max_epochs=3").code == 0
    run = Run.resume(RunFolder(Path(ONE)), ["trainer.max_epochs=5"])
    list(fit(run, lambda: "interrupted" if run.progress.step == 32 else ""))
    assert nntrain("fit", "--resume", ONE, "-q", "--set", "trainer.max_epochs=7").code == 0
    manifest: dict[str, Any] = json.loads(Path(ONE, "manifest.json").read_text())
    return manifest


def test_a_run_that_was_made_longer_twice_comes_out_the_same(
    nntrain: Command, points: Path
) -> None:
    stages = going_on(nntrain, points)["stages"]
    assert [stage["step"] for stage in stages] == [27, 32]
    assert [stage["new"] for stage in stages] == [{"trainer.max_epochs": n} for n in (5, 7)]
    done = nntrain("runs", "verify", "-q")
    assert (done.code, done.err) == (0, "")
    edit(f"{ONE}/manifest.json", lambda facts: facts.pop("stages"))
    assert nntrain("runs", "verify", "-q").code == 5  # the schedule tells the difference


def test_a_run_that_is_made_longer_and_killed_at_once(nntrain: Command, points: Path) -> None:
    """The checkpoint is still that of the shorter run, whatever was written since."""
    assert nntrain("fit", points, "-q", "--set", COSINE, "--set", "trainer.max_epochs=3").code == 0
    for epochs in (4, 5):  # another change before any step
        Run.resume(RunFolder(Path(ONE)), [f"trainer.max_epochs={epochs}"])
        (stage,) = json.loads(Path(ONE, "manifest.json").read_text())["stages"]
        assert stage["new"] == {"trainer.max_epochs": epochs}
    edit(f"{ONE}/manifest.json", lambda facts: facts.pop("stages"))
    assert nntrain("fit", "--resume", ONE, "-q").code == 0
    assert len(json.loads(Path(ONE, "manifest.json").read_text())["stages"]) == 1
    assert nntrain("runs", "verify", "-q").code == 0


@pytest.mark.parametrize(
    "stages", [3, [3], [{}], [{"step": "3", "epoch": 0, "batch": 0, "old": {}, "new": {}}],
               [{"step": 3, "epoch": 0, "batch": 0, "old": {"seed": 1}, "new": {}}], {"a": 1}],
    ids=str,
)  # fmt: skip
def test_stages_that_are_none(nntrain: Command, points: Path, stages: Any) -> None:
    assert nntrain("fit", points, "-q").code == 0
    edit(f"{ONE}/manifest.json", lambda facts: facts.update(stages=stages))
    failed = nntrain("runs", "verify", "-q")
    assert failed.code == 6
    assert "manifest.json: the file is damaged: its `stages` can not be read" in failed.err


def test_a_run_that_began_with_the_weights_of_another(two: Command, points: Path) -> None:
    assert two("fit", points, "-q", "--warm-start", ONE).code == 0
    done = two("runs", "verify", "-q")
    assert (done.code, done.err) == (0, "")


def test_other_metrics_are_located(two: Command) -> None:
    file = Path(ONE, "metrics.csv")
    rows = [line.split(",") for line in file.read_text().splitlines()]
    column = rows[0].index("validation_loss")
    right, rows[4][column] = rows[4][column], "0.5"
    file.write_text("\n".join(map(",".join, rows)) + "\n")
    failed = two("runs", "verify", ONE)
    assert failed.code == 5
    assert f"metrics.csv parts at epoch 4: validation_loss was 0.5, is {right}" in failed.out
    assert "did not come out the same under the same manifest" in failed.err


def test_a_row_too_few_is_located(two: Command) -> None:
    file = Path(ONE, "metrics.csv")
    file.write_text("".join(file.read_text().splitlines(keepends=True)[:-1]))
    failed = two("runs", "verify", ONE, "--json")
    assert failed.code == 5
    first = json.loads(failed.out)["first_difference"]
    assert (first["epoch"], first["column"], first["a"], first["b"]) == (6, "epoch", None, "6")


def test_other_weights_are_named(two: Command) -> None:
    path = Path(ONE, "model.safetensors")
    arrays, facts = read_archive(path, "model")
    name = sorted(arrays)[0]
    arrays = {**arrays, name: arrays[name] + np.float32(0.25)}
    write_archive(path, "model", arrays, facts)
    failed = two("runs", "verify", ONE, "--json")
    assert failed.code == 5
    found = json.loads(failed.out)
    assert found["equal"] is False and found["first_difference"] is None
    assert found["weights"] == {name: pytest.approx(0.25, abs=1e-6)}
    assert name in two("runs", "verify", ONE, "-q").out


def test_another_manifest_is_told(two: Command) -> None:
    edit(f"{ONE}/manifest.json", lambda facts: facts.update(numpy="1.0", python="2.7"))
    done = two("runs", "verify", ONE)
    assert done.code == 0  # the bits are the same all the same
    assert "made under another manifest, so its bits may differ" in done.err
    assert f"numpy: 1.0 then, {np.__version__} now" in done.err
    assert "python: 2.7 then" in done.err
    Path(ONE, "metrics.csv").write_text("epoch\n")
    failed = two("runs", "verify", ONE, "-q")
    assert failed.code == 5
    assert "as it may under another manifest" in failed.err


def test_what_can_not_be_verified(two: Command, points: Path) -> None:
    assert two("fit", points, "-q", "--max-time", "0s").code == 0
    stopped = two("runs", "verify")
    assert stopped.code == 2
    assert "was not trained to its end (max_time)" in stopped.err
    for other in (ONE, {"path": ONE}, {"path": f"{ONE}/model.safetensors", "sha256": "0"}):
        edit(f"{TWO}/manifest.json", partial(_put, other))
        assert "began with the weights in" in two("runs", "verify", TWO).err
    edit(f"{TWO}/manifest.json", lambda facts: facts.update(warm_start=None, threads="many"))
    assert two("runs", "verify", TWO).code == 6
    edit(f"{TWO}/manifest.json", lambda facts: facts.pop("data"))
    assert two("runs", "verify", TWO).code == 6
    Path(ONE, "model.safetensors").unlink()
    assert two("runs", "verify", ONE).code == 6


def test_data_that_has_changed_is_not_trained_on(two: Command, points: Path) -> None:
    table = points.with_name("points.csv")
    table.write_text(table.read_text() + "0.5,0.5,red,in\n")
    failed = two("runs", "verify", ONE)
    assert failed.code == 3
    assert "the data has changed since this run began" in failed.err


def test_a_signal_ends_verify(
    two: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def signalled(run: Run, stop: Stop) -> Iterator[Event]:
        for event in fit(run, stop):
            if isinstance(event, Began):
                os.kill(os.getpid(), signal.SIGTERM)
            yield event

    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    monkeypatch.setattr(training, "fit", signalled)
    stopped = two("runs", "verify", ONE, "-q")
    assert (stopped.code, stopped.out) == (143, "")
    assert not list((tmp_path / "temporary").iterdir())


def test_a_training_that_diverges_now_did_not_come_out_the_same(
    two: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    def diverging(run: Run, stop: Stop) -> Iterator[Event]:
        yield from ()
        raise DivergedError("a number is not finite")

    monkeypatch.setattr(training, "fit", diverging)
    failed = two("runs", "verify", ONE, "-q")
    assert failed.code == 5
    assert "trained again, it diverged: a number is not finite" in failed.err
