"""Python: the public names, training and models from programs, and scikit-learn's own checks."""

from __future__ import annotations

import csv
import pickle
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas
import polars
import pytest
from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_iris
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler
from sklearn.utils.estimator_checks import check_estimator

import nntrain
from nntrain import NNClassifier, NNRegressor, TrainedModel, fit, load_config, load_model
from nntrain.errors import ConfigError, DataError, MachineError
from nntrain.events import Ended, EpochEnded
from tests.conftest import ROOT, Command

IRIS = ROOT / "configs" / "iris.yaml"
SETS = ["trainer.max_epochs=4", "expect={}"]
EXPECTED = {
    "check_sample_weight_equivalence_on_dense_data": "a row twice is in two mini-batches, a row of "
    "weight 2 in one",
}


def test_the_public_names_are_there_and_nothing_else() -> None:
    assert dir(nntrain) == nntrain.__all__
    for name in nntrain.__all__:
        assert getattr(nntrain, name).__doc__ or name == "__version__"
    with pytest.raises(AttributeError, match="no attribute 'fitt'"):
        getattr(nntrain, "fitt")  # noqa: B009


def test_importing_it_loads_nothing() -> None:
    code = "import sys, nntrain; sys.exit('numpy' in sys.modules or 'pydantic' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("kind", [NNClassifier, NNRegressor])
def test_scikit_learns_own_checks_pass(kind: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it does not inherit from scikit-learn's classes
        found = check_estimator(kind(), expected_failed_checks=EXPECTED, on_fail=None, on_skip=None)
    assert len(found) > 50
    bad = {each["check_name"]: each["exception"] for each in found if each["status"] == "failed"}
    assert bad == {}
    assert [e["check_name"] for e in found if e["status"] == "xfail"] == list(EXPECTED)


def test_a_network_in_a_pipeline_a_search_and_a_cross_validation() -> None:
    X, y = load_iris(return_X_y=True)
    network = NNClassifier(
        max_epochs=20, random_state=0, optimizer={"type": "adam", "learning_rate": 0.01}
    )
    pipeline = make_pipeline(MinMaxScaler(), network)
    assert cross_val_score(pipeline, X, y, cv=3).mean() > 0.85
    layers = [[{"type": "dense", "units": n, "activation": "elu"}] for n in (1, 16)]
    search = GridSearchCV(network, {"layers": layers}, cv=3).fit(X, y)
    assert search.best_params_["layers"][0]["units"] == 16
    names = np.array(["setosa", "versicolor", "virginica"])[y]
    assert set(clone(network).fit(X, names).predict(X)) == set(names)


def test_a_regressor_learns_and_is_pickled() -> None:
    X, y = load_diabetes(return_X_y=True)
    network = NNRegressor(
        max_epochs=30, random_state=0, optimizer={"type": "adam", "weight_decay": 0.1}
    )
    network.fit(X[:300], y[:300])
    assert network.score(X[300:], y[300:]) > 0.3
    again = pickle.loads(pickle.dumps(network))  # noqa: S301  our own
    assert np.array_equal(again.predict(X), network.predict(X))
    both = NNRegressor(max_epochs=3, random_state=0).fit(X, np.column_stack([y, -y]))
    assert both.predict(X).shape == (len(X), 2)


def test_missing_cells_validation_rows_and_sections_of_a_config() -> None:
    X, y = load_iris(return_X_y=True)
    X = X.copy()
    X[::7, 1] = np.nan
    network = NNClassifier(
        max_epochs=50, validation=0.2, patience=3, random_state=1,
        optimizer={"type": "adam", "learning_rate": 0.1},
        config={"regularization": {"l2": 0.01}, "trainer": {"gradient_clip_norm": 1.0}},
    )  # fmt: skip
    assert network.fit(X, y).score(X, y) > 0.8
    assert network.n_epochs_ < 50
    assert network.model_.experiment.regularization.l2 == 0.01
    for parameters, message in (
        ({"optimizer": "adamm"}, "did you mean `adam`"),
        ({"config": {"modell": {}}}, "did you mean `model`"),
        ({"batch_size": 0}, "batch_size"),
    ):
        with pytest.raises(ValueError, match=message):
            NNClassifier(**parameters).fit(X, y)


def test_the_same_seed_gives_the_same_network() -> None:
    X, y = load_iris(return_X_y=True)
    one, same, other = (
        NNClassifier(max_epochs=2, random_state=seed).fit(X, y).predict_proba(X)
        for seed in (5, 5, 6)
    )
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)


def test_fit_from_python_leaves_a_run_and_yields_events(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    events = list(fit(load_config(IRIS, SETS)))
    assert sum(isinstance(event, EpochEnded) for event in events) == 4
    assert isinstance(events[-1], Ended)
    assert events[-1].summary["run"] == "runs/iris/001"
    model = load_model("runs/iris/001")
    assert isinstance(model, TrainedModel)
    assert model.classes == ("setosa", "versicolor", "virginica")
    assert model.targets == ("species",)


def read_iris() -> list[dict[str, str]]:
    with (ROOT / "datasets" / "iris.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def trained(nntrain: Command, tmp_path: Path) -> Path:
    done = nntrain("fit", IRIS, "-q", "-o", "run", *(w for s in SETS for w in ("--set", s)))
    assert done.code == 0, done.err
    return tmp_path / "run"


def test_a_model_says_what_the_command_says(nntrain: Command, trained: Path) -> None:
    path = ROOT / "datasets" / "iris.csv"
    assert nntrain("predict", trained, path, "-o", "p.csv").code == 0
    with (trained.parent / "p.csv").open(newline="", encoding="utf-8") as file:
        ours = list(csv.DictReader(file))
    model = load_model(trained)
    frame = pandas.read_csv(path)
    for rows in (read_iris(), frame, polars.read_csv(path), dict(frame.items())):
        assert model.predict(rows).tolist() == [row["prediction"] for row in ours]  # type: ignore[union-attr]
        shown = np.array([[float(row[f"probability_{c}"]) for c in model.classes] for row in ours])
        np.testing.assert_allclose(model.predict_proba(rows), shown, rtol=1e-6)
    scores = model.evaluate(frame)
    assert 0.5 < scores["accuracy"] <= 1.0
    assert scores.keys() == {"loss", "accuracy"}


def test_rows_in_memory_train_as_those_of_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trained: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    frame = pandas.read_csv(ROOT / "datasets" / "iris.csv")
    list(fit(load_config(IRIS, SETS), frame, output_dir="memory"))
    names = ("model.safetensors", "metrics.csv")
    for name in names:
        assert (tmp_path / "memory" / name).read_bytes() == (trained / name).read_bytes()


def test_a_config_may_be_mappings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    rows = {"a": [1.5, 2, 3, 4] * 10, "b": ["x", "y", None, "x"] * 10, "y": [0, 1, 1, 0] * 10}
    config = {
        "name": "small",
        "data": {"path": "", "target": "y", "columns": {"y": "categorical"}},
        "model": {"layers": [{"type": "dense", "units": "auto"}]},
        "loss": "cross_entropy",
        "trainer": {"max_epochs": 2},
    }
    events = list(fit(config, rows))
    assert isinstance(events[-1], Ended)
    model = load_model("runs/small/001")
    assert set(model.predict({"a": [1, 2], "b": ["x", "never"]})) <= {"0", "1"}
    with pytest.raises(ConfigError, match=r"loss: unknown loss `cross_entropi`"):
        load_config({**config, "loss": "cross_entropi"})
    with pytest.raises(ConfigError, match=r"trainer\.max_epochs"):
        load_config(config, ["trainer.max_epochs=0"])


def test_several_targets_and_mistakes(nntrain: Command, tmp_path: Path, trained: Path) -> None:
    config = ROOT / "configs" / "penguins-heads.yaml"
    assert nntrain("fit", config, "-q", "-o", "heads", "--set", "trainer.max_epochs=1",
                   "--set", "expect={}").code == 0  # fmt: skip
    heads = load_model("heads")
    frame = pandas.read_csv(ROOT / "datasets" / "penguins.csv")
    found = heads.predict(frame)
    assert isinstance(found, dict)
    assert tuple(found) == heads.targets
    with pytest.raises(ConfigError, match="no single one of classes"):
        heads.predict_proba(frame)
    model = load_model(trained)
    for rows, message in (
        ([{"sepal_length": 1}], "lacks"),
        ({}, "no columns"),
        ({"a": [1], "b": [1, 2]}, "'b' has 2 cells, column 'a' 1"),
        (3, "expected a mapping of columns"),
        ({"a": []}, "no rows"),
    ):
        with pytest.raises(DataError, match=message):
            model.predict(rows)
    with pytest.raises(ConfigError, match="there is no run gone"):
        load_model("gone")
    (tmp_path / "bad.safetensors").write_bytes(b"nothing")
    with pytest.raises(MachineError):
        load_model(tmp_path / "bad.safetensors")
