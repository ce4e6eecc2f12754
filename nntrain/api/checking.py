"""What estimators are given, checked, and refused in the words that users of scikit-learn know.

scikit-learn itself is not needed; where it is loaded, its own exceptions and warnings are raised.
"""

from __future__ import annotations

import sys
import warnings
from typing import Any

import numpy as np

from nntrain.families import Array

FLOAT32_MAX = float(np.finfo(np.float32).max)


class NotFittedError(ValueError, AttributeError):
    """Where scikit-learn is not loaded."""


def of_sklearn(name: str, otherwise: type[Any]) -> type[Any]:
    """scikit-learn's exception or warning of this name, where it is loaded."""
    exceptions = sys.modules.get("sklearn.exceptions")
    found: type[Any] = getattr(exceptions, name, otherwise)
    return found


def matrix(given: Any, name: str) -> Array:
    """X as numbers (N, D), in the words that users of scikit-learn know."""
    if hasattr(given, "tocsr"):
        raise TypeError(
            "Sparse data was passed, but dense data is required. Use '.toarray()' to convert."
        )
    X: Array = np.asarray(given)
    if X.dtype.kind == "c":
        raise ValueError(f"Complex data not supported\n{X}")
    if X.ndim == 0:
        raise ValueError(f"Expected 2D array, got scalar array instead:\narray={X}.")
    if X.ndim == 1:
        raise ValueError(
            f"Expected 2D array, got 1D array instead:\narray={X}.\nReshape your data either using "
            "array.reshape(-1, 1) if your data has a single feature or array.reshape(1, -1) if it "
            "contains a single sample."
        )
    if X.ndim > 2:
        raise ValueError(f"Found array with dim {X.ndim}, while dim <= 2 is required by {name}.")
    for count, what in zip(X.shape, ("sample", "feature"), strict=True):
        if not count:
            raise ValueError(
                f"Found array with 0 {what}(s) (shape={X.shape}) while a minimum of 1 is required."
            )
    try:
        X = X.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise type(error)(
            f"{error}: argument must be a string or a number, in each cell of X"
        ) from None
    if (np.abs(X) > FLOAT32_MAX).any():
        raise ValueError("Input X contains infinity or a value too large for dtype('float32').")
    return X


def _target(given: Any, X: Array, name: str) -> Array:
    if given is None:
        raise ValueError(f"This {name} estimator requires y to be passed, but the target y is None")
    y: Array = np.asarray(given)
    if y.dtype.kind == "c":
        raise ValueError(f"Complex data not supported\n{y}")
    if y.dtype.kind == "f" and np.isnan(y).any():
        raise ValueError("Input y contains NaN.")
    if y.dtype.kind == "f" and np.isinf(y).any():
        raise ValueError("Input y contains infinity or a value too large for dtype('float64').")
    if len(y) != len(X):
        raise ValueError(
            f"Found input variables with inconsistent numbers of samples: [{len(X)}, {len(y)}]"
        )
    return y


def one_column(given: Any, X: Array, name: str) -> Array:
    """Classes (N,)."""
    y = _target(given, X, name)
    if y.ndim == 2 and y.shape[1] == 1:
        warnings.warn(
            "A column-vector y was passed when a 1d array was expected. Please change the shape of "
            "y to (n_samples,), for example using ravel().",
            of_sklearn("DataConversionWarning", UserWarning),
            stacklevel=3,
        )
        return y.ravel()
    if y.ndim != 1:
        raise ValueError(f"y should be a 1d array, got an array of shape {y.shape} instead.")
    return y


def amounts(given: Any, X: Array, name: str) -> Array:
    """Amounts (N,) or (N, K), float64."""
    y = _target(given, X, name)
    if y.ndim not in (1, 2):
        raise ValueError(f"y should be a 1d or 2d array, got an array of shape {y.shape} instead.")
    if y.ndim == 2 and y.shape[1] == 1:
        return one_column(y, X, name).astype(np.float64)
    return y.astype(np.float64)


def row_weights(sample_weight: Any, X: Array) -> Array | None:
    """How much each row counts, (N,)."""
    if sample_weight is None:
        return None
    weights = np.asarray(sample_weight, dtype=np.float64)
    if weights.shape != (len(X),):
        raise ValueError(
            f"sample_weight.shape == {weights.shape}, expected {(len(X),)}: Sample weights must be "
            "1D array or scalar"
        )
    if not weights.any():
        raise ValueError("Sample weights are all zero: no row counts.")
    return weights


def feature_names(X: Any) -> Array | None:
    """Names of columns, where X is a frame whose names are all text."""
    names = getattr(X, "columns", None)
    if names is None or isinstance(X, np.ndarray):
        return None
    listed = list(names)
    if not listed or not all(isinstance(name, str) for name in listed):
        return None
    return np.array(listed, dtype=object)


def names_differ(known: list[str], names: list[str]) -> str:
    message = "The feature names should match those that were passed during fit.\n"
    new, gone = sorted(set(names) - set(known)), sorted(set(known) - set(names))
    if new:
        message += "Feature names unseen at fit time:\n" + "".join(f"- {n}\n" for n in new[:5])
    if gone:
        message += "Feature names seen at fit time, yet now missing:\n"
        message += "".join(f"- {name}\n" for name in gone[:5])
    if not new and not gone:
        message += "Feature names must be in the same order as they were in fit.\n"
    return message
