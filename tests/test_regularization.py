"""Penalties, limits and noise: each against what its formula says."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from nntrain.blocks import BLOCK
from nntrain.config.experiment import GradientNoise, Regularization, Trainer
from nntrain.families import Group
from nntrain.layers import Dense, Tanh
from nntrain.network import Network
from nntrain.rng import bits, normals
from nntrain.training.fit import fit
from nntrain.training.gradient import gradient_norm, make_noise, make_refine
from nntrain.training.regularize import make_limit, make_penalty
from tests.cases import finite_differences
from tests.conftest import write_points
from tests.test_groups import begin
from tests.test_training import NUMBERS, write_numbers

FROZEN = (Group(layers=("layers.1",), frozen=True),)


@pytest.mark.parametrize(("l1", "l2"), [(0.3, 0.0), (0.0, 0.7), (0.2, 0.5)])
def test_a_penalty_is_the_slope_of_its_formula(l1: float, l2: float) -> None:
    """λ₁ Σ |w| + ½ λ₂ Σ w² over kernels that move; biases and frozen weights are left out."""
    layers = [Dense(5, activation=Tanh()), Dense(4), Dense(2)]
    store = Network(layers, (3,), dtype=np.float64, groups=FROZEN).store
    store.weights["layers.0.b"][...] = 0.5
    kernels = [store.weights[name] for name in ("layers.0.W", "layers.2.W")]

    def penalty() -> float:
        return sum(float(l1 * np.abs(W).sum() + 0.5 * l2 * (W * W).sum()) for W in kernels)

    store.grad[...] = 2.0
    expected = finite_differences(penalty, store.theta)
    make_penalty(store, store.segments, Regularization(l1=l1, l2=l2))()
    np.testing.assert_allclose(store.grad - 2.0, expected, rtol=1e-6, atol=1e-9)


def test_a_penalty_reaches_over_blocks() -> None:
    store = Network([Dense(200)], (300,)).store
    assert store.size > BLOCK
    store.grad[...] = 0.0
    make_penalty(store, store.segments, Regularization(l2=0.5))()
    np.testing.assert_array_equal(store.gradients["layers.0.W"], 0.5 * store.weights["layers.0.W"])
    assert not store.gradients["layers.0.b"].any()


def test_coupled_l2_is_weight_decay_for_plain_descent(tmp_path: Path) -> None:
    """For sgd without momentum the two are the same up to where η λ θ is taken off."""
    config, ends = write_numbers(tmp_path), []
    for key in ("regularization.l2=0.1", "optimizer.weight_decay=0.1"):
        run = begin(config, tmp_path / key, key)
        list(fit(run))
        ends.append(run.model.network.store.theta.copy())
    np.testing.assert_allclose(ends[1], ends[0], rtol=1e-4)


def test_the_reported_loss_has_no_penalty_in_it(tmp_path: Path) -> None:
    config = write_numbers(tmp_path, NUMBERS.replace("learning_rate: 0.01", "learning_rate: 1e-12"))
    losses = []
    for name, value in (("without", "0"), ("with", "100.0")):
        run = begin(config, tmp_path / name, f"regularization.l2={value}")
        losses.append([event.row["train_loss"] for event in fit(run) if hasattr(event, "row")])
    assert losses[0] == pytest.approx(losses[1], rel=1e-6)


def test_units_with_long_weights_are_shortened_and_the_others_left() -> None:
    store = Network([Dense(3), Dense(2)], (2,), dtype=np.float64).store
    W = store.weights["layers.0.W"]
    W[...] = [[3.0, 0.3, -6.0], [4.0, 0.4, 8.0]]  # lengths 5, 0.5 and 10
    store.weights["layers.0.b"][...] = 9.0
    make_limit(store, Regularization(max_norm=2.0))()
    np.testing.assert_allclose(W, [[1.2, 0.3, -1.2], [1.6, 0.4, 1.6]], rtol=1e-14)
    assert (store.weights["layers.0.b"] == 9.0).all()


def test_a_limit_leaves_frozen_weights_alone() -> None:
    store = Network([Dense(3), Dense(2)], (2,), groups=FROZEN).store
    store.theta[...] = 7.0
    make_limit(store, Regularization(max_norm=1.0))()
    assert (store.weights["layers.1.W"] == 7.0).all()
    assert store.weights["layers.0.W"].max() < 1.0


def test_weights_are_within_the_limit_after_every_step(tmp_path: Path) -> None:
    run = begin(
        write_points(tmp_path), tmp_path / "run", "regularization.max_norm=0.7",
        "optimizer.learning_rate=0.1",
    )  # fmt: skip
    kernels = [W for name, W in run.model.network.store.weights.items() if name.endswith("W")]
    longest = []

    def measure() -> str:
        longest.append(max(np.linalg.norm(W, axis=0).max() for W in kernels))
        return ""

    list(fit(run, stop=measure))
    assert max(longest) == pytest.approx(0.7, rel=1e-5)


def test_no_number_of_a_clipped_gradient_is_larger(tmp_path: Path) -> None:
    grad = np.array([3.0, -0.2, -9.0, 0.5])
    refine = make_refine(grad, Trainer(gradient_clip_value=0.5), 0)
    assert refine(gradient_norm(grad), 0) == 1.0
    np.testing.assert_array_equal(grad, [0.5, -0.2, -0.5, 0.5])
    run = begin(
        write_numbers(tmp_path), tmp_path / "run", "trainer.gradient_clip_value=1e-4",
        "optimizer.learning_rate=1.0",
    )  # fmt: skip
    theta = run.model.network.store.theta
    seen = [theta.copy()]
    list(fit(run, stop=lambda: seen.append(theta.copy()) or ""))  # type: ignore[func-returns-value]
    moved = [np.abs(after - before).max() for before, after in pairwise(seen)]
    assert max(moved) == pytest.approx(1e-4, rel=1e-2)


def test_normal_numbers_are_normal() -> None:
    drawn = normals(bits(0, "test").random_raw(200_000), np.float32)
    assert drawn.dtype == np.float32
    assert len(drawn) == 400_000
    moments = [np.mean(drawn.astype(np.float64) ** k) for k in (1, 2, 3, 4)]
    np.testing.assert_allclose(moments, [0, 1, 0, 3], atol=0.04)
    assert abs(np.corrcoef(drawn[0::2], drawn[1::2])[0, 1]) < 0.01
    shares = [(np.abs(drawn) < k).mean() for k in (1, 2, 3)]
    np.testing.assert_allclose(shares, [0.6827, 0.9545, 0.9973], atol=0.003)


def test_normal_numbers_stay_finite_for_the_smallest_and_largest_words() -> None:
    words = np.array([0, 2**64 - 1, 2**32 - 1, 2**64 - 2**32], np.uint64)
    for dtype in (np.float32, np.float64):
        assert np.isfinite(normals(words, dtype)).all()


@pytest.mark.parametrize(("step", "variance"), [(0, 0.3), (99, 0.3 / 100**0.55)])
def test_noise_has_the_variance_of_the_formula(step: int, variance: float) -> None:
    grad = np.full(3 * BLOCK + 7, 5.0, np.float32)
    make_noise(grad, GradientNoise(eta=0.3), 1)(step)
    assert grad.mean() == pytest.approx(5.0, abs=0.01)
    assert grad.var(dtype=np.float64) == pytest.approx(variance, rel=0.03)
    assert len(np.unique(grad)) > 0.9 * len(grad)  # no block has the numbers of another


def test_noise_depends_on_seed_and_step_alone() -> None:
    noise = GradientNoise(eta=1.0)

    def drawn(seed: int, *steps: int) -> list[bytes]:
        grad = np.zeros(11, np.float32)
        add, found = make_noise(grad, noise, seed), []
        for step in steps:
            grad[...] = 0.0
            add(step)
            found.append(grad.tobytes())
        return found

    assert drawn(1, 0, 1, 2, 3) == drawn(1, 3, 2, 1, 0)[::-1]
    assert drawn(1, 3) == drawn(1, 0, 3)[1:]
    assert len({*drawn(1, 0, 1, 2, 3), *drawn(2, 0, 1, 2, 3)}) == 8


def test_noise_comes_after_clipping() -> None:
    grad = np.array([30.0, 40.0, *np.zeros(998)])
    trainer = Trainer(gradient_clip_norm=1.0, gradient_noise=GradientNoise(eta=1.0))
    assert make_refine(grad, trainer, 0)(gradient_norm(grad), 0) == 1.0
    assert grad.var() == pytest.approx(1.0, rel=0.15)
