"""A small convolutional network from a config, by way of the command line."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from tests.conftest import ROOT, Command

PIXELS = [f"p{i:02}" for i in range(64)]
CONFIG = f"""\
name: images
data:
  path: images.csv
  target: digit
  columns: {{{", ".join(f"{pixel}: numeric" for pixel in PIXELS)}}}
model:
  layers:
    - {{type: reshape, shape: [8, 8, 1]}}
    - {{type: conv2d, filters: 4, kernel_size: [3, 3], padding: same, use_bias: false}}
    - {{type: batch_norm, momentum: 0.5}}
    - {{type: gaussian_noise, stddev: 0.1}}
    - {{type: activation, activation: relu}}
    - {{type: max_pool2d}}
    - {{type: flatten}}
    - {{type: drop_connect, units: auto, rate: 0.2}}
loss: cross_entropy
optimizer: {{type: adam, learning_rate: 0.02}}
metrics: [accuracy]
trainer: {{max_epochs: 2, batch_size: 16}}
"""


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """The first 200 digits, and a config beside them."""
    lines = (ROOT / "datasets" / "digits.csv").read_text().splitlines()
    (tmp_path / "images.csv").write_text("\n".join(lines[:201]) + "\n")
    path = tmp_path / "images.yaml"
    path.write_text(CONFIG)
    return path


def test_fit_eval_and_predict_agree(nntrain: Command, images: Path) -> None:
    fit = nntrain("fit", images, "--json")
    assert fit.code == 0, fit.err
    summary = json.loads(fit.out)
    measured = nntrain("eval", "--data", "images.csv", "--json")
    assert measured.code == 0, measured.err
    rows = list(csv.DictReader(nntrain("predict", "images.csv").out.splitlines()))
    truth = list(csv.DictReader(Path("images.csv").read_text().splitlines()))
    right = [row["prediction"] == true["digit"] for row, true in zip(rows, truth, strict=True)]
    accuracy = sum(right) / len(right)
    assert accuracy > 0.3
    assert json.loads(measured.out)["metrics"]["accuracy"] == pytest.approx(accuracy, abs=1e-12)

    for name, score in json.loads(nntrain("eval", "--json").out)["metrics"].items():
        assert score == pytest.approx(summary["metrics"][f"test_{name}"], rel=1e-12)


def test_an_interrupted_run_with_running_statistics_ends_with_equal_bytes(
    nntrain: Command, images: Path
) -> None:
    assert nntrain("fit", images, "-o", "whole").code == 0
    assert nntrain("fit", images, "-o", "parts", "--max-time", "0s").code == 0
    assert nntrain("fit", "--resume", "parts").code == 0
    for name in ("model.safetensors", "metrics.csv"):
        assert Path("parts", name).read_bytes() == Path("whole", name).read_bytes()


@pytest.mark.parametrize(
    ("layers", "place", "message"),
    [
        (["{type: conv2d, filters: 4, kernel_size: 3}"], 0, "conv2d needs images"),
        (["{type: dropout, rate: 0.1}", "{type: reshape, shape: [8, 9]}"], 1,
         "the shape [8, 9] needs 72 numbers, got 64"),
        (["{type: dense, units: 9}", "{type: reshape, shape: [2, 5]}"], 1,
         "the shape [2, 5] needs 10 numbers, got 9"),
    ],
    ids=["images", "data", "dense"],
)  # fmt: skip
def test_layers_that_do_not_fit_are_located(
    nntrain: Command, images: Path, layers: list[str], place: int, message: str
) -> None:
    wrong = nntrain("fit", images, "--set", f"model.layers=[{', '.join(layers)}]")
    assert wrong.code == 2
    assert f"model.layers.{place}: {message}" in wrong.err


def test_only_what_no_data_can_change_is_an_error_before_the_data_is_read(
    nntrain: Command, images: Path
) -> None:
    Path("images.csv").unlink()
    reshape = "{type: reshape, shape: [8, 8, 1]}"
    wrong = "{type: dense, units: 9}, {type: reshape, shape: [2, 5]}"
    assert nntrain("fit", images, "--set", f"model.layers=[{reshape}]").code == 3  # no such file
    assert nntrain("fit", images, "--set", f"model.layers=[{wrong}]").code == 2


def test_columns_that_were_left_out_are_mentioned(nntrain: Command, images: Path) -> None:
    short = nntrain("fit", images, "--set", "data.columns={p01: numeric}")
    assert short.code == 2
    assert "model.layers.0: the shape [8, 8, 1] needs 64 numbers, got " in short.err
    assert "`data.columns: {NAME: numeric}` keeps it" in short.err


@pytest.mark.parametrize(
    ("layer", "hint"),
    [
        ("{type: Conv2D, filters: 4, kernel_size: 3}", "did you mean `conv2d`?"),
        ("{type: max_pooling2d}", "did you mean `max_pool2d`?"),
        ("{type: view, shape: [8, 8]}", "did you mean `reshape`?"),
        ("{type: conv2d, out_channels: 4, kernel_size: 3}", "did you mean `filters`?"),
        ("{type: conv2d, filters: 4, kernel_size: 3, bias: false}", "did you mean `use_bias`?"),
        ("{type: conv2d, filters: 4, kernel_size: 3, padding: mirror}", "did you mean `reflect`?"),
        ("{type: conv2d, filters: 4, kernel_size: 3.0}", "write 3"),
        ("{type: reshape, target_shape: [8, 8]}", "did you mean `shape`?"),
        ("{type: batch_norm, epsilon: 1e-3}", "did you mean `eps`?"),
        ("{type: gaussian_noise, stddev: 0.1}", "after the last layer would blur predictions"),
    ],
)
def test_words_of_other_libraries_are_answered(
    nntrain: Command, images: Path, layer: str, hint: str
) -> None:
    wrong = nntrain("fit", images, "--set", f"model.layers=[{layer}]")
    assert wrong.code == 2
    assert hint in wrong.err
