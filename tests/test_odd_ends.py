"""Odd ends of a run: terminals that are gone, folders that are half made, files that are none."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType

import pytest

from nntrain import cli
from nntrain.run.folder import RunFolder
from nntrain.run.run import Run
from nntrain.training.fit import fit
from tests.conftest import Command
from tests.test_run import start

NNTRAIN = [sys.executable, "-c", "from nntrain.cli import main; main()"]
posix = pytest.mark.skipif(os.name == "nt", reason="terminals and pipes of POSIX")


def stopped(config: Path, folder: Path) -> RunFolder:
    words = iter([""] * 20 + ["interrupted"])
    list(fit(start(config, folder), stop=lambda: next(words)))
    return RunFolder(folder)


def test_a_folder_without_a_first_step_is_begun_anew(nntrain: Command, points: Path) -> None:
    """As a kill leaves it between the folder and the manifest."""
    Path("run").mkdir()
    Path("run/.lock").touch()
    Path("run/config.yaml").write_text("half")
    told = nntrain("fit", "--resume", "run")
    assert told.code == 2
    assert "begins anew: nntrain fit CONFIG -o DIR" in told.err
    assert nntrain("fit", points, "-o", "run", "-q").code == 0
    assert nntrain("fit", points, "-o", "run", "-q").code == 2


def test_a_folder_with_a_checkpoint_is_not(nntrain: Command, points: Path) -> None:
    assert nntrain("fit", points, "-o", "run", "-q").code == 0
    for name in Path("run").iterdir():
        if name.name != "checkpoint.safetensors":
            name.unlink()
    assert nntrain("fit", points, "-o", "run", "-q").code == 2


@posix
def test_a_folder_whose_name_is_no_text(nntrain: Command, points: Path) -> None:
    assert nntrain("fit", points, "-o", "x\udcff", "-q").code == 0
    assert "x" in Path("x\udcff", "train.log").read_text()


@posix
@pytest.mark.parametrize("words", [["eval"], ["fit", "points.yaml"]])
def test_a_terminal_that_is_gone_changes_no_exit_code(
    nntrain: Command, points: Path, words: list[str]
) -> None:
    assert nntrain("fit", points, "-q").code == 0
    reader, terminal = os.openpty()
    os.close(reader)  # from now on, writing is an error
    done = subprocess.run([*NNTRAIN, *words], stdout=terminal, stderr=terminal, check=False)
    os.close(terminal)
    assert done.returncode == 0
    assert len(list(Path("runs/points").iterdir())) == len(words)


@posix
def test_closing_the_terminal_is_a_good_end(nntrain: Command, points: Path) -> None:
    text = points.read_text().replace("max_epochs: 6", "max_epochs: 100000")
    points.write_text(text)
    with subprocess.Popen(
        [*NNTRAIN, "fit", "points.yaml", "-o", "run"], stderr=subprocess.PIPE
    ) as process:
        rows = Path("run/metrics.csv")
        while not rows.exists() or rows.read_text().count("\n") < 3:
            assert process.poll() is None
            time.sleep(0.01)
        process.send_signal(signal.SIGHUP)
        _, told = process.communicate(timeout=60)
    assert process.returncode == 128 + signal.SIGHUP
    assert b"go on with: nntrain fit --resume run" in told
    assert json.loads(Path("run/summary.json").read_text())["status"] == "interrupted"


def test_ctrl_c_while_the_command_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    class Interrupted(ModuleType):
        def __getattr__(self, name: str) -> object:
            raise KeyboardInterrupt

    monkeypatch.setitem(sys.modules, "nntrain.cli.app", Interrupted("nntrain.cli.app"))
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 130


def test_a_warm_start_without_its_weights_is_not_resumed(nntrain: Command, points: Path) -> None:
    """Its manifest would say one thing, and its first weights another."""
    assert nntrain("fit", points, "-q", "-o", "one").code == 0
    words = ("--warm-start", "one", "--max-time", "0s")
    assert nntrain("fit", points, "-q", "-o", "two", *words).code == 0
    for path in Path("two").glob("checkpoint*"):
        path.unlink()
    told = nntrain("fit", "--resume", "two", "-q")
    assert told.code == 6
    assert "its checkpoint is gone, and with it the weights that it began with" in told.err


@posix
@pytest.mark.parametrize("name", ["model.safetensors", "checkpoint.safetensors", ".lock"])
def test_a_pipe_is_no_file_of_a_run(nntrain: Command, points: Path, name: str) -> None:
    folder = stopped(points, Path("run"))
    file = folder.path / name
    file.unlink(missing_ok=True)
    folder.previous.unlink(missing_ok=True)
    os.mkfifo(file)
    words = ["predict", "run", "points.csv"] if "model" in name else ["fit", "--resume", "run"]
    told = nntrain(*words, "-q")
    assert told.code == 6
    assert "no regular file" in told.err


def test_a_manifest_of_the_future_is_refused(nntrain: Command, points: Path) -> None:
    folder = stopped(points, Path("run"))
    facts = json.loads(folder.manifest.read_text())
    folder.manifest.write_text(json.dumps({**facts, "format_version": 99}))
    for words in (["fit", "--resume", "run"], ["eval", "run"]):
        told = nntrain(*words)
        assert told.code == 6
        assert "its format version is 99" in told.err


def test_a_damaged_summary_keeps_no_run_from_going_on(nntrain: Command, points: Path) -> None:
    folder = stopped(points, Path("run"))
    folder.summary.write_bytes(b"\xff")
    told = nntrain("fit", "--resume", "run", "-q")
    assert told.code == 0
    assert "summary.json" in told.err and "goes on from its checkpoint" in told.err
    assert json.loads(folder.summary.read_text())["status"] == "completed"
    assert Run.resume(folder).progress.epoch == 6


def test_a_network_larger_than_the_machine_is_refused(nntrain: Command, points: Path) -> None:
    points.write_text(points.read_text().replace("units: 8", "units: 100000000000"))
    for word in ("check", "fit"):
        told = nntrain(word, points)
        assert told.code == 2
        assert "points.yaml:" in told.err
        assert "this layer learns" in told.err and "this machine has" in told.err
    assert not Path("runs").exists()


@pytest.mark.parametrize("content", [b"\xef", b"\xef\xbb", b"\xef\xbbname: x"])
def test_half_a_byte_order_mark_is_no_utf_8(nntrain: Command, content: bytes) -> None:
    """Found by fuzzing."""
    Path("half.yaml").write_bytes(content)
    told = nntrain("check", "half.yaml")
    assert told.code == 2
    assert "half.yaml:1:1: expected UTF-8 text, got the byte 0xef" in told.err
