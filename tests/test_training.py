"""Training: the loop's promises, each against something worked out by hand."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from nntrain import threads
from nntrain.call import Call
from nntrain.errors import DivergedError
from nntrain.events import Began, Ended, EpochEnded, Stepped
from nntrain.families import Array, Backward
from nntrain.run.folder import RunFolder
from nntrain.run.model import read_model
from nntrain.run.run import Run
from nntrain.training import evaluate as evaluation
from nntrain.training import pace, step
from nntrain.training.backpropagate import closures
from nntrain.training.evaluate import confusions, evaluate, predict
from nntrain.training.fit import fit
from nntrain.training.gates import failures
from tests.conftest import CONFIG, Command, write_points
from tests.test_run import start

NUMBERS = """\
data:
  path: numbers.csv
  target: y
  preprocessing: {numeric: {scale: none}, target: {scale: none}}
  split: {validation: 0, test: 0}
model: {layers: [{type: dense, units: 3}, {type: dense, units: auto}]}
loss: mean_squared_error
optimizer: {type: sgd, learning_rate: 0.01}
trainer: {max_epochs: 2, batch_size: 8}
"""


def write_numbers(folder: Path, config: str = NUMBERS, odd: str = "") -> Path:
    """24 rows y = x / 10; `odd` replaces the x of data row 14."""
    lines = [f"{odd if odd and i == 13 else i / 24},{i / 240}" for i in range(24)]
    (folder / "numbers.csv").write_text("\n".join(["x,y", *lines]) + "\n")
    path = folder / "numbers.yaml"
    path.write_text(config)
    return path


def test_the_guard_stops_before_the_update_and_names_step_layer_and_row(tmp_path: Path) -> None:
    run = start(write_numbers(tmp_path, odd="3e38"), tmp_path / "run")
    theta = run.model.network.store.theta
    seen = [theta.copy()]
    with pytest.raises(DivergedError) as caught:
        for _ in fit(run, stop=lambda: seen.append(theta.copy()) or ""):  # type: ignore[func-returns-value]
            pass
    assert np.array_equal(theta, seen[-1]), "the step that diverged moved the weights"
    assert np.isfinite(theta).all()
    message = str(caught.value)
    assert f"step {len(seen)} (epoch 1)" in message
    assert "the loss is not finite" in message or "layers." in message
    assert "for data row 14" in message
    assert json.loads(run.folder.summary.read_text())["status"] == "diverged"


def test_a_layer_that_overflows_is_named(tmp_path: Path) -> None:
    run = start(write_numbers(tmp_path), tmp_path / "run")
    run.model.network.store.weights["layers.1.W"][:] = 3e38
    run.model.network.store.weights["layers.0.b"][:] = 3e38
    with pytest.raises(DivergedError, match=r"the output of layers\.1 \(dense\) is not finite"):
        list(fit(run))


def test_divergence_leaves_the_checkpoint_before_it(tmp_path: Path) -> None:
    text = NUMBERS.replace("batch_size: 8", "batch_size: 8, checkpoint_seconds: 0")
    run = start(write_numbers(tmp_path, text, odd="3e38"), tmp_path / "run")
    with pytest.raises(DivergedError):
        list(fit(run))
    if run.progress.step:
        again = Run.resume(RunFolder(tmp_path / "run"))
        assert again.progress.step == run.progress.step


def test_plain_gradient_descent_is_what_the_formula_says(tmp_path: Path) -> None:
    text = NUMBERS.replace("batch_size: 8", "batch_size: 24")
    text = text.replace("{type: dense, units: 3}, ", "").replace("max_epochs: 2", "max_epochs: 5")
    run = start(write_numbers(tmp_path, text), tmp_path / "run")
    part, store = run.dataset.parts["train"], run.model.network.store
    x, y = part.x[:, 0].astype(float), part.target[:, 0].astype(float)
    w, b = float(store.theta[0]), float(store.theta[1])
    losses = []
    for _ in range(5):
        error = w * x + b - y
        losses.append(np.mean(error**2))
        w, b = w - 0.01 * np.mean(2 * error * x), b - 0.01 * np.mean(2 * error)
    rows = [event.row for event in fit(run) if isinstance(event, EpochEnded)]
    assert [row["train_loss"] for row in rows] == pytest.approx(losses, rel=1e-5)
    assert store.theta.tolist() == pytest.approx([w, b], rel=1e-5)


def test_clipping_bounds_the_length_of_a_step(tmp_path: Path) -> None:
    text = NUMBERS.replace("learning_rate: 0.01", "learning_rate: 1.0")
    text = text.replace("batch_size: 8", "batch_size: 8, gradient_clip_norm: 0.001")
    run = start(write_numbers(tmp_path, text), tmp_path / "run")
    theta = run.model.network.store.theta
    before, lengths = theta.copy(), []

    def measure() -> str:
        lengths.append(float(np.linalg.norm(theta - before)))
        before[:] = theta
        return ""

    list(fit(run, stop=measure))
    assert max(lengths) == pytest.approx(0.001, rel=1e-3)
    assert max(lengths) <= 0.001 * (1 + 1e-3)


def test_rows_are_shuffled_anew_in_each_epoch(tmp_path: Path) -> None:
    run = start(write_points(tmp_path), tmp_path / "run")
    orders = [run.order.copy() for event in fit(run) if isinstance(event, EpochEnded)]
    assert all(sorted(order) == list(range(len(order))) for order in orders)
    assert not any(np.array_equal(a, b) for a, b in pairwise(orders))


def test_every_row_counts_the_same_in_the_train_loss(tmp_path: Path) -> None:
    """24 rows in batches of 10, 10 and 4: the mean over rows, not over batches."""
    text = NUMBERS.replace("batch_size: 8", "batch_size: 10").replace("0.01", "1e-12")
    run = start(write_numbers(tmp_path, text), tmp_path / "run")
    whole = evaluate(run.model, run.dataset.parts["train"])["loss"]
    rows = [event.row for event in fit(run) if isinstance(event, EpochEnded)]
    assert rows[0]["train_loss"] == pytest.approx(whole, rel=1e-5)


def test_the_model_is_of_the_best_epoch_not_of_the_last(tmp_path: Path) -> None:
    text = CONFIG.replace("learning_rate: 0.02", "learning_rate: 0.3")
    text = text.replace("max_epochs: 6", "max_epochs: 30")
    run = start(write_points(tmp_path, config=text), tmp_path / "run")
    rows = [event.row for event in fit(run) if isinstance(event, EpochEnded)]
    best = min(rows, key=lambda row: row["validation_loss"])
    assert best["epoch"] < 30, "the test needs a run that becomes worse"
    model = read_model(run.folder.model)
    measured = evaluate(model, run.dataset.parts["validation"])
    assert measured["loss"] == best["validation_loss"]


def test_patience_stops_and_is_measured_by_the_monitor(tmp_path: Path) -> None:
    text = CONFIG.replace("max_epochs: 6", "max_epochs: 500")
    text += "early_stopping: {monitor: validation_accuracy, patience: 4}\n"
    run = start(write_points(tmp_path, config=text), tmp_path / "run")
    *_, last = fit(run)
    assert isinstance(last, Ended)
    assert last.summary["status"] == "early_stopped"
    scores = [row["validation_accuracy"] for row in run.progress.history]
    assert last.summary["best_epoch"] == int(np.argmax(scores)) + 1
    assert len(scores) == last.summary["best_epoch"] + 4


def test_without_validation_rows_the_last_epoch_is_the_best(tmp_path: Path) -> None:
    run = start(write_numbers(tmp_path), tmp_path / "run")
    *_, last = fit(run)
    assert isinstance(last, Ended)
    assert last.summary["best_epoch"] == 2
    assert set(last.summary["metrics"]) == {"train_loss", "train_rmse", "train_r2"}


def test_scores_are_those_of_the_whole_split_whatever_the_blocks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = start(write_points(tmp_path), tmp_path / "run")
    list(fit(run))
    part, model = run.dataset.parts["train"], run.model
    logits, _ = model.network(part.x)  # no dropout: this is not training
    p = np.exp(logits - logits.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    rows = np.arange(len(part))
    by_hand = {
        "loss": -np.log(p[rows, part.target]).mean(),
        "accuracy": (p.argmax(axis=1) == part.target).mean(),
    }
    for size in (evaluation.BLOCK_BYTES, 1):
        monkeypatch.setattr(evaluation, "BLOCK_BYTES", size)
        assert evaluate(model, part) == pytest.approx(by_hand, rel=1e-5)
        assert predict(model, part.x) == pytest.approx(p, rel=1e-4)
    ((_, counts),) = confusions(model, part)
    assert counts.sum() == len(part)
    assert np.trace(counts) / len(part) == pytest.approx(by_hand["accuracy"])


def test_scores_and_predictions_do_not_depend_on_the_number_of_threads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = start(write_points(tmp_path), tmp_path / "run")
    list(fit(run))
    part, found = run.dataset.parts["train"], list[tuple[object, bytes]]()
    monkeypatch.setattr(evaluation, "BLOCK_BYTES", 1)
    assert len(list(evaluation.blocks(len(part), run.model.network.widest))) > 3
    for count in (1, 2, 5):
        monkeypatch.setattr(threads, "_allowed", count)
        ((_, counts),) = confusions(run.model, part)
        shown = predict(run.model, part.x)
        found.append((evaluate(run.model, part), shown.tobytes() + counts.tobytes()))
    assert found[0] == found[1] == found[2]


def test_where_a_prediction_is_none_there_is_no_score(tmp_path: Path) -> None:
    run = start(write_points(tmp_path), tmp_path / "run")
    part = run.dataset.parts["train"]
    assert np.isfinite(list(evaluate(run.model, part).values())).all()
    part.x[len(part) // 2] = np.nan
    assert np.isnan(list(evaluate(run.model, part).values())).all()


def test_rows_are_numbered_through_across_portions(
    nntrain: Command, points: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nntrain("fit", points)
    whole = nntrain("predict", "points.csv").out
    monkeypatch.setattr("nntrain.training.predict.PORTION", 7)
    small = nntrain("predict", "points.csv").out
    numbers = [line.split(",")[0] for line in small.splitlines()[1:]]
    assert numbers == [str(i + 1) for i in range(200)]
    assert [line.split(",")[1] for line in small.splitlines()] == [
        line.split(",")[1] for line in whole.splitlines()
    ]


def test_the_model_holds_no_name_and_no_path(tmp_path: Path) -> None:
    config = write_points(tmp_path)
    list(fit(start(config, tmp_path / "one")))
    (tmp_path / "points.csv").rename(tmp_path / "other.csv")
    text = CONFIG.replace("name: points", "name: other").replace("points.csv", "other.csv")
    config.write_text(text)
    list(fit(start(config, tmp_path / "two")))
    one, two = ((tmp_path / n / "model.safetensors").read_bytes() for n in ("one", "two"))
    assert one == two


def test_events_come_in_order_and_tell_of_progress(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pace, "SHOW_EVERY", 0.0)
    run = start(write_points(tmp_path), tmp_path / "run")
    events = list(fit(run))
    assert isinstance(events[0], Began)
    assert isinstance(events[-1], Ended)
    stepped = [event for event in events if isinstance(event, Stepped)]
    assert [(e.epoch, e.batch) for e in stepped[:10]] == [
        *((1, batch + 1) for batch in range(9)),
        (2, 1),
    ]
    assert all(event.batches == 9 for event in stepped)


def test_gates_are_never_met_by_what_is_missing_or_not_a_number() -> None:
    assert failures({"test_r2": ">= 0.5"}, {"test_r2": 0.5}) == []
    assert failures({"test_r2": "> 0.5"}, {"test_r2": 0.5}) == ["test_r2 is 0.5, expected > 0.5"]
    assert failures({"a": "<= 1", "b": "< 9"}, {"a": 2.0, "b": 8.0}) == ["a is 2, expected <= 1"]
    assert len(failures({"a": "<= 1"}, {"a": float("nan")})) == 1
    assert failures({"a": "<= 1"}, {}) == ["a was not measured, expected <= 1"]


def test_a_clip_that_is_never_reached_changes_nothing(tmp_path: Path) -> None:
    config = write_points(tmp_path)
    runs = [start(config, tmp_path / name) for name in ("free", "clipped")]
    trainer = replace(runs[1].model.experiment.trainer, gradient_clip_norm=1e9)
    experiment = replace(runs[1].model.experiment, trainer=trainer)
    runs[1].model = replace(runs[1].model, experiment=experiment)
    for run in runs:
        list(fit(run))
    free, clipped = (run.model.network.store.theta for run in runs)
    assert np.array_equal(free, clipped)


@pytest.mark.parametrize(("rate", "epochs"), [(0.9, 5), (2.0, 5), (10.0, 2), (1e30, 1)])
def test_a_training_that_diverges_in_its_last_step_is_no_success(
    rate: float, epochs: int, tmp_path: Path
) -> None:
    """The guard sees gradients; what the last update makes of the weights is seen at its end."""
    text = NUMBERS.replace("0.01", str(rate)).replace("max_epochs: 2", f"max_epochs: {epochs}")
    text = text.replace("batch_size: 8", "batch_size: 24")
    lines = [f"{i * 1e12},{i}" for i in range(24)]
    config = write_numbers(tmp_path, text)
    (tmp_path / "numbers.csv").write_text("\n".join(["x,y", *lines]) + "\n")
    run = start(config, tmp_path / "run")
    with pytest.raises(DivergedError, match=r"training diverged in step \d+ \(epoch \d+\)"):
        list(fit(run))
    assert json.loads(run.folder.summary.read_text())["status"] == "diverged"
    if run.folder.model.exists():
        scores = evaluate(read_model(run.folder.model), run.dataset.parts["train"])
        assert np.isfinite(scores["loss"])


def test_weights_that_spoil_the_validation_rows_are_told_with_layer_and_row(
    tmp_path: Path,
) -> None:
    text = NUMBERS.replace("validation: 0", "validation: 0.2").replace("0.01", "1e-30")
    run = start(write_numbers(tmp_path, text), tmp_path / "run")
    run.dataset.parts["validation"].x[1] = 3e38
    row = run.dataset.parts["validation"].rows[1] + 1
    run.model.network.store.weights["layers.0.W"][:] = 9.0
    with pytest.raises(DivergedError) as caught:
        list(fit(run))
    assert "after it the output of layers.0 (dense) is not finite" in str(caught.value)
    assert f"for validation rows, for data row {row}\n" in str(caught.value)


def test_a_gradient_too_large_for_its_squares_stops_the_training(tmp_path: Path) -> None:
    """Its square is infinite in float32, so Adam's second moment would freeze the weights."""
    text = NUMBERS.replace("type: sgd, learning_rate: 0.01", "type: adam")
    config = write_numbers(tmp_path, text)
    lines = [f"{i}e9,{i}e12" for i in range(24)]
    (tmp_path / "numbers.csv").write_text("\n".join(["x,y", *lines]) + "\n")
    run = start(config, tmp_path / "run")
    with pytest.raises(DivergedError, match=r"the gradient of layers\.1\.W is too large") as told:
        list(fit(run))
    assert "scale features and targets" in str(told.value)
    assert run.progress.step == 0


def test_later_it_is_the_learning_rate_that_made_it_so(tmp_path: Path) -> None:
    config = write_numbers(tmp_path, NUMBERS.replace("learning_rate: 0.01", "learning_rate: 1e8"))
    with pytest.raises(DivergedError, match="too large") as told:
        list(fit(start(config, tmp_path / "run")))
    assert "try a smaller optimizer.learning_rate" in str(told.value)


def test_a_gradient_that_is_not_finite_stops_the_training_though_the_loss_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = start(write_numbers(tmp_path), tmp_path / "run")
    store, forward = run.model.network.store, run.model.network.forward

    def spoiled(x: Array, call: Call) -> tuple[Array, Backward]:
        y, back = forward(x, call)

        def backward(dy: Array) -> Array | None:
            dx = back(dy)
            store.gradients["layers.1.W"][0, 0] = np.inf
            return dx

        return y, backward

    run.model.network.forward = spoiled
    monkeypatch.setattr(step, "make_backpropagate", lambda m: closures(m.network, m.loss))
    before = store.theta.copy()
    with pytest.raises(DivergedError, match=r"the gradient of layers\.1\.W is not finite"):
        list(fit(run))
    assert np.array_equal(store.theta, before)


def test_a_better_score_counts_only_beyond_min_delta(tmp_path: Path) -> None:
    text = CONFIG.replace("max_epochs: 6", "max_epochs: 50")
    text += "early_stopping: {patience: 3, min_delta: 100.0}\n"
    run = start(write_points(tmp_path, config=text), tmp_path / "run")
    *_, last = fit(run)
    assert isinstance(last, Ended)
    assert last.summary["epochs"] == 4  # the first is the reference, three bring nothing
    assert last.summary["best_epoch"] == 4  # though each of them was a little better


def test_speed_counts_rows_not_batches(tmp_path: Path) -> None:
    text = NUMBERS.replace("batch_size: 8", "batch_size: 4096")
    run = start(write_numbers(tmp_path, text), tmp_path / "run")
    *_, last = fit(run)
    assert isinstance(last, Ended)
    measured = last.summary["samples_per_second"] * run.progress.seconds
    assert measured == pytest.approx(2 * 24, rel=0.01)


@pytest.mark.parametrize("size", [10**12, 10**30])
def test_a_batch_can_be_larger_than_all_rows(size: int, tmp_path: Path) -> None:
    run = start(
        write_numbers(tmp_path, NUMBERS.replace("size: 8", f"size: {size}")), tmp_path / "r"
    )
    list(fit(run))
    assert run.progress.step == 2
