"""The built wheel holds the whole package and works with the source off the path."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from email import message_from_string
from pathlib import Path

import pytest

import nntrain
from tests.conftest import ROOT
from tests.oldest import oldest

PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PROJECT, GROUPS = PYPROJECT["project"], PYPROJECT["dependency-groups"]


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
    zipfile.ZipFile(wheel).extractall(tmp_path / "site")  # noqa: S202
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


def test_the_metadata_is_whole(wheel: Path) -> None:
    inside = zipfile.ZipFile(wheel)
    (name,) = (name for name in inside.namelist() if name.endswith("/METADATA"))
    found = message_from_string(inside.read(name).decode())
    assert (found["Name"], found["Version"]) == ("nntrain", nntrain.__version__)
    assert found["Requires-Python"] == PROJECT["requires-python"]
    assert found["License-Expression"] == "MIT"
    assert found["Summary"] and found["Keywords"] and len(found.get_payload()) > 5000
    assert set(found.get_all("Provides-Extra", [])) == set(PROJECT["optional-dependencies"])
    assert "Typing :: Typed" in found.get_all("Classifier", [])
    always = {need for need in found.get_all("Requires-Dist", []) if "extra ==" not in need}
    plain = {re.sub(r"\W", "", need).lower() for need in PROJECT["dependencies"]}
    assert {re.sub(r"\W", "", need).lower() for need in always} == plain, "no tool of development"
    entry = inside.read(name.replace("METADATA", "entry_points.txt")).decode()
    assert "nntrain = nntrain.cli:command" in entry
    licences = {Path(name).name for name in inside.namelist() if "/licenses/" in name}
    assert licences == {"LICENSE", "LICENSES.md"}


def test_the_source_archive_can_be_built_and_tested(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "build", "--sdist", "--no-isolation", "--outdir"]
    subprocess.run([*words, tmp_path, ROOT], check=True, capture_output=True)
    (archive,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(archive) as file:
        names = {name.partition("/")[2] for name in file.getnames()}
    for name in ("pyproject.toml", "LICENSE", "README.md", "Makefile", "nntrain/py.typed"):
        assert name in names
    for folder in ("tests", "configs", "docs", "datasets", "bench"):
        assert any(name.startswith(f"{folder}/") for name in names)
    assert not any(name.startswith((".venv", "runs", ".git/")) for name in names)


def test_only_what_the_package_says_is_imported() -> None:
    """So that an installation without the tools of development works: pipx makes such ones."""
    code = (
        "import sys, nntrain.cli, nntrain.api, nntrain.training.verify, nntrain.report.page\n"
        "import nntrain.draft.draft, nntrain.audit.audit, nntrain.training.gradients\n"
        "print(*{m.partition('.')[0] for m in sys.modules if '.' not in m})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    tools = {re.split(r"[>=<\[]", need)[0].replace("-", "_") for need in GROUPS["dev"]}
    optional = {"PIL", "polars", "onnx", "optuna", "resvg_py", "tensorboardX", "sklearn"}
    optional |= {"setuptools", "pkg_resources"}
    assert not (tools | optional) & set(done.stdout.split())


COMMAND = str(Path(sys.executable).with_name("nntrain"))


@pytest.mark.parametrize("command", [[sys.executable, "-m", "nntrain"], [COMMAND]])
def test_both_ways_to_call_it(command: list[str]) -> None:
    done = subprocess.run([*command, "--version"], capture_output=True, text=True, check=True)
    assert done.stdout == f"nntrain {nntrain.__version__}\n"


def test_every_dependency_has_an_oldest_version() -> None:
    found = oldest(PROJECT)
    assert found["numpy"] == "2.0.2" and "polars" in found
    with pytest.raises(ValueError, match="expected NAME>=VERSION"):
        oldest({"dependencies": ["numpy"], "optional-dependencies": {}})
