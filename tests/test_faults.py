"""Each file operation of a run fails, one after the other: a named error, and nothing is lost."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from nntrain.errors import MachineError
from nntrain.events import EpochEnded, Event
from nntrain.network import Network
from nntrain.report.importance import SHUFFLES
from nntrain.run.folder import RunFolder
from nntrain.run.run import Run
from nntrain.training import step
from nntrain.training.backpropagate import make_backpropagate
from nntrain.training.fit import fit
from tests.conftest import CONFIG, Command, write_points
from tests.disk import Disk
from tests.test_power import EVERY, outputs
from tests.test_run import start

ERRORS = (errno.ENOSPC, errno.EIO, errno.EACCES, errno.EROFS, errno.EDQUOT)
TINY = CONFIG.replace(
    "epochs: 6, batch_size: 16", "epochs: 2, batch_size: 100, checkpoint_seconds: 0"
)
NEVER = 10**9


class FaultyDisk(Disk):
    """Operation `fails_at` fails; with `for_good` all that come after it and change something."""

    def __init__(
        self, root: Path, fails_at: int = NEVER, number: int = 0, *, for_good: bool = False
    ):
        super().__init__(root, self._count)
        self.fails_at, self.number, self.for_good = fails_at, number, for_good
        self.operations: list[tuple[str, Path]] = []

    def _count(self, operation: str, path: Path) -> None:
        place = len(self.operations)
        self.operations.append((operation, path))
        again = self.for_good and operation not in ("read", "unlink")
        if place == self.fails_at or (place > self.fails_at and again):
            raise OSError(self.number, os.strerror(self.number), str(path))


@pytest.fixture(autouse=True)
def no_waiting_for_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", lambda file: None)


@pytest.fixture
def home(nntrain: Command, tmp_path: Path) -> Path:
    """The folder with the data, the config, and `whole`, a run that nothing has disturbed."""
    write_points(tmp_path, config=TINY)
    assert nntrain("fit", "points.yaml", "-o", "whole", "-q").code == 0
    return tmp_path


Judge = Callable[[int, str], None]


def each_fault(
    nntrain: Command, root: Path, words: list[str], begin: Callable[[], None], judge: Judge
) -> None:
    """Run `nntrain words` again and again, each time with another operation below `root` failing.

    The errors take turns; `judge(code, what)` after each.
    """
    begin()
    disk = FaultyDisk(root)
    with disk.installed():
        assert nntrain(*words).code == 0
    for fails_at in range(len(disk.operations)):
        for number in ERRORS if EVERY else (ERRORS[fails_at % len(ERRORS)],):
            for for_good in (False, True) if EVERY else (fails_at % 2 == 0,):
                begin()
                disk = FaultyDisk(root, fails_at, number, for_good=for_good)
                with disk.installed():
                    told = nntrain(*words)
                operation = disk.operations[fails_at]
                judge(told.code, f"{operation} {os.strerror(number)} {for_good}: {told.err}")


def test_every_file_operation_of_a_run_may_fail(home: Path, nntrain: Command) -> None:
    folder = RunFolder(home / "a" / "run")

    def judge(code: int, what: str) -> None:
        assert code in (0, 6), what
        assert not code or "can not be" in what, what
        if not folder.manifest.exists():
            assert code == 6, what
            assert not folder.checkpoint.exists(), what
            return
        assert nntrain("fit", "--resume", folder.path, "-q").code == 0, what
        assert outputs(folder.path) == outputs(home / "whole"), what

    words = ["fit", "points.yaml", "-o", str(folder.path), "-q"]
    each_fault(
        nntrain, home / "a", words, lambda: shutil.rmtree(home / "a", ignore_errors=True), judge
    )


def test_a_disk_that_is_full_for_the_report_is_a_note(home: Path, nntrain: Command) -> None:
    """At each of its operations: the page is whole or not there, and the training is done."""
    words, folder = ["fit", "points.yaml", "-o", "a", "-q"], RunFolder(home / "a")
    disk = FaultyDisk(home / "a")
    with disk.installed():
        assert nntrain(*words).code == 0
    last = [n for n, (_, path) in enumerate(disk.operations) if path == folder.summary][-1]
    page = folder.report.read_text(encoding="utf-8")[:100]
    for fails_at in range(last + 2, len(disk.operations)):
        shutil.rmtree(folder.path)
        disk = FaultyDisk(home / "a", fails_at, errno.ENOSPC, for_good=True)
        with disk.installed():
            told = nntrain(*words)
        assert told.code == 0, disk.operations[fails_at]
        if not folder.report.exists():
            assert "note: there is no new report.html" in told.err
            assert "No space left" in told.err
            assert not any(path.name.endswith(".part") for path in folder.path.iterdir())
        else:
            assert folder.report.read_text(encoding="utf-8")[:100] == page
        assert outputs(folder.path) == outputs(home / "whole")


def test_every_file_operation_of_a_resume_may_fail(home: Path, nntrain: Command) -> None:
    words = iter(["", "", "interrupted"])
    list(fit(start(home / "points.yaml", home / "stopped"), stop=lambda: next(words)))
    folder = RunFolder(home / "a" / "run")

    def begin() -> None:
        shutil.rmtree(home / "a", ignore_errors=True)
        shutil.copytree(home / "stopped", folder.path)

    def judge(code: int, what: str) -> None:
        assert code in (0, 6), what
        assert not code or "can not be" in what, what
        assert nntrain("fit", "--resume", folder.path, "-q").code == 0, what
        assert outputs(folder.path) == outputs(home / "whole"), what

    each_fault(nntrain, home / "a", ["fit", "--resume", str(folder.path), "-q"], begin, judge)


def test_every_file_operation_of_an_overwrite_may_fail(home: Path, nntrain: Command) -> None:
    words = iter(["", "", "interrupted"])
    list(fit(start(home / "points.yaml", home / "stopped"), stop=lambda: next(words)))
    folder = RunFolder(home / "a" / "run")

    def begin() -> None:
        shutil.rmtree(home / "a", ignore_errors=True)
        shutil.copytree(home / "stopped", folder.path)

    def judge(code: int, what: str) -> None:
        assert code in (0, 6), what
        if folder.manifest.exists():
            assert nntrain("fit", "--resume", folder.path, "-q").code == 0, what
            assert outputs(folder.path) == outputs(home / "whole"), what

    command = ["fit", "points.yaml", "-o", str(folder.path), "--overwrite", "-q"]
    command += ["--max-time", "0s"]  # the rest is that of a new run
    each_fault(nntrain, home / "a", command, begin, judge)


def test_what_can_not_be_read_is_named(home: Path, nntrain: Command) -> None:
    """The data, the config, the model: not as long as it takes to say `defect`."""
    words = iter(["", "", "interrupted"])
    list(fit(start(home / "points.yaml", home / "stopped"), stop=lambda: next(words)))

    def begin() -> None:
        shutil.rmtree(home / "half", ignore_errors=True)
        shutil.copytree(home / "stopped", home / "half")

    for command in (
        ["check", "points.yaml"],
        ["eval", "whole"],
        ["fit", "--resume", "half", "--max-time", "0s"],
        ["predict", "whole", "points.csv", "-o", "made.csv"],
    ):
        begin()
        disk = FaultyDisk(home)
        with disk.installed():
            assert nntrain(*command).code == 0, command
        for fails_at, (operation, path) in enumerate(disk.operations):
            if operation == "read" and path.is_file():
                begin()
                disk = FaultyDisk(home, fails_at, ERRORS[fails_at % len(ERRORS)])
                with disk.installed():
                    told = nntrain(*command)
                spared = ("the run goes on from", "there is no new report.html")
                if not any(words in told.err for words in spared):
                    assert told.code in (2, 3, 6), (command, path, told.err)
                assert path.name in told.err


def test_a_full_quota_is_told_by_a_process(home: Path) -> None:
    """The system's own limit of a file's size, at several places of a run."""
    code = (
        "import resource, sys; n = int(sys.argv.pop(1));"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (n, n));"
        "from nntrain.cli import main; main()"
    )
    pytest.importorskip("resource", reason="limits of a process are set the POSIX way")
    for limit in (0, 1500, 4000):
        place = home / str(limit)
        told = subprocess.run(
            [sys.executable, "-c", code, str(limit), "fit", "points.yaml", "-o", str(place), "-q"],
            capture_output=True,
            check=False,
        )
        assert told.returncode == 6, told.stderr
        assert b"can not be written: File too large" in told.stderr
        if (place / "manifest.json").exists():
            list(fit(Run.resume(RunFolder(place))))
            assert outputs(place) == outputs(home / "whole")


def until(run: Run, epoch: int, then: Callable[[], object]) -> list[Event]:
    """Train, and let something happen after an epoch."""
    events = []
    for event in fit(run):
        events.append(event)
        if isinstance(event, EpochEnded) and event.row["epoch"] == epoch:
            then()
    return events


def test_a_folder_removed_under_the_run_is_told(home: Path) -> None:
    run = start(home / "points.yaml", home / "gone")
    with pytest.raises(MachineError, match=r"gone/.*: can not be written: No such file"):
        until(run, 1, lambda: shutil.rmtree(home / "gone"))
    assert not (home / "gone").exists()


def test_rows_removed_under_the_run_are_there_at_its_end(home: Path) -> None:
    run = start(home / "points.yaml", home / "run")
    until(run, 1, run.folder.metrics_csv.unlink)
    assert outputs(home / "run") == outputs(home / "whole")


def test_a_clock_set_back_changes_nothing(
    home: Path, nntrain: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    class SetBack(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:  # type: ignore[override]
            return datetime(1970, 1, 1, tzinfo=UTC)

    list(
        fit(start(home / "points.yaml", home / "runs" / "points" / "001"), stop=lambda: "max_time")
    )
    monkeypatch.setattr("nntrain.run.manifest.datetime", SetBack)
    monkeypatch.setattr("time.time", lambda: 0.0)
    os.utime(home / "runs" / "points" / "001" / "checkpoint.safetensors", (4e9, 4e9))
    assert nntrain("fit", "--resume", "last").code == 0
    assert outputs(home / "runs" / "points" / "001") == outputs(home / "whole")
    assert nntrain("fit", "points.yaml").code == 0
    assert outputs(home / "runs" / "points" / "002") == outputs(home / "whole")


def test_memory_that_runs_out_loses_nothing(
    home: Path, nntrain: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At any of the network's passes, in training, validation or the last scores."""
    left = [NEVER]

    def hungry(way: Callable[..., Any]) -> Callable[..., Any]:
        def passes(*arguments: Any) -> Any:
            left[0] -= 1
            if left[0] == 0:
                raise MemoryError
            return way(*arguments)

        return passes

    monkeypatch.setattr(step, "make_backpropagate", lambda model: hungry(make_backpropagate(model)))
    monkeypatch.setattr(Network, "__call__", hungry(Network.__call__))
    assert nntrain("fit", "points.yaml", "-o", "counted", "-q").code == 0
    passes, folder = NEVER - left[0], RunFolder(home / "run")
    assert passes > 10
    for number in range(1, passes + 1):
        shutil.rmtree(folder.path, ignore_errors=True)
        left[0] = number
        told = nntrain("fit", "points.yaml", "-o", folder.path, "-q")
        if told.code == 0:  # the passes of the report come last, and all is saved by then
            assert number > passes - 2 - (3 * SHUFFLES + 1)  # its own, and those of three columns
            assert "note: there is no new report.html: MemoryError" in told.err
            assert outputs(folder.path) == outputs(home / "whole")
            continue
        assert told.code == 6, number
        assert "there is not enough memory" in told.err
        assert folder.checkpoint.exists() == (f"fit --resume {folder.path}" in told.err)
        assert nntrain("fit", "--resume", folder.path, "-q").code == 0
        assert outputs(folder.path) == outputs(home / "whole"), number


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="no file that can't be read")
@pytest.mark.parametrize("name", ["points.csv", "points.txt", "points.csv.gz", "points.npy"])
def test_a_file_that_fails_while_it_is_read_is_named(
    home: Path, nntrain: Command, name: str
) -> None:
    (home / name).unlink(missing_ok=True)
    (home / name).symlink_to("/proc/self/mem")  # opens, and says EIO at its first byte
    told = nntrain("check", "points.yaml", "--set", f"data.path={name}")
    assert told.code == 6
    assert f"{name}: can not be read: Input/output error" in told.err
