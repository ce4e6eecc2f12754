"""What TAB offers, by click's own classes and in a real bash."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.shell_completion import ShellComplete

from nntrain.cli import completion
from nntrain.cli.app import app
from tests.conftest import Command

FULL = bool(os.environ.get("NNTRAIN_EXAMPLES"))


class Shell(ShellComplete):
    """Asks as a shell does."""

    name = "test"
    source_template = ""


def offered(*words: str) -> list[str]:
    found = Shell(app, {}, "nntrain", completion.VARIABLE).get_completions(
        list(words[:-1]), words[-1]
    )
    return [item.value for item in found]


def in_bash(monkeypatch: pytest.MonkeyPatch, *words: str) -> list[str]:
    """The words as bash has them, which cuts at `=`."""
    monkeypatch.setenv("COMP_WORDS", "\n".join(("nntrain", *words)))
    monkeypatch.setenv("COMP_CWORD", str(len(words)))
    lines = completion.Bash(app, {}, "nntrain", completion.VARIABLE).complete().splitlines()
    return [line.partition(",")[2] for line in lines]


def make_run(folder: Path, name: str, **scores: float) -> None:
    run = folder / "runs" / name
    run.mkdir(parents=True)
    (run / "manifest.json").write_text("{}")
    (run / "summary.json").write_text(json.dumps({"metrics": scores}))


def test_commands_and_options() -> None:
    assert offered("ch") == ["check"]
    assert offered("train") == []
    assert "--explain" in offered("check", "--e")


def test_keys_of_a_config_are_those_of_its_kinds(points: Path) -> None:
    config = str(points)
    top = offered("check", config, "--set", "")
    assert {"seed=", "trainer.", "optimizer.", "optimizer="} <= set(top)
    assert offered("fit", config, "--set", "optimizer.b") == ["optimizer.betas="]
    assert offered("fit", config, "--set", "model.layers.") == [
        "model.layers.0.", "model.layers.1.", "model.layers.2.",
    ]  # fmt: skip
    inside = offered("check", config, "--set", "model.layers.1.")
    assert inside == ["model.layers.1.rate=", "model.layers.1.type="]


def test_without_a_config_all_kinds_are_offered(tmp_path: Path) -> None:
    found = offered("check", "--set", "optimizer.")
    assert {"optimizer.betas=", "optimizer.nesterov="} <= set(found)
    broken = tmp_path / "broken.yaml"
    broken.write_text("optimizer: [")
    assert offered("check", str(broken), "--set", "optimizer.") == found
    assert offered("check", str(tmp_path / "none.yaml"), "--set", "trainer.det") == [
        "trainer.deterministic="
    ]


def test_values_behind_the_sign() -> None:
    assert offered("fit", "--set", "trainer.deterministic=") == [
        "trainer.deterministic=true", "trainer.deterministic=false",
    ]  # fmt: skip
    adas = {f"optimizer={kind}" for kind in ("adam", "adamax", "adagrad", "adadelta")}
    assert set(offered("fit", "--set", "optimizer=ada")) == adas
    assert "optimizer.type=sgd" in offered("fit", "--set", "optimizer.type=s")
    assert "data.split.by=time" in offered("fit", "--set", "data.split.by=")
    assert offered("fit", "--set", "trainer.batch_size=") == ["trainer.batch_size=32"]
    assert offered("fit", "--set", "no.such=") == []


def test_what_can_be_explained() -> None:
    assert "dense.units" in offered("check", "--explain", "dense.")
    assert offered("check", "--explain", "trainer.max_") == ["trainer.max_epochs"]


def test_runs_and_their_scores(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert offered("eval", "--fail-under", "") == []
    make_run(tmp_path, "a/001", test_loss=1.0, test_accuracy=0.5, train_loss=0.1)
    make_run(tmp_path, "b/001", test_rmse=1.0)
    os.utime(tmp_path / "runs" / "a" / "001" / "manifest.json", (1, 1))
    assert offered("eval", "") == [str(Path("runs/b/001")), str(Path("runs/a/001"))]
    assert offered("runs", "show", str(Path("runs/a"))) == [str(Path("runs/a/001"))]
    assert offered("fit", "--resume", "")[0] == "last"
    assert offered("eval", "--fail-under", "") == ["rmse="]
    assert offered("eval", str(Path("runs/a/001")), "--fail-over", "a") == ["accuracy="]
    (tmp_path / "runs" / "b" / "001" / "summary.json").write_text("[]")
    assert offered("eval", "--fail-under", "l") == ["loss="]


def test_what_runs_are_sorted_by(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert offered("runs", "list", "--sort", "e") == ["epochs"]
    make_run(tmp_path, "iris/001", test_loss=0.1, test_accuracy=0.9)
    assert offered("runs", "list", "--sort", "test") == ["test_loss", "test_accuracy"]
    assert offered("runs", "list", "--where", "st") == ["status"]
    assert offered("runs", "sh") == ["show"]


def test_sweeps_to_go_on_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sweeps" / "iris" / "001").mkdir(parents=True)
    assert offered("sweep", "--resume", "sw") == ["sweeps/iris/001"]


def test_bash_gets_what_follows_the_sign(monkeypatch: pytest.MonkeyPatch) -> None:
    assert in_bash(monkeypatch, "fit", "--set", "trainer.det") == ["trainer.deterministic="]
    assert in_bash(monkeypatch, "fit", "--set", "trainer.deterministic", "=") == ["true", "false"]
    assert in_bash(monkeypatch, "fit", "--set", "trainer.deterministic", "=", "t") == ["true"]
    again = ("fit", "--set", "seed", "=", "1", "--set", "trainer.deterministic", "=", "f")
    assert in_bash(monkeypatch, *again) == ["false"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_gets_its_script(
    nntrain: Command, monkeypatch: pytest.MonkeyPatch, shell: str
) -> None:
    monkeypatch.setenv(completion.VARIABLE, f"{shell}_source")
    result = nntrain()
    assert result.code == 0
    assert f"{completion.VARIABLE}={shell}_complete" in result.out
    if shell == "bash":
        assert "compopt -o nospace" in result.out


SCRIPT = """
set -e
eval "$(_NNTRAIN_COMPLETE=bash_source nntrain)"
ask() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=(); compopt() { :; }
        _nntrain_completion nntrain; echo "${COMPREPLY[*]}"; }
ask nntrain sch
ask nntrain fit points.yaml --set optimizer.be
ask nntrain fit points.yaml --set optimizer.type = sg
ask nntrain check --explain trainer.max_e
"""


@pytest.mark.skipif(
    not FULL or not shutil.which("bash"), reason="with make test-full, where bash is"
)
def test_a_real_bash(points: Path) -> None:
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    done = subprocess.run(
        ["bash", "--norc", "-c", SCRIPT], cwd=points.parent, env=environment,
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.split() == ["schema", "optimizer.betas=", "sgd", "trainer.max_epochs"]
