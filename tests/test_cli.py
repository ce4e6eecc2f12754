"""The command line: what it prints where, and the exit codes that scripts rely on."""

from __future__ import annotations

import csv
import io
import json
import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import CONFIG, Command, write_points

RUN = [sys.executable, "-c", "from nntrain.cli import main; main()"]


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_fit_eval_predict(nntrain: Command, points: Path) -> None:
    fit = nntrain("fit", points)
    assert fit.code == 0, fit.err
    assert "saved the model of epoch" in fit.out
    assert "nntrain eval runs/points/001" in fit.out.replace(os.sep, "/")

    measured = nntrain("eval")
    assert measured.code == 0
    assert "on 30 rows of the test split" in measured.out
    assert "true \\ predicted  in  out" in measured.out

    predicted = nntrain("predict", "points.csv")
    rows = rows_of(predicted.out)
    assert len(rows) == 200
    assert list(rows[0]) == ["row", "prediction", "probability_in", "probability_out"]
    assert float(rows[0]["probability_in"]) + float(rows[0]["probability_out"]) == pytest.approx(1)


def test_json_is_one_object_on_stdout(nntrain: Command, points: Path) -> None:
    fit = nntrain("fit", points, "--json")
    summary = json.loads(fit.out)
    assert summary == json.loads(Path("runs/points/001/summary.json").read_text())
    assert set(summary) == {
        "run", "status", "epochs", "best_epoch", "metrics", "seconds", "samples_per_second",
        "baselines",
    }  # fmt: skip
    assert set(summary["metrics"]) == {
        f"{split}_{score}"
        for split in ("train", "validation", "test")
        for score in ("loss", "accuracy")
    }
    measured = json.loads(nntrain("eval", "--json", "--split", "validation").out)
    assert set(measured) == {"run", "split", "rows", "metrics"}
    assert measured["metrics"]["accuracy"] == summary["metrics"]["validation_accuracy"]


@pytest.mark.parametrize(
    ("arguments", "code", "kind"),
    [
        (["fit", "nowhere.yaml"], 2, "config"),
        (["fit", "points.yaml", "--set", "data.path=nowhere.csv"], 3, "data"),
        (["fit", "points.yaml", "--sed", "3"], 2, "config"),
        (["eval", "nowhere"], 2, "config"),
        (["eval", "points.csv"], 6, "machine"),
        (["fit", "points.yaml", "--set", "optimizer={type: sgd, learning_rate: 1e9}",
          "--set", "loss=mean_squared_error", "--set", "data.target=b", "--set", "metrics=[r2]",
          "--set", "model.layers=[{type: dense, units: 9}, {type: dense, units: auto}]"],
         4, "diverged"),
    ],
)  # fmt: skip
def test_a_failure_is_json_too(
    nntrain: Command, points: Path, arguments: list[str], code: int, kind: str
) -> None:
    failed = nntrain(*arguments, "--json")
    assert failed.code == code
    error = json.loads(failed.out)["error"]
    assert set(error) == {"code", "message", "file", "line", "column"}
    assert error["code"] == kind
    assert failed.err.splitlines()[-1:] != []
    assert "Traceback" not in failed.err


def test_gates(nntrain: Command, points: Path) -> None:
    met = nntrain("fit", points, "--set", 'expect={test_accuracy: ">= 0.1"}')
    assert met.code == 0
    failed = nntrain("fit", points, "--set", 'expect={test_accuracy: ">= 2"}', "--json")
    assert failed.code == 5
    assert json.loads(failed.out)["status"] == "gate_failed"
    assert "expect: test_accuracy is" in failed.err
    assert nntrain("eval", "--fail-under", "accuracy=0.1").code == 0
    under = nntrain("eval", "--fail-under", "accuracy=1.1")
    assert under.code == 5
    assert "error: accuracy is" in under.err
    assert nntrain("eval", "--fail-over", "loss=1e-9").code == 5
    unknown = nntrain("eval", "--fail-under", "f1=0.1")
    assert unknown.code == 5
    assert "it measures loss, accuracy" in unknown.err
    assert nntrain("eval", "--fail-under", "accuracy").code == 2


def test_output_folders(nntrain: Command, points: Path) -> None:
    assert nntrain("fit", points, "-o", "out").code == 0
    again = nntrain("fit", points, "-o", "out")
    assert again.code == 2
    assert "nntrain fit --resume out" in again.err
    assert "--overwrite" in again.err
    assert nntrain("fit", points, "-o", "out", "--overwrite").code == 0
    Path("out", "thesis.tex").write_text("years of work")
    refused = nntrain("fit", points, "-o", "out", "--overwrite")
    assert refused.code == 2
    assert "thesis.tex" in refused.err
    assert Path("out", "model.safetensors").exists()


def test_wrong_data_leaves_no_run_folder(nntrain: Command, points: Path) -> None:
    Path("points.csv").write_text("a,b,word,kind\n1,2,red,in\n1,x\n")
    wrong = nntrain("fit", points)
    assert wrong.code == 3
    assert "points.csv:3: expected 4 cells, found 2" in wrong.err
    assert not Path("runs").exists()


def test_a_layer_too_narrow_for_the_data_is_located(nntrain: Command, points: Path) -> None:
    points.write_text(CONFIG.replace("units: auto", "units: 5"))
    wrong = nntrain("fit", points)
    assert wrong.code == 2
    assert "points.yaml:9:28: model.layers.2.units: the network ends with 5" in wrong.err
    assert "there are 2 classes" in wrong.err
    assert not Path("runs").exists()


def test_predict_writes_files_and_reads_stdin(
    nntrain: Command, points: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nntrain("fit", points)
    to_stdout = nntrain("predict", "points.csv")
    assert nntrain("predict", "points.csv", "-o", "p.csv").out == ""
    assert Path("p.csv").read_text() == to_stdout.out
    monkeypatch.setattr("sys.stdin", io.StringIO(Path("points.csv").read_text()))
    assert nntrain("predict", "-").out == to_stdout.out

    nntrain("predict", "runs/points/001/model.safetensors", "points.csv", "-o", "p.jsonl")
    lines = [json.loads(line) for line in Path("p.jsonl").read_text().splitlines()]
    assert [str(line["prediction"]) for line in lines] == [
        row["prediction"] for row in rows_of(to_stdout.out)
    ]
    assert nntrain("predict", "points.csv", "-o", "p.xml").code == 2
    assert not Path("p.xml").exists()


def test_predict_matches_columns_by_name_and_needs_no_target(
    nntrain: Command, points: Path
) -> None:
    nntrain("fit", points)
    whole = nntrain("predict", "points.csv").out
    table = rows_of(Path("points.csv").read_text())
    turned = ["word,extra,b,a", *(f"{r['word']},7,{r['b']},{r['a']}" for r in table)]
    Path("turned.csv").write_text("\n".join(turned))
    other = nntrain("predict", "turned.csv")
    assert other.out == whole
    assert "1 column not used: `extra`" in other.err

    Path("odd.csv").write_text("a,b,word\n1,2,green\n")
    odd = nntrain("predict", "odd.csv")
    assert odd.code == 0
    assert "`word`: 1 cell with a category that no training row had (`green`)" in odd.err
    Path("less.csv").write_text("a,word\n1,red\n")
    less = nntrain("predict", "less.csv")
    assert less.code == 3
    assert "`b`" in less.err
    assert less.out == ""


def test_predictions_do_not_depend_on_the_other_rows(nntrain: Command, points: Path) -> None:
    nntrain("fit", points)
    whole = rows_of(nntrain("predict", "points.csv").out)
    lines = Path("points.csv").read_text().splitlines()
    Path("one.csv").write_text("\n".join([lines[0], lines[8]]))
    (alone,) = rows_of(nntrain("predict", "one.csv").out)
    for name in ("probability_in", "probability_out"):
        assert float(alone[name]) == pytest.approx(float(whole[7][name]), rel=1e-5)


def test_ids_pass_through(nntrain: Command, points: Path) -> None:
    nntrain("fit", points, "--set", "data.id=word")
    rows = rows_of(nntrain("predict", "points.csv").out)
    assert list(rows[0])[:2] == ["word", "prediction"]
    assert {row["word"] for row in rows} == {"red", "blue"}


def test_a_network_may_learn_its_own_input(nntrain: Command, points: Path) -> None:
    settings = ["data.target=null", "data.features={exclude: [kind]}", "metrics=[rmse]"]
    settings += ["loss=mean_squared_error"]
    given = [text for setting in settings for text in ("--set", setting)]
    fit = nntrain("fit", points, *given)
    assert fit.code == 0, fit.err
    assert "there is no target: the network learns its own input" in fit.err
    rows = rows_of(nntrain("predict", "points.csv").out)
    assert list(rows[0]) == [
        "row", "prediction_a", "prediction_b", "prediction_word=blue", "prediction_word=red",
    ]  # fmt: skip


def test_numbers_are_predicted_in_their_own_unit(nntrain: Command, points: Path) -> None:
    lines = ["x,y"] + [f"{i / 50},{1000 + 3 * i / 50}" for i in range(100)]
    Path("points.csv").write_text("\n".join(lines))
    text = CONFIG.replace("target: kind", "target: y").replace("[accuracy]", "[r2, rmse, mae]")
    text = text.replace("    - {type: dropout, rate: 0.1}\n", "")
    text = text.replace("cross_entropy", "mean_squared_error").replace("epochs: 6", "epochs: 150")
    points.write_text(text)
    summary = json.loads(nntrain("fit", points, "--json").out)
    assert summary["metrics"]["test_r2"] > 0.98
    predicted = [float(row["prediction"]) for row in rows_of(nntrain("predict", "points.csv").out)]
    assert predicted[50] == pytest.approx(1003, abs=0.3)


def test_smoke_leaves_nothing_behind(nntrain: Command, points: Path) -> None:
    before = sorted(Path().iterdir())
    smoke = nntrain("fit", points, "--smoke", "--set", 'expect={test_accuracy: ">= 2"}')
    assert smoke.code == 0, smoke.err
    assert smoke.out.splitlines()[-1] == "smoke test passed"
    assert sorted(Path().iterdir()) == before


def test_max_time_ends_well(nntrain: Command, points: Path) -> None:
    points.write_text(CONFIG.replace("max_epochs: 6", "max_epochs: 1000000"))
    fit = nntrain("fit", points, "--max-time", "0.5s", "--json")
    assert fit.code == 0
    assert json.loads(fit.out)["status"] == "max_time"
    assert nntrain("eval").code == 0
    assert nntrain("fit", points, "--max-time", "soon").code == 2


def test_a_pipe_gets_plain_lines_of_equal_width(nntrain: Command, points: Path) -> None:
    seen = nntrain("fit", points).err.splitlines()
    head = next(i for i, line in enumerate(seen) if line.lstrip().startswith("epoch"))
    epochs = [line for line in seen[head:] if not line.startswith("new best")][: 6 + 1]
    assert len({len(line) for line in epochs}) == 1
    assert not any("\x1b" in line for line in seen)
    assert sum(line.startswith("new best: epoch") for line in seen) >= 1


def test_quiet_says_results_only(nntrain: Command, points: Path) -> None:
    fit = nntrain("fit", points, "-q")
    assert fit.err == ""
    assert "accuracy" in fit.out


def test_the_hidden_names(nntrain: Command, points: Path) -> None:
    assert nntrain("train", points, "-q").code == 0
    assert nntrain("evaluate").code == 0
    listed = nntrain("--help").out.split("Commands:\n")[1].split("\n\n")[0]
    commands = [line.split()[0] for line in listed.splitlines()]
    assert commands == [
        "check",
        "eval",
        "export",
        "fit",
        "init",
        "predict",
        "report",
        "runs",
        "schema",
    ]


def test_a_wrong_command_gets_a_suggestion(nntrain: Command) -> None:
    wrong = nntrain("evl")
    assert wrong.code == 2
    assert "did you mean `eval`" in wrong.err


@pytest.mark.parametrize(
    "arguments",
    [["fit"], ["fit", "a.yaml", "--resume", "last"], ["fit", "--resume", "x", "--seed", "1"],
     ["eval", "--split", "all"], ["predict", "a", "b", "c"], ["fit", "--resume", "last"]],
)  # fmt: skip
def test_wrong_arguments(nntrain: Command, arguments: list[str]) -> None:
    assert nntrain(*arguments).code == 2


def test_our_own_defects_exit_1_with_a_traceback_only_on_demand(
    nntrain: Command, points: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*arguments: object, **more: object) -> None:
        raise ZeroDivisionError("oh")

    monkeypatch.setattr("nntrain.run.run.Run.start", broken)
    plain = nntrain("fit", points)
    assert plain.code == 1
    assert "a defect of nntrain" in plain.err
    assert "Traceback" not in plain.err
    assert "Traceback" in nntrain("fit", points, "--debug").err


@pytest.mark.skipif(os.name == "nt", reason="signals are sent the POSIX way")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_saves_says_how_to_go_on_and_resumes_to_the_bit(
    nntrain: Command, tmp_path: Path, number: int, code: int
) -> None:
    config = write_points(tmp_path, config=CONFIG.replace("max_epochs: 6", "max_epochs: 250"))
    assert nntrain("fit", config, "-o", "whole", "-q").code == 0
    with subprocess.Popen([*RUN, "fit", str(config), "-o", "cut"], stderr=subprocess.PIPE) as run:
        assert run.stderr
        while b"new best: epoch" not in run.stderr.readline():
            assert run.poll() is None
        run.send_signal(number)
        rest = run.stderr.read().decode()
        assert run.wait() == code
    assert "go on with: nntrain fit --resume cut" in rest
    assert json.loads(Path("cut/summary.json").read_text())["status"] == "interrupted"
    assert nntrain("fit", "--resume", "cut", "-q").code == 0
    for name in ("model.safetensors", "metrics.csv"):
        assert Path("cut", name).read_bytes() == Path("whole", name).read_bytes()


@pytest.mark.skipif(os.name == "nt", reason="signals are sent the POSIX way")
def test_a_killed_process_resumes_to_the_bit(nntrain: Command, tmp_path: Path) -> None:
    text = CONFIG.replace("epochs: 6, batch_size: 16", "epochs: 200, batch_size: 16")
    text = text.replace("batch_size: 16", "batch_size: 16, checkpoint_seconds: 0.05")
    config = write_points(tmp_path, config=text)
    assert nntrain("fit", config, "-o", "whole", "-q").code == 0
    with subprocess.Popen([*RUN, "fit", str(config), "-o", "cut"], stderr=subprocess.PIPE) as run:
        assert run.stderr
        while b"saved checkpoint" not in run.stderr.readline():
            assert run.poll() is None
        run.kill()
    assert nntrain("fit", "--resume", "last", "-q").code == 2  # nothing below runs/
    assert nntrain("fit", "--resume", "cut", "-q").code == 0
    for name in ("model.safetensors", "metrics.csv"):
        assert Path("cut", name).read_bytes() == Path("whole", name).read_bytes()


@pytest.mark.skipif(os.name == "nt", reason="a shell with pipes is needed")
def test_a_closed_pipe_does_not_stop_a_training(tmp_path: Path, points: Path) -> None:
    with subprocess.Popen(
        [*RUN, "fit", str(points), "-o", str(tmp_path / "out")], stderr=subprocess.PIPE
    ) as run:
        assert run.stderr
        run.stderr.readline()
        run.stderr.close()
        assert run.wait() == 0
    assert (tmp_path / "out" / "model.safetensors").exists()


def test_a_stream_without_our_letters_changes_nothing(tmp_path: Path, points: Path) -> None:
    done = subprocess.run(
        [*RUN, "fit", str(points), "-o", str(tmp_path / "out")],
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    done.stderr.decode("ascii")


def test_help_imports_no_numpy() -> None:
    code = (
        "import sys; sys.argv = ['nntrain', '--help']\n"
        "from nntrain.cli import main\n"
        "try: main()\n"
        "finally: print(sorted({'numpy', 'pydantic', 'rich', 'yaml'} & set(sys.modules)))"
    )
    seen = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert seen.stdout.splitlines()[-1] == "[]"


def test_a_wrong_config_is_told_before_heavy_imports(tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text("lr: 3")
    code = (
        f"import sys; sys.argv = ['nntrain', 'fit', {str(tmp_path / 'c.yaml')!r}]\n"
        "from nntrain.cli import main\n"
        "try: main()\n"
        "finally: print(sorted({'rich', 'safetensors', 'threadpoolctl'} & set(sys.modules)))"
    )
    seen = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert seen.returncode == 2
    assert seen.stdout.splitlines()[-1] == "[]"


def test_predictions_keep_their_digits_beside_a_large_offset(
    nntrain: Command, points: Path
) -> None:
    Path("points.csv").write_text(
        "\n".join(["x,y", *(f"{i / 50},{1.7e9 + 100 * i / 50}" for i in range(100))])
    )
    text = CONFIG.replace("target: kind", "target: y").replace("[accuracy]", "[rmse]")
    points.write_text(text.replace("cross_entropy", "mean_squared_error"))
    nntrain("fit", points)
    measured = json.loads(nntrain("eval", "--data", "points.csv", "--json").out)
    table = rows_of(Path("points.csv").read_text())
    errors = [
        float(p["prediction"]) - float(t["y"])
        for p, t in zip(rows_of(nntrain("predict", "points.csv").out), table, strict=True)
    ]
    by_hand = (sum(error**2 for error in errors) / len(errors)) ** 0.5
    assert by_hand == pytest.approx(measured["metrics"]["rmse"], rel=1e-3)


def test_predict_never_replaces_its_own_input(nntrain: Command, points: Path) -> None:
    nntrain("fit", points)
    before = Path("points.csv").read_bytes()
    refused = nntrain("predict", "points.csv", "-o", "points.csv")
    assert refused.code == 2
    assert "is the INPUT itself" in refused.err
    assert Path("points.csv").read_bytes() == before


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device that is always full")
@pytest.mark.parametrize(
    "words", [["eval"], ["eval", "--json"], ["predict", "points.csv"]], ids=str
)
def test_a_full_stdout_is_the_machines_fault(
    nntrain: Command, points: Path, words: list[str]
) -> None:
    nntrain("fit", points)
    with Path("/dev/full").open("w") as full:
        done = subprocess.run([*RUN, *words], stdout=full, stderr=subprocess.PIPE, check=False)
    assert done.returncode == 6, done.stderr.decode()
    assert b"Traceback" not in done.stderr


@pytest.mark.skipif(os.name == "nt", reason="a shell with pipes is needed")
@pytest.mark.parametrize(
    "words", [["eval"], ["predict", "points.csv"], ["fit", "points.yaml"]], ids=str
)
def test_a_reader_that_has_gone_changes_no_exit_code(
    nntrain: Command, points: Path, words: list[str]
) -> None:
    nntrain("fit", points)
    with subprocess.Popen([*RUN, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as run:
        assert run.stdout
        run.stdout.close()
        assert run.wait() == 0, run.stderr.read() if run.stderr else ""


def test_rows_that_were_trained_on_are_measured_only_on_demand(
    nntrain: Command, points: Path
) -> None:
    nntrain("fit", points, "--set", "data.split={validation: 0, test: 0}")
    refused = nntrain("eval", "--fail-under", "accuracy=0.1")
    assert refused.code == 2
    assert "no test and no validation rows" in refused.err
    assert nntrain("eval", "--split", "train").code == 0


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("seed=4294967296", "seed: expected a whole number in [0, 4294967296)"),
        ("data.id=prediction", "`prediction` is the name of a column that `predict` writes"),
        ("data.id=[word, probability_in]", "data.id.1: `probability_in` is the name of a column"),
    ],
)
def test_settings_that_would_collide(
    nntrain: Command, points: Path, setting: str, said: str
) -> None:
    wrong = nntrain("fit", points, "--set", setting)
    assert wrong.code == 2
    assert said in wrong.err


def test_overwrite_needs_to_know_what(nntrain: Command, points: Path) -> None:
    assert nntrain("fit", points, "--overwrite").code == 2


def test_a_diverged_run_is_not_to_be_resumed(nntrain: Command, points: Path) -> None:
    huge = ["optimizer={type: sgd, learning_rate: 1e38}", "trainer.max_epochs=50"]
    given = [word for text in huge for word in ("--set", text)]
    assert nntrain("fit", points, *given, "-o", "run").code == 4
    told = nntrain("eval", "run")
    assert told.code == 2
    assert "it diverged: begin a new run" in told.err


DIVERGES = ("--set", "optimizer={type: sgd, learning_rate: 1e30}")


def test_the_newest_run_is_meant_even_if_it_failed(nntrain: Command, points: Path) -> None:
    points.write_text(CONFIG.replace(", activation: tanh", ""))
    assert nntrain("fit", points).code == 0
    assert nntrain("fit", points, *DIVERGES).code == 4
    for command in (["eval"], ["predict", "points.csv"]):
        told = nntrain(*command)
        assert told.code == 2
        assert "002 has no model yet" in told.err
        assert "diverged" in told.err
    assert nntrain("fit", "--resume", "last").code == 2


def test_an_old_run_that_is_damaged_stands_in_no_way(nntrain: Command, points: Path) -> None:
    for _ in range(2):
        assert nntrain("fit", points, "-q").code == 0
    first, second = (Path("runs/points", n, "manifest.json") for n in ("001", "002"))
    whole, began = first.read_text(), first.stat().st_mtime
    first.write_text("{")
    os.utime(first, (began, began))
    assert nntrain("eval").code == 0
    first.write_text(whole)
    second.write_text("{")
    told = nntrain("eval")  # and a new one is not passed over
    assert told.code == 6
    assert str(second) in told.err


def test_what_a_kill_leaves_is_no_foreign_file(nntrain: Command, points: Path) -> None:
    assert nntrain("fit", points, "-o", "here").code == 0
    Path("here/.checkpoint.safetensors.part").write_bytes(b"half of")
    assert nntrain("fit", points, "-o", "here", "--overwrite").code == 0
    assert not Path("here/.checkpoint.safetensors.part").exists()
    Path("here/notes.txt").write_text("mine")
    assert nntrain("fit", points, "-o", "here", "--overwrite").code == 2


def test_max_time_says_what_it_leaves_open(nntrain: Command, points: Path) -> None:
    gate = ("--set", 'expect={test_accuracy: ">= 0.99"}')
    told = nntrain("fit", points, "--max-time", "0s", *gate)
    assert told.code == 0
    assert "no epoch was over by then, so there is no model yet" in told.err
    assert "`expect` is judged at the end of a whole training only" in told.err
    assert "go on with: nntrain fit --resume runs/points/001" in told.err.replace(os.sep, "/")


def test_all_gates_are_told(nntrain: Command, points: Path) -> None:
    nntrain("fit", points, "-q")
    told = nntrain("eval", "--fail-under", "accuracy=1.1", "--fail-over", "loss=0")
    assert told.code == 5
    assert len(told.err.splitlines()) == 2


def test_eval_tells_what_is_odd_about_other_data(nntrain: Command, points: Path) -> None:
    nntrain("fit", points, "-q")
    Path("odd.csv").write_text("a,b,word,kind\n1,2,green,in\n,2,red,out\n")
    told = nntrain("eval", "--data", "odd.csv")
    assert "`word`: 1 cell with a category that no training row had (`green`)" in told.err
    assert "`a`: 1 missing cell filled in" in told.err


def test_predictions_that_overflow_are_told_and_are_valid_json(nntrain: Command) -> None:
    lines = [f"{i % 7},{i}" for i in range(40)]
    Path("small.csv").write_text("\n".join(["b,y", *lines]) + "\n")
    text = CONFIG.replace("points.csv", "small.csv").replace("target: kind", "target: y")
    text = text.replace("cross_entropy", "mean_squared_error").replace("metrics: [accuracy]\n", "")
    text = text.replace("learning_rate: 0.02", "learning_rate: 5.0")  # for large weights
    Path("small.yaml").write_text(text.replace(", activation: tanh", ""))
    assert nntrain("fit", "small.yaml", "-q").code == 0
    Path("far.csv").write_text("b\n3e38\n1\n")
    told = nntrain("predict", "far.csv", "--format", "jsonl")
    assert told.code == 0
    first, second = map(json.loads, told.out.splitlines())
    assert first["prediction"] is None
    assert isinstance(second["prediction"], float)
    assert "1 prediction not finite" in told.err


def test_a_closed_stdout_or_stderr_changes_nothing(tmp_path: Path, points: Path) -> None:
    for closed in (">&-", "2>&-", ">&- 2>&-"):
        words = shlex.join([*RUN, "fit", str(points), "-q"])
        command = f"{words} {closed}"
        done = subprocess.run(["sh", "-c", command], cwd=tmp_path, check=False)
        assert done.returncode == 0, closed


def test_predictions_in_an_encoding_without_their_letters(points: Path, nntrain: Command) -> None:
    table = Path("points.csv")
    table.write_text(table.read_text().replace(",in", ",ïn"), encoding="utf-8")
    assert nntrain("fit", points, "-q").code == 0
    result = subprocess.run(
        [*RUN, "predict", "points.csv", "-q"],
        capture_output=True,
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        check=True,
    )
    assert b"\\xefn" in result.stdout


def test_a_column_left_out_is_a_hint_only_where_there_is_one(nntrain: Command) -> None:
    text = "data: {path: a.csv, target: y}\nloss: cross_entropy\n"
    text += "model: {layers: [{type: reshape, shape: [3, 2]}, {type: flatten}, "
    text += "{type: dense, units: auto}]}\n"
    Path("a.yaml").write_text(text)
    for last, told in (("1", True), ("word{i}", False)):
        rows = [f"{i},{-i},{i * i},{last.format(i=i % 3)},{i % 2}" for i in range(30)]
        Path("a.csv").write_text("\n".join(["a,b,c,d,y", *rows]) + "\n")
        if not told:
            Path("a.yaml").write_text(text.replace("[3, 2]", "[5, 2]"))
        result = nntrain("check", "a.yaml")
        assert result.code == 2
        assert ("`data.columns: {NAME: numeric}` keeps it" in result.err) == told
