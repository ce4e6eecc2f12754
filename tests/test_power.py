"""A power cut at any moment: what was saved is there, and the run ends with the same bytes."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from nntrain.events import Saved
from nntrain.run.folder import FINISHED, RunFolder
from nntrain.run.run import Run
from nntrain.training.fit import fit
from tests.conftest import CONFIG, write_points
from tests.disk import ForgetfulDisk, PowerCutError
from tests.test_run import SAME, start

EVERY = int(os.environ.get("NNTRAIN_SOAK", "0")) > 0  # each operation, and more than once
SAVING = CONFIG.replace(
    "epochs: 6, batch_size: 16", "epochs: 3, batch_size: 64, checkpoint_seconds: 0"
)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the data, the config, and `whole`, a run that nothing has disturbed."""
    home = tmp_path_factory.mktemp("power")
    list(fit(start(write_points(home, config=SAVING), home / "whole")))
    return home


def outputs(folder: Path) -> list[bytes]:
    return [(folder / name).read_bytes() for name in (*SAME, "layers.csv")]


def train(home: Path, place: Path, cut_at: int, seed: int) -> tuple[int, int]:
    """Begin or go on with the run below `place` until the power goes.

    Returns the number of operations, and the last step that the run said it had saved.
    """
    disk = ForgetfulDisk(place, cut_at, np.random.default_rng([seed, cut_at]))
    folder, saved = RunFolder(place / "a" / "run"), 0
    try:
        with disk.installed():
            if folder.manifest.exists():
                run = Run.resume(folder)
            else:
                run = start(home / "points.yaml", folder.path)
            for event in fit(run):
                saved = event.step if isinstance(event, Saved) else saved
    except PowerCutError:
        disk.come_back()
    return disk.count, saved


def goes_on(home: Path, folder: RunFolder, saved: int) -> None:
    """Nothing that was saved is lost, and the end is that of the run without a cut."""
    if not folder.manifest.exists():
        assert saved == 0
        return
    if folder.status() not in FINISHED:
        run = Run.resume(folder)
        assert run.progress.step >= saved
        list(fit(run))
    assert outputs(folder.path) == outputs(home / "whole")


def count_operations(home: Path, place: Path) -> int:
    place.mkdir()
    return train(home, place, 10**9, 0)[0]


def test_a_power_cut_loses_nothing_that_was_saved(home: Path, tmp_path: Path) -> None:
    count = count_operations(home, tmp_path / "counted")
    random = np.random.default_rng(1).permutation(count)[:14]
    some = range(count) if EVERY else {*map(int, random), *range(count - 6, count)}
    for cut_at in some:
        for seed in range(3 if EVERY else 1):
            place = tmp_path / f"{cut_at}-{seed}"
            place.mkdir()
            saved = train(home, place, cut_at, seed)[1]
            goes_on(home, RunFolder(place / "a" / "run"), saved)


def test_a_power_cut_while_it_resumes_loses_nothing_either(home: Path, tmp_path: Path) -> None:
    count = count_operations(home, tmp_path / "counted")
    for seed in range(100 if EVERY else 8):
        place = tmp_path / str(seed)
        place.mkdir()
        rng, saved = np.random.default_rng(seed), 0
        folder = RunFolder(place / "a" / "run")
        for cut_at in (count // 2, *rng.integers(0, 40, 3)):
            if not folder.manifest.exists():
                shutil.rmtree(folder.path, ignore_errors=True)
            elif folder.status() in FINISHED:
                break
            saved = max(saved, train(home, place, int(cut_at), seed)[1])
        goes_on(home, folder, saved)
