"""One process at a time writes into a run folder, and a killed one leaves no lock."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from nntrain.errors import MachineError
from nntrain.run.folder import RunFolder
from nntrain.run.lock import is_locked, locked
from nntrain.run.run import Run
from nntrain.training.fit import fit
from tests.conftest import Command, write_points
from tests.test_run import start


def test_a_run_in_training_can_be_neither_resumed_nor_replaced(
    nntrain: Command, points: Path
) -> None:
    run = start(points, Path("runs/points/001"))
    training = fit(run)
    next(training)
    replace = [points, "-o", "runs/points/001", "--overwrite"]
    for words in (["--resume", "runs/points/001"], replace):
        told = nntrain("fit", *words)
        assert told.code == 6
        assert "another process is training in this folder" in told.err
    assert nntrain("fit", "--resume", "last").code == 2
    for _ in training:
        pass
    assert run.folder.metrics_csv.read_text().count("\n") == 1 + 6
    assert nntrain("fit", *replace).code == 0


def test_the_lock_goes_with_its_holder(tmp_path: Path) -> None:
    path = tmp_path / ".lock"
    assert not is_locked(path)
    with locked(path):
        assert is_locked(path)
        with pytest.raises(MachineError), locked(path):
            pass
    assert path.exists()
    assert not is_locked(path)


def test_a_training_that_breaks_gives_the_lock_back(tmp_path: Path) -> None:
    run = start(write_points(tmp_path), tmp_path / "run")
    training = fit(run)
    next(training)
    training.close()
    Run.resume(RunFolder(tmp_path / "run"))


@pytest.mark.skipif(os.name == "nt", reason="locks are taken the POSIX way")
def test_a_file_system_without_locks_is_told_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(file: object, how: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("fcntl.flock", refuse)
    with pytest.raises(MachineError, match="can not be locked: No locks"), locked(tmp_path / "x"):
        pass
