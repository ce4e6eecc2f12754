"""`nntrain check`: what it tells, and that wrong gradients do not get past it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nntrain.call import Call
from nntrain.config import load
from nntrain.data.dataset import Dataset
from nntrain.families import Array, Backward, Builder, Built, Shape
from nntrain.layers import Tanh
from nntrain.losses import CrossEntropy
from nntrain.run.checks import notices
from nntrain.store import Plan
from nntrain.training import gradients
from nntrain.training.gradients import check_gradients
from tests.conftest import CONFIG, Command, write_points
from tests.test_graph import wired

__all__ = ["wired"]


def slightly_wrong(self: Tanh, shape: Shape, store: Builder) -> Built:
    """tanh with a slope that is a thousandth too large."""

    def forward(x: Array, call: Call) -> tuple[Array, Backward]:
        y = np.tanh(x)
        return y, lambda dy: 1.001 * dy * (1.0 - y * y)

    return Built(forward, shape)


def wrong_in_training(self: Tanh, shape: Shape, store: Builder) -> Built:
    def forward(x: Array, call: Call) -> tuple[Array, Backward]:
        y = np.tanh(x)
        return y, lambda dy: dy if call.training else dy * (1.0 - y * y)

    return Built(forward, shape)


def wrong_loss(self: CrossEntropy, prediction: Array, target: Array, weights: Array) -> Any:
    z = prediction - prediction.max(axis=1, keepdims=True)
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    rows = np.arange(len(p))
    return float(-(weights * np.log(p[rows, target])).sum()), p * weights[:, None]


class TestCommand:
    """What people and scripts see."""

    def test_it_tells_columns_network_and_rows_and_writes_nothing(
        self, nntrain: Command, points: Path, tmp_path: Path
    ) -> None:
        before = sorted(tmp_path.iterdir())
        result = nntrain("check", points)
        assert result.code == 0
        assert "one-hot: `blue`, `red`" in result.err
        lines = [" ".join(line.split()) for line in result.out.splitlines()]
        assert any(line.startswith("layers.0 dense 8 40 64 128 ") for line in lines)
        assert "total 58 104 240" in lines
        assert "rows: train 140, validation 30, test 30" in lines
        assert sorted(tmp_path.iterdir()) == before

    def test_json_is_one_object(self, nntrain: Command, points: Path) -> None:
        result = nntrain("check", points, "--json", "--gradients")
        found = json.loads(result.out)
        assert found["rows"] == {"train": 140, "validation": 30, "test": 30}
        assert (found["inputs"], found["outputs"], found["parameters"]) == (4, 2, 58)
        assert 0 < found["layers"][0].pop("time_share") < 1
        assert found["layers"][0] == {
            "layer": "layers.0", "kind": "dense", "shape": [8], "parameters": 40,
            "flops": 64, "training_flops": 128,
        }  # fmt: skip
        assert found["notes"] == []
        assert all(row["ok"] and row["error"] < 1e-6 for row in found["gradients"])
        assert "gradients" not in json.loads(nntrain("check", points, "--json").out)

    def test_set_works_and_mistakes_have_the_codes_of_fit(
        self, nntrain: Command, points: Path, tmp_path: Path
    ) -> None:
        assert "16" in nntrain("check", points, "--set", "model.layers.0.units=16").out
        wrong = nntrain("check", points, "--set", "model.layers.0.units=-1", "--json")
        assert wrong.code == 2
        assert json.loads(wrong.out)["error"]["code"] == "config"
        assert nntrain("check", points, "--set", "model.layers.2.units=3").code == 2
        (tmp_path / "points.csv").write_text("a,b\n1\n")
        assert nntrain("check", points).code == 3
        assert nntrain("check").code == 2

    def test_right_gradients_are_a_table_and_exit_0(self, nntrain: Command, points: Path) -> None:
        result = nntrain("check", points, "--gradients", "-q")
        assert result.code == 0
        table = result.out.partition("gradient of")[2]
        for name in ("layers.0.W", "layers.0.b", "layers.2.W", "layers.2.b"):
            rows = [line.split() for line in table.splitlines() if line.startswith(name)]
            assert [row[1] for row in rows] == ["off", "on"]
            assert [row[-1] for row in rows] == ["yes", "yes"]
        assert result.out.endswith("all 9 agree\n")

    def test_wrong_gradients_exit_5(
        self, nntrain: Command, points: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(Tanh, "build", slightly_wrong)
        for options in ((), ("--json",)):
            result = nntrain("check", points, "--gradients", *options)
            assert result.code == 5
            assert "error: the gradient of layers.0.W is wrong" in result.err
        assert nntrain("check", points).code == 0  # nobody asked

    def test_a_graph_with_residual_blocks_passes(self, nntrain: Command, wired: Path) -> None:
        text = wired.read_text()
        block = "[{type: residual, repeat: 2, layers: [{type: dense, units: 6, activation: relu}]}]"
        wired.write_text(text.replace("[{type: dense, units: 6}]", block))
        result = nntrain("check", wired, "--gradients")
        assert "agree" in result.out, result.out + result.err


class TestGradients:
    """The comparison by itself."""

    def rows(self, folder: Path, text: str = CONFIG) -> dict[tuple[str, bool], bool]:
        loaded = load(write_points(folder, config=text))
        experiment = loaded.experiment
        dataset = Dataset.load(experiment.data, loaded.data_path, experiment.loss.task, 0)
        rows = check_gradients(experiment, dataset)
        return {(row.name, row.training): row.ok for row in rows}

    def test_what_is_wrong_in_training_alone_is_told_there_alone(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(Tanh, "build", wrong_in_training)
        wrong = {key for key, ok in self.rows(tmp_path).items() if not ok}
        assert wrong == {("layers.0.W", True), ("layers.0.b", True)}

    def test_a_wrong_loss_is_told_by_itself(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(CrossEntropy, "__call__", wrong_loss)
        assert not self.rows(tmp_path)["the loss, by predictions", False]

    def test_relu_at_its_kink_is_no_mistake(self, tmp_path: Path) -> None:
        text = CONFIG.replace("activation: tanh", "activation: relu, kernel_initializer: zeros")
        assert all(self.rows(tmp_path, text).values())  # without the nudge every unit is at 0

    def test_the_nudge_is_what_saves_it(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(gradients, "NUDGE", 0.0)
        text = CONFIG.replace("activation: tanh", "activation: relu, kernel_initializer: zeros")
        assert not all(self.rows(tmp_path, text).values())

    def test_large_weights_are_sampled(self, tmp_path: Path) -> None:
        loaded = load(write_points(tmp_path))
        experiment = loaded.experiment
        dataset = Dataset.load(experiment.data, loaded.data_path, experiment.loss.task, 0)
        rows = {row.name: row for row in check_gradients(experiment, dataset)}
        assert (rows["layers.0.W"].size, rows["layers.0.W"].tried) == (32, 25)
        assert (rows["layers.2.b"].size, rows["layers.2.b"].tried) == (2, 2)


def test_portions_of_a_batch_and_running_statistics_are_pointed_out(points: Path) -> None:
    experiment = load(points).experiment
    counted = Plan()
    assert notices(experiment, counted) == []
    with counted.at("layers.1"):
        counted.buffer("mean", (3,), 0.0)
    assert notices(experiment, counted) == []

    class Portions:
        """A trainer that cuts batches."""

        micro_batch_size = 8

    (note,) = notices(replace(experiment, trainer=Portions()), counted)  # type: ignore[arg-type]
    assert "`layers.1` takes the statistics of each portion by itself" in note


def test_gradients_that_are_not_finite_are_told(nntrain: Command, points: Path) -> None:
    far = "model.layers.0.kernel_initializer={type: constant, value: 1e200}"
    wide = "model.layers.2.kernel_initializer={type: constant, value: 1e200}"
    result = nntrain("check", points, "--gradients", "--json", "--set", far, "--set", wide,
                     "--set", "model.layers.0.activation=identity")  # fmt: skip
    assert result.code == 5
    assert "is not finite\n" in result.err
    rows = json.loads(result.out)["gradients"]
    assert any(row["error"] is None and not row["ok"] for row in rows)
