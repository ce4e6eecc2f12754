"""Baselines: linear models as scikit-learn has them, and what a run says of them."""

from __future__ import annotations

import json
import math
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nntrain.cli.loading import load_config, load_data
from nntrain.data.dataset import Dataset
from nntrain.data.settings import Data, Features, Split
from nntrain.families import Array
from nntrain.linear import logistic, ridge
from nntrain.run.model import build_model
from nntrain.training import baselines as module
from nntrain.training.baselines import baselines
from nntrain.training.concerns import unbeaten
from tests.cases import reference
from tests.conftest import CONFIG, ROOT, Command, write_points

PENALTY = 0.01  # as in references/make_baselines.py
EXACT: dict[str, Any] = {"most_steps": 1000, "close": 1e-8}
SETS: dict[str, dict[str, Any]] = {
    "iris": {"target": "species"},
    "penguins": {"target": "species", "features": Features(exclude=("year",))},
    "auto-mpg": {"target": "mpg", "id": "name", "columns": {"origin": "categorical"}},
}


def rows_of(name: str) -> Dataset:
    path = ROOT / "datasets" / f"{name}.csv"
    data = Data(str(path), split=Split(validation=0.0, test=0.0), **SETS[name])
    return Dataset.load(data, path, "numbers" if name == "auto-mpg" else "classes", 0)


@pytest.mark.parametrize("name", ["iris", "penguins"])
def test_logistic_regression_is_that_of_scikit_learn(name: str) -> None:
    part, kept = rows_of(name).parts["train"], reference("sklearn", "baseline")[f"baseline {name}"]
    model = logistic(part.x.astype(np.float64), part.target, 3, PENALTY, **EXACT)
    np.testing.assert_allclose(
        model.probabilities(part.x[kept["rows"]]), kept["shown"], rtol=0, atol=2e-5
    )


@pytest.mark.parametrize("name", ["iris", "penguins"])
def test_two_classes_have_one_logit(name: str) -> None:
    part = rows_of(name).parts["train"]
    kept = reference("sklearn", "baseline")[f"baseline {name} of two"]
    pair = part.target < 2
    model = logistic(part.x[pair].astype(np.float64), part.target[pair], 2, PENALTY, **EXACT)
    assert model.weight.shape == (part.x.shape[1], 1)
    np.testing.assert_allclose(
        model.probabilities(part.x[kept["rows"]]), kept["shown"], rtol=0, atol=2e-5
    )


def test_ridge_is_that_of_scikit_learn() -> None:
    dataset = rows_of("auto-mpg")
    part, kept = dataset.parts["train"], reference("sklearn", "baseline")["baseline auto-mpg"]
    model = ridge(part.x.astype(np.float64), part.raw, [1.0, PENALTY])[1]
    np.testing.assert_allclose(model(part.x[kept["rows"]]), kept["shown"], rtol=1e-6)


@given(st.integers(0, 2**32 - 1), st.integers(1, 12), st.integers(2, 12))
def test_ridge_solves_its_equations(seed: int, width: int, rows: int) -> None:
    """(ZᵀZ / n + λ) W = Zᵀ(y - mean y) / n, also where there are more columns than rows."""
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(rows, width)), rng.normal(size=(rows, 2))
    model = ridge(x, y, [0.1])[0]
    z = (x - model.center) / model.scale
    left = (z.T @ z / rows + 0.1 * np.eye(width)) @ model.weight
    np.testing.assert_allclose(left, z.T @ (y - y.mean(axis=0)) / rows, atol=1e-10)


@given(st.integers(0, 2**32 - 1), st.integers(2, 4), st.integers(1, 4))
def test_nothing_is_lower_than_the_minimum(seed: int, classes: int, width: int) -> None:
    rng = np.random.default_rng(seed)
    x, target = rng.normal(size=(30, width)), rng.integers(0, classes, 30)
    weights = rng.uniform(0.1, 1.0, 30)
    model = logistic(x, target, classes, 0.1, weights)

    def loss(weight: Array, bias: Array) -> float:
        p = model._replace(weight=weight, bias=bias).probabilities(x)[np.arange(30), target]
        return float(-weights @ np.log(p) / weights.sum() + 0.05 * np.square(weight).sum())

    lowest = loss(model.weight, model.bias)
    for _ in range(20):
        moved = rng.normal(size=model.weight.shape), rng.normal(size=model.bias.shape)
        assert loss(model.weight + 0.01 * moved[0], model.bias + 0.01 * moved[1]) > lowest - 1e-9


def test_inputs_far_from_size_one_are_brought_to_it() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 3))
    target = (x[:, 0] > 0).astype(np.int64)
    plain, far = logistic(x, target, 2, 0.01), logistic(1e6 * x + 5e6, target, 2, 0.01)
    assert (far.probabilities(1e6 * x + 5e6).argmax(axis=1) == target).mean() > 0.95
    assert (plain.probabilities(x).argmax(axis=1) == target).mean() > 0.95


def test_a_weight_of_three_is_three_rows() -> None:
    rng = np.random.default_rng(0)
    x, y, target = rng.normal(size=(30, 3)), rng.normal(size=(30, 1)), rng.integers(0, 3, 30)
    weights = rng.integers(0, 4, 30)
    times = np.repeat(np.arange(30), weights)
    a, b = ridge(x, y, [0.1], weights)[0], ridge(x[times], y[times], [0.1])[0]
    np.testing.assert_allclose(a(x), b(x), atol=1e-10)
    one = logistic(x, target, 3, 0.1, weights, **EXACT)
    other = logistic(x[times], target[times], 3, 0.1, **EXACT)
    np.testing.assert_allclose(one.probabilities(x), other.probabilities(x), atol=1e-6)


def test_rows_without_weight_count_nowhere(nntrain: Command, points: Path) -> None:
    lines = Path("points.csv").read_text().splitlines()
    weighted = [f"{line},{'w' if i == 0 else 1 + i % 2}" for i, line in enumerate(lines)]
    Path("points.csv").write_text("\n".join(weighted) + "\n")
    loaded = load_config(points, ["data.weight=w"])
    dataset = load_data(loaded)
    found = baselines(build_model(loaded.experiment, dataset.preprocessor), dataset, {})
    train, test = dataset.parts["train"], dataset.parts["test"]
    assert train.weights is not None
    assert test.weights is not None
    largest = np.bincount(train.target, weights=train.weights).argmax()
    share = np.average(test.target == largest, weights=test.weights)
    assert found["scores"]["majority"]["accuracy"] == pytest.approx(share)
    assert found["scores"]["linear"]["accuracy"] is not None


def test_numbers_of_categories_have_no_linear_baseline(points: Path) -> None:
    loaded = load_config(points, ["data.preprocessing.categorical.encode=embedding"])
    dataset = load_data(loaded)
    found = baselines(build_model(loaded.experiment, dataset.preprocessor), dataset, {})
    assert list(found["scores"]) == ["majority"]
    assert "no linear baseline" in found["notes"][0]


def found_for(config: str, *sets: str) -> dict[str, Any]:
    loaded = load_config(ROOT / "configs" / f"{config}.yaml", list(sets))
    dataset = load_data(loaded)
    return baselines(build_model(loaded.experiment, dataset.preprocessor), dataset, {})


def test_the_majority_is_the_share_of_the_largest_class() -> None:
    loaded = load_config(ROOT / "configs/penguins.yaml", [])
    dataset = load_data(loaded)
    found = baselines(build_model(loaded.experiment, dataset.preprocessor), dataset, {})
    largest = np.bincount(dataset.parts["train"].target).argmax()
    share = float((dataset.parts["test"].target == largest).mean())
    assert found["scores"]["majority"]["accuracy"] == pytest.approx(share)
    assert found["scores"]["linear"]["accuracy"] > 0.97
    assert (found["split"], found["metric"], found["network"]) == ("test", "accuracy", None)


def test_two_classes_are_scored_by_the_second() -> None:
    metrics = "metrics=[accuracy, roc_auc, log_loss]"
    loaded = load_config(ROOT / "configs/titanic.yaml", [metrics])
    dataset = load_data(loaded)
    found = baselines(build_model(loaded.experiment, dataset.preprocessor), dataset, {})["scores"]
    train, test = (dataset.parts[name].target for name in ("train", "test"))
    share, true = train.mean(), test.mean()
    assert found["majority"]["accuracy"] == pytest.approx(1 - true)
    entropy = -true * np.log(share) - (1 - true) * np.log(1 - share)
    assert found["majority"]["log_loss"] == pytest.approx(entropy, rel=1e-5)
    assert found["majority"]["roc_auc"] == pytest.approx(0.5)
    assert found["linear"]["accuracy"] > 0.78
    assert found["linear"]["roc_auc"] > 0.8


def test_the_mean_explains_nothing_and_a_line_most() -> None:
    found = found_for("auto-mpg")["scores"]
    assert abs(found["mean"]["r2"]) < 0.02
    assert 0.75 < found["linear"]["r2"] < 0.9


def test_persistence_is_the_last_value() -> None:
    """The reference of data.md: RMSE 33.2 after the first 250 years."""
    found = found_for("sunspots-linear")["scores"]
    assert found["persistence"]["rmse"] == pytest.approx(33.2, abs=0.05)
    assert found["linear"]["rmse"] == pytest.approx(18.6, abs=0.3)  # AR(9) has 18.75
    assert found["mean"]["rmse"] > found["persistence"]["rmse"]


def test_one_baseline_for_each_head() -> None:
    found = found_for("penguins-heads")["scores"]
    loaded = load_config(ROOT / "configs/penguins-heads.yaml", [])
    for own in found.values():
        for head in loaded.experiment.data.targets:
            assert any(name.startswith(f"{head}_") for name in own)


def test_a_network_that_learns_its_input_has_the_mean_alone() -> None:
    assert list(found_for("digits-autoencoder")["scores"]) == ["mean"]


def test_series_of_other_lengths() -> None:
    assert found_for("japanese-vowels")["scores"]["linear"]["accuracy"] > 0.95


def test_texts_by_counting(tmp_path: Path) -> None:
    text = "aabc" * 300
    (tmp_path / "a.txt").write_text(text)
    (tmp_path / "a.yaml").write_text(
        "data: {path: a.txt, split: {validation: 0, test: 0.1}, window: {length: 20, stride: 20}}\n"
        "model: {layers: [{type: embedding, input_dim: auto, output_dim: 4}, "
        "{type: dense, units: auto}]}\n"
        "loss: cross_entropy\nmetrics: [bits_per_character]\n"
        "optimizer: {type: adam}\ntrainer: {max_epochs: 1}\n"
    )
    loaded = load_config(tmp_path / "a.yaml", [])
    dataset = load_data(loaded)
    found = baselines(build_model(loaded.experiment, dataset.preprocessor), dataset, {})
    train, test = (dataset.parts[name] for name in ("train", "test"))
    counts = Counter(train.target.reshape(-1).tolist())
    total = sum(counts.values()) + dataset.preprocessor.outputs
    answers = test.target[test.target >= 0].tolist()
    bits = -sum(math.log2((counts[token] + 1) / total) for token in answers) / len(answers)
    assert found["scores"]["unigram"]["bits_per_character"] == pytest.approx(bits, rel=1e-5)
    assert found["scores"]["bigram"]["bits_per_character"] == pytest.approx(0.5, rel=0.05)


def test_a_run_tells_its_baselines(nntrain: Command, points: Path) -> None:
    fit = nntrain("fit", points)
    assert "baselines on test, accuracy: majority " in fit.out, fit.out
    summary = json.loads(Path("runs/points/001/summary.json").read_text())
    found = summary["baselines"]
    assert found["network"] == summary["metrics"]["test_accuracy"]
    assert set(found["scores"]) == {"majority", "linear"}
    assert "baselines on test, accuracy: majority " in nntrain("runs", "show").out
    assert json.loads(nntrain("runs", "show", "--json").out)["baselines"] == found


def test_a_network_that_learned_nothing_is_told_so(nntrain: Command, tmp_path: Path) -> None:
    config = CONFIG.replace("learning_rate: 0.02", "learning_rate: 1e-9")
    fit = nntrain("fit", write_points(tmp_path, config=config))
    assert fit.code == 0
    assert "warning: the network is no better than the baseline" in fit.err + fit.out


def test_without_test_rows_validation_rows_judge_and_without_these_nothing(
    nntrain: Command, points: Path
) -> None:
    one = json.loads(nntrain("fit", points, "--set", "data.split.test=0", "--json").out)
    assert one["baselines"]["split"] == "validation"
    none = ("--set", "data.split.test=0", "--set", "data.split.validation=0")
    two = json.loads(nntrain("fit", points, *none, "--json").out)
    assert two["baselines"] == {}
    assert "baselines" not in nntrain("runs", "show").out


def test_baselines_change_no_byte_and_fail_no_run(
    nntrain: Command, points: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise MemoryError("no room")

    first = json.loads(nntrain("fit", points, "--json").out)["baselines"]
    again = json.loads(nntrain("fit", points, "--json").out)["baselines"]
    assert first == again
    monkeypatch.setattr(module, "_linear", fail)
    fit = nntrain("fit", points, "--json")
    assert fit.code == 0
    found = json.loads(fit.out)["baselines"]
    assert list(found["scores"]) == ["majority"]
    assert found["notes"] == ["the baseline `linear` failed: MemoryError: no room"]
    assert "note: the baseline `linear` failed" in nntrain("runs", "show").out
    for name in ("model.safetensors", "metrics.csv"):
        assert len({Path(f"runs/points/00{n}/{name}").read_bytes() for n in (1, 2, 3)}) == 1


def test_too_many_inputs_have_no_linear_baseline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_INPUTS", 3)
    found = found_for("iris")
    assert list(found["scores"]) == ["majority"]
    assert found["notes"] == ["no linear baseline: 4 inputs are too many for it"]


def test_many_rows_are_thinned(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = found_for("iris")["scores"]["linear"]
    monkeypatch.setattr(module, "MOST_ROWS", 60)
    assert found_for("iris")["scores"]["linear"]["accuracy"] > whole["accuracy"] - 0.1


@pytest.mark.parametrize(("ours", "worse"), [(0.5, True), (0.8, True), (0.81, False), (None, True)])
def test_as_good_is_no_better(ours: float | None, worse: bool) -> None:
    found: dict[str, Any] = {
        "split": "test", "metric": "accuracy", "network": ours, "notes": [],
        "scores": {"linear": {"accuracy": 0.8}}, "no_worse": "linear" if worse else None,
    }  # fmt: skip
    assert len(list(unbeaten(found))) == worse


def test_lower_is_better_for_errors() -> None:
    loaded = load_config(ROOT / "configs/sunspots-linear.yaml", [])
    dataset = load_data(loaded)
    model = build_model(loaded.experiment, dataset.preprocessor)
    assert baselines(model, dataset, {"test_rmse": 10.0})["no_worse"] is None
    assert baselines(model, dataset, {"test_rmse": 20.0})["no_worse"] == "linear"


def test_a_damaged_summary_hides_nothing_else(nntrain: Command, points: Path) -> None:
    nntrain("fit", points)
    path = Path("runs/points/001/summary.json")
    summary = json.loads(path.read_text())
    for broken in (7, {"scores": 3}, {"scores": {"a": 1, "b": {"accuracy": "x"}}, "notes": 5}):
        path.write_text(json.dumps({**summary, "baselines": broken}))
        shown = nntrain("runs", "show")
        assert shown.code == 0, shown.err
        assert "test_accuracy" in shown.out
