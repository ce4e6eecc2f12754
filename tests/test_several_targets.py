"""Several targets of one network: labels of two classes, and heads with losses of their own."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nntrain.config import load, parse, resolved, scores
from nntrain.data.dataset import Dataset
from nntrain.data.parts import Part
from nntrain.data.preprocessing import Preprocessor
from nntrain.data.reading import read
from nntrain.data.settings import Data, Split
from nntrain.data.several import Several
from nntrain.errors import ConfigError, DataError, MachineError
from nntrain.heads import Heads
from nntrain.layers import Dense, Tanh
from nntrain.losses import BinaryCrossEntropy, CrossEntropy, MeanSquaredError
from nntrain.network import Network
from nntrain.run.checks import check_outputs
from nntrain.run.model import build_model, read_model
from nntrain.run.run import Run
from nntrain.training import evaluate as evaluation
from nntrain.training.evaluate import evaluate, predict
from nntrain.training.fit import fit
from tests.cases import assert_same_slope, finite_differences
from tests.conftest import ROOT, Command

TASKS = {"species": "classes", "body_mass_g": "numbers", "sex": "binary"}
HEADS = """\
data:
  path: {data}
  target: [species, body_mass_g, sex]
  features: {{exclude: [year]}}
model:
  layers:
    - {{type: dense, units: 32, activation: relu}}
    - {{type: dense, units: auto}}
loss:
  type: heads
  losses: {{body_mass_g: mean_squared_error, species: cross_entropy, sex: binary_cross_entropy}}
  weights: {{body_mass_g: 0.5}}
optimizer: {{type: adam, learning_rate: 0.01}}
trainer: {{max_epochs: 30}}
early_stopping: {{monitor: validation_body_mass_g_r2, patience: 30}}
expect: {{test_species_accuracy: ">= 0.9", test_body_mass_g_r2: ">= 0.6"}}
"""
LABELS = """\
data:
  path: {data}
  target: [survived, sex]
  id: name
model:
  layers:
    - {{type: dense, units: 16, activation: relu}}
    - {{type: dense, units: auto}}
loss: binary_cross_entropy
optimizer: {{type: adam, learning_rate: 0.01}}
metrics: [accuracy, f1, roc_auc]
trainer: {{max_epochs: 20}}
"""


def write(folder: Path, config: str, data: str) -> Path:
    path = folder / "several.yaml"
    path.write_text(config.format(data=ROOT / "datasets" / data), encoding="utf-8")
    return path


def dataset(config: Path) -> tuple[Any, Dataset]:
    loaded = load(config)
    experiment = loaded.experiment
    found = Dataset.load(experiment.data, loaded.data_path, experiment.loss.goal, experiment.seed)
    return loaded, found


def table(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_heads_from_the_command_line(nntrain: Command, tmp_path: Path) -> None:
    config = write(tmp_path, HEADS, "penguins.csv")
    done = nntrain("fit", config, "--json")
    assert done.code == 0, done.err  # the gates are met
    summary = json.loads(done.out)
    names = [
        "loss", "species_accuracy", "body_mass_g_rmse", "body_mass_g_r2", "sex_accuracy",
    ]  # fmt: skip
    assert list(summary["metrics"]) == [
        f"{split}_{score}" for split in ("train", "validation", "test") for score in names
    ]
    header = (tmp_path / "runs/several/001/metrics.csv").read_text().splitlines()[0]
    assert header.endswith(",".join(f"validation_{score}" for score in names))

    measured = json.loads(nntrain("eval", "--json", "--fail-under", "species_accuracy=0.9").out)
    assert list(measured["metrics"]) == names
    for score in names:
        assert measured["metrics"][score] == summary["metrics"][f"test_{score}"]
    shown = nntrain("eval").out
    assert "species:\ntrue \\ predicted" in shown
    assert "sex:\ntrue \\ predicted" in shown

    rows = table(nntrain("predict", ROOT / "datasets" / "penguins.csv").out)
    assert list(rows[0]) == [
        "row", "prediction_species", "probability_species_Adelie",
        "probability_species_Chinstrap", "probability_species_Gentoo", "prediction_body_mass_g",
        "prediction_sex", "probability_sex_female", "probability_sex_male",
    ]  # fmt: skip
    true = table((ROOT / "datasets" / "penguins.csv").read_text())
    pairs = list(zip(rows, true, strict=True))
    assert np.mean([row["prediction_species"] == t["species"] for row, t in pairs]) > 0.9
    errors = [
        float(row["prediction_body_mass_g"]) - float(t["body_mass_g"])
        for row, t in pairs
        if t["body_mass_g"]
    ]
    assert np.abs(errors).mean() < 400  # grams
    for row in rows:
        whole = sum(float(row[f"probability_species_{name}"]) for name in
                    ("Adelie", "Chinstrap", "Gentoo"))  # fmt: skip
        assert whole == pytest.approx(1, abs=1e-5)


def test_labels_from_the_command_line(nntrain: Command, tmp_path: Path) -> None:
    config = write(tmp_path, LABELS, "titanic.csv")
    done = nntrain("fit", config, "--json")
    assert done.code == 0, done.err
    summary = json.loads(done.out)["metrics"]
    assert summary["test_accuracy"] > 0.65
    assert summary["test_roc_auc"] > 0.65
    rows = table(nntrain("predict", ROOT / "datasets" / "titanic.csv").out)
    assert list(rows[0]) == [
        "name", "prediction_survived", "probability_survived", "prediction_sex", "probability_sex",
    ]  # fmt: skip
    true = table((ROOT / "datasets" / "titanic.csv").read_text())
    right = [
        np.mean([row[f"prediction_{name}"] == t[name] for row, t in zip(rows, true, strict=True)])
        for name in ("survived", "sex")
    ]
    together = [summary[f"{split}_accuracy"] for split in ("train", "validation", "test")]
    assert min(together) <= np.mean(right) <= max(together)
    for row in rows:
        assert (float(row["probability_survived"]) > 0.5) == (row["prediction_survived"] == "1")
        assert (float(row["probability_sex"]) > 0.5) == (row["prediction_sex"] == "male")
    shown = nntrain("eval").out
    assert "survived:\n" in shown


def test_heads_survive_the_way_through_yaml(tmp_path: Path) -> None:
    path = write(tmp_path, HEADS, "penguins.csv")
    experiment = load(
        path, ["loss.weights.species=2.0", "metrics=[accuracy, r2, {type: top_k, k: 2}]"]
    ).experiment
    assert parse(resolved(experiment), "resolved") == experiment
    assert isinstance(experiment.loss, Heads)
    assert experiment.loss.weights == {"body_mass_g": 0.5, "species": 2.0}


def test_a_run_with_heads_goes_on_to_the_bit(nntrain: Command, tmp_path: Path) -> None:
    config = write(tmp_path, HEADS, "penguins.csv")
    short = ("--set", "expect={}", "--set", "trainer.max_epochs=4")
    assert nntrain("fit", config, *short, "-o", "whole").code == 0
    folder = tmp_path / "stopped"
    loaded = load(config, [short[1], short[3]])
    settings, goal = loaded.experiment.data, loaded.experiment.loss.goal
    found = Dataset.load(settings, loaded.data_path, goal, loaded.experiment.seed)
    steps = iter(range(100))
    list(fit(Run.start(loaded, found, folder), lambda: "interrupted" if next(steps) > 11 else ""))
    assert nntrain("fit", "--resume", folder).code == 0
    for name in ("metrics.csv", "model.safetensors"):
        assert (folder / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_a_metric_of_two_classes_measures_the_heads_of_two_classes(tmp_path: Path) -> None:
    loaded = load(write(tmp_path, HEADS, "penguins.csv"), ["metrics=[f1, r2, accuracy]"])
    experiment = loaded.experiment
    found = scores(experiment.data, experiment.loss, experiment.metrics)
    assert [score.name for score in found] == [
        "species_accuracy", "body_mass_g_r2", "sex_f1", "sex_accuracy",
    ]  # fmt: skip


def test_a_smoke_test_of_heads(nntrain: Command, tmp_path: Path) -> None:
    assert nntrain("fit", write(tmp_path, HEADS, "penguins.csv"), "--smoke").code == 0


def test_scores_of_heads_are_those_of_each_target_whatever_the_blocks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded, found = dataset(write(tmp_path, HEADS, "penguins.csv"))
    model, part = build_model(loaded.experiment, found.preprocessor), found.parts["train"]
    shown = predict(model, part.x)  # 3 of the species, 1 of the mass, 1 of the sex
    chosen = shown[:, :3].argmax(axis=1)
    logits, _ = model.network(part.x)
    rows, targets = np.arange(len(part)), part.target.astype(np.float64)
    z = logits.astype(np.float64)
    p = np.exp(z[:, :3]) / np.exp(z[:, :3]).sum(axis=1, keepdims=True)
    given = 1 / (1 + np.exp(-z[:, 4] * (2 * targets[:, 2] - 1)))
    by_hand = {
        "loss": -np.log(p[rows, targets[:, 0].astype(int)]).mean()
        + 0.5 * np.square(z[:, 3] - targets[:, 1]).mean()
        - np.log(given).mean(),
        "species_accuracy": (chosen == part.raw[:, 0]).mean(),
        "body_mass_g_rmse": np.sqrt(np.square(shown[:, 3] - part.raw[:, 1]).mean()),
        "body_mass_g_r2": 1 - np.square(shown[:, 3] - part.raw[:, 1]).sum()
        / np.square(part.raw[:, 1] - part.raw[:, 1].mean()).sum(),
        "sex_accuracy": ((shown[:, 4] > 0.5) == part.raw[:, 2]).mean(),
    }  # fmt: skip
    for size in (evaluation.BLOCK_BYTES, 1):
        monkeypatch.setattr(evaluation, "BLOCK_BYTES", size)
        assert evaluate(model, part) == pytest.approx(by_hand, rel=1e-5)


LOSSES = {"a": CrossEntropy(), "b": MeanSquaredError(), "c": BinaryCrossEntropy()}
FACTORS = {"a": 0.25, "b": 3.0, "c": 1.0}


def joint() -> Heads:
    weights = {name: factor for name, factor in FACTORS.items() if factor != 1}
    return Heads(losses=LOSSES, weights=weights).for_outputs({"a": 3, "b": 1, "c": 1})


def rows_of_heads() -> tuple[Any, Any, Any]:
    rng = np.random.default_rng(7)
    target = np.column_stack(
        [rng.integers(0, 3, 12), rng.normal(size=12), rng.integers(0, 2, 12)]
    ).astype(np.float64)
    return rng.normal(size=(12, 4)), target, np.full(12, 1 / 12)


def test_heads_train_a_network_as_the_sum_of_their_losses_does() -> None:
    x, target, weights = rows_of_heads()
    network = Network([Dense(6, activation=Tanh()), Dense(5)], (4,), dtype=np.float64)
    prediction, backward = network(x)
    value, d_prediction = joint()(prediction, target, weights)
    backward(d_prediction)
    together = network.store.grad.copy()

    parts = {"a": (slice(0, 3), target[:, 0].astype(int)), "b": (slice(3, 4), target[:, [1]]),
             "c": (slice(4, 5), target[:, [2]])}  # fmt: skip
    total, summed = 0.0, np.zeros_like(together)
    for name, (outputs, true) in parts.items():
        one, d_one = LOSSES[name](prediction[:, outputs], true, weights)
        d = np.zeros_like(prediction)
        d[:, outputs] = FACTORS[name] * d_one
        _, backward = network(x)
        backward(d)
        total += FACTORS[name] * one
        summed += network.store.grad
    assert value == pytest.approx(total, rel=1e-12)
    np.testing.assert_allclose(together, summed, rtol=1e-12, atol=1e-15)


def test_the_gradient_of_a_network_with_heads_by_finite_differences() -> None:
    x, target, weights = rows_of_heads()
    network = Network([Dense(6, activation=Tanh()), Dense(5)], (4,), dtype=np.float64)
    loss = joint()
    prediction, backward = network(x)
    backward(loss(prediction, target, weights)[1])
    expected = finite_differences(
        lambda: loss(network(x)[0], target, weights)[0], network.store.theta
    )
    assert_same_slope(network.store.grad, expected)


def test_the_link_of_heads_is_that_of_each() -> None:
    z = np.random.default_rng(8).normal(size=(4, 5))
    shown = joint().link(z)
    np.testing.assert_array_equal(shown[:, :3], CrossEntropy().link(z[:, :3]))
    np.testing.assert_array_equal(shown[:, 3], z[:, 3])
    np.testing.assert_array_equal(shown[:, 4:], BinaryCrossEntropy().link(z[:, 4:]))


def test_the_order_of_heads_is_that_of_the_targets(tmp_path: Path) -> None:
    loaded, found = dataset(write(tmp_path, HEADS, "penguins.csv"))
    model = build_model(loaded.experiment, found.preprocessor)
    assert list(getattr(model.loss, "widths", {}).items()) == [
        ("species", 3), ("body_mass_g", 1), ("sex", 1),
    ]  # fmt: skip
    assert found.preprocessor.outputs == 5
    assert model.network.shape == (5,)


def test_several_targets_survive_the_way_through_json(tmp_path: Path) -> None:
    for config, data in ((HEADS, "penguins.csv"), (LABELS, "titanic.csv")):
        _, found = dataset(write(tmp_path, config, data))
        known = found.preprocessor
        plain = json.loads(json.dumps(known.to_plain()))
        assert Preprocessor.from_plain(plain) == known
        part = found.parts["train"]
        assert part.target.dtype == np.float32
        assert part.raw.dtype == np.float64
        assert part.target.shape == part.raw.shape == (len(part), len(known.targets))


@pytest.mark.parametrize(
    "damage",
    [
        {"parts": []},
        {"parts": None},
        {"kind": "several", "more": 1},
        {"parts": [{"kind": "several", "parts": []}] * 2},
        {"parts": [{"kind": "classes", "name": "a", "classes": ["1", "2"], "binary": True}] * 2},
        {"parts": [{"kind": "classes", "name": "a", "classes": ["1"], "binary": True},
                   {"kind": "classes", "name": "b", "classes": ["1", "2"], "binary": True}]},
        {"parts": [{"kind": "classes", "name": "a", "classes": ["1", "2"], "binary": False},
                   {"kind": "classes", "name": "b", "classes": ["1", "2"], "binary": True}]},
    ],
)  # fmt: skip
def test_damaged_targets(tmp_path: Path, damage: dict[str, Any]) -> None:
    _, found = dataset(write(tmp_path, LABELS, "titanic.csv"))
    plain = found.preprocessor.to_plain()
    plain["target"] |= damage
    with pytest.raises(MachineError, match="damaged"):
        Preprocessor.from_plain(plain)


def rows_file(folder: Path, rows: list[str]) -> Path:
    path = folder / "rows.csv"
    path.write_text("\n".join(["x,a,b", *rows]) + "\n", encoding="utf-8")
    return path


def test_a_row_without_one_of_the_targets_is_left_out(tmp_path: Path) -> None:
    rows = [f"{i},{'' if i == 3 else i % 2},{'' if i == 5 else i / 7}" for i in range(40)]
    path = rows_file(tmp_path, rows)
    goal = {"a": "binary", "b": "numbers"}
    found = Dataset.load(Data(path="", target=("a", "b")), path, goal, 0)  # type: ignore[arg-type]
    seen = sorted(row for part in found.parts.values() for row in part.rows.tolist())
    assert seen == [i for i in range(40) if i not in (3, 5)]
    assert any("2 of 40 rows" in note for note in found.notes)


def test_a_split_keeps_combinations_of_classes_together(tmp_path: Path) -> None:
    rows = [f"{i},{i % 2},{(i // 2) % 3 == 0:d}" for i in range(240)]
    path = rows_file(tmp_path, rows)
    data = Data(path="", target=("a", "b"), split=Split(validation=0.25, test=0.25))
    found = Dataset.load(data, path, "binary", 0)
    for part in found.parts.values():
        pairs = part.raw[:, 0] * 2 + part.raw[:, 1]
        shares = np.bincount(pairs.astype(int), minlength=4) / len(part)
        np.testing.assert_allclose(shares, [1 / 3, 1 / 6, 1 / 3, 1 / 6], atol=0.01)


def test_rare_combinations_do_not_cut_the_groups_finer(tmp_path: Path) -> None:
    rows = [f"{i},{i % 2},{i == 7:d}" for i in range(60)]
    table = read(Data(path="", target=("a", "b")), rows_file(tmp_path, rows))
    settings = Data(path="", target=("a", "b"))
    target = Several.learn(table, settings, {"a": "binary", "b": "binary"})
    np.testing.assert_array_equal(target.groups(table), np.arange(60) % 2)


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        (lambda i: f"{i % 2},{i % 3}", "target `b` has 3 classes"),
        (lambda i: f"{i % 2},1", "target `b` is `1` in every row"),
        (lambda i: f",{i % 2}", "no row has a value in `a`, `b`"),
    ],
)
def test_labels_that_can_not_be_learned(tmp_path: Path, cells: Any, message: str) -> None:
    path = rows_file(tmp_path, [f"{i},{cells(i)}" for i in range(30)])
    with pytest.raises(DataError, match=message):
        Dataset.load(Data(path="", target=("a", "b")), path, "binary", 0)


def test_a_head_of_numbers_wants_numbers(tmp_path: Path) -> None:
    path = rows_file(tmp_path, [f"{i},{i % 2},word{i % 2}" for i in range(30)])
    goal = {"a": "binary", "b": "numbers"}
    with pytest.raises(DataError, match="`b`"):
        Dataset.load(Data(path="", target=("a", "b")), path, goal, 0)  # type: ignore[arg-type]


def test_a_last_layer_of_the_wrong_width_is_told_what_the_targets_need(tmp_path: Path) -> None:
    config = write(tmp_path, HEADS, "penguins.csv")
    loaded = load(config, ["model.layers.1.units=4"])
    _, found = dataset(config)
    with pytest.raises(ConfigError) as caught:
        check_outputs(loaded, found.preprocessor)
    problem = caught.value.problems[0]
    assert problem.path == "model.layers.1.units"
    assert problem.hint.startswith("the targets need `species` 3, `body_mass_g` 1, `sex` 1")


def test_a_class_that_the_target_does_not_have(nntrain: Command, tmp_path: Path) -> None:
    text = (ROOT / "configs" / "penguins.yaml").read_text(encoding="utf-8")
    text = text.replace("../datasets", str(ROOT / "datasets"))
    text = text.replace("[accuracy]", "[accuracy, {type: f1, positive: Adely}]")
    (tmp_path / "a.yaml").write_text(text, encoding="utf-8")
    done = nntrain("fit", "a.yaml")
    assert done.code == 2
    assert "metrics.1.positive: the target has no class `Adely`" in done.err
    assert "did you mean `Adelie`?" in done.err


def test_more_classes_than_there_are(nntrain: Command, tmp_path: Path) -> None:
    text = (ROOT / "configs" / "penguins.yaml").read_text(encoding="utf-8")
    text = text.replace("../datasets", str(ROOT / "datasets"))
    (tmp_path / "a.yaml").write_text(text.replace("[accuracy]", "[top_k]"), encoding="utf-8")
    done = nntrain("fit", "a.yaml", "--set", "expect={}")
    assert done.code == 2
    assert "metrics.0: `top_5` is 1 whatever is predicted: there are 3 classes" in done.err


def test_a_class_without_training_rows_is_told_with_its_target(tmp_path: Path) -> None:
    path = rows_file(tmp_path, [f"{i},{i % 2},{'rare' if i == 3 else i % 3}" for i in range(30)])
    data = Data(path="", target=("a", "b"), split=Split(validation=0.5, stratify=False))
    goal: Any = {"a": "binary", "b": "classes"}
    lost = 0
    for seed in range(6):
        try:
            Dataset.load(data, path, goal, seed)
        except DataError as error:
            lost += 1
            assert "no training row has the class `rare` of `b`" in str(error)
    assert lost


def test_a_score_of_one_class(nntrain: Command, tmp_path: Path) -> None:
    text = (ROOT / "configs" / "penguins.yaml").read_text(encoding="utf-8")
    text = text.replace("../datasets", str(ROOT / "datasets"))
    text = text.replace("[accuracy]", "[{type: recall, positive: Gentoo}]")
    text = text.replace("test_accuracy", "test_recall_Gentoo")
    (tmp_path / "a.yaml").write_text(text, encoding="utf-8")
    done = nntrain("fit", "a.yaml", "--set", "early_stopping.monitor=validation_recall_Gentoo")
    assert done.code == 0, done.err
    model = read_model(tmp_path / "runs" / "penguins" / "001" / "model.safetensors")
    table = read(model.experiment.data, ROOT / "datasets" / "penguins.csv")
    part = Part.from_table(table, model.preprocessor)
    gentoo = part.target == 2
    found = predict(model, part.x).argmax(axis=1)
    assert evaluate(model, part)["recall_Gentoo"] == (found[gentoo] == 2).mean()


def test_names_of_classes_may_hold_anything(nntrain: Command, tmp_path: Path) -> None:
    rng = np.random.default_rng(9)
    lines = [f"{a:.3f},{'b, c=1' if a > 0 else 'd'}" for a in rng.normal(size=60)]
    text = "\n".join(["x,kind", *(line.replace("b, c=1", '"b, c=1"') for line in lines)])
    (tmp_path / "rows.csv").write_text(text + "\n", encoding="utf-8")
    config = (
        "data: {path: rows.csv, target: kind}\nmodel: {layers: [{type: dense, units: auto}]}\n"
        'loss: cross_entropy\nmetrics: [{type: f1, positive: "b, c=1"}]\ntrainer: {max_epochs: 2}\n'
    )
    (tmp_path / "a.yaml").write_text(config, encoding="utf-8")
    assert nntrain("fit", "a.yaml").code == 0
    rows = table((tmp_path / "runs" / "a" / "001" / "metrics.csv").read_text())
    assert "validation_f1_b, c=1" in rows[0]
    assert nntrain("eval", "--fail-under", "f1_b, c=1=0").code == 0
    assert None not in rows[0].values()
