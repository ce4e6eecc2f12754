"""How the process of the command ends: at once, and with nothing lost."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

AT_EXIT = (
    "import atexit, os, sys\n"
    "def at_once(status, end=os._exit):\n"
    "    os.write(2, b'at once\\n')\n"
    "    end(status)\n"
    "os._exit = at_once\n"
    "atexit.register(lambda: print('said at the end'))\n"
)
COMMAND = "from nntrain.cli import command\ncommand()\n"


def ended(code: str, *words: str, place: Path) -> subprocess.CompletedProcess[str]:
    """The command as it is installed, after some lines of its process."""
    whole = f"import sys; sys.argv = {['nntrain', *words]!r}\n{code}{COMMAND}"
    return subprocess.run(
        [sys.executable, "-c", whole], cwd=place, capture_output=True, text=True, check=False
    )


def test_at_once_but_what_is_asked_for_at_the_end_is_done(tmp_path: Path) -> None:
    done = ended(AT_EXIT, "--version", place=tmp_path)
    assert (done.returncode, done.stderr) == (0, "at once\n")
    assert done.stdout.startswith("nntrain ") and done.stdout.endswith("said at the end\n")


@pytest.mark.parametrize(
    "more",
    [
        "import threading, time\nthreading.Thread(target=time.sleep, args=(0.5,)).start()\n",
        "sys.setprofile(lambda *given: None)\n",
        "sys.settrace(lambda *given: None)\n",
        "sys.modules['mpi4py'] = sys\n",
        "import nntrain.config.plugins as plugins; plugins._RUN['0'] = None\n",
    ],
    ids=["thread", "profile", "trace", "mpi", "plugin"],
)
def test_as_ever_where_something_may_have_an_end_of_its_own(tmp_path: Path, more: str) -> None:
    done = ended(AT_EXIT + more, "--version", place=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("said at the end\n")


@pytest.mark.parametrize(("words", "code"), [(("fit",), 2), (("eval", "wrong.npz"), 6)])
def test_the_exit_code_and_the_message_arrive(
    tmp_path: Path, words: tuple[str, ...], code: int
) -> None:
    (tmp_path / "wrong.npz").write_bytes(b"no model")
    done = ended(AT_EXIT, *words, place=tmp_path)
    assert done.returncode == code
    assert done.stderr.startswith("error: ") and done.stderr.endswith("at once\n")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux")
def test_a_disk_that_is_full_at_the_very_end_is_told(tmp_path: Path) -> None:
    more = "import atexit\natexit.register(lambda: print('said at the end'))\n"
    whole = f"import sys; sys.argv = ['nntrain', 'fit']\n{more}{COMMAND}"
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-c", whole], stdout=full, stderr=subprocess.PIPE, check=False,
            cwd=tmp_path, env={**os.environ, "PYTHONUNBUFFERED": ""},
        )  # fmt: skip
    assert done.returncode == 120 and b"No space left" in done.stderr
