"""On GitHub Actions: annotations, groups, and the summary of a job."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from nntrain.display.annotations import annotation, harmless
from nntrain.display.job_summary import trained
from nntrain.events import Warned
from nntrain.training import insight
from tests.conftest import CONFIG, Command
from tests.test_insight import FAST

WRONG = """\
data: {path: points.csv, target: kind}
model: {layers: [{type: linear, units: 3}]}
loss: cross_entropy
lr: 0.1
"""
COMMAND = re.compile(r"::(\w+)( [^:]*)?::(.*)")  # as the runner reads it, at the start of a line


@pytest.fixture
def actions(nntrain: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Command:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_WORKSPACE", str(tmp_path))
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    return nntrain


def commands(text: str, kind: str) -> list[tuple[dict[str, str], str]]:
    """What the runner understands: properties and message, unescaped."""
    found = []
    for line in text.splitlines():
        match = COMMAND.fullmatch(line)
        if match and match[1] == kind:
            pairs = (pair.split("=", 1) for pair in (match[2] or "").strip().split(",") if pair)
            found.append(({key: unescaped(value) for key, value in pairs}, unescaped(match[3])))
    return found


def unescaped(text: str) -> str:
    letters = (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%"))
    for code, letter in letters:
        text = text.replace(code, letter)
    return text


# annotations


@pytest.mark.parametrize(
    ("message", "place", "line"),
    [
        ("a", {}, "::error::a"),
        ("100 %\r\nb", {"file": "a.yaml", "line": 3, "column": 5},
         "::error file=a.yaml,line=3,col=5::100 %25%0Ab"),
        ("a, b: c", {"file": "a,b:c%.yaml"}, "::error file=a%2Cb%3Ac%25.yaml::a, b: c"),
        ("\x1b[31mred\x07", {"file": "a\nb"}, "::error file=a·b::·[31mred·"),
        ("x", {"title": "t: u"}, "::error title=t%3A u::x"),
    ],
)  # fmt: skip
def test_annotations(message: str, place: dict[str, object], line: str) -> None:
    assert annotation("error", message, **place) == line  # type: ignore[arg-type]


def test_each_mistake_of_a_config_is_annotated(actions: Command, points: Path) -> None:
    points.write_text(WRONG)
    failed = actions("fit", points)
    assert failed.code == 2
    found = commands(failed.err, "error")
    assert [place for place, _ in found] == [
        {"file": "points.yaml", "line": "2", "col": "25"},
        {"file": "points.yaml", "line": "4", "col": "1"},
    ]
    assert found[0][1] == "model.layers.0.type: unknown layer `linear`\ndid you mean `dense`?"
    assert "points.yaml:2:25: model.layers.0.type" in failed.err  # for people, as ever
    assert failed.out == ""


def test_paths_are_those_of_the_repository(
    actions: Command, points: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    points.write_text(WRONG)
    monkeypatch.chdir(inner)
    assert commands(actions("check", "../points.yaml").err, "error")[0][0]["file"] == "points.yaml"
    monkeypatch.setenv("GITHUB_WORKSPACE", str(inner))
    found = commands(actions("check", "../points.yaml").err, "error")[0][0]["file"]
    assert found == "../points.yaml"


def test_stdout_stays_one_object(actions: Command, points: Path) -> None:
    done = actions("fit", points, "--json")
    assert json.loads(done.out)["status"] == "completed"
    points.write_text(WRONG)
    failed = actions("fit", points, "--json")
    assert json.loads(failed.out)["error"]["line"] == 2
    assert len(commands(failed.err, "error")) == 2


def test_errors_without_a_place(actions: Command, points: Path) -> None:
    ((place, message),) = commands(actions("fit", "--foo").err, "error")
    assert place == {}
    assert message.startswith("No such option") and "--foo" in message  # as click words it
    points.with_name("points.csv").write_text("a,kind\n1,in\n1,2,3\n")
    ((place, message),) = commands(actions("fit", points).err, "error")
    assert (place["file"], place["line"]) == ("points.csv", "3")


def test_gates_are_annotated(actions: Command, points: Path) -> None:
    gate = '{test_accuracy: ">= 0.99", validation_loss: "< 99"}'
    failed = actions("fit", points, "--set", f"expect={gate}")
    assert failed.code == 5
    ((_, message),) = commands(failed.err, "error")
    assert message.startswith("expect: test_accuracy is 0.")
    below = actions("eval", "--fail-under", "accuracy=0.999", "--fail-over", "loss=1e-9")
    assert below.code == 5
    assert len(commands(below.err, "error")) == 2
    several = actions("fit", points, "--seeds", "2", "--set", f"expect={gate}")
    ((_, message),) = commands(several.err, "error")
    assert message.startswith("expect: the mean of test_accuracy is")


@pytest.mark.parametrize("several", [(), ("--seeds", "2")])
def test_warnings_are_annotated(
    actions: Command, points: Path, several: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    points.write_text(FAST)
    monkeypatch.setattr(insight, "STEPS", 1)
    done = actions("fit", points, *several)
    found = [m for _, m in commands(done.err, "warning") if "learning rate is too high" in m]
    assert len(found) == (2 if several else 1)
    assert "\ntry `optimizer.learning_rate: 0.05`" in found[0]
    assert "::warning" not in Path("runs/points/001").joinpath(
        *(["seed-0"] if several else []), "train.log"
    ).read_text(encoding="utf-8")
    assert commands(actions("fit", points, *several, "-q").err, "warning") == []


def test_elsewhere_there_are_no_commands(
    nntrain: Command, points: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    done = nntrain("fit", points, "--set", 'expect={test_accuracy: ">= 0.999"}')
    points.write_text(WRONG)
    failed = nntrain("check", points)
    assert "::" not in done.out + done.err + failed.err
    assert not (tmp_path / "summary.md").exists()


def test_what_comes_from_data_is_no_command(actions: Command, points: Path) -> None:
    table = points.with_name("points.csv")
    head, _, rest = table.read_text().partition("\n")
    table.write_text(f"{head.replace('word', '::add-mask::x')}\n{rest}")
    done = actions("fit", points)
    assert done.code == 0
    assert "·:add-mask::x" in done.err
    assert not any(line.lstrip().startswith("::add-mask") for line in done.err.splitlines())
    assert harmless("  ::stop-commands::x\n::y\n##[error]z a::b") == (
        "  ·:stop-commands::x\n·:y\n#·[error]z a::b"
    )


# groups


def test_phases_are_groups(actions: Command, points: Path) -> None:
    done = actions("fit", points)
    told = [line for line in done.err.splitlines() if line.startswith("::")]
    assert told[:4] == ["::group::data", "::endgroup::", "::group::training", "::endgroup::"]
    scores = done.out.splitlines()
    assert (scores[0], scores[-1]) == ("::group::scores", "::endgroup::")
    inside = done.err.partition("::group::data\n")[2].partition("::endgroup::")[0]
    assert inside.startswith("column")
    quiet = actions("fit", points, "-q")
    assert "::group" not in quiet.err + quiet.out


def test_a_group_ends_before_an_error(actions: Command, points: Path) -> None:
    points.with_name("points.csv").write_text("a,kind\n1,in\n1,2,3\n")
    told = [line for line in actions("fit", points).err.splitlines() if line.startswith("::")]
    assert [line.split(" ")[0] for line in told] == ["::group::data", "::endgroup::", "::error"]


def test_each_of_several_trainings_is_a_group(actions: Command, points: Path) -> None:
    told = actions("fit", points, "--seeds", "2").err.splitlines()
    assert [line for line in told if line.startswith("::group")] == [
        "::group::data", "::group::training seed-0", "::group::training seed-1",
    ]  # fmt: skip
    assert sum(line == "::endgroup::" for line in told) == 3


# the summary of a job


def test_the_summary_of_a_training(actions: Command, points: Path) -> None:
    gate = 'expect={test_accuracy: ">= 0.99", validation_loss: "< 99"}'
    assert actions("fit", points, "--set", "trainer.max_epochs=14", "--set", gate).code == 5
    page = Path("summary.md").read_text(encoding="utf-8")
    summary = json.loads(Path("runs/points/001/summary.json").read_text())
    assert page.startswith("## runs/points/001: gate failed\n")
    assert f"| loss | {summary['metrics']['train_loss']:.4f} |" in page
    assert "| test_accuracy &gt;= 0.99 |" in page
    assert page.count("❌ not met") == page.count("✅") == 1
    rows = [line for line in page.splitlines() if re.match(r"\| \d+ ?★? \|", line)]
    best = summary["best_epoch"]
    assert rows[-1].startswith("| 14 ")
    assert sum(line.startswith(f"| {best} ★ |") for line in rows) == 1
    assert len(rows) == (11 if best < 5 else 10)
    assert actions("eval", "--fail-under", "accuracy=0.1").code == 0
    longer = Path("summary.md").read_text(encoding="utf-8")
    assert longer.startswith(page)  # steps of one job add to it
    assert "| accuracy &gt;= 0.1 |" in longer


def test_every_line_of_a_table_has_as_many_cells(actions: Command, points: Path) -> None:
    assert actions("fit", points).code == 0
    page = Path("summary.md").read_text(encoding="utf-8")
    for table in re.findall(r"(?:^\|.*\n)+", page, re.MULTILINE):
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}) == 1


def test_names_from_data_are_text_in_the_summary() -> None:
    name = "test_f1_<img src=x>|`a`\x1b[2J*"
    summary = {"run": "runs/a/001", "status": "completed", "epochs": 1, "best_epoch": 1,
               "seconds": 1.0, "metrics": {name: 0.5}}  # fmt: skip
    row = {"epoch": 1.0, "step": 9.0, "learning_rate": 0.1, name: 0.5}
    page = "\n".join(trained(summary, [row], [(name, ">= 1", False)], [Warned("a", "<b>", "c")]))
    assert "<img" not in page and "<b>" not in page and "\x1b" not in page
    assert page.count(r"f1_&lt;img src=x&gt;\|\`a\`·\[2J\*") == 3


def test_a_training_that_diverges_has_a_summary(actions: Command, points: Path) -> None:
    points.write_text(CONFIG.replace(", activation: tanh", ""))
    huge = "optimizer={type: sgd, learning_rate: 1e30}"
    failed = actions("fit", points, "--set", huge)
    assert failed.code == 4
    assert len(commands(failed.err, "error")) == 1
    assert "diverged" in Path("summary.md").read_text(encoding="utf-8")


def test_several_trainings_have_one_summary(actions: Command, points: Path) -> None:
    assert actions("fit", points, "--seeds", "2", "--set", 'expect={test_loss: "< 9"}').code == 0
    page = Path("summary.md").read_text(encoding="utf-8")
    assert page.count("## ") == 1
    assert "test_accuracy" in page and "±" in page
    assert "| test_loss &lt; 9 |" in page


def test_a_summary_that_can_not_be_written_is_a_note(
    actions: Command, points: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "nowhere" / "summary.md"))
    done = actions("fit", points)
    assert done.code == 0
    assert "note: " in done.err and "summary.md: can not be written" in done.err


def test_a_flag_is_no_file(actions: Command, points: Path) -> None:
    ((place, message),) = commands(actions("check", points, "--set", "lr=1").err, "error")
    assert place == {}
    assert message.startswith("--set: lr: unknown key")
