"""Killed, or told to leave: a few of the runs of `kill.py`, and signals in a storm."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.conftest import CONFIG, ROOT, write_points

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals are sent the POSIX way")

FIT = [sys.executable, "-c", "from nntrain.cli import main; main()", "fit"]
SLOW = """\
import time
from nntrain.run.run import Run

write = Run.write_checkpoint


def slow(run):
    print("saving", flush=True)
    time.sleep(60)
    write(run)


Run.write_checkpoint = slow
from nntrain.cli import main

main()
"""


def test_runs_killed_at_random_end_as_in_one_go() -> None:
    driver = [
        sys.executable,
        "-m",
        "tests.kill",
        "--kills",
        "16",
        "--inside",
        "3",
        "--resuming",
        "3",
    ]
    done = subprocess.run(driver, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "all runs ended with the bytes" in done.stdout


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_second_signal_leaves_at_once(tmp_path: Path, number: int, code: int) -> None:
    config = write_points(tmp_path, config=CONFIG.replace("max_epochs: 6", "max_epochs: 100000"))
    words = [sys.executable, "-c", SLOW, "fit", str(config), "-o", str(tmp_path / "out")]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as run:
        assert run.stdout and run.stderr
        while b"new best: epoch" not in run.stderr.readline():
            assert run.poll() is None
        run.send_signal(signal.SIGINT)
        assert run.stdout.readline() == b"saving\n"
        began = time.monotonic()
        run.send_signal(number)
        assert run.wait(30) == code
        assert time.monotonic() - began < 10
        assert b"Traceback" not in run.stderr.read()


def test_a_storm_of_signals_loses_nothing(tmp_path: Path) -> None:
    text = CONFIG.replace(
        "epochs: 6, batch_size: 16", "epochs: 200, batch_size: 16, checkpoint_seconds: 0.01"
    )
    config = write_points(tmp_path, config=text)
    whole, out = tmp_path / "whole", tmp_path / "out"
    subprocess.run([*FIT, str(config), "-o", str(whole), "-q"], check=True)
    rng, words = random.Random(1), [str(config), "-o", str(out)]  # noqa: S311
    for _ in range(3):
        with subprocess.Popen([*FIT, *words], stderr=subprocess.PIPE) as run:
            assert run.stderr
            while b"epoch" not in (line := run.stderr.readline()) and line:
                pass
            for _ in range(rng.randint(2, 8)):
                run.send_signal(rng.choice((signal.SIGINT, signal.SIGTERM)))
                time.sleep(rng.choice((0.0, 0.0, 0.002)))
            told = run.stderr.read()
            assert run.wait() in (130, 143), told
            assert b"Traceback" not in told
        words = ["--resume", str(out)]
    subprocess.run([*FIT, "--resume", str(out), "-q"], check=True)
    for name in ("model.safetensors", "metrics.csv", "metrics.jsonl", "layers.csv"):
        assert (out / name).read_bytes() == (whole / name).read_bytes()
    assert json.loads((out / "summary.json").read_text())["status"] == "completed"
