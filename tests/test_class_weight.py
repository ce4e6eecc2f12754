"""Class weights: numbers of PyTorch and scikit-learn, and the way from the config to the loop."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nntrain.data.batches import Batch
from nntrain.data.preprocessing import Preprocessor
from nntrain.families import Array, Loss
from nntrain.losses import BinaryCrossEntropy, CrossEntropy, Focal, Hinge, WeightedSum
from nntrain.run.model import read_model
from nntrain.run.run import Run
from nntrain.training.evaluate import evaluate
from nntrain.training.fit import fit
from nntrain.training.step import make_step
from nntrain.training.weights import shares
from tests.cases import example, over, reference
from tests.conftest import CONFIG, Command, write_points
from tests.test_run import start

NAMES = ("a", "b", "c", "d")
WITH_CLASSES: list[Loss] = [CrossEntropy(), Focal(), Hinge(), BinaryCrossEntropy()]
WEIGHTED = CONFIG.replace(
    "loss: cross_entropy", "loss: {type: cross_entropy, class_weight: {in: 3, out: 0.5}}"
).replace("    - {type: dropout, rate: 0.1}\n", "")


def weigh(loss: Loss, class_weight: Any, counts: tuple[int, ...] = ()) -> Loss:
    names = NAMES[:2] if loss.task == "binary" else NAMES
    weighted = replace(loss, class_weight=class_weight)  # type: ignore[type-var]
    return weighted.settled(names, counts)


def test_the_same_numbers_as_pytorch() -> None:
    entry = reference("pytorch")["class weights"]
    given = dict(zip(("x", "y", "z"), entry["factors"], strict=True))
    loss = CrossEntropy(class_weight=given).settled(("x", "y", "z"), ())
    target = np.array(entry["target"])
    weights = shares(loss, target, np.dtype(np.float64))
    assert weights.sum() == pytest.approx(1.0, rel=1e-15)
    value, d_prediction = loss(np.array(entry["prediction"]), target, weights)
    assert value == pytest.approx(entry["value"], rel=1e-12)
    np.testing.assert_allclose(d_prediction, entry["d_prediction"], rtol=1e-12, atol=1e-15)


@over("name", reference("sklearn", "balanced t"))
def test_balanced_is_what_scikit_learn_computes(name: str) -> None:
    entry = reference("sklearn")[name]
    counts = np.bincount(entry["target"])
    names = NAMES[: len(counts)]
    loss = CrossEntropy(class_weight="balanced").settled(names, counts.tolist())
    assert loss.class_weight == pytest.approx(dict(zip(names, entry["weights"], strict=True)))


@over("loss", WITH_CLASSES)
def test_a_weight_of_two_is_the_row_twice(loss: Loss) -> None:
    prediction, target = example(loss.task)
    if loss.task == "binary":
        prediction, target = prediction[:, :1], target[:, :1]
    loss = weigh(loss, {"b": 2.0})
    weights = shares(loss, target, prediction.dtype)
    plain = weigh(loss, None)
    twice = np.concatenate([np.arange(len(target)), np.flatnonzero(target.reshape(-1) == 1)])
    value, _ = loss(prediction, target, weights)
    expected, _ = plain(prediction[twice], target[twice], np.full(len(twice), 1 / len(twice)))
    assert len(twice) > len(target)
    assert value == pytest.approx(expected, rel=1e-13)


def test_classes_without_a_number_count_once() -> None:
    loss = weigh(CrossEntropy(), {"c": 5.0})
    factors = loss.row_weights(np.array([0, 1, 2, 3]))
    assert factors is not None
    assert factors.tolist() == [1.0, 1.0, 5.0, 1.0]


@over("loss", [*WITH_CLASSES, WeightedSum((CrossEntropy(), Focal()))])
def test_without_class_weight_all_rows_count_the_same(loss: Loss) -> None:
    _, target = example(loss.task)
    assert loss.settled(NAMES, (1, 2, 3, 4)) == loss
    assert loss.row_weights(target) is None


def test_a_class_weight_in_a_sum_counts_for_all_of_it() -> None:
    inner = CrossEntropy(class_weight={"a": 4.0})
    loss = WeightedSum((Focal(), inner)).settled(NAMES, ())
    factors = loss.row_weights(np.array([0, 1]))
    assert factors is not None
    assert factors.tolist() == [4.0, 1.0]


def test_balanced_without_counts_is_refused() -> None:
    with pytest.raises(ValueError, match="how many rows each class has"):
        weigh(CrossEntropy(), "balanced")


class TestSequences:
    """Steps instead of rows."""

    prediction = np.random.default_rng(0).normal(size=(3, 4, 4))
    target = np.array([[0, 1, 2, 3], [3, -1, -1, -1], [-1, -1, -1, -1]])
    weights = np.array([0.5, 0.25, 0.25])

    @over("loss", [CrossEntropy(), CrossEntropy(label_smoothing=0.1), Focal(), Hinge()])
    def test_what_stands_at_steps_without_a_class_counts_for_nothing(self, loss: Loss) -> None:
        value, d = loss(self.prediction, self.target, self.weights)
        other = np.where((self.target < 0)[..., None], 7.0, self.prediction)
        assert loss(other, self.target, self.weights)[0] == value
        assert not d[self.target < 0].any()
        assert d.shape == self.prediction.shape

    @over("loss", [CrossEntropy(), Focal(), Hinge()])
    def test_a_row_is_the_weighted_mean_of_its_steps(self, loss: Loss) -> None:
        loss = weigh(loss, {"a": 3.0, "d": 0.5})
        assert loss.row_weights(self.target) is None
        value, d = loss(self.prediction, self.target, self.weights)
        first = np.array([3.0, 1.0, 1.0, 0.5]) / 5.5 * 0.5
        flat, d_flat = loss(self.prediction[0], self.target[0], first)
        second, d_second = loss(self.prediction[1, :1], self.target[1, :1], np.array([0.25]))
        assert value == pytest.approx(flat + second, rel=1e-13)
        np.testing.assert_allclose(d[0], d_flat, rtol=1e-13)
        np.testing.assert_allclose(d[1, 0], d_second[0], rtol=1e-13)


def rows_of(run: Run, name: str) -> tuple[Array, Array, Array]:
    """Prediction, target, and factors 3 (in) and 0.5 (out) of all rows of a part."""
    part = run.dataset.parts[name]
    assert run.model.preprocessor.classes == ("in", "out")
    return run.model.network(part.x)[0], part.target, np.array([3.0, 0.5])[part.target]


def weighted_mean(prediction: Array, target: Array, factors: Array) -> float:
    p = np.exp(prediction.astype(np.float64))
    p /= p.sum(axis=1, keepdims=True)
    each = -np.log(p[np.arange(len(target)), target])
    return float((factors * each).sum() / factors.sum())


def test_the_losses_of_the_loop_and_of_evaluation_are_the_weighted_means(tmp_path: Path) -> None:
    run = start(write_points(tmp_path, config=WEIGHTED), tmp_path / "run")
    validation = weighted_mean(*rows_of(run, "validation"))
    found = evaluate(run.model, run.dataset.parts["validation"])
    assert found["loss"] == pytest.approx(validation, rel=1e-5)
    part = run.dataset.parts["train"]
    value = make_step(run)(Batch(part.x, part.target, None), 0, 0.0)
    assert value == pytest.approx(weighted_mean(*rows_of(run, "train")), rel=1e-5)


def test_balanced_counts_training_rows_and_travels_with_the_model(tmp_path: Path) -> None:
    text = WEIGHTED.replace("{in: 3, out: 0.5}", "balanced")
    run = start(write_points(tmp_path, config=text), tmp_path / "run")
    counts = np.bincount(run.dataset.parts["train"].target)
    expected = counts.sum() / (2 * counts)
    assert run.model.preprocessor.class_counts == tuple(counts.tolist())
    list(fit(run))
    loss = read_model(run.folder.model).loss
    assert isinstance(loss, CrossEntropy)
    assert loss.class_weight == pytest.approx({"in": expected[0], "out": expected[1]})
    facts = json.loads(run.folder.summary.read_text())
    part = run.dataset.parts["test"]
    assert evaluate(read_model(run.folder.model), part)["loss"] == pytest.approx(
        facts["metrics"]["test_loss"]
    )


def test_a_preprocessor_from_before_there_were_counts_still_loads(tmp_path: Path) -> None:
    known = start(write_points(tmp_path), tmp_path / "run").model.preprocessor
    plain = known.to_plain()
    assert Preprocessor.from_plain(plain) == known
    del plain["target"]["counts"]
    assert Preprocessor.from_plain(plain).class_counts == ()


def test_an_unknown_class_is_found_at_its_place(nntrain: Command, tmp_path: Path) -> None:
    config = write_points(tmp_path, config=WEIGHTED.replace("{in: 3,", "{inn: 3,"))
    result = nntrain("fit", config)
    assert result.code == 2
    assert "points.yaml:9:44: loss.class_weight.inn: there is no class `inn`" in result.err
    assert "did you mean `in`?" in result.err


def test_resuming_settles_the_same_weights(tmp_path: Path) -> None:
    run = start(write_points(tmp_path, config=WEIGHTED), tmp_path / "run")
    assert Run.resume(run.folder).model.experiment.loss == run.model.experiment.loss
