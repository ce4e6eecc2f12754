"""What docs/check.md shows is what `nntrain check` prints."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import pytest

from tests.conftest import ROOT, Command

PAGE = (ROOT / "docs" / "check.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def steady(text: str) -> list[str]:
    """Lines of words, without what the clock said."""
    before, _, _ = text.partition("memory:")
    return [" ".join(line.split()) for line in re.sub(r"<?\d+%", "", before).splitlines()]


@pytest.fixture
def shown(nntrain: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """What each command of the page prints."""
    monkeypatch.setenv("COLUMNS", "80")
    for name in ("configs", "datasets"):
        shutil.copytree(ROOT / name, tmp_path / name)
    found = {}
    for line in (line for block in blocks("sh") for line in block.splitlines()):
        done = nntrain(*shlex.split(line)[1:])
        assert done.code == 0, (line, done.err)
        found[line] = done.out
    return found


def test_the_page_is_what_the_commands_print(shown: dict[str, str]) -> None:
    table, resolved, explained = blocks("text")
    printed = list(shown.values())
    assert len(printed) == 5
    assert steady(table) == steady(printed[0])
    assert resolved in printed[1]
    assert explained.strip() == printed[4].strip()
