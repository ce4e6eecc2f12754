"""Writes sklearn-baselines.json: scikit-learn's linear models, for tests/test_baselines.py.

    python tests/references/make_baselines.py

Needs scikit-learn 1.7 or later.  Every row of the file trains; missing cells are filled, numbers
standardised and categories one-hot, by scikit-learn too.
"""

from __future__ import annotations

import csv
import importlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
ROOT = Path(__file__).parents[2]
PENALTY = 0.01  # of the mean loss
ROWS = 25  # that are kept, at equal distances

NUMBERS = {
    "iris": ("sepal_length", "sepal_width", "petal_length", "petal_width"),
    "penguins": ("bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g"),
    "auto-mpg": ("cylinders", "displacement", "horsepower", "weight", "acceleration", "year"),
}
CATEGORIES = {"iris": (), "penguins": ("island", "sex"), "auto-mpg": ("origin",)}
TARGETS = {"iris": "species", "penguins": "species", "auto-mpg": "mpg"}


def columns(name: str) -> dict[str, list[str]]:
    with (ROOT / "datasets" / f"{name}.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return {key: [row[key] for row in rows] for key in rows[0]}


def inputs(name: str, cells: dict[str, list[str]]) -> Array:
    impute = importlib.import_module("sklearn.impute").SimpleImputer
    preprocessing = importlib.import_module("sklearn.preprocessing")
    numbers = np.array([[float(c or "nan") for c in cells[key]] for key in NUMBERS[name]]).T
    filled = impute(strategy="median").fit_transform(numbers)
    parts = [preprocessing.StandardScaler().fit_transform(filled)]
    for key in CATEGORIES[name]:
        column = np.array(cells[key], dtype=object)[:, None]
        known = impute(strategy="most_frequent", missing_values="").fit_transform(column)
        parts.append(preprocessing.OneHotEncoder(sparse_output=False).fit_transform(known))
    return np.hstack(parts)


def main() -> None:
    linear = importlib.import_module("sklearn.linear_model")
    found: dict[str, Any] = {}
    for name, target in TARGETS.items():
        cells = columns(name)
        x = inputs(name, cells)
        places = np.arange(ROWS) * len(x) // ROWS
        if target == "mpg":
            y = np.array(cells[target], dtype=float)
            model = linear.Ridge(alpha=PENALTY * len(x)).fit(x, y)
            shown = model.predict(x)[:, None]
        else:
            y = np.unique(cells[target], return_inverse=True)[1]
            c = 1 / (PENALTY * len(x))
            model = linear.LogisticRegression(C=c, tol=1e-10, max_iter=10_000).fit(x, y)
            shown = model.predict_proba(x)
            pair = y < 2
            c = 1 / (PENALTY * int(pair.sum()))
            two = linear.LogisticRegression(C=c, tol=1e-10, max_iter=10_000).fit(x[pair], y[pair])
            found[f"baseline {name} of two"] = {
                "rows": places.tolist(),
                "shown": two.predict_proba(x[places]).tolist(),
            }
        found[f"baseline {name}"] = {"rows": places.tolist(), "shown": shown[places].tolist()}
    path = Path(__file__).with_name("sklearn-baselines.json")
    path.write_text(json.dumps(found, indent=0) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
