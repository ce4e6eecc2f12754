"""What one training leaves behind in a process must not add up; `make soak` does it for long."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from nntrain.events import Event
from nntrain.run.run import Run
from nntrain.training.fit import fit
from tests import soak
from tests.kill import CONFIGS, write_files
from tests.soak import Memory


def test_a_run_leaves_nothing_behind(tmp_path: Path) -> None:
    write_files(tmp_path)
    found = soak.figures(soak.runs(tmp_path, 8 * len(CONFIGS), until=0.0), every=len(CONFIGS))
    assert found["rounds"] == 8 * len(CONFIGS)
    early, late = found["blocks"]
    assert late - early < 600, found  # twenty runs apart


def test_an_epoch_leaves_its_row_behind_and_nothing_else(tmp_path: Path) -> None:
    write_files(tmp_path)
    found = soak.figures(soak.epochs(tmp_path, 160), every=10)
    early, late = found["blocks"]
    assert late - early < 120, found  # looks into layers every 29 epochs


def test_runs_that_are_kept_are_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept: list[Run] = []

    def keeping(run: Run) -> Iterator[Event]:
        kept.append(run)
        return fit(run)

    monkeypatch.setattr(soak, "fit", keeping)
    write_files(tmp_path)
    found = soak.figures(soak.runs(tmp_path, 8 * len(CONFIGS), until=0.0), every=len(CONFIGS))
    early, late = found["blocks"]
    assert late - early > 6000


def test_memory_that_grows_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    held: list[Memory] = []

    def now() -> Memory:
        held.append(Memory(40_000 + 200 * len(held), 1000))
        return held[-1]

    monkeypatch.setattr(Memory, "now", now)
    found = soak.figures(iter([None] * 40), every=1)
    assert found["kilobytes"] == [42_900, 46_900]
    assert not found["flat"]
