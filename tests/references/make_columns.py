"""Writes sklearn-columns.json: columns as scikit-learn scales, fills and encodes them.

    python tests/references/make_columns.py

Needs scikit-learn 1.7 or later.  tests/test_columns_numeric.py and test_columns_categorical.py read
what it wrote.
"""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any

import numpy as np

Entries = dict[str, dict[str, Any]]
ROWS = 40


def numbers(rng: np.random.Generator) -> dict[str, list[float | None]]:
    """Columns of training rows: heavy tails, ties, missing cells, most of it constant."""
    tails = np.round(rng.standard_t(2, ROWS) * 10, 2)
    ties = rng.integers(0, 5, ROWS)
    holes: list[float | None] = np.round(rng.normal(5, 2, ROWS), 3).tolist()
    holes[3] = holes[7] = holes[20] = None
    still = np.where(np.arange(ROWS) % 9 == 0, rng.integers(1, 9, ROWS), 4)
    return {
        "tails": tails.tolist(),
        "ties": ties.astype(float).tolist(),
        "holes": holes,
        "still": still.astype(float).tolist(),
    }


def scaled(sklearn: dict[str, Any], rng: np.random.Generator) -> Entries:
    """Each column through imputer and scaler, training rows and others."""
    pre, impute = sklearn["preprocessing"], sklearn["impute"]
    scalers = {
        "robust": pre.RobustScaler(),
        "standard": pre.StandardScaler(),
        "min_max": pre.MinMaxScaler(),
        "rank_normal": pre.QuantileTransformer(
            n_quantiles=1001, output_distribution="normal", subsample=None
        ),
    }
    found: Entries = {}
    for name, column in numbers(rng).items():
        known = [v for v in column if v is not None]
        others = np.round(rng.uniform(min(known) - 1, max(known) + 1, 12), 3).tolist()
        for scale, scaler in scalers.items():
            for how in ("median", "constant"):
                filler = impute.SimpleImputer(strategy=how, fill_value=-1.5, add_indicator=True)
                x = np.array(column, dtype=float)[:, None]
                first = filler.fit_transform(x)
                scaler.fit(first[:, :1])
                new = filler.transform(np.array([*others, np.nan])[:, None])
                found[f"columns {scale} {how} {name}"] = {
                    "column": column,
                    "others": [*others, None],
                    "scaled": scaler.transform(first[:, :1])[:, 0].tolist(),
                    "scaled others": scaler.transform(new[:, :1])[:, 0].tolist(),
                    "flags": new[:, 1].tolist() if new.shape[1] > 1 else [],
                }
    return found


def many_quantiles(sklearn: dict[str, Any], rng: np.random.Generator) -> Entries:
    """More rows than quantiles."""
    x = np.round(rng.lognormal(0, 1, 2500), 2)
    ranks = sklearn["preprocessing"].QuantileTransformer(
        n_quantiles=1001, output_distribution="normal", subsample=None
    )
    ranks.fit(x[:, None])
    others = np.round(rng.lognormal(0, 1, 60), 3)
    shown = ranks.transform(others[:, None])[:, 0].tolist()
    entry = {"column": x.tolist(), "others": others.tolist(), "scaled others": shown}
    return {"columns many quantiles": entry}


def encoded(sklearn: dict[str, Any], rng: np.random.Generator) -> Entries:
    """Categories by number and one by one, rare ones together."""
    pre = sklearn["preprocessing"]
    names = np.array(["ant", "bee", "cow", "dog", "eel", "fox"])
    column = names[rng.choice(6, ROWS, p=[0.4, 0.3, 0.2, 0.04, 0.03, 0.03])]
    others = ["cow", "yak", "ant", "fox", "bee", "dog"]
    x, new = column[:, None], np.array(others)[:, None]
    rare = pre.OneHotEncoder(
        min_frequency=4, handle_unknown="infrequent_if_exist", sparse_output=False
    ).fit(x)
    plain = pre.OneHotEncoder(handle_unknown="ignore", sparse_output=False).fit(x)
    number = pre.OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1).fit(x)
    return {
        "columns categories": {
            "column": column.tolist(),
            "others": others,
            "rare together": rare.transform(new).tolist(),
            "one hot": plain.transform(new).tolist(),
            "numbers": number.transform(new)[:, 0].tolist(),
        }
    }


def main() -> None:
    parts = ("preprocessing", "impute")
    sklearn = {part: importlib.import_module(f"sklearn.{part}") for part in parts}
    rng = np.random.default_rng(11)
    entries = {**scaled(sklearn, rng), **many_quantiles(sklearn, rng), **encoded(sklearn, rng)}
    path = Path(__file__).with_name("sklearn-columns.json")
    path.write_text(json.dumps(entries, indent=1).replace("\n   ", "") + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
