"""Random experiments: through YAML and the model file, and stopped and resumed, to the bit."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from nntrain.cli.loading import load_config, load_data
from nntrain.config import Experiment, load, parse, resolved
from nntrain.config.experiment import (
    EarlyStopping,
    GradientNoise,
    Model,
    OnDivergence,
    Regularization,
    Trainer,
)
from nntrain.data.dataset import Dataset
from nntrain.data.settings import Data, Split, Window
from nntrain.errors import ConfigError, DivergedError
from nntrain.families import Group, Layer, Loss, Optimizer, Shape
from nntrain.losses import (
    CrossEntropy,
    Focal,
    Hinge,
    Huber,
    LogCosh,
    MeanAbsoluteError,
    MeanSquaredError,
    Quantile,
)
from nntrain.metrics import R2, Accuracy, F1Macro, Mae, Rmse
from nntrain.run.folder import RunFolder
from nntrain.run.model import build_model, named_vectors, read_model, write_model
from nntrain.run.run import Run
from nntrain.schedules import Plateau
from nntrain.training.evaluate import predict
from nntrain.training.fit import fit
from tests.cases import AVERAGINGS, OPTIMIZERS, SCHEDULES, over
from tests.networks import drawn, networks
from tests.test_run import same_files

ROWS = 40
NUMBERS: tuple[Loss, ...] = (
    MeanSquaredError(), MeanAbsoluteError(), Huber(), LogCosh(), Quantile(q=0.3),
)  # fmt: skip
CLASSES: tuple[Loss, ...] = (CrossEntropy(), CrossEntropy(label_smoothing=0.1), Focal(), Hinge())


@dataclass(frozen=True)
class Kind:
    """A file of random rows, what is learned from it, and the shape that the network gets."""

    data: Data
    shape: Shape
    losses: tuple[Loss, ...]
    options: Callable[[], dict[str, Any]] = dict

    def networks(self) -> SearchStrategy[tuple[Layer, ...]]:
        return networks(self.shape, "auto", most=3, **self.options())


SPLIT = Split(validation=0.2, test=0.1)
KINDS = {
    "table": Kind(
        Data("numbers.csv", target="y", split=SPLIT),
        (4,),
        NUMBERS,
        lambda: {"columns": ("c0", "c1", "c2", "c3")},
    ),
    "classes": Kind(
        Data("classes.csv", target="y", split=SPLIT),
        (4,),
        CLASSES,
        lambda: {"columns": ("c0", "c1", "c2", "c3")},
    ),
    "signals": Kind(
        Data("signals.npz", target="y", columns={"x": "series"}, split=SPLIT), (5, 2), CLASSES
    ),
    "images": Kind(Data("images.npz", target="y", split=SPLIT), (5, 4, 2), CLASSES),
    "series": Kind(
        Data("series.ts", target="class", split=SPLIT),
        (6, 2),
        CLASSES,
        lambda: {"series": True},
    ),
    "text": Kind(
        Data("text.txt", split=SPLIT, window=Window(6, stride=6)),
        (6,),
        (CrossEntropy(),),
        lambda: {"tokens": "auto", "each_step": True},
    ),
}
every_kind = over("kind", KINDS)


@pytest.fixture(scope="module", autouse=True)
def no_waiting_for_the_disk() -> Iterator[None]:
    """What a power cut leaves is not looked at here, and waiting would take most of the time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda file: None)
        yield


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All files that the experiments read."""
    folder, rng = tmp_path_factory.mktemp("random"), np.random.default_rng(4)
    classes = rng.choice(["ant", "bee", "cow"], ROWS)
    x = rng.normal(size=(ROWS, 4)).round(3)
    _write_csv(folder / "numbers.csv", x, x[:, 0] - x[:, 1] * x[:, 2])
    _write_csv(folder / "classes.csv", x, classes)
    np.savez(folder / "signals.npz", x=rng.normal(size=(ROWS, 5, 2)), y=classes)
    np.savez(folder / "images.npz", x=rng.normal(size=(ROWS, 5, 4, 2)), y=classes)
    lines = ["@classLabel true ant bee cow", "@data"]
    for i, name in enumerate(classes):
        steps = 6 if i % 3 == 0 else int(rng.integers(1, 7))
        channels = [",".join(map(str, rng.normal(size=steps).round(3))) for _ in range(2)]
        lines.append(":".join([*channels, name]))
    (folder / "series.ts").write_text("\n".join(lines) + "\n")
    (folder / "text.txt").write_text("".join(rng.choice(list("abcd \n"), 6 * ROWS)) + "\n")
    return folder


def _write_csv(path: Path, x: Any, y: Any) -> None:
    rows = [",".join(map(str, [*numbers, target])) for numbers, target in zip(x, y, strict=True)]
    path.write_text("\n".join(["c0,c1,c2,c3,y", *rows]) + "\n")


@st.composite
def experiments(draw: Callable[[SearchStrategy[Any]], Any], kind: str) -> Experiment:
    """A network, and everything else that a config may say of its training."""

    def one(choices: Any) -> Any:
        return draw(st.sampled_from(choices))

    layers, loss = draw(KINDS[kind].networks()), one(KINDS[kind].losses)
    scores = [(Mae(), R2()), (Rmse(),)] if loss in NUMBERS else [(Accuracy(), F1Macro()), ()]
    clipping = one(["gradient_clip_norm", "gradient_clip_value", ""])
    clipped: dict[str, Any] = {clipping: 0.5} if clipping else {}
    trainer = Trainer(
        max_epochs=2,
        batch_size=8,
        micro_batch_size=one([None, 3, 8]),
        gradient_noise=one([None, GradientNoise(eta=1e-4)]),
        checkpoint_seconds=one([0.0, 10.0]),
        checkpoint_steps=one([None, 5]),
        **clipped,
    )
    return Experiment(
        data=KINDS[kind].data,
        model=Model(layers),
        loss=loss,
        name="random",
        seed=draw(st.integers(0, 2**32 - 1)),
        optimizer=_optimizer(one, layers),
        on_divergence=one([None, OnDivergence()]),
        lr_schedule=one([*SCHEDULES, Plateau(patience=1, min_delta=0.5)]),
        regularization=one(
            [Regularization(), Regularization(l1=1e-3, max_norm=1.5), Regularization(l2=0.01)]
        ),
        metrics=one(scores),
        averaging=one([None, *AVERAGINGS]),
        trainer=trainer,
        early_stopping=one([None, EarlyStopping(patience=1), EarlyStopping(monitor="train_loss")]),
        metadata=one([{}, {"no": (1.0e-5, None, True, "1e3", "é: #")}]),
    )


def _optimizer(one: Callable[[Any], Any], layers: tuple[Layer, ...]) -> Optimizer:
    last = (f"layers.{len(layers) - 1}",)
    groups = [
        (),
        (Group(layers=last, learning_rate=2e-3),),
        (Group(layers=("layers.*",), weight_decay=0.02),),
    ]
    if any(hasattr(layer, "kernel_initializer") for layer in layers[:-1]):
        groups.append((Group(layers=last, frozen=True),))
    found: Optimizer = replace(one(OPTIMIZERS), learning_rate=one([1e-3, 1e-2]), groups=one(groups))
    return found


@every_kind
@drawn(8)
@given(data=st.data())
def test_it_survives_the_way_through_yaml_and_the_model_file(
    kind: str, folder: Path, data: st.DataObject
) -> None:
    experiment = data.draw(experiments(kind), label="experiment")
    assert parse(resolved(experiment), "again") == experiment
    dataset = _dataset(folder, experiment)
    model = build_model(experiment, dataset.preprocessor)
    store, rng = model.network.store, np.random.default_rng(7)
    store.theta += rng.normal(0.0, 0.3, store.size).astype(np.float32)
    store.running += rng.random(len(store.running)).astype(np.float32)
    path = folder / "model.safetensors"
    write_model(path, model, named_vectors(model.network))
    again = read_model(path)
    assert again.experiment.model == experiment.model
    vectors, same = named_vectors(model.network), named_vectors(again.network)
    assert {k: v.tobytes() for k, v in same.items()} == {k: v.tobytes() for k, v in vectors.items()}
    part = dataset.parts["train"]
    shown = [predict(each, part.x, part.lengths).tobytes() for each in (model, again)]
    assert shown[0] == shown[1]


def _dataset(folder: Path, experiment: Experiment) -> Dataset:
    path = folder / str(experiment.data.path)
    return Dataset.load(experiment.data, path, experiment.loss.goal, experiment.seed)


@every_kind
@drawn(5)
@given(data=st.data())
def test_stopped_anywhere_and_resumed_it_ends_with_the_same_bytes(
    kind: str, folder: Path, data: st.DataObject
) -> None:
    experiment = data.draw(experiments(kind), label="experiment")
    config = folder / "random.yaml"
    config.write_text(resolved(experiment), encoding="utf-8")
    assert load(config).experiment == experiment
    with tempfile.TemporaryDirectory(dir=folder) as name:
        whole, stopped = Path(name) / "whole", Path(name) / "stopped"
        try:
            run = _start(config, whole)
            list(fit(run))
        except DivergedError:
            assume(False)
        step = data.draw(st.integers(1, run.progress.step), label="stopped at step")
        words = iter([""] * (step - 1) + ["interrupted"] * 99)
        list(fit(_start(config, stopped), stop=lambda: next(words)))
        run = Run.resume(RunFolder(stopped))
        assert run.progress.step == step
        list(fit(run))
        assert same_files(whole, stopped)


def _start(config: Path, folder: Path) -> Run:
    """As `nntrain fit` does, with all checks."""
    loaded = load_config(config, [])
    try:
        return Run.start(loaded, load_data(loaded), folder)
    except ConfigError as error:  # such networks are refused, as they should be
        assume("looks at later tokens" not in str(error))
        raise
