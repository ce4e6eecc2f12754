"""At once: a block of the gradient is made and moves its weights; it ends as the ordinary step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nntrain.config import load
from nntrain.data.dataset import Dataset
from nntrain.errors import DivergedError
from nntrain.families import Array, Optimizer
from nntrain.run.folder import RunFolder
from nntrain.run.run import Run
from nntrain.threads import CAN_FORK
from nntrain.training import at_once
from nntrain.training.fit import fit
from nntrain.training.in_parts import InParts
from nntrain.training.stages import Learned, Weights
from tests.cases import OPTIMIZERS, over
from tests.conftest import write_points
from tests.test_run import same_files
from tests.test_team import STEPS, children, in_double, started, trained

pytestmark = pytest.mark.skipif(not CAN_FORK, reason="only Linux lets processes train together")

CONFIG = """\
name: points
data: {path: points.csv, target: kind, split: {validation: 0.2}}
model:
  layers:
    - {type: dense, units: 24, activation: tanh}
    - {type: dropout, rate: 0.2}
    - {type: dense, units: 16, activation: relu}
    - {type: dense, units: auto}
loss: cross_entropy
optimizer: {type: adam, learning_rate: 0.02, weight_decay: 0.01}
trainer: {max_epochs: 4, batch_size: 32, checkpoint_seconds: 1000}
"""
LAYERS = "groups: [{layers: [layers.2], frozen: true}, {layers: [layers.0], learning_rate: 0.001}]"
CHANGES: dict[str, tuple[str, str]] = {
    "nothing": ("", ""),
    "groups, one frozen": ("weight_decay", f"{LAYERS}, weight_decay"),
    "an average": ("trainer", "averaging: {type: ema, decay: 0.9}\ntrainer"),
    "a limit of length": ("trainer", "regularization: {max_norm: 1}\ntrainer"),
    "class weights": (
        "loss: cross_entropy",
        "loss: {type: cross_entropy, class_weight: balanced}",
    ),
}
OTHERS: dict[str, tuple[str, str]] = {
    "a limit of the norm": ("batch_size", "gradient_clip_norm: 1, batch_size"),
    "a limit of each number": ("batch_size", "gradient_clip_value: 0.1, batch_size"),
    "noise": ("batch_size", "gradient_noise: {eta: 0.1}, batch_size"),
    "a penalty of squares": ("trainer", "regularization: {l2: 0.01}\ntrainer"),
    "a penalty of sizes": ("trainer", "regularization: {l1: 0.01}\ntrainer"),
    "portions": ("batch_size", "micro_batch_size: 8, batch_size"),
}


@pytest.fixture(autouse=True)
def whole(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Blocks are small, so that there are many; numbers of steps that made a whole gradient."""
    monkeypatch.setattr(at_once, "LEAST", 0)
    monkeypatch.setattr(at_once, "ROWS", 3)
    monkeypatch.setattr(at_once, "MOST", 50)
    found, find = list[int](), InParts.find

    def seen(
        self: InParts, x: Array, target: Array, weights: Array, number: int, team: Any
    ) -> float:
        found.append(number)
        return find(self, x, target, weights, number, team)

    monkeypatch.setattr(InParts, "find", seen)
    return found


def config_with(tmp_path: Path, change: tuple[str, str] = ("", "")) -> Path:
    assert change[0] in CONFIG
    return write_points(tmp_path, config=CONFIG.replace(*change, 1) if change[0] else CONFIG)


def ordinary(monkeypatch: pytest.MonkeyPatch, run: Callable[[], Any]) -> Any:
    """What comes out where each step makes the whole gradient."""
    with monkeypatch.context() as patch:
        patch.setattr(at_once, "_looks_at_gradients", lambda experiment: True)
        return run()


def steps_of(config: Path, workers: int, optimizer: Optimizer | None = None) -> list[Array]:
    experiment = load(config).experiment
    path, goal = config.with_name("points.csv"), experiment.loss.goal
    dataset = Dataset.load(experiment.data, path, goal, experiment.seed)
    experiment = replace(experiment, optimizer=optimizer or experiment.optimizer)
    return trained(in_double(experiment, dataset, workers))


@over("change", CHANGES)
@over("workers", (2, 4))
def test_it_ends_as_the_ordinary_step(
    tmp_path: Path, change: str, workers: int, whole: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    config = config_with(tmp_path, CHANGES[change])
    found = steps_of(config, workers)
    assert not whole
    wanted = ordinary(monkeypatch, lambda: steps_of(config, workers))
    assert whole
    for one, other, alone in zip(wanted, found, steps_of(config, 1), strict=True):
        np.testing.assert_allclose(other, one, rtol=1e-10, atol=1e-13)
        np.testing.assert_allclose(other, alone, rtol=1e-8, atol=1e-10)


@over("optimizer", OPTIMIZERS)
def test_with_every_optimizer(
    tmp_path: Path, optimizer: Optimizer, whole: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    config = config_with(tmp_path)
    found = steps_of(config, 2, optimizer)
    assert not whole
    wanted = ordinary(monkeypatch, lambda: steps_of(config, 2, optimizer))
    for one, other in zip(wanted, found, strict=True):
        np.testing.assert_allclose(other, one, rtol=1e-8, atol=1e-10)


def test_in_single_precision(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config, runs = config_with(tmp_path), list[Run]()

    def run() -> list[Array]:
        runs.append(started(config, tmp_path / str(len(runs))))
        return trained(runs[-1])

    for one, other in zip(ordinary(monkeypatch, run), run(), strict=True):
        np.testing.assert_allclose(other, one, rtol=1e-4, atol=1e-6)


@over("change", OTHERS)
def test_what_looks_at_the_gradient_gets_it(tmp_path: Path, change: str, whole: list[int]) -> None:
    config = config_with(tmp_path, OTHERS[change])
    found = steps_of(config, 2)
    assert bool(whole) == (change != "portions")
    for one, other in zip(steps_of(config, 1), found, strict=True):
        np.testing.assert_allclose(other, one, rtol=1e-8, atol=1e-10)


def test_few_weights_move_when_all_gradients_are_there(
    tmp_path: Path, whole: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(at_once, "LEAST", 1 << 20)
    steps_of(config_with(tmp_path), 2)
    assert whole


def test_where_the_bound_says_nothing_the_norm_is_taken(
    tmp_path: Path, whole: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    config = config_with(tmp_path)
    wanted = ordinary(monkeypatch, lambda: steps_of(config, 2))
    made = [*whole]
    whole.clear()
    monkeypatch.setattr(at_once, "LARGEST", 0.0)
    for one, other in zip(wanted, steps_of(config, 2), strict=True):
        np.testing.assert_array_equal(other, one)
    assert whole == made
    assert len(made) == STEPS - 1  # the last batch of an epoch is short


def test_it_diverges_in_the_same_step_with_the_same_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = config_with(tmp_path, ("learning_rate: 0.02", "learning_rate: 1.0e+9"))
    told = list[tuple[str, int]]()

    def run() -> None:
        training = started(config, tmp_path / str(len(told)))
        with pytest.raises(DivergedError, match="training diverged in step") as caught:
            list(fit(training))
        told.append((str(caught.value), training.progress.step))

    ordinary(monkeypatch, run)
    run()
    assert told[0] == told[1]
    assert told[0][1] > 0
    assert not children()


def test_resumed_it_ends_with_the_same_bytes(tmp_path: Path, whole: list[int]) -> None:
    config = config_with(tmp_path)
    list(fit(started(config, tmp_path / "whole")))
    words = iter([""] * 4 + ["interrupted"])
    list(fit(started(config, tmp_path / "stopped"), stop=lambda: next(words)))
    list(fit(Run.resume(RunFolder(tmp_path / "stopped"))))
    assert same_files(tmp_path / "whole", tmp_path / "stopped")
    assert not whole


# the bound, and the blocks


@given(
    rows=st.integers(1, 9),
    widths=st.lists(st.integers(1, 7), min_size=2, max_size=4),
    large=st.sampled_from([1.0, 1e9, 1e30]),
    seed=st.integers(0, 99),
)
def test_no_gradient_is_longer_than_its_bound(
    rows: int, widths: list[int], large: float, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    learned, square = list[Learned](), 0.0
    for inputs, units in pairwise(widths):
        x, dz = (large * rng.normal(size=(rows, n)) for n in (inputs, units))
        dW = np.empty((inputs, units))
        learned.append(Learned(np.asfortranarray(x), Weights(dW, dW, None, None), dz))
        square += float(((x.T @ dz) ** 2).sum() + (dz.sum(axis=0) ** 2).sum())
    sizes = [at_once._sizes(learned, _seat(rank, 3)) for rank in range(3)]
    entered, left = (sum(each) for each in zip(*sizes, strict=True))
    assert square <= (entered + rows) * left * (1 + 1e-12)


def _seat(rank: int, size: int) -> Any:
    from nntrain.team import Team

    team = Team()
    team.rank, team.size = rank, size
    return team


@given(
    shapes=st.lists(st.tuples(st.integers(1, 40), st.integers(1, 30)), min_size=1, max_size=4),
    most=st.integers(1, 300),
    size=st.integers(1, 4),
)
def test_blocks_are_all_of_a_part_once(shapes: list[tuple[int, int]], most: int, size: int) -> None:
    grad = np.zeros(sum(height * width for height, width in shapes))
    matrices, at = list[Array](), 0
    for height, width in shapes:
        matrices.append(grad[at : at + height * width].reshape(height, width))
        at += height * width
    most = max(most, 3 * max(width for _, width in shapes))
    for rank in range(size):
        part = _seat(rank, size).part(len(grad))
        blocks = at_once._blocks(part, grad, matrices, most)
        assert [block.start for block in blocks] == [part.start, *(b.stop for b in blocks[:-1])]
        assert blocks[-1].stop == part.stop
        assert all(0 <= block.stop - block.start <= 2 * most for block in blocks)
