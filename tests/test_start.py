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
        "found = {'numpy.ma', 'numpy._typing', 'pydantic_core.core_schema', 'statistics'}\n"
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


def test_only_the_command_that_is_asked_for_is_loaded(tmp_path: Path) -> None:
    code = (
        "import sys; sys.argv = ['nntrain', 'fit', 'nothing.yaml']\n"
        "from nntrain.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "names = 'check eval export fit init lr_find predict report runs schema sweep'.split()\n"
        "print(*(name for name in names if f'nntrain.cli.{name}' in sys.modules))"
    )
    words = [sys.executable, "-c", code]
    seen = subprocess.run(words, capture_output=True, text=True, check=True, cwd=tmp_path)
    assert seen.stdout == "fit\n"


def test_help_looks_for_none() -> None:
    assert after("--help") == ["[] False True"]


def test_numpy_is_whole_for_whoever_wants_its_words_later() -> None:
    code = (
        "from nntrain.lean import load_numpy; load_numpy()\n"
        "import sys, numpy as np\n"
        "before = [name for name in sys.modules if name in ('numpy._typing', 'numpy.typing')]\n"
        "import numpy.typing, numpy.ma, numpy.testing, numpy.random\n"
        "print(before, np.typing.NDArray[np.float32], np.ma.array([1, 2], mask=[0, 1]).sum(),"
        " np.linalg.eig(np.eye(1)).eigenvalues, np.linalg.svdvals(np.eye(1)))"
    )
    seen = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert seen.stdout.startswith("[] ") and "numpy.dtype[numpy.float32]" in seen.stdout
    assert seen.stdout.endswith("1 [1.] [1.]\n")
