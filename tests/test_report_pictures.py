"""`nntrain report --svg` and `--png`: the pictures of a report as files that need nothing else."""

from __future__ import annotations

import importlib
import io
import re
import sys
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from nntrain.report import pictures
from nntrain.report.style import DRAWING, LIGHT, PAGE, alone
from tests.conftest import Command
from tests.test_report_inside import write_images

NAMES = {
    "calibration-all-classes", "confusion-kind", "first-weights-layers-1", "images-found",
    "images-largest-losses", "inside-the-layers-gradient", "inside-the-layers-step-weights",
    "network-drawing", "telling-classes-apart-precision-and-recall", "telling-classes-apart-roc",
    "training-accuracy", "training-learning-rate", "training-loss",
}  # fmt: skip


@pytest.fixture
def run(tmp_path: Path, nntrain: Command) -> Path:
    assert nntrain("fit", write_images(tmp_path), "-o", "run", "-q").code == 0
    return tmp_path / "run"


def test_every_picture_is_a_file_of_its_own(run: Path, nntrain: Command) -> None:
    page = (run / "report.html").read_bytes()
    (run / "report.html").write_text("<html>mine</html>")
    told = nntrain("report", "run", "--svg", "some/where")
    assert told.code == 0 and told.out.strip() == f"{len(NAMES)} pictures: some/where"
    found = {path.stem: path.read_text() for path in (run.parent / "some/where").iterdir()}
    assert found.keys() == NAMES
    for text in found.values():
        whole = ElementTree.fromstring(text)  # noqa: S314  # our own
        assert whole.tag.endswith("}svg")
        assert "var(" not in text and "@media" not in text and not text.count("<script")
        known = set(re.findall(r"\.([\w-]+)\{", alone())) | {"ink", "good", "bad", "tiny", "rest"}
        used = {word for words in re.findall(r'class="([^"]*)"', text) for word in words.split()}
        assert used <= known, used - known
    assert "validation" in found["training-loss"] and "true classes" in found["confusion-kind"]
    assert (run / "report.html").read_text() == "<html>mine</html>"
    assert nntrain("report", "run", "--svg", "some/where", "-o", "page.html").code == 0
    assert (run.parent / "page.html").read_bytes() == page


def test_pngs_have_letters_and_colours(run: Path, nntrain: Command) -> None:
    assert nntrain("report", "run", "--png", "png", "-q").code == 0
    paths = [*(run.parent / "png").iterdir()]
    assert {path.stem for path in paths} == NAMES
    for path in paths:
        with Image.open(io.BytesIO(path.read_bytes())) as image:
            assert image.width == 2 * 444 and image.height > 100
            top = image.convert("L").crop((24, 8, 400, 40))
            assert np.asarray(top).min() < 100, path.stem  # the caption
            assert image.convert("RGB").getpixel((1, 1)) == (255, 255, 255)


def test_several_runs_have_a_folder_each(run: Path, nntrain: Command) -> None:
    assert nntrain("fit", "squares.yaml", "-o", "other", "-q", "--seed", "3").code == 0
    assert nntrain("report", "run", "other", "--svg", "both").code == 0
    both = run.parent / "both"
    assert {path.stem for path in (both / "1-run").iterdir()} == NAMES
    assert {path.stem for path in (both / "2-other").iterdir()} == NAMES
    text = (both / "training-validation-loss.svg").read_text()
    assert ">run</text>" in text and ">other</text>" in text


def test_without_the_extra_it_says_what_to_install(
    run: Path, nntrain: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "resvg_py", None)
    told = nntrain("report", "run", "--png", "png")
    assert told.code == 6 and 'pip install "nntrain[plots]"' in told.err
    assert not (run.parent / "png").exists()
    assert nntrain("report", "run", "--svg", "svg").code == 0


def test_without_a_font_no_png_is_drawn(
    run: Path, nntrain: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw = importlib.import_module("resvg_py")
    real = draw.svg_to_bytes
    monkeypatch.setattr(draw, "svg_to_bytes", lambda **given: real(**given, skip_system_fonts=True))
    told = nntrain("report", "run", "--png", "png")
    assert told.code == 6 and "font" in told.err


def test_a_file_is_no_folder(run: Path, nntrain: Command) -> None:
    for flag in ("--svg", "--png"):
        told = nntrain("report", "run", flag, "squares.csv")
        assert told.code == 2 and "expected a folder" in told.err


def test_every_class_and_variable_of_the_style_is_known() -> None:
    assert {*re.findall(r"var\(--(\w+)", PAGE + DRAWING)} <= {*re.findall(r"--(\w+):", LIGHT)}


@pytest.mark.parametrize(
    ("words", "name"),
    [("Training loss", "training-loss"), ("a &lt;b&gt; ../c", "a-b-c"), ("名", "picture"),
     ("CON", "con"), ("x" * 99, "x" * 60)],
)  # fmt: skip
def test_names_of_files_are_plain(words: str, name: str) -> None:
    assert pictures._plain(words) == name
