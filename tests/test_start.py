"""What a short training does not load, and the search for garbage."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

IRIS = Path(__file__).parent.parent / "configs" / "iris.yaml"


def after(*words: str) -> list[str]:
    """What `main` leaves behind: modules of interest, whether garbage is looked for."""
    code = (
        f"import gc, sys; sys.argv = {['nntrain', *words]!r}\n"
        "from nntrain.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "found = {'numpy.ma', 'pydantic_core.core_schema'}\n"
        "found |= {'polars', 'optuna', 'nntrain.export', 'nntrain.tuning', 'rich'}\n"
        "print(sorted(found & set(sys.modules)), gc.isenabled(), gc.get_freeze_count() > 1000)"
    )
    seen = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return seen.stdout.splitlines()[-1:]


def test_a_training_looks_for_garbage_and_loads_little(tmp_path: Path) -> None:
    assert after("fit", str(IRIS), "-q", "-o", str(tmp_path / "run")) == ["[] True True"]


def test_a_prediction_looks_for_garbage(tmp_path: Path) -> None:
    run, rows = str(tmp_path / "run"), str(IRIS.parent.parent / "datasets" / "iris.csv")
    after("fit", str(IRIS), "-q", "-o", run, "--set", "trainer.max_epochs=1")
    out = str(tmp_path / "out.csv")
    assert after("predict", run, rows, "-q", "-o", out) == ["[] True True"]
    assert Path(out).exists()
    assert after("eval", run) == ["[] True True"]


def test_help_looks_for_none() -> None:
    assert after("--help") == ["[] False True"]
