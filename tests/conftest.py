"""What several test files use: the command line in this process, and a small table."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings

from nntrain.cli import main

ROOT = Path(__file__).parent.parent

# times tell nothing on a shared machine; what is drawn is the same in every run, so that a red test
# is the change's own doing; `make test-full` draws anew
settings.register_profile("always the same", deadline=None, derandomize=True)
settings.register_profile("anew", deadline=None)
settings.load_profile("anew" if os.environ.get("NNTRAIN_EXAMPLES") else "always the same")


@pytest.fixture(autouse=True)
def nowhere_special(monkeypatch: pytest.MonkeyPatch) -> None:
    """What commands print is the same on GitHub Actions as anywhere else."""
    for name in ("GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY", "GITHUB_WORKSPACE"):
        monkeypatch.delenv(name, raising=False)


CONFIG = """\
name: points
data:
  path: points.csv
  target: kind
model:
  layers:
    - {type: dense, units: 8, activation: tanh}
    - {type: dropout, rate: 0.1}
    - {type: dense, units: auto}
loss: cross_entropy
optimizer: {type: adam, learning_rate: 0.02}
metrics: [accuracy]
trainer: {max_epochs: 6, batch_size: 16}
"""


@dataclass
class Result:
    """What a command left behind."""

    code: int
    out: str
    err: str


Command = Callable[..., Result]


@pytest.fixture
def nntrain(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Command:
    """`nntrain(*arguments)`, run in an empty folder of its own."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str | Path) -> Result:
        monkeypatch.setattr(sys, "argv", ["nntrain", *map(str, arguments)])
        capsys.readouterr()
        code: object = 0
        try:
            main()
        except SystemExit as end:
            code = end.code or 0
        seen = capsys.readouterr()
        assert isinstance(code, int), code
        return Result(code, seen.out, seen.err)

    return run


def write_points(folder: Path, rows: int = 200, config: str = CONFIG) -> Path:
    """points.csv (two classes, two numbers, a word, some cells missing) and its config."""
    rng = np.random.default_rng(5)
    lines = ["a,b,word,kind"]
    for i in range(rows):
        a, b = rng.normal(size=2)
        kind = "in" if a * a + b * b < 1.3 else "out"
        word = "red" if rng.random() < 0.5 else "blue"
        lines.append(f"{'' if i % 17 == 3 else round(a, 4)},{b:.4f},{word},{kind}")
    (folder / "points.csv").write_text("\n".join(lines) + "\n")
    path = folder / "points.yaml"
    path.write_text(config)
    return path


@pytest.fixture
def points(tmp_path: Path) -> Path:
    """The path of a config for a small table beside it."""
    return write_points(tmp_path)
