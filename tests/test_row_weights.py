"""`data.weight`: a row of weight 2 is the row twice, one of weight 0 is not there."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nntrain.config import load
from nntrain.data.batches import Batch
from nntrain.data.dataset import Dataset
from nntrain.data.parts import Part
from nntrain.families import Array
from nntrain.losses import MeanSquaredError
from nntrain.run.model import Model
from nntrain.run.run import Run
from nntrain.training.evaluate import evaluate
from nntrain.training.fit import fit
from nntrain.training.step import make_step
from nntrain.training.weights import shares
from tests.cases import METRICS, over
from tests.conftest import Command

ROWS = 60
LOSSES = {
    "classes": ("kind", "cross_entropy"),
    "weighted classes": ("kind", "{type: cross_entropy, class_weight: {in: 3}}"),
    "binary": ("two", "binary_cross_entropy"),
    "labels": ("[two, other]", "binary_cross_entropy"),
    "numbers": ("[y, z]", "mean_squared_error"),
    "heads": ("[kind, y]", "{type: heads, losses: {kind: cross_entropy, y: mean_squared_error}}"),
}
CONFIG = """\
data:
  path: rows.csv
  target: {target}
  weight: w
  features: {{include: [a, b]}}
  preprocessing: {{numeric: {{scale: none}}, target: {{scale: none}}}}
  split: {{validation: 0, test: 0}}
model:
  layers: [{{type: dense, units: 6, activation: tanh}}, {{type: dense, units: auto}}]
loss: {loss}
optimizer: {{type: sgd, learning_rate: 0.1}}
trainer: {{max_epochs: 20, batch_size: 1000{more}}}
"""


def write(folder: Path, task: str, more: str = "", *, times: bool = False) -> Path:
    """rows.csv and its config; with `times` each row stands there as often as it weighs."""
    rng = np.random.default_rng(9)
    rows: list[list[Any]] = []
    for i in range(ROWS):
        a, b, y, z = rng.normal(size=4).round(3).tolist()
        weight = int(rng.integers(0, 4))
        row = [a, b, ("in", "on", "out")[i % 3], "yn"[i % 2], "pq"[a > 0], a + y, b * z]
        rows += weight * [[*row, 1]] if times else [[*row, weight]]
    with (folder / "rows.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["a", "b", "kind", "two", "other", "y", "z", "w"], *rows])
    target, loss = LOSSES[task]
    config = folder / "rows.yaml"
    config.write_text(CONFIG.format(target=target, loss=loss, more=more))
    return config


def start(config: Path, out: Path) -> Run:
    loaded = load(config)
    experiment = loaded.experiment
    goal, seed = experiment.loss.goal, experiment.seed
    dataset = Dataset.load(experiment.data, loaded.data_path, goal, seed)
    return Run.start(loaded, dataset, out)


def twins(tmp_path: Path, task: str, more: str = "") -> tuple[Run, Run]:
    """Rows with weights, and rows as often as they weigh."""
    found = []
    for times in (False, True):
        folder = tmp_path / f"{times}"
        folder.mkdir()
        found.append(start(write(folder, task, more, times=times), folder / "run"))
    return found[0], found[1]


def same_weights(one: Run, other: Run, atol: float = 2e-5) -> None:
    a, b = one.model.network.store.theta, other.model.network.store.theta
    np.testing.assert_allclose(a, b, rtol=1e-4, atol=atol)


@over("task", list(LOSSES))
def test_a_training_with_weights_is_that_on_repeated_rows(task: str, tmp_path: Path) -> None:
    weighted, repeated = twins(tmp_path, task)
    first = weighted.model.network.store.theta.copy()
    for run in (weighted, repeated):
        list(fit(run))
    same_weights(weighted, repeated)
    assert np.abs(weighted.model.network.store.theta - first).max() > 1e-2
    one, other = weighted.progress.history[-1], repeated.progress.history[-1]
    assert one["train_loss"] == pytest.approx(other["train_loss"], rel=1e-5)


def test_in_portions_too(tmp_path: Path) -> None:
    whole, _ = twins(tmp_path, "classes")
    (tmp_path / "b").mkdir()
    cut, _ = twins(tmp_path / "b", "classes", ", micro_batch_size: 7")
    for run in (whole, cut):
        list(fit(run))
    same_weights(whole, cut)


@over("task", list(LOSSES))
def test_every_metric_of_weighted_rows_is_that_of_repeated_rows(task: str, tmp_path: Path) -> None:
    weighted, repeated = twins(tmp_path, task)
    model = all_metrics(weighted.model)
    if task not in ("labels", "heads"):
        assert len(model.scores) > 5
    one = evaluate(model, weighted.dataset.parts["train"])
    other = evaluate(model, repeated.dataset.parts["train"])
    assert one.keys() == other.keys()
    for name, value in one.items():
        assert value == pytest.approx(other[name], rel=1e-6 if name == "loss" else 1e-12), name
    assert any(abs(value - score) > 1e-3 for value, score in zip(
        one.values(), evaluate(model, unweighted(weighted)).values(), strict=True))  # fmt: skip


def all_metrics(model: Model) -> Model:
    """The same with every metric that can score its task."""
    from dataclasses import replace

    from nntrain.config import Score

    known, loss = model.preprocessor, model.loss
    if known.task == "heads":
        return model
    metrics = [
        metric.for_classes(known.classes)
        for metric in METRICS
        if metric.can_score(loss.task) and not getattr(metric, "positive", None)
    ]
    scores = tuple(Score(f"{i} {metric.name}", metric) for i, metric in enumerate(metrics))
    return replace(model, scores=scores)


def unweighted(run: Run) -> Part:
    from dataclasses import replace

    return replace(run.dataset.parts["train"], weights=None)


@over("task", list(LOSSES))
def test_a_row_of_weight_0_is_not_in_the_loss_of_its_batch(task: str, tmp_path: Path) -> None:
    first, second = (start(write(tmp_path, task), tmp_path / f"run{i}") for i in range(2))
    part = first.dataset.parts["train"]
    assert part.weights is not None
    kept = np.flatnonzero(part.weights)
    assert 0 < len(kept) < len(part)
    wild = part.x.copy()
    wild[part.weights == 0] = 1e3  # what it holds does not matter
    value = make_step(first)(Batch(wild, part.target, None, part.weights), 0, 0.1)
    few = part.take(kept)
    other = make_step(second)(Batch(few.x, few.target, None, few.weights), 0, 0.1)
    assert value == pytest.approx(other, rel=1e-6)
    np.testing.assert_allclose(
        first.model.network.store.grad, second.model.network.store.grad, rtol=1e-4, atol=1e-6
    )
    assert evaluate(first.model, part) == pytest.approx(evaluate(first.model, few), rel=1e-6)


def test_a_batch_in_which_no_row_counts_teaches_nothing(tmp_path: Path) -> None:
    run = start(write(tmp_path, "numbers"), tmp_path / "run")
    part, before = run.dataset.parts["train"], run.model.network.store.theta.copy()
    batch = Batch(part.x, part.target, None, np.zeros(len(part)))
    assert make_step(run)(batch, 0, 0.1) == 0.0
    np.testing.assert_array_equal(run.model.network.store.theta, before)
    assert batch.total == 0.0
    assert Batch(part.x, part.target, None).total == len(part)


def test_shares_are_the_same_for_any_unit_of_the_weights() -> None:
    target, weights = np.zeros((3, 1)), np.array([1.0, 0.0, 3.0])
    for unit in (1.0, 1e-30, 1e30):
        found = shares(MeanSquaredError(), target, np.dtype(np.float32), weights * unit)
        np.testing.assert_allclose(found, [0.25, 0, 0.75], rtol=1e-7)
    assert found.dtype == np.float32


@pytest.mark.parametrize("unit", [1e-37, 1.0, 1e37])
def test_scores_are_the_same_for_any_unit_of_the_weights(unit: float, tmp_path: Path) -> None:
    from dataclasses import replace

    run = start(write(tmp_path, "numbers"), tmp_path / "run")
    part = run.dataset.parts["train"]
    assert part.weights is not None
    scaled = replace(part, weights=part.weights * unit)
    assert evaluate(run.model, scaled) == pytest.approx(evaluate(run.model, part), rel=1e-6)


def weigh(folder: Path, cells: list[str]) -> None:
    """Put these weights into the first rows of rows.csv."""
    lines = (folder / "rows.csv").read_text().splitlines()
    for i, cell in enumerate(cells, start=1):
        lines[i] = f"{lines[i].rpartition(',')[0]},{cell}"
    (folder / "rows.csv").write_text("\n".join(lines) + "\n")


@pytest.mark.parametrize(
    "cell, told",
    [
        ("-0.5", "column `w`: line 3 has a number below 0"),
        ("", "column `w`: line 3 has no value"),
        ("nan", "column `w`: line 3 has no value"),
        ("much", "column `w`: line 3 has `much`, expected a number"),
        ("inf", "column `w`: line 3 has `inf`, which is not a finite number"),
    ],
)
def test_wrong_weights(cell: str, told: str, nntrain: Command, tmp_path: Path) -> None:
    config = write(tmp_path, "numbers")
    weigh(tmp_path, ["1", cell])
    done = nntrain("fit", config)
    assert done.code == 3
    assert told in done.err
    assert "rows.csv:3" in done.err


def test_parts_in_which_no_row_counts(nntrain: Command, tmp_path: Path) -> None:
    config = write(tmp_path, "numbers")
    weigh(tmp_path, ["0"] * ROWS)
    done = nntrain("fit", config)
    assert done.code == 3
    assert "every train row has the weight 0" in done.err


def test_weights_in_the_commands(nntrain: Command, tmp_path: Path) -> None:
    config = write(tmp_path, "classes")
    done = nntrain("fit", config, "-o", "run")
    assert done.code == 0, done.err
    assert "how much a row counts" in done.err
    with_weights = nntrain("eval", "run", "--data", "rows.csv", "--json")
    assert "count the same" not in with_weights.err
    rows = [line.rpartition(",")[0] for line in (tmp_path / "rows.csv").read_text().splitlines()]
    (tmp_path / "bare.csv").write_text("\n".join(rows) + "\n")
    bare = nntrain("eval", "run", "--data", "bare.csv", "--json")
    assert "note: there is no column `w`: all rows count the same" in bare.err
    assert bare.out != with_weights.out
    said = [nntrain("predict", "run", f"{name}.csv") for name in ("rows", "bare")]
    assert said[0].out == said[1].out
    assert "`w`" not in said[0].err + said[1].err
    again = nntrain("eval", "run", "--split", "train", "--json")
    assert again.code == 0


def test_a_test_file_without_the_column(nntrain: Command, tmp_path: Path) -> None:
    config = write(tmp_path, "classes")
    rows = [line.rpartition(",")[0] for line in (tmp_path / "rows.csv").read_text().splitlines()]
    (tmp_path / "bare.csv").write_text("\n".join(rows) + "\n")
    text = config.read_text().replace("test: 0", "test: 0.0").replace(
        "path: rows.csv", "path: rows.csv\n  test_path: bare.csv")  # fmt: skip
    config.write_text(text)
    assert "there is no column `w`: all rows count the same" in nntrain("check", config).err
    assert nntrain("fit", config, "--smoke").code == 0


@pytest.mark.parametrize(
    "line, told",
    [
        ("weight: kind", "`kind` is the target already"),
        ("weight: a", "`a` is the weight of rows already"),
        ("weight: nothing", "data.weight names a column that the file lacks"),
        ("sample_weight: w", "did you mean `weight`?"),
    ],
)
def test_wrong_configs(line: str, told: str, nntrain: Command, tmp_path: Path) -> None:
    config = write(tmp_path, "classes")
    config.write_text(config.read_text().replace("weight: w", line))
    done = nntrain("check", config)
    assert done.code in (2, 3)
    assert told in done.err, done.err


def test_a_window_weighs_what_its_target_weighs(tmp_path: Path) -> None:
    config = write(tmp_path, "numbers")
    text = config.read_text().replace("  weight: w", "  weight: w\n  window: {length: 3}")
    text = text.replace("layers: [", "layers: [{type: flatten}, ")
    config.write_text(text)
    part = start(config, tmp_path / "run").dataset.parts["train"]
    cells = [float(line.rpartition(",")[2]) for line in
             (tmp_path / "rows.csv").read_text().splitlines()[1:]]  # fmt: skip
    assert part.weights is not None
    assert part.weights.tolist() == np.array(cells)[part.rows].tolist()


def test_a_run_with_weights_goes_on_to_the_bit(tmp_path: Path) -> None:
    config = write(tmp_path, "classes")
    config.write_text(config.read_text().replace("batch_size: 1000", "batch_size: 7"))
    straight, stopped = (start(config, tmp_path / name) for name in ("straight", "stopped"))
    list(fit(straight))
    steps = iter(range(10**6))
    list(fit(stopped, stop=lambda: "interrupted" if next(steps) == 31 else ""))
    again = Run.resume(stopped.folder)
    list(fit(again))
    assert again.folder.model.read_bytes() == straight.folder.model.read_bytes()
    assert (
        again.folder.metrics_csv.read_text().splitlines()[-1].split(",")[3]
        == (straight.folder.metrics_csv.read_text().splitlines()[-1].split(",")[3])
    )


def test_taking_rows_takes_their_weights(tmp_path: Path) -> None:
    part = start(write(tmp_path, "classes"), tmp_path / "run").dataset.parts["train"]
    some: Array = np.array([5, 2, 9])
    assert part.weights is not None
    taken = part.take(some).weights
    assert taken is not None
    np.testing.assert_array_equal(taken, part.weights[some])
