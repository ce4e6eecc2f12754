"""docs/ci.md: its workflow and its hook are YAML that runs."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import ROOT, Command
from tests.test_docs import blocks, with_data

WORKFLOW, PRE_COMMIT = (yaml.safe_load(text) for text in blocks(ROOT / "docs" / "ci.md", "yaml"))
(HOOK,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))


def steps() -> list[dict[str, Any]]:
    assert WORKFLOW[True] == ["push", "pull_request"]  # YAML 1.1 takes `on` for a boolean
    (job,) = WORKFLOW["jobs"].values()
    found: list[dict[str, Any]] = job["steps"]
    return found


def test_the_workflow_is_one() -> None:
    for step in steps():
        assert ("run" in step) != ("uses" in step)
        assert "uses" not in step or re.fullmatch(r"actions/[a-z-]+@v\d+", step["uses"])
    keep = steps()[-1]
    assert (keep["if"], keep["with"]["path"]) == ("always()", "run")


def test_every_command_of_the_workflow_runs(
    nntrain: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_data(tmp_path)
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    commands = [shlex.split(step["run"]) for step in steps() if "run" in step]
    assert commands[0] == ["pip", "install", "nntrain"]
    for words in commands[1:]:
        assert words[0] == "nntrain"
        done = nntrain(*words[1:])
        assert done.code == 0, (words, done.err)
    assert (tmp_path / "run" / "report.html").exists()
    page = (tmp_path / "summary.md").read_text(encoding="utf-8")
    assert page.count("## run") == 2
    assert page.count("✅") == 2


def test_the_gates_of_the_workflow_can_fail(nntrain: Command, tmp_path: Path) -> None:
    with_data(tmp_path)
    (train,) = (s["run"] for s in steps() if "--output-dir" in s.get("run", ""))
    words = shlex.split(train)[1:]
    assert nntrain(*words, "--set", "trainer.max_epochs=1", "--set", "seed=1").code == 5
    (judge,) = (s["run"] for s in steps() if "eval" in s.get("run", ""))
    assert nntrain(*shlex.split(judge.replace("0.9", "1.1"))[1:]).code == 5


def test_the_commands_for_comparing_run(nntrain: Command, tmp_path: Path) -> None:
    with_data(tmp_path)
    assert nntrain("fit", "configs/penguins.yaml", "-q").code == 0
    page = (ROOT / "docs" / "all-of-nntrain.md").read_text(encoding="utf-8")
    (text,) = re.findall(r"## Comparing runs.*?```sh\n(.*?)```", page, re.DOTALL)
    assert len(text.splitlines()) == 4
    for line in text.splitlines():
        done = nntrain(*shlex.split(line, comments=True)[1:])
        assert done.code == 0, line
        assert "status!=" in line or "runs/penguins/001" in done.out


def test_the_hook_is_the_one_that_the_page_names() -> None:
    (named,) = PRE_COMMIT["repos"][0]["hooks"]
    assert named["id"] == HOOK["id"]
    assert re.search(named["files"], "configs/a.yaml")
    for path, meant in {"configs/a.yaml": True, "x/config/b.yml": True, "a.yaml": False}.items():
        assert bool(re.search(HOOK["files"], path)) == meant


@pytest.mark.skipif(not shutil.which("sh"), reason="there is no sh")
def test_the_hook_checks_each_config(points: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = Path(sys.executable).parent
    monkeypatch.setenv("PATH", str(here), prepend=":")
    wrong = points.with_name("wrong.yaml")
    wrong.write_text(points.read_text().replace("cross_entropy", "cross_entrpy"))

    def hook(*configs: Path) -> subprocess.CompletedProcess[str]:
        words = [*shlex.split(HOOK["entry"]), *map(str, configs)]
        return subprocess.run(words, capture_output=True, text=True, check=False)

    good = hook(points, points)
    assert (good.returncode, good.stdout, good.stderr) == (0, "", "")
    bad = hook(points, wrong, points)
    assert bad.returncode == 2
    assert "unknown loss `cross_entrpy`" in bad.stderr
