"""`nntrain runs`: sorted, filtered, as table, CSV and JSON."""

from __future__ import annotations

import csv
import io
import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from nntrain.config import Experiment
from nntrain.display.runs import listed
from nntrain.run import choosing, differences
from nntrain.run.earlier import read_experiment
from nntrain.run.folder import RunFolder
from nntrain.run.lock import locked
from nntrain.run.recorded import Recorded
from tests.conftest import Command
from tests.test_runs import edit

RUNS = [f"runs/points/00{number}" for number in (1, 2, 3)]
SETTINGS = (
    ["optimizer.learning_rate=0.02"],
    ["optimizer={type: sgd, learning_rate: 0.1, nesterov: true, momentum: 0.9}", "seed=3"],
    ["optimizer.learning_rate=0.001", "early_stopping={monitor: validation_loss, patience: 2}"],
)
LOSSES = (0.5, 0.1, None)


def score(loss: float | None, summary: dict[str, Any]) -> None:
    summary["metrics"]["validation_loss"] = loss


@pytest.fixture
def three(nntrain: Command, points: Path) -> Command:
    """Three runs whose scores and settings are known."""
    for run, settings, loss in zip(RUNS, SETTINGS, LOSSES, strict=True):
        sets = [word for text in settings for word in ("--set", text)]
        assert nntrain("fit", points, "-q", "--set", "trainer.max_epochs=3", *sets).code == 0
        edit(f"{run}/summary.json", partial(score, loss))
    return nntrain


def names(result: Any) -> list[str]:
    assert result.code == 0, result.err
    return [run["run"] for run in json.loads(result.out)["runs"]]


def list_of(*numbers: int) -> list[str]:
    return [RUNS[number - 1] for number in numbers]


@pytest.mark.parametrize(
    ("words", "order"),
    [
        ((), (1, 2, 3)),
        (("--reverse",), (3, 2, 1)),
        (("--sort", "validation_loss"), (2, 1, 3)),  # a run without the score is last,
        (("--sort", "-validation_loss"), (1, 2, 3)),  # whichever way
        (("--sort", "validation_loss", "--reverse"), (1, 2, 3)),
        (("--sort", "-validation_loss", "--reverse"), (2, 1, 3)),
        (("--sort", "optimizer.learning_rate"), (3, 1, 2)),
        (("--sort", "-created"), (3, 2, 1)),
        (("--sort", "early_stopping.patience"), (3, 1, 2)),
    ],
)
def test_the_order(three: Command, words: tuple[str, ...], order: tuple[int, ...]) -> None:
    assert names(three("runs", *words, "--json")) == list_of(*order)


@pytest.mark.parametrize(
    ("conditions", "left"),
    [
        (["optimizer.type=adam"], (1, 3)),
        (["optimizer.type!=adam"], (2,)),
        (["optimizer.nesterov=true"], (2,)),
        (["optimizer.nesterov=1"], ()),
        (["optimizer.nesterov!=true"], (1, 3)),
        (["validation_loss<0.5"], (2,)),
        (["validation_loss <= 0.5"], (1, 2)),
        (["validation_loss>=0.1", "seed=0"], (1,)),
        (["validation_loss>0.1"], (1,)),
        (["validation_loss=null"], (3,)),
        (["epochs=3"], (1, 2, 3)),
        (["optimizer.learning_rate=1e-3"], (3,)),
        (["status=completed"], (1, 2, 3)),
        (["status!=completed"], ()),
        (["early_stopping.patience=2"], (3,)),
        (["early_stopping.patience>1"], (3,)),
        (["run=runs/points/002"], (2,)),
        (["created>2000-01-01"], (1, 2, 3)),
        (["created<2000-01-01"], ()),
    ],
)
def test_conditions(three: Command, conditions: list[str], left: tuple[int, ...]) -> None:
    words = [word for text in conditions for word in ("--where", text)]
    assert names(three("runs", *words, "--json")) == list_of(*left)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--where", "optimzer.type=adam"), "did you mean `optimizer.type`"),
        (("--where", "learning_rate=1"), "did you mean `optimizer.learning_rate`?"),
        (("--sort", "accuracy"), "did you mean `test_accuracy`, `train_accuracy`"),
        (("--sort", "zzzz"), "--sort: no run has `zzzz`"),
        (("--columns", "run,sed"), "did you mean `seed`"),
        (("--where", "optimizer.type"), "expected KEY=VALUE, got `optimizer.type`"),
        (("--where", "=adam"), "expected KEY=VALUE"),
        (("--where", "epochs<many"), "epochs< expects a number, got `many`"),
        (("--json", "--format", "csv"), "--json: it does not go with --format csv"),
        (("--format", "xml"), "'xml' is not one of"),
    ],
)
def test_wrong_questions(three: Command, words: tuple[str, ...], says: str) -> None:
    wrong = three("runs", *words)
    assert wrong.code == 2
    assert says in wrong.err
    as_json = three("runs", *words, "--json")
    assert json.loads(as_json.out)["error"]["code"] == "config"


def test_a_name_of_a_class_may_hold_a_sign(three: Command) -> None:
    edit(f"{RUNS[0]}/summary.json", lambda facts: facts["metrics"].update({"test_f1_a=b": 0.5}))
    assert names(three("runs", "--where", "test_f1_a=b>=0.5", "--json")) == list_of(1)


def test_the_table_shows_what_was_asked_for(three: Command) -> None:
    lines = three("runs", "--sort", "-optimizer.learning_rate").out.splitlines()
    head = lines[2].split()
    assert head == [
        "run",
        "status",
        "epochs",
        "best",
        "optimizer.learning_rate",
        "loss",
        "accuracy",
    ]
    assert [line.split()[0] for line in lines[3:]] == list_of(2, 1, 3)
    assert [line.split()[4] for line in lines[3:]] == ["0.1", "0.02", "0.001"]
    none = three("runs", "--where", "status=diverged")
    assert (none.code, none.out, none.err) == (0, "", "none of 3 runs\n")


def test_columns_of_ones_own(three: Command) -> None:
    lines = three(
        "runs", "--columns", "seed,run", "--columns", "optimizer.momentum"
    ).out.splitlines()
    assert [line.split() for line in lines] == [
        ["seed", "run", "optimizer.momentum"],
        ["0", RUNS[0]],
        ["3", RUNS[1], "0.9"],
        ["0", RUNS[2]],
    ]
    found = json.loads(three("runs", "--columns", "run,seed", "--format", "json").out)
    assert found == {"runs": [{"run": run, "seed": 3 * (i == 1)} for i, run in enumerate(RUNS)]}


def test_csv_has_all_digits(three: Command) -> None:
    found = list(csv.DictReader(io.StringIO(three("runs", "--format", "csv").out)))
    assert [row["run"] for row in found] == RUNS
    for row in found:
        summary = json.loads(Path(row["run"], "summary.json").read_text())
        for name, value in summary["metrics"].items():
            assert row[name] == ("" if value is None else str(value))
        assert row["status"] == summary["status"]
    words = ("runs", "--format", "csv", "--columns", "run,optimizer.nesterov,validation_loss")
    assert three(*words).out.splitlines()[1:] == [
        f"{RUNS[0]},,0.5", f"{RUNS[1]},true,0.1", f"{RUNS[2]},,",
    ]  # fmt: skip


def test_no_runs_have_no_keys(nntrain: Command) -> None:
    none = nntrain("runs", "--where", "optimizer.type=adam", "--sort", "test_loss")
    assert (none.code, none.out) == (0, "")
    assert "no run below runs/ yet" in none.err
    assert nntrain("runs", "--format", "csv").out.splitlines()[0].startswith("run,status,")


@pytest.mark.parametrize("text", [None, "", "{", "a: [", "data: 3", "\x00", "9" * 9999])
def test_a_damaged_config_stops_no_list(three: Command, text: str | None) -> None:
    file = Path(RUNS[0], "config.resolved.yaml")
    file.unlink() if text is None else file.write_text(text)
    done = three("runs", "--where", "optimizer.type=adam", "--json")
    assert names(done) == list_of(3)
    assert str(file) in done.err
    assert three("runs").err == ""  # nobody asked for it


def test_the_way_on_of_the_last_that_is_not_finished(three: Command) -> None:
    assert three("runs").err == ""
    for run in RUNS[:2]:
        Path(run, "summary.json").unlink()  # as a kill leaves it
    assert three("runs").err == f"not finished, goes on with: nntrain fit --resume {RUNS[1]}\n"
    assert three("runs", "-q").err == three("runs", "--json").err == ""
    with locked(RunFolder(Path(RUNS[1])).lock):  # it is trained just now
        assert RUNS[0] in three("runs").err


@pytest.mark.parametrize("width", [40, 60, 80, 200])
def test_the_table_fits(width: int) -> None:
    metrics = {f"test_score_{number}": 0.5 for number in range(6)}
    run = {"run": "runs/a/001", "status": "completed", "epochs": 3, "best_epoch": 2}
    lines = listed([{**run, "metrics": metrics}], [{}], width=width)
    table = [
        line for line in lines if not line.startswith(("scores", "1 ", "2", "3", "4", "5", "6"))
    ]
    assert max(map(len, table)) <= width
    assert any("not fit" in line for line in lines) == (width < 200)
    assert lines[2].startswith("run")


def test_nothing_of_a_folder_moves_the_cursor(three: Command) -> None:
    edit(f"{RUNS[0]}/summary.json", lambda facts: facts.update(status="\x1b[2J\u202eup"))
    assert "\x1b" not in three("runs", "--columns", "run,status").out


def test_many_runs_are_read_once(three: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[RunFolder] = []

    def reads(folder: RunFolder) -> Experiment:
        read.append(folder)
        return read_experiment(folder)

    monkeypatch.setattr(differences, "read_experiment", reads)
    words = ("--where", "optimizer.type=adam", "--sort", "seed", "--columns", "run,loss.type")
    assert three("runs", *words).code == 0
    assert len(read) == 3
    assert choosing.Candidate.of(Recorded.of(RunFolder(Path(RUNS[0])))).get("nothing") is None
