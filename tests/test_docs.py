"""What the documents say is so: every command in them runs, every config trains."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import get_type_hints

import pytest

from nntrain.config import Experiment
from nntrain.families import (
    Activation,
    Averaging,
    Family,
    Loss,
    Metric,
    Optimizer,
    Schedule,
    Spec,
)  # fmt: skip
from tests.conftest import ROOT, Command

CONFIGS = sorted((ROOT / "configs").glob("*.yaml"))
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
# `make test-full` trains these to the end
LONG = ("digits-cnn", "fashion-mnist", "fashion-mnist-augmented", "paradise-lost")
RUNS = ("runs list", "runs show", "runs diff", "runs verify")
COMMANDS = ("init", "fit", "check", "eval", "predict", "report", "export", *RUNS)


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)


def with_data(folder: Path) -> None:
    for name in ("configs", "datasets"):
        shutil.copytree(ROOT / name, folder / name)


@pytest.mark.parametrize("config", CONFIGS, ids=lambda path: path.stem)
def test_every_config_runs(nntrain: Command, config: Path) -> None:
    if config.stem in LONG:
        short = nntrain("fit", config, "--smoke", "-q")
        assert short.code == 0, short.err
        return
    short = nntrain("fit", config, "--set", "trainer.max_epochs=2", "--set", "expect={}", "-q")
    assert short.code == 0, short.err
    assert nntrain("eval", "-q").code == 0


@pytest.mark.parametrize(
    "config", [path for path in CONFIGS if path.stem not in LONG], ids=lambda path: path.stem
)
def test_every_config_passes_its_own_gate(nntrain: Command, config: Path) -> None:
    whole = nntrain("fit", config, "-q")
    assert whole.code == 0, whole.err


def test_every_command_of_the_readme_runs(nntrain: Command, tmp_path: Path) -> None:
    with_data(tmp_path)
    lines = [line for block in blocks(ROOT / "README.md", "sh") for line in block.splitlines()]
    commands = [shlex.split(line, comments=True) for line in lines]
    ours = [words[1:] for words in commands if words[:1] == ["nntrain"]]
    assert len(ours) >= 6
    for words in ours:
        done = nntrain(*words)
        assert done.code == 0, (words, done.err)


def test_the_readme_shows_the_penguins_config_as_it_is() -> None:
    shown = blocks(ROOT / "README.md", "yaml")[0]
    assert shown == (ROOT / "configs" / "penguins.yaml").read_text(encoding="utf-8")


def test_the_error_that_the_readme_shows_is_real(nntrain: Command, tmp_path: Path) -> None:
    with_data(tmp_path)
    (tmp_path / "typo.yaml").write_text(blocks(ROOT / "README.md", "yaml")[1], encoding="utf-8")
    (shown,) = blocks(ROOT / "README.md", "text")
    command, _, message = shown.partition("\n")
    words = shlex.split(command.removeprefix("$ nntrain "))
    done = nntrain(*words)
    assert done.code == 2
    assert done.err.strip() == message.strip()


def test_the_python_of_the_documents_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with_data(tmp_path)
    monkeypatch.chdir(tmp_path)
    (code,) = blocks(ROOT / "docs" / "all-of-nntrain.md", "python")
    exec(code, {})  # noqa: S102  our own page
    assert Path("runs/iris/001/model.safetensors").exists()


HEAD_OF_EXAMPLE = """\
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nntrain.call import Call
from nntrain.families import Array, Backward, Builder, Built, Layer, PositiveFloat, Shape
from nntrain.initializers import Constant


"""
PLUGIN = """\
import nntrain.layers
import tests.cases as cases
from nntrain.layers import layer_scale

nntrain.layers.__path__.pop()
nntrain.layers.__all__.append("LayerScale")
case = eval({line!r}, {{**vars(cases), **vars(layer_scale)}})
cases.LAYERS += (case,)
cases.TABLE[cases.Layer].append(case.layer)
"""


def test_the_worked_example_of_contributing_is_held_to_the_contract(tmp_path: Path) -> None:
    """As a file of the package that is somewhere else, in a process of its own."""
    (code,) = blocks(ROOT / "CONTRIBUTING.md", "python")
    (line,) = re.findall(r"`(LayerCase\(.*\)),`", (ROOT / "CONTRIBUTING.md").read_text("utf-8"))
    (tmp_path / "layer_scale.py").write_text(HEAD_OF_EXAMPLE + code, encoding="utf-8")
    path = f"import nntrain.layers\n\nnntrain.layers.__path__.append({str(tmp_path)!r})\n"
    plugin = path + PLUGIN.format(line=line)
    (tmp_path / "example.py").write_text(plugin, encoding="utf-8")
    words = "-p no:cacheprovider -p example -q tests/test_layers.py tests/test_complete.py"
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *words.split(), "-k", "layer_scale or LayerScale"],
        capture_output=True, text=True, check=False, cwd=ROOT,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT)])},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    assert int(re.findall(r"(\d+) passed", done.stdout)[0]) >= 8


def test_the_readme_names_the_kinds() -> None:
    page = (ROOT / "README.md").read_text(encoding="utf-8")
    for family in (Activation, Averaging, Loss, Optimizer, Schedule):
        ours = [name for name, kind in family.kinds.items() if "nntrain." in kind.__module__]
        missing = [name for name in ours if f"`{name}`" not in page and name != "identity"]
        assert missing == []
    assert f"| {len(Metric.kinds)}, from" in page


def test_contributing_is_short() -> None:
    assert len((ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").splitlines()) <= 60


def test_the_tables_and_the_reference_of_kinds_are_fresh() -> None:
    done = subprocess.run([sys.executable, str(ROOT / "docs" / "kinds.py"), "--check"], check=False)
    assert done.returncode == 0, "run docs/kinds.py"


def test_every_command_and_flag_has_help_and_is_in_the_docs(nntrain: Command) -> None:
    page = (ROOT / "docs" / "all-of-nntrain.md").read_text(encoding="utf-8")
    for command in COMMANDS:
        text = nntrain(*command.split(), "--help").out
        assert f"`nntrain {command}" in page
        flags = set(re.findall(r"--[a-z][a-z-]+", text)) - {"--help", "--quiet", "--verbose"}
        assert [flag for flag in sorted(flags) if f"`{flag}" not in page] == []
        for line in text.split("Options:")[1].splitlines():
            assert not re.fullmatch(r"  -\S+(, \S+)?", line), f"no help for {line}"


def every_key(spec: type) -> set[str]:
    """All keys that a config can have below `spec`, families' kinds left out."""
    keys = set()
    for name, hint in get_type_hints(spec).items():
        if name not in {field.name for field in fields(spec)}:
            continue
        keys.add(name)
        for inner in (hint, *getattr(hint, "__args__", ())):
            if isinstance(inner, type) and issubclass(inner, Spec) and is_dataclass(inner):
                keys |= set() if issubclass(inner, Family) else every_key(inner)
    return keys


def test_the_commented_config_shows_every_key() -> None:
    text = (ROOT / "configs" / "every-key.yaml").read_text(encoding="utf-8")
    keys = every_key(Experiment)
    assert len(keys) > 30
    assert [key for key in sorted(keys) if not re.search(rf"\b{key}:", text)] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_links_lead_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert "<<" not in text
    for target, place in re.findall(r"\]\(([^)#]+)(?:#([^)]+))?\)", text):
        if "://" not in target:
            assert (page.parent / target).exists(), target
            assert not place or f'id="{place}"' in (page.parent / target).read_text("utf-8"), place


def test_real_data_is_what_the_page_says() -> None:
    rows = {"iris": 150, "penguins": 344, "titanic": 1313, "digits": 1797, "auto-mpg": 392}
    rows |= {"sunspots": 309}
    for name, count in rows.items():
        text = (ROOT / "datasets" / f"{name}.csv").read_text(encoding="utf-8")
        assert text.count("\n") == count + 1
    page = (ROOT / "datasets" / "LICENSES.md").read_text(encoding="utf-8")
    files = [path for path in (ROOT / "datasets").iterdir() if path.is_file()]
    shipped = [path.name for path in files if path.suffix not in (".md", ".py")]
    assert len(shipped) >= 11
    assert [name for name in shipped if f"`{name}`" not in page] == []
