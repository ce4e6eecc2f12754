"""The built wheel holds the whole package and works with the source off the path."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.conftest import ROOT


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", place, ROOT],
        check=True,
        capture_output=True,
    )
    (found,) = place.glob("*.whl")
    return found


def test_the_wheel_holds_every_module_and_nothing_else(wheel: Path) -> None:
    inside = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    source = {str(p.relative_to(ROOT).as_posix()) for p in (ROOT / "nntrain").rglob("*.py")}
    assert inside == source | {"nntrain/py.typed"}


def test_the_wheel_works_with_the_source_off_the_path(wheel: Path, tmp_path: Path) -> None:
    zipfile.ZipFile(wheel).extractall(tmp_path / "site")
    code = (
        "import sys, nntrain; from nntrain.cli import main\n"
        "assert 'site' in nntrain.__file__, nntrain.__file__\n"
        f"sys.argv = ['nntrain', 'fit', {str(ROOT / 'configs' / 'iris.yaml')!r}, '-q']\n"
        "main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path / "site")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "runs" / "iris" / "001" / "model.safetensors").exists()
