"""What single losses are for, from the config to the predictions."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from nntrain.losses import (
    CosineSimilarity,
    CrossEntropy,
    EuclideanDistance,
    Focal,
    Hinge,
    Huber,
    LogCosh,
    MeanAbsoluteError,
    MeanSquaredError,
    Poisson,
    Quantile,
    WeightedSum,
)
from tests.cases import example
from tests.conftest import CONFIG, Command, write_points

EQUAL = np.full(7, 1 / 7)

COUNTS = """\
data:
  path: rows.csv
  target: [u, v]
  preprocessing: {target: {scale: none}}
model: {layers: [{type: dense, units: auto}]}
loss: poisson
optimizer: {type: adam, learning_rate: 0.05}
trainer: {max_epochs: 60}
"""


def write_rows(folder: Path, config: str, targets: list[str]) -> Path:
    """rows.csv with x, which goes from -1 to 1, and targets u, v."""
    x = np.linspace(-1, 1, len(targets))
    lines = [f"{a:.4f},{target}" for a, target in zip(x, targets, strict=True)]
    (folder / "rows.csv").write_text("\n".join(["x,u,v", *lines]) + "\n")
    path = folder / "rows.yaml"
    path.write_text(config)
    return path


def predicted(nntrain: Command, folder: Path) -> np.ndarray:
    assert nntrain("predict", folder / "rows.csv", "-o", folder / "out.csv").code == 0
    with (folder / "out.csv").open() as file:
        rows = list(csv.DictReader(file))
    return np.array([[float(row["prediction_u"]), float(row["prediction_v"])] for row in rows])


def counts(rows: int = 200) -> list[str]:
    rng = np.random.default_rng(3)
    rates = np.exp(1.0 + np.linspace(-1, 1, rows))
    return [f"{u},{v}" for u, v in zip(rng.poisson(rates), rng.poisson(4.0, rows), strict=True)]


def test_poisson_predicts_expected_counts(nntrain: Command, tmp_path: Path) -> None:
    assert nntrain("fit", write_rows(tmp_path, COUNTS, counts())).code == 0
    shown = predicted(nntrain, tmp_path)
    np.testing.assert_allclose(shown[[0, 100, -1], 0], np.exp([0.0, 1.0, 2.0]), rtol=0.3)
    assert shown[:, 1].mean() == pytest.approx(4.0, rel=0.1)


def test_a_negative_count_is_named(nntrain: Command, tmp_path: Path) -> None:
    targets = counts()
    targets[41] = "2,-3"
    result = nntrain("fit", write_rows(tmp_path, COUNTS, targets))
    assert result.code == 3
    assert "rows.csv: data row 42: the target is 2, -3, expected counts of 0 or more" in result.err


def test_kl_divergence_learns_distributions(nntrain: Command, tmp_path: Path) -> None:
    share = 0.5 + 0.3 * np.linspace(-1, 1, 100)
    targets = [f"{a:.6f},{1 - a:.6f}" for a in share]
    config = COUNTS.replace("poisson", "kl_divergence")
    assert nntrain("fit", write_rows(tmp_path, config, targets)).code == 0
    shown = predicted(nntrain, tmp_path)
    np.testing.assert_allclose(shown.sum(axis=1), 1.0, rtol=1e-5)
    np.testing.assert_allclose(shown[:, 0], share, atol=0.03)


def test_shares_that_are_none_are_named(nntrain: Command, tmp_path: Path) -> None:
    targets = [f"{a:.6f},{1 - a:.6f}" for a in np.linspace(0, 1, 50)]
    targets[6] = "0.5,0.6"
    config = COUNTS.replace("poisson", "kl_divergence")
    result = nntrain("fit", write_rows(tmp_path, config, targets))
    assert result.code == 3
    assert "data row 7: the target is 0.5, 0.6, expected shares of 0 or more with" in result.err


def test_hinge_shows_shares_that_order_the_classes_as_the_scores_do(
    nntrain: Command, tmp_path: Path
) -> None:
    config = write_points(tmp_path, config=CONFIG.replace("cross_entropy", "hinge"))
    assert nntrain("fit", config).code == 0
    assert nntrain("predict", tmp_path / "points.csv", "-o", tmp_path / "out.csv").code == 0
    with (tmp_path / "out.csv").open() as file:
        for row in csv.DictReader(file):
            shares = {name: float(row[f"probability_{name}"]) for name in ("in", "out")}
            assert sum(shares.values()) == pytest.approx(1.0, abs=1e-6)
            assert row["prediction"] == max(shares, key=lambda name: shares[name])


def test_the_distance_of_the_same_point_pushes_nowhere() -> None:
    points, _ = example("numbers")
    value, d = EuclideanDistance()(points, points.copy(), EQUAL)
    assert value == 0.0
    assert not d.any()


def test_a_step_of_the_distance_has_length_one() -> None:
    prediction, target = example("numbers")
    _, d = EuclideanDistance()(prediction, target, np.ones(7))
    np.testing.assert_allclose(np.linalg.norm(d, axis=1), 1.0, rtol=1e-14)


@pytest.mark.parametrize("loss", [EuclideanDistance(), CosineSimilarity()], ids=lambda x: x.kind)
def test_sequences_of_vectors_count_by_their_steps(
    loss: EuclideanDistance | CosineSimilarity,
) -> None:
    prediction, target = example("numbers", rows=6)
    value, d = loss(prediction, target, np.full(6, 1 / 6))
    shape = (2, 3, 3)
    found, d_found = loss(prediction.reshape(shape), target.reshape(shape), np.full(2, 0.5))
    assert found == pytest.approx(value, rel=1e-14)
    np.testing.assert_allclose(d_found.reshape(6, 3), d, rtol=1e-13)


def test_vectors_of_length_zero_have_no_direction() -> None:
    prediction, target = example("numbers")
    prediction[0], target[1] = 0.0, 0.0
    value, d = CosineSimilarity()(prediction, target, np.eye(7)[0])
    assert value == 1.0
    assert not d.any()
    value, d = CosineSimilarity()(prediction, target, np.eye(7)[1])
    assert value == 1.0
    assert not d.any()


def test_limits_of_huber_and_log_cosh() -> None:
    prediction, target = example("numbers")
    squared, _ = MeanSquaredError()(prediction, target, EQUAL)
    absolute, _ = MeanAbsoluteError()(prediction, target, EQUAL)
    assert Huber(delta=100.0)(prediction, target, EQUAL)[0] == pytest.approx(squared / 2)
    small = Huber(delta=1e-6)(prediction, target, EQUAL)[0] / 1e-6
    assert small == pytest.approx(absolute, rel=1e-5)
    far, _ = LogCosh()(prediction * 1e3, target * 1e3, EQUAL)
    assert far == pytest.approx(absolute * 1e3 - np.log(2.0), rel=1e-3)


def test_log_cosh_keeps_its_digits_where_it_is_small() -> None:
    error = np.array([[1e-3], [1e-2], [0.1]], np.float32)
    for row in error[:, None]:
        value, _ = LogCosh()(row, np.zeros_like(row), np.ones(1, np.float32))
        assert value == pytest.approx(float(row[0, 0]) ** 2 / 2, rel=2e-3)


@pytest.mark.parametrize("q", [0.1, 0.5, 0.9])
def test_the_best_constant_of_the_quantile_loss_is_the_quantile(q: float) -> None:
    target = np.random.default_rng(0).normal(size=(999, 1))
    weights, places = np.full(999, 1 / 999), np.linspace(-3, 3, 601)
    losses = [Quantile(q)(np.full_like(target, place), target, weights)[0] for place in places]
    assert places[int(np.argmin(losses))] == pytest.approx(np.quantile(target, q), abs=0.03)


def test_focal_without_gamma_is_cross_entropy() -> None:
    prediction, target = example("classes")
    value, d = Focal(gamma=0.0)(prediction, target, EQUAL)
    expected, d_expected = CrossEntropy()(prediction, target, EQUAL)
    assert value == pytest.approx(expected, rel=1e-14)
    np.testing.assert_allclose(d, d_expected, rtol=1e-12, atol=1e-16)


def test_squared_hinge_of_two_classes_is_that_of_their_difference() -> None:
    scores, target = example("classes")
    scores, target = scores[:, :2], target % 2
    value, _ = Hinge(squared=True)(scores, target, EQUAL)
    ahead = (2.0 * target - 1.0) * (scores[:, 1] - scores[:, 0])
    assert value == pytest.approx(np.mean(np.maximum(0.0, 1.0 - ahead) ** 2) / 2, rel=1e-14)


def test_a_weighted_sum_is_one() -> None:
    prediction, target = example("numbers")
    parts = [MeanSquaredError()(prediction, target, EQUAL), Huber()(prediction, target, EQUAL)]
    value, d = WeightedSum((MeanSquaredError(), Huber()), (0.25, 3.0))(prediction, target, EQUAL)
    assert value == pytest.approx(0.25 * parts[0][0] + 3.0 * parts[1][0], rel=1e-14)
    np.testing.assert_allclose(d, 0.25 * parts[0][1] + 3.0 * parts[1][1], rtol=1e-14)


def test_poisson_goes_on_as_a_line_where_numbers_end() -> None:
    at, beyond = np.array([[40.0]]), np.array([[41.0]])
    zero, one = np.zeros((1, 1)), np.ones(1)
    (low, slope), (high, same) = (Poisson()(z, zero, one) for z in (at, beyond))
    assert high - low == pytest.approx(slope[0, 0], rel=1e-12)
    assert same == slope


def test_losses_in_a_sum_from_a_config(nntrain: Command, points: Path) -> None:
    sum_of_two = "{type: weighted_sum, losses: [cross_entropy, {type: focal, gamma: 1}]}"
    assert nntrain("fit", points, "--set", f"loss={sum_of_two}").code == 0
    assert nntrain("eval").code == 0
