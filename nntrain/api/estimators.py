"""Networks as scikit-learn knows estimators, for its pipelines, searches and cross-validations.

scikit-learn is not needed: an estimator is what has these methods.  Where it is loaded, its own
exceptions and warnings are used.
"""

from __future__ import annotations

import inspect
import tempfile
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np

from nntrain.api.checking import (
    NotFittedError,
    amounts,
    feature_names,
    matrix,
    names_differ,
    of_sklearn,
    one_column,
    row_weights,
)
from nntrain.api.rows import as_table
from nntrain.api.training import fit as train
from nntrain.api.training import load_config
from nntrain.data.table import TEXT
from nntrain.errors import NNTrainError
from nntrain.events import Ended
from nntrain.families import Array
from nntrain.run.model import Model, build_network, named_vectors, read_model, write_model
from nntrain.training.evaluate import predict as shown_for

HIDDEN = ({"type": "dense", "units": 64, "activation": "relu"},)


class _Network:
    """What classifier and regressor share: parameters in a config's words, and how X is read."""

    _kind: ClassVar[str]
    n_features_in_: int
    feature_names_in_: Array
    model_: Model

    def __init__(
        self,
        layers: Sequence[Mapping[str, Any]] = HIDDEN,
        *,
        loss: str | Mapping[str, Any] | None = None,
        optimizer: str | Mapping[str, Any] = "adam",
        lr_schedule: str | Mapping[str, Any] = "constant",
        max_epochs: int = 100,
        batch_size: int = 32,
        scale: str = "standard",
        validation: float = 0.0,
        patience: int | None = None,
        config: Mapping[str, Any] | None = None,
        random_state: Any = None,
    ):
        """
        layers: as in `model.layers` of a config, without the last one, which the target gives.
        loss: as in a config; left out, by the target.
        optimizer, lr_schedule, max_epochs, batch_size: as in a config.
        scale: what is done to each column of X, see `data.preprocessing.numeric.scale`.
        validation: the share of the rows that judges each epoch; the best one is kept.
        patience: epochs without a better one after which training stops; needs `validation`.
        config: sections of a config on top of all this, such as `{"regularization": {"l2": 0.1}}`.
        random_state: a seed; None: another one each time.
        """
        self.layers = layers
        self.loss = loss
        self.optimizer = optimizer
        self.lr_schedule = lr_schedule
        self.max_epochs = max_epochs
        self.batch_size = batch_size
        self.scale = scale
        self.validation = validation
        self.patience = patience
        self.config = config
        self.random_state = random_state

    @classmethod
    def _parameters(cls) -> list[str]:
        return [name for name in inspect.signature(cls.__init__).parameters if name != "self"]

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The parameters by name."""
        return {name: getattr(self, name) for name in self._parameters()}

    def set_params(self, **params: Any) -> Self:
        """Other parameters; ValueError for one that there is not."""
        for name, value in params.items():
            if name not in self._parameters():
                known = ", ".join(self._parameters())
                raise ValueError(
                    f"Invalid parameter {name!r} for estimator {self}; there are {known}"
                )
            setattr(self, name, value)
        return self

    def __repr__(self) -> str:
        defaults = inspect.signature(type(self).__init__).parameters
        given = [
            f"{name}={value!r}"
            for name, value in self.get_params().items()
            if repr(value) != repr(defaults[name].default)
        ]
        return f"{type(self).__name__}({', '.join(given)})"

    def __sklearn_tags__(self) -> Any:
        """What scikit-learn may expect; only it asks."""
        from sklearn.utils import ClassifierTags, InputTags, RegressorTags, Tags, TargetTags

        is_classifier = self._kind == "classifier"
        return Tags(
            estimator_type=self._kind,
            target_tags=TargetTags(required=True, multi_output=not is_classifier),
            classifier_tags=ClassifierTags() if is_classifier else None,
            regressor_tags=None if is_classifier else RegressorTags(),
            input_tags=InputTags(allow_nan=True),
        )

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "model_")

    def __getstate__(self) -> dict[str, Any]:
        """A network is written as in a model file, and read again."""
        state = vars(self).copy()
        state.pop("_wide", None)
        if "model_" in state:
            with tempfile.TemporaryDirectory() as place:
                file = Path(place, "model.safetensors")
                write_model(file, self.model_, named_vectors(self.model_.network))
                state["model_"] = file.read_bytes()
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        state = dict(state)
        if "model_" in state:
            with tempfile.TemporaryDirectory() as place:
                file = Path(place, "model.safetensors")
                file.write_bytes(state["model_"])
                state["model_"] = read_model(file)
        vars(self).update(state)
        if "model_" in state:
            self._wide = _in_double(self.model_)

    def _train(self, X: Array, target: Mapping[str, Any], loss: str, weight: Any) -> Self:
        """Learn columns x0, x1, … and the columns of the target."""
        columns = _named(X)
        data: dict[str, Any] = {
            "path": "",
            "target": list(target) if len(target) > 1 else next(iter(target)),
            "columns": dict.fromkeys(columns, "numeric"),
            "preprocessing": {"numeric": {"scale": self.scale}},
            "split": {"validation": self.validation, "test": 0.0},
        }
        rows = {**columns, **target}
        if weight is not None:
            rows["weight"] = _text(weight)
            data["weight"] = "weight"
        if loss == "cross_entropy":
            data["columns"]["y"] = "categorical"
        config: dict[str, Any] = {
            "name": "estimator",
            "seed": self._seed(),
            "data": data,
            "model": {"layers": [*self.layers, {"type": "dense", "units": "auto"}]},
            "loss": self.loss or loss,
            "optimizer": self.optimizer,
            "lr_schedule": self.lr_schedule,
            "metrics": [],
            "trainer": {"max_epochs": self.max_epochs, "batch_size": self.batch_size},
        }
        if self.patience is not None:
            config["early_stopping"] = {"monitor": "validation_loss", "patience": self.patience}
        config = _over(config, self.config or {})
        with tempfile.TemporaryDirectory() as place:
            try:
                for event in train(load_config(config), rows, output_dir=Path(place, "run")):
                    if isinstance(event, Ended):
                        self.n_epochs_ = event.summary["epochs"]
                self.model_ = read_model(Path(place, "run", "model.safetensors"))
                self._wide = _in_double(self.model_)
            except NNTrainError as error:
                raise ValueError(str(error)) from None
        return self

    def _seed(self) -> int:
        given = self.random_state
        if given is None:
            return int(np.random.SeedSequence().generate_state(1)[0])
        if hasattr(given, "randint"):  # a generator of NumPy's older kind
            return int(given.randint(2**31))
        return int(given)

    def _shown(self, X: Any) -> Array:
        """What the network says of rows, (N, K)."""
        self._check_fitted()
        self._check_names(X)
        X = matrix(X, type(self).__name__)
        if X.shape[1] != self.n_features_in_:
            raise ValueError(
                f"X has {X.shape[1]} features, but {type(self).__name__} is expecting "
                f"{self.n_features_in_} features as input"
            )
        columns = _named(X)
        try:
            x = self.model_.preprocessor.features(as_table(columns, columns))
        except NNTrainError as error:
            raise ValueError(str(error)) from None
        return shown_for(self._wide, x)

    def _check_fitted(self) -> None:
        if not self.__sklearn_is_fitted__():
            message = (
                f"This {type(self).__name__} instance is not fitted yet. Call 'fit' with "
                "appropriate arguments before using this estimator."
            )
            raise of_sklearn("NotFittedError", NotFittedError)(message)

    def _learn_names(self, X: Any) -> None:
        names = feature_names(X)
        if names is None:
            vars(self).pop("feature_names_in_", None)
        else:
            self.feature_names_in_ = names

    def _check_names(self, X: Any) -> None:
        """Columns by name must be those of training, in their order."""
        names, known = feature_names(X), getattr(self, "feature_names_in_", None)
        own = type(self).__name__
        if known is None and names is not None:
            warnings.warn(
                f"X has feature names, but {own} was fitted without feature names", stacklevel=3
            )
        elif known is not None and names is None:
            warnings.warn(
                f"X does not have valid feature names, but {own} was fitted with feature names",
                stacklevel=3,
            )
        elif known is not None and names is not None and list(known) != list(names):
            raise ValueError(names_differ(list(known), list(names)))


class NNClassifier(_Network):
    """A network that tells classes, with the methods of a scikit-learn classifier.

    After `fit`: classes_ (C,), n_features_in_, n_epochs_, model_, and feature_names_in_ where X had
    names.  NaN in X is a missing value, filled with the median of its column.
    """

    _kind = "classifier"
    _estimator_type = "classifier"

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Learn classes y (N,) of rows X (N, D); sample_weight (N,): how much each row counts."""
        self._learn_names(X)
        X = matrix(X, type(self).__name__)
        y = one_column(y, X, type(self).__name__)
        if y.dtype.kind == "f" and (y != np.floor(y)).any():
            raise ValueError(
                "Unknown label type: continuous. Maybe you are trying to fit a classifier, which "
                "expects discrete classes on a regression target with continuous values."
            )
        self.classes_, numbers = np.unique(y, return_inverse=True)
        self.n_features_in_ = X.shape[1]
        if len(self.classes_) < 2:
            raise ValueError(
                f"{type(self).__name__} needs at least 2 classes, and y has only one class"
            )
        loss = "cross_entropy"
        target = {"y": np.array([f"c{number:06d}" for number in numbers], dtype=TEXT)}
        return self._train(X, target, loss, row_weights(sample_weight, X))

    def predict_proba(self, X: Any) -> Array:
        """The probability of each class, (N, C), in the order of `classes_`."""
        shown: Array = self._shown(X).astype(np.float64)
        if shown.shape[1] == 1:
            return np.hstack([1.0 - shown, shown])
        shown /= shown.sum(axis=1, keepdims=True)
        return shown

    def predict(self, X: Any) -> Array:
        """The most probable class of each row, (N,)."""
        chosen: Array = self.predict_proba(X).argmax(axis=1)
        labels: Array = self.classes_[chosen]
        return labels

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """The share of rows whose class is right."""
        right = self.predict(X) == np.asarray(y)
        return float(np.average(right, weights=sample_weight))


class NNRegressor(_Network):
    """A network that tells amounts, with the methods of a scikit-learn regressor.

    After `fit`: n_features_in_, n_epochs_, model_, and feature_names_in_ where X had names.
    Several columns of y are learned together.  NaN in X is a missing value.
    """

    _kind = "regressor"
    _estimator_type = "regressor"

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Learn amounts y (N,) or (N, K) of rows X (N, D)."""
        self._learn_names(X)
        X = matrix(X, type(self).__name__)
        y = amounts(y, X, type(self).__name__)
        self.n_features_in_ = X.shape[1]
        self._flat = y.ndim == 1
        columns = y.reshape(len(y), -1)
        if len(X) < 2:
            raise ValueError("1 sample is not enough to learn amounts from")
        target = {f"y{i}": _text(column) for i, column in enumerate(columns.T)}
        return self._train(X, target, "mean_squared_error", row_weights(sample_weight, X))

    def predict(self, X: Any) -> Array:
        """The amounts of each row, as y was, (N,) or (N, K)."""
        shown = self._shown(X)
        values: Array = shown[:, 0] if self._flat else shown
        return values

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """The coefficient of determination R², the mean over the columns of y."""
        y, predicted = np.asarray(y, dtype=np.float64), self.predict(X)
        weights = np.ones(len(y)) if sample_weight is None else np.asarray(sample_weight)
        mean = np.average(y, axis=0, weights=weights)
        over = np.average((y - predicted) ** 2, axis=0, weights=weights)
        under = np.average((y - mean) ** 2, axis=0, weights=weights)
        return float(np.mean(1.0 - over / np.where(under > 0, under, 1.0)))


def _in_double(model: Model) -> Model:
    """The same network in float64, so that what it says of a row is the same whatever rows are
    beside it, to the digits that people compare."""
    network = build_network(model.experiment, model.preprocessor, np.float64)
    for name, view in named_vectors(network).items():
        np.copyto(view, named_vectors(model.network)[name])
    return replace(model, network=network)


def _named(X: Array) -> dict[str, Array]:
    return {f"x{i}": column for i, column in enumerate(X.T)}


def _text(values: Array) -> Array:
    """Numbers as a file has them: their digits lead back to each bit."""
    return np.array([repr(value) for value in values.tolist()], dtype=TEXT)


def _over(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """One mapping over another, mappings inside of them too."""
    result = dict(below)
    for key, value in above.items():
        inner = result.get(key)
        if isinstance(inner, Mapping) and isinstance(value, Mapping) and "type" not in value:
            result[key] = _over(inner, value)
        else:
            result[key] = value
    return result
