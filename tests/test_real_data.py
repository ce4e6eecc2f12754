"""Real data from kept configs: the scores that are known, and series of unequal length."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nntrain.call import Call
from nntrain.config import load, schema
from nntrain.data.dataset import Dataset
from nntrain.families import Array, Backward, Builder, Built, Layer, Shape
from nntrain.run.model import read_model
from nntrain.run.run import Run
from nntrain.training.evaluate import evaluate, predict
from nntrain.training.fit import fit
from tests.conftest import ROOT, Command

CONFIGS, DATASETS = ROOT / "configs", ROOT / "datasets"
YEARS = np.loadtxt(DATASETS / "sunspots.csv", delimiter=",", skiprows=1)


def least_squares() -> tuple[float, float]:
    """Of AR(9) on the first 250 years: its error on the years after, and the next year."""
    y = YEARS[:, 1]
    rows = np.arange(9, len(y))
    lags = np.stack([*(y[rows - back] for back in range(9, 0, -1)), np.ones(len(rows))], axis=1)
    w = np.linalg.lstsq(lags[rows < 250], y[9:250], rcond=None)[0]
    error = (lags @ w - y[rows])[rows >= 250]
    return float(np.sqrt(np.mean(error**2))), float(np.append(y[-9:], 1) @ w)


def test_a_linear_layer_on_nine_lags_is_ar9(nntrain: Command) -> None:
    rmse, following = least_squares()
    assert abs(rmse - 18.75) < 0.01
    for seed in (0, 1, 2):
        done = nntrain("fit", CONFIGS / "sunspots-linear.yaml", "--json", "--seed", seed)
        assert abs(json.loads(done.out)["metrics"]["test_rmse"] - rmse) < 0.1
    lines = nntrain("predict", DATASETS / "sunspots.csv").out.splitlines()
    assert lines[0] == "year,prediction"
    assert lines[-2].startswith("2008,")
    assert lines[-1].startswith(",")
    assert abs(float(lines[-1][1:]) - following) < 0.5


def test_a_small_network_on_square_roots_beats_it(nntrain: Command) -> None:
    found = []
    for seed in (0, 1, 2):
        done = nntrain("fit", CONFIGS / "sunspots.yaml", "--json", "--seed", seed)
        found.append(json.loads(done.out)["metrics"]["test_rmse"])
    assert np.mean(found) <= 17.5


def test_clothes_from_packed_images(nntrain: Command) -> None:
    images = DATASETS / "fashion-mnist-2500-images-idx3-ubyte.gz"
    words = ("--set", "trainer.max_epochs=1", "--set", "expect={}")
    assert nntrain("fit", CONFIGS / "fashion-mnist.yaml", "-q", *words).code == 0
    scores = json.loads(nntrain("eval", "--json").out)
    assert scores["rows"] == 500
    lines = nntrain("predict", images).out.splitlines()[1:]
    predicted = [line.split(",")[1] for line in lines[2000:]]
    packed = images.with_name(images.name.replace("images-idx3", "labels-idx1"))
    true = [str(label) for label in gzip.decompress(packed.read_bytes())[8 + 2000 :]]
    right = np.mean([a == b for a, b in zip(predicted, true, strict=True)])
    assert abs(right - scores["metrics"]["accuracy"]) < 1e-9


# Series of unequal length: a layer of this test's own brings each to one vector

SERIES = f"""\
name: vowels
data:
  path: {DATASETS / "japanese-vowels-train.ts"}
  test_path: {DATASETS / "japanese-vowels-test.ts"}
  target: class
  split: {{validation: 30}}
model:
  layers:
    - {{type: dense, units: 48, activation: tanh}}
    - {{type: mean_over_time}}
    - {{type: dense, units: auto}}
loss: cross_entropy
optimizer: {{type: adam, learning_rate: 0.01}}
trainer: {{max_epochs: 40, batch_size: 16}}
"""


@pytest.fixture
def pooling(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """`mean_over_time` as a kind of layer, for one test."""
    monkeypatch.setattr(Layer, "kinds", dict(Layer.kinds))

    @dataclass(frozen=True)
    class MeanOverTime(Layer):
        """y = mean of the steps that a row really has.   (T, C) -> (C,)"""

        def build(self, shape: Shape, store: Builder) -> Built:
            def forward(x: Array, call: Call) -> tuple[Array, Backward]:
                if call.training:
                    assert call.lengths is not None
                    assert x.shape[1] == call.lengths.max()
                steps = np.full(len(x), x.shape[1]) if call.lengths is None else call.lengths
                share = (np.arange(x.shape[1]) < steps[:, None]) / steps[:, None]
                share = share.astype(x.dtype)[:, :, None]
                return (x * share).sum(axis=1), lambda dy: dy[:, None] * share

            return Built(forward, shape[1:])

        def lengths(self, n: Array) -> None:
            return None

    schema.validator.cache_clear()
    yield
    schema.validator.cache_clear()


def test_series_of_unequal_length(pooling: None, nntrain: Command, tmp_path: Path) -> None:
    (tmp_path / "vowels.yaml").write_text(SERIES)
    done = nntrain("fit", "vowels.yaml")
    assert done.code == 0, done.err
    assert "26 × 12" in done.err  # the longest training row
    facts = json.loads((tmp_path / "runs/vowels/001/manifest.json").read_text())["data"]
    assert facts["rows"] == {"train": 240, "validation": 30, "test": 370}
    scores: Any = json.loads(nntrain("eval", "--json").out)
    assert scores["metrics"]["accuracy"] >= 0.9

    test = DATASETS / "japanese-vowels-test.ts"  # its longest row has 29 steps
    lines = nntrain("predict", test).out.splitlines()[1:]
    true = [line.rsplit(":", 1)[1] for line in test.read_text().splitlines()[-370:]]
    right = np.mean([a.split(",")[1] == b for a, b in zip(lines, true, strict=True)])
    assert abs(right - scores["metrics"]["accuracy"]) < 1e-9


def test_padding_changes_no_prediction(pooling: None, nntrain: Command, tmp_path: Path) -> None:
    (tmp_path / "vowels.yaml").write_text(SERIES.replace("max_epochs: 40", "max_epochs: 2"))
    assert nntrain("fit", "vowels.yaml", "-q").code == 0
    model = read_model(tmp_path / "runs/vowels/001/model.safetensors")
    rng = np.random.default_rng(0)
    x, lengths = rng.normal(size=(50, 29, 12)).astype(np.float32), rng.integers(1, 29, 50)
    other = x.copy()
    for row, steps in enumerate(lengths):
        other[row, steps:] = 1e9
    one = predict(model, x, lengths)
    assert np.array_equal(predict(model, other, lengths), one)
    np.testing.assert_allclose(
        [predict(model, x[r : r + 1, :n])[0] for r, n in enumerate(lengths)], one, rtol=1e-5
    )


def test_smoke_and_resume_go_with_lengths(pooling: None, nntrain: Command, tmp_path: Path) -> None:
    (tmp_path / "vowels.yaml").write_text(SERIES.replace("max_epochs: 40", "max_epochs: 3"))
    assert nntrain("fit", "vowels.yaml", "--smoke").code == 0
    whole = nntrain("fit", "vowels.yaml", "-q", "-o", "whole")
    assert whole.code == 0
    loaded = load("vowels.yaml")
    experiment = loaded.experiment
    dataset = Dataset.load(
        experiment.data, loaded.data_path, "classes", 0, test_path=loaded.test_path
    )
    run = Run.start(loaded, dataset, tmp_path / "parts")
    steps = iter(["", "", "", "", "interrupted"])
    list(fit(run, lambda: next(steps)))
    assert nntrain("fit", "--resume", "parts", "-q").code == 0
    one, two = (tmp_path / name / "model.safetensors" for name in ("whole", "parts"))
    assert one.read_bytes() == two.read_bytes()
    test = dataset.parts["test"]
    assert evaluate(read_model(one), test) == evaluate(read_model(two), test)


def test_a_batch_of_series_in_parts_is_the_whole_batch(nntrain: Command) -> None:
    losses = []
    for size in (16, 5):
        words = ["--set", "trainer.max_epochs=2", "--set", f"trainer.micro_batch_size={size}"]
        words += ["--set", "expect={}", "--json"]
        done = nntrain("fit", CONFIGS / "japanese-vowels.yaml", *words)
        losses.append(json.loads(done.out)["metrics"]["test_loss"])
    assert abs(losses[0] / losses[1] - 1) < 1e-4


def test_layers_that_depend_on_the_length_are_refused(nntrain: Command, tmp_path: Path) -> None:
    (tmp_path / "vowels.yaml").write_text(SERIES.replace("mean_over_time", "flatten"))
    done = nntrain("fit", "vowels.yaml")
    assert done.code == 2
    assert "vowels.yaml:11:7: model.layers.2: series differ in length" in done.err
    assert "pool it over time" in done.err


def _with(layers: str) -> str:
    pool = "{type: global_average_pool1d}"
    return SERIES.replace("{type: mean_over_time}", f"{layers}\n    - {pool}")


PERMUTED = """\
{type: permute, dims: [2, 1]}
    - {type: activation, activation: softmax}
    - {type: permute, dims: [2, 1]}"""
TWO_WAYS = """\
type: graph
      nodes:
        a: {input: input, layers: [{type: max_pool1d}]}
        c: {input: input, layers: [{type: max_pool1d, padding: same}]}
        b: {input: [a, c], combine: add}
      outputs: b"""


@pytest.mark.parametrize(
    ("layers", "path", "told"),
    [
        ("{type: reshape, shape: [-1, 1]}", "layers.1", "behind this layer, padding can not"),
        ("{type: reshape, shape: [26, 48]}", "layers.1", "this layer fits some only: the shape"),
        (PERMUTED, "layers.1", "behind this layer, padding can not be told from steps"),
        (TWO_WAYS, "layers.1.nodes.b", "this layer fits some only: add needs equal shapes"),
    ],
    ids=["reshaped", "one length", "permuted", "two ways of rounding"],
)
def test_layers_that_do_not_take_any_length_are_refused(
    nntrain: Command, tmp_path: Path, layers: str, path: str, told: str
) -> None:
    (tmp_path / "vowels.yaml").write_text(_with(layers))
    done = nntrain("fit", "vowels.yaml")
    assert done.code == 2
    assert f"{path}: series differ in length, and {told}" in done.err


def test_learned_positions_take_series_of_any_length(nntrain: Command, tmp_path: Path) -> None:
    text = _with("{type: positional_encoding, learned: true}")
    (tmp_path / "vowels.yaml").write_text(text)
    assert nntrain("fit", "vowels.yaml", "--smoke").code == 0


def test_a_network_that_ends_with_several_axes_is_refused(nntrain: Command, tmp_path: Path) -> None:
    text = (CONFIGS / "fashion-mnist.yaml").read_text().replace("../datasets", str(DATASETS))
    (tmp_path / "a.yaml").write_text(text.replace("    - {type: flatten}\n", ""))
    done = nntrain("fit", "a.yaml")
    assert done.code == 2
    assert "the network ends with 3 × 3 × 10 outputs a row, the data needs 10" in done.err
