"""By units: several processes share large dense layers otherwise, and train what one trains."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nntrain.run.folder import RunFolder
from nntrain.run.model import settled_layers
from nntrain.run.run import Run
from nntrain.threads import CAN_FORK
from nntrain.training import at_once, by_units, in_parts
from nntrain.training.chains import chain_of
from nntrain.training.fit import fit
from tests.cases import over
from tests.conftest import write_points
from tests.test_at_once import steps_of
from tests.test_run import same_files
from tests.test_team import started

pytestmark = pytest.mark.skipif(not CAN_FORK, reason="only Linux lets processes train together")

CONFIG = """\
name: points
data: {path: points.csv, target: kind, split: {validation: 0.2}}
model:
  layers:
    - {type: dense, units: 40, activation: tanh}
    - {type: dense, units: 19, activation: relu}
    - {type: dense, units: auto}
loss: cross_entropy
optimizer: {type: adam, learning_rate: 0.02}
trainer: {max_epochs: 4, batch_size: 32, checkpoint_seconds: 1000}
"""
ONE_NUMBER = ("target: kind", "target: a"), ("cross_entropy", "mean_squared_error")
CHANGES: dict[str, tuple[tuple[str, str], ...]] = {
    "nothing": (),
    "numbers": ONE_NUMBER,
    "a last layer that bends": (
        *ONE_NUMBER,
        ("auto}", "auto, activation: sigmoid}"),
        ("target: a", "target: a, preprocessing: {target: {scale: none}}"),
    ),
    "other activations": (("tanh", "sigmoid"), ("relu", "identity")),
    "no biases": (("activation: relu", "activation: relu, use_bias: false"),),
    "a frozen layer": (("adam,", "adam, groups: [{layers: [layers.0], frozen: true}],"),),
    "a whole gradient": (("batch_size", "gradient_clip_norm: 1, batch_size"),),
    "rows of other weight": (("cross_entropy", "{type: cross_entropy, class_weight: balanced}"),),
    "two layers": (("    - {type: dense, units: 19, activation: relu}\n", ""),),
}


@pytest.fixture(autouse=True)
def taken(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Every layer is large, and blocks are small; how often this way was taken."""
    monkeypatch.setattr(by_units, "LEAST", 0)
    monkeypatch.setattr(at_once, "LEAST", 0)
    monkeypatch.setattr(at_once, "ROWS", 3)
    monkeypatch.setattr(at_once, "MOST", 50)
    found, make = list[int](), by_units.line_by_units

    def seen(*given: Any) -> Any:
        found.append(1)
        return make(*given)

    monkeypatch.setattr(in_parts, "line_by_units", seen)
    return found


def config_with(tmp_path: Path, change: str = "nothing") -> Path:
    text = CONFIG
    for old, new in CHANGES[change]:
        assert old in text
        text = text.replace(old, new, 1)
    return write_points(tmp_path, config=text)


@over("change", CHANGES)
@over("workers, least", [(2, 0), (2, 50), (4, 0)])
def test_it_trains_what_one_process_trains(
    tmp_path: Path,
    change: str,
    workers: int,
    least: int,
    taken: list[int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """least: with 50 the last layer is small, and shared by its rows."""
    monkeypatch.setattr(by_units, "LEAST", least)
    config = config_with(tmp_path, change)
    found = steps_of(config, workers)
    assert taken == [1]
    for one, other in zip(steps_of(config, 1), found, strict=True):
        np.testing.assert_allclose(other, one, rtol=1e-8, atol=1e-10)


def test_where_the_bound_says_nothing_it_goes_again(
    tmp_path: Path, taken: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(at_once, "LARGEST", 0.0)
    config = config_with(tmp_path)
    for one, other in zip(steps_of(config, 1), steps_of(config, 2), strict=True):
        np.testing.assert_allclose(other, one, rtol=1e-8, atol=1e-10)
    assert taken


def test_resumed_it_ends_with_the_same_bytes(tmp_path: Path, taken: list[int]) -> None:
    config = config_with(tmp_path)
    list(fit(started(config, tmp_path / "whole")))
    words = iter([""] * 4 + ["interrupted"])
    list(fit(started(config, tmp_path / "stopped"), stop=lambda: next(words)))
    list(fit(Run.resume(RunFolder(tmp_path / "stopped"))))
    assert same_files(tmp_path / "whole", tmp_path / "stopped")
    assert taken


@over(
    "layers, suits",
    [
        ("{type: dense, units: 40, activation: tanh}, {type: dense, units: 2}", True),
        ("{type: dense, units: 40, activation: softmax}, {type: dense, units: 2}", False),
        ("{type: dense, units: 40}, {type: dropout, rate: 0.5}, {type: dense, units: 2}", False),
        ("{type: dense, units: 3}, {type: dense, units: 40}, {type: dense, units: 2}", False),
        ("{type: dense, units: 2}", False),
    ],
)
def test_it_suits_large_dense_layers(
    tmp_path: Path, layers: str, suits: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(by_units, "LEAST", 100)
    before, after = CONFIG[: CONFIG.index("  layers:")], CONFIG[CONFIG.index("loss:") :]
    config = write_points(tmp_path, config=f"{before}  layers: [{layers}]\n{after}")
    model = started(config, tmp_path / "run").model
    chain = chain_of(settled_layers(model.experiment, model.preprocessor), model.preprocessor.shape)
    assert by_units.suits_units(model, chain) == suits
