"""Parameter groups: who is in which, where the weights lie, what moves and what does not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from nntrain.config import load
from nntrain.data.dataset import Dataset
from nntrain.errors import ConfigError
from nntrain.families import Group, Segment
from nntrain.layers import Dense, Dropout
from nntrain.network import Network
from nntrain.optimizers import Adam
from nntrain.run.checks import check_layers
from nntrain.run.run import Run
from nntrain.training.fit import fit
from tests.conftest import CONFIG, Command, write_points

LAYERS = (Dense(3), Dropout(0.5), Dense(2), Dense(4), Dense(1))  # after 2 inputs


@pytest.mark.parametrize(
    ("pattern", "name", "held"),
    [
        ("layers.1", "layers.1.W", True),
        ("layers.1", "layers.1", True),
        ("layers.1", "layers.10.W", False),
        ("layers.1*", "layers.10.W", True),
        ("layers.1", "layers.1.layers.0.W", True),
        ("layers.1.layers.0", "layers.1.layers.0.W", True),
        ("layers.1.layers.0", "layers.1.layers.1.W", False),
        ("layers.[02]", "layers.2.b", True),
        ("layers.[02]", "layers.1.b", False),
        ("Layers.1", "layers.1.W", False),
    ],
)
def test_a_group_holds_what_is_inside_its_layers(pattern: str, name: str, held: bool) -> None:
    assert Group(layers=(pattern,)).holds(name) is held


def test_a_bias_lies_behind_its_matrix() -> None:
    store = Network(LAYERS, (2,)).store
    assert list(store.weights) == [f"layers.{i}.{name}" for i in (0, 2, 3, 4) for name in "Wb"]
    assert [segment.decays for segment in store.segments] == 4 * [True, False]
    assert store.live == store.size == 34


def test_groups_lie_together_and_what_is_frozen_last() -> None:
    groups = (
        Group(layers=("layers.2",), frozen=True),
        Group(layers=("layers.[24]",), learning_rate=0.1),
    )
    store = Network(LAYERS, (2,), groups=groups).store
    order = ["0.W", "0.b", "3.W", "3.b", "4.W", "4.b", "2.W", "2.b"]
    assert list(store.weights) == [f"layers.{name}" for name in order]
    assert store.segments == [
        Segment(slice(0, 6)),
        Segment(slice(6, 9), decays=False),
        Segment(slice(9, 17)),
        Segment(slice(17, 21), decays=False),
        Segment(slice(21, 25), 2),
        Segment(slice(25, 26), 2, decays=False),
    ]
    assert store.live == 26


def test_groups_change_neither_first_weights_nor_outputs() -> None:
    groups = (Group(layers=("layers.0",), frozen=True), Group(layers=("layers.3",), weight_decay=0))
    plain, grouped = Network(LAYERS, (2,), 3), Network(LAYERS, (2,), 3, groups=groups)
    for name, W in plain.store.weights.items():
        np.testing.assert_array_equal(grouped.store.weights[name], W)
    x = np.random.default_rng(0).normal(size=(5, 2)).astype(np.float32)
    np.testing.assert_array_equal(plain(x)[0], grouped(x)[0])


def test_one_step_of_each_group() -> None:
    groups = (
        Group(layers=("layers.0",), learning_rate=0.001, weight_decay=0.5),
        Group(layers=("layers.1",), frozen=True),
    )
    adam = Adam(learning_rate=0.1, weight_decay=0.1, groups=groups)
    store = Network([Dense(2), Dense(2), Dense(2)], (2,), dtype=np.float64, groups=groups).store
    slots = {name: np.zeros_like(store.theta) for name in adam.slots()}
    update = adam.build(store.theta, store.grad, store.segments, slots)
    before = {name: W.copy() for name, W in store.weights.items()}
    store.grad[...] = 1.0
    update(1, 0.05, 1.0)  # the schedule halves all rates; Adam's first step has the length η
    moved = {name: W - before[name] for name, W in store.weights.items()}
    np.testing.assert_allclose(moved["layers.0.b"], -0.0005, rtol=1e-6)
    expected = -0.0005 - 0.0005 * 0.5 * before["layers.0.W"]
    np.testing.assert_allclose(moved["layers.0.W"], expected, rtol=1e-6)
    np.testing.assert_allclose(moved["layers.2.b"], -0.05, rtol=1e-6)
    expected = -0.05 - 0.05 * 0.1 * before["layers.2.W"]
    np.testing.assert_allclose(moved["layers.2.W"], expected, rtol=1e-6)
    assert not moved["layers.1.W"].any()
    assert not moved["layers.1.b"].any()
    assert all((slot[: store.live] != 0).all() for slot in slots.values())
    assert not any(slot[store.live :].any() for slot in slots.values())


def begin(config: Path, folder: Path, *sets: str) -> Run:
    loaded = load(config, sets)
    experiment = loaded.experiment
    task = experiment.loss.task
    dataset = Dataset.load(experiment.data, loaded.data_path, task, experiment.seed)
    return Run.start(loaded, dataset, folder)


def test_a_frozen_layer_stays_and_the_others_train(tmp_path: Path) -> None:
    groups = "optimizer.groups=[{layers: [layers.0], frozen: true}]"
    run = begin(write_points(tmp_path), tmp_path / "run", groups, "optimizer.weight_decay=0.1")
    store = run.model.network.store
    before = {name: W.copy() for name, W in store.weights.items()}
    rows = [event.row for event in fit(run) if hasattr(event, "row")]
    assert rows[-1]["train_loss"] < rows[0]["train_loss"]
    for name, W in store.weights.items():
        assert np.array_equal(W, before[name]) == name.startswith("layers.0."), name


def test_the_clip_measures_only_what_moves(tmp_path: Path) -> None:
    """A frozen layer with a huge gradient does not shorten the steps of the others."""
    config = write_points(tmp_path)
    ends = []
    for name, clip in (("free", "null"), ("clipped", "100")):
        run = begin(
            config, tmp_path / name, "optimizer={type: sgd, groups: [{layers: [layers.0], "
            "frozen: true}]}", f"trainer.gradient_clip_norm={clip}",
        )  # fmt: skip
        store = run.model.network.store
        store.weights["layers.2.W"][...] *= 1e4  # what multiplies the gradient on its way down
        store.weights["layers.0.W"][...] = 0.0
        next(event for event in fit(run) if hasattr(event, "row"))
        assert np.linalg.norm(store.gradients["layers.0.W"]) > 100
        ends.append(store.theta.copy())
    np.testing.assert_array_equal(ends[1], ends[0])


@pytest.mark.parametrize(
    ("groups", "message", "hint"),
    [
        ("[{layers: [layers.9], frozen: true}]", "there is no layer `layers.9`", "`layers.0`"),
        (
            "[{layers: [layers.0, layers.1], frozen: true}]",
            "`layers.1` (dropout) has no weights",
            "the layers with weights are `layers.0`, `layers.2`",
        ),
        ('[{layers: ["*"], frozen: true}]', "nothing to train", ""),
    ],
)
def test_groups_that_fit_no_layer_are_refused(
    points: Path, groups: str, message: str, hint: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        check_layers(load(points, [f"optimizer.groups={groups}"]), (1,))
    (problem,) = caught.value.problems
    assert message in problem.message
    assert hint in problem.hint
    assert problem.line == 1
    assert problem.path.startswith("optimizer.groups")


def test_a_group_in_a_file_is_checked_where_it_stands(nntrain: Command, tmp_path: Path) -> None:
    text = CONFIG.replace(
        "optimizer: {type: adam, learning_rate: 0.02}",
        'optimizer:\n  type: adam\n  groups:\n    - {layers: ["layer.0"], learning_rate: 1}',
    )
    done = nntrain("fit", write_points(tmp_path, config=text))
    assert done.code == 2
    assert "points.yaml:14:17: optimizer.groups.0.layers.0: there is no layer `layer.0`" in done.err
