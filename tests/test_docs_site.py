"""The pages of the documentation: every command in them runs, the site names every page."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from xml.etree import ElementTree

import pytest
import yaml

from tests.conftest import ROOT, Command
from tests.test_docs import blocks, with_data

DOCS = ROOT / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
LESSONS = sorted((ROOT / "configs" / "lessons").glob("*.yaml"))
ELSEWHERE = ("plugins.md",)  # it needs the file that it shows: tests/test_plugins.py
LONG = ("real-data.md",)  # its network trains for minutes, which `make test-full` does
EXIT_CODE = re.compile(r"# exit code (\d+)")


def commands(page: Path) -> list[tuple[list[str], int]]:
    """The commands of a page without `nntrain`, and the exit code that it says they have."""
    found = []
    for line in "\n".join(blocks(page, "sh")).splitlines():
        words = shlex.split(line, comments=True)
        if words[:1] == ["nntrain"]:
            code = EXIT_CODE.search(line)
            found.append((words[1:], int(code[1]) if code else 0))
    return found


@pytest.mark.parametrize(
    "page",
    [page for page in PAGES if commands(page) and page.name not in LONG + ELSEWHERE],
    ids=lambda page: str(page.relative_to(DOCS)),
)
def test_every_command_of_a_page_runs(nntrain: Command, tmp_path: Path, page: Path) -> None:
    with_data(tmp_path)
    for words, code in commands(page):
        done = nntrain(*words)
        assert done.code == code, (words, done.err)


def test_the_python_of_the_page_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with_data(tmp_path)
    monkeypatch.chdir(tmp_path)
    codes = blocks(DOCS / "python.md", "python")
    assert len(codes) == 2
    for code in codes:
        exec(code, {})  # noqa: S102  our own page


def test_the_workflow_with_a_gate_is_one(nntrain: Command, tmp_path: Path) -> None:
    with_data(tmp_path)
    workflow = yaml.safe_load((ROOT / "examples" / "gate.yml").read_text(encoding="utf-8"))
    steps = workflow["jobs"]["train"]["steps"]
    (command,) = [step["run"] for step in steps if "nntrain" in step.get("run", "")]
    init = nntrain("init", "datasets/penguins.csv", "--target", "species", "-o", "gate.yaml")
    assert init.code == 0, init.err
    assert nntrain(*shlex.split(command)[1:]).code == 0
    assert Path("run/report.html").exists()
    assert nntrain(*shlex.split(command.replace("0.9", "1.1"))[1:], "--overwrite").code == 5


def test_the_site_names_every_page_once() -> None:
    site = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))
    named = re.findall(r"[\w/-]+\.md", str(site["nav"]))
    assert sorted(named) == sorted(str(page.relative_to(DOCS)) for page in PAGES)


def test_every_lesson_is_on_a_page() -> None:
    text = "".join(page.read_text(encoding="utf-8") for page in PAGES)
    assert len(LESSONS) >= 10
    assert [path.name for path in LESSONS if path.name not in text] == []


def test_the_pictures_are_pictures_and_all_of_them_are_shown() -> None:
    shown = set()
    for page in PAGES:
        for target in re.findall(r"!\[[^]]+\]\(([^)]+)\)", page.read_text(encoding="utf-8")):
            shown.add((page.parent / target).resolve())
    pictures = sorted(DOCS.rglob("*.svg"))
    assert pictures
    assert sorted(shown) == pictures
    for picture in pictures:
        root = ElementTree.fromstring(picture.read_text(encoding="utf-8"))  # noqa: S314  ours
        assert len(list(root.iter())) > 5


def test_the_lesson_on_layers_shows_the_config_as_it_is() -> None:
    (shown,) = blocks(DOCS / "lessons" / "layers.md", "yaml")
    config = (ROOT / "configs" / "lessons" / "bend.yaml").read_text(encoding="utf-8")
    assert shown in config


def test_what_the_lessons_say_that_nntrain_says(nntrain: Command, tmp_path: Path) -> None:
    """Numbers may differ in their last digits from machine to machine, words and layers not."""
    with_data(tmp_path)
    (shown,) = blocks(DOCS / "lessons" / "descent.md", "text")
    done = nntrain("fit", "configs/lessons/rate-large.yaml", "-q")
    assert _words(shown) == _words(done.err)
    (shown,) = blocks(DOCS / "lessons" / "over-fitting.md", "text")
    done = nntrain("fit", "configs/lessons/overfit.yaml")
    assert _words(shown) in _words(done.err)


def _words(text: str) -> str:
    return " ".join(re.sub(r"\d[\d.e-]*", "N", text).split())


def test_links_stay_within_the_site() -> None:
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#]+)", page.read_text(encoding="utf-8")):
            if "://" not in target:
                assert (page.parent / target).resolve().is_relative_to(DOCS), (page.name, target)
