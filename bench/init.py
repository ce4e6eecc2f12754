"""How good are the configs of `nntrain init`, trained as they stand?  The table of docs/init.md.

    python bench/init.py [NAME …] --sklearn-python PATH [--more FOLDER] [--seeds N]

For each data set and seed: `nntrain init`, `nntrain fit` without an edit, the score on the test
rows.  Beside it stands scikit-learn's MLP with one hidden layer of 100, on the very same rows and
inputs (standardised and one-hot by the training rows): once it learns from the training rows, once
from those for validation too, since it needs none.  Where the file is one series in time, it is the
autoregressive model of the same window by least squares, from all rows before the test.

Data sets that are not shipped are made in FOLDER by `bench/more_data.py`.  Seconds are processor
time of one `fit`.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

import more_data
import numpy as np
from quality import COMMAND, LOWER_IS_BETTER, mean_and_error

from nntrain.cli.loading import load_data
from nntrain.config import load

ROOT = Path(__file__).parent.parent
SHIPPED = ROOT / "datasets"
NGRAM = 2.269  # bits a character of the best n-gram on the last tenth of Paradise Lost


SMALL = 10  # seeds for sets of less than 1,000 rows, where a test row is a point or more


class Case(NamedTuple):
    """A data set: its file, the target, by what it is judged, and over how many splits."""

    file: str
    target: str
    metric: str
    seeds: int = 3
    test_file: str = ""


CASES = {
    "iris": Case("iris.csv", "species", "accuracy", SMALL),
    "penguins": Case("penguins.csv", "species", "accuracy", SMALL),
    "titanic": Case("titanic.csv", "survived", "accuracy"),
    "digits": Case("digits.csv", "digit", "accuracy"),
    "auto-mpg": Case("auto-mpg.csv", "mpg", "r2", SMALL),
    "wine": Case("wine.csv", "cultivar", "accuracy", SMALL),
    "breast-cancer": Case("breast-cancer.csv", "diagnosis", "accuracy", SMALL),
    "diabetes": Case("diabetes.csv", "progression", "r2", SMALL),
    "default": Case("default.csv", "default", "roc_auc"),
    "caravan": Case("caravan.csv", "Purchase", "roc_auc"),
    "fashion-mnist": Case("fashion-mnist-2500-images-idx3-ubyte.gz", "label", "accuracy"),
    "japanese-vowels": Case(
        "japanese-vowels-train.ts", "class", "accuracy", test_file="japanese-vowels-test.ts"
    ),
    "sunspots": Case("sunspots.csv", "sunspots", "rmse"),
    "co2": Case("co2.csv", "co2", "rmse"),
    "paradise-lost": Case("paradise-lost.txt", "", "bits_per_character", 1),
}
SKLEARN = """
import sys, warnings
import numpy as np
from sklearn.metrics import r2_score, roc_auc_score
from sklearn.neural_network import MLPClassifier, MLPRegressor
warnings.simplefilter("ignore")
rows, metric, seed = np.load(sys.argv[1]), sys.argv[2], int(sys.argv[3])
for parts in (["train"], ["train", "validation"]):
    x, y = (np.concatenate([rows[f"{p}_{what}"] for p in parts]) for what in "xy")
    kind = MLPRegressor if metric == "r2" else MLPClassifier
    mlp = kind(hidden_layer_sizes=(100,), max_iter=2000, random_state=seed).fit(x, y)
    x, y = rows["test_x"], rows["test_y"]
    if metric == "r2":
        print(r2_score(y, mlp.predict(x)))
    else:
        auc = metric == "roc_auc"
        print(roc_auc_score(y, mlp.predict_proba(x)[:, 1]) if auc else mlp.score(x, y))
"""


class Trained(NamedTuple):
    """A score, what its peers have on the same rows, and the processor time."""

    score: float
    peers: list[float]
    seconds: float


def call(*words: str | Path) -> str:
    """What a command of ours prints, with one thread."""
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(
        [*COMMAND, *map(str, words)], capture_output=True, text=True, env=environment, check=False
    )
    if done.returncode:
        sys.exit(f"nntrain {' '.join(map(str, words))}:\n{done.stderr}")
    return done.stdout


def train(path: Path, case: Case, seed: int, sklearn: str) -> Trained:
    """`init` and `fit` in a folder of their own, and the peers on the same rows."""
    with tempfile.TemporaryDirectory() as place:
        config, run = Path(place, "config.yaml"), Path(place, "run")
        target = ["--target", case.target] if case.target else []
        call("init", path, *target, "-o", config, "-q")
        before = os.times()
        summary = json.loads(call("fit", config, "--json", "-q", "--seed", str(seed), "-o", run))
        after = os.times()
        seconds = after.children_user + after.children_system
        seconds -= before.children_user + before.children_system
        score = summary["metrics"][f"test_{case.metric}"]
        other = path.with_name(case.test_file) if case.test_file else None
        if other:
            score = json.loads(call("eval", run, "--data", other, "--json"))["metrics"][case.metric]
        return Trained(score, peers(config, case, seed, sklearn, other), seconds)


def peers(config: Path, case: Case, seed: int, sklearn: str, other: Path | None) -> list[float]:
    """Scores of what it is compared with."""
    if not case.target:
        return [NGRAM]
    overrides = [f"seed={seed}"] + ([f"data.test_path={json.dumps(str(other))}"] if other else [])
    loaded = load(config, overrides)
    if loaded.experiment.data.window:
        return [autoregression(loaded)]
    if not sklearn:
        return []
    parts = load_data(loaded).parts
    longest = max(part.x.shape[1] for part in parts.values())
    rows: dict[str, Any] = {}
    for name, part in parts.items():
        x: Any = part.x
        if x.ndim == 3 and x.shape[1] < longest:  # series end in zeros
            x = np.pad(x, ((0, 0), (0, longest - x.shape[1]), (0, 0)))
        rows[f"{name}_x"] = x.reshape(len(x), -1).astype(np.float64)
        rows[f"{name}_y"] = part.target.ravel()
    with tempfile.TemporaryDirectory() as place:
        np.savez(f"{place}/rows.npz", **rows)
        words = [sklearn, "-c", SKLEARN, f"{place}/rows.npz", case.metric, str(seed)]
        done = subprocess.run(words, capture_output=True, text=True, check=True)
    return [float(line) for line in done.stdout.split()]


def autoregression(loaded: Any) -> float:
    """RMSE on the test rows of a linear forecast by least squares from all rows before them."""
    data = loaded.experiment.data
    name, length = data.targets[0], data.window.length
    lines = loaded.data_path.read_text(encoding="utf-8").splitlines()
    column = lines[0].split(",").index(name)
    cells = [line.split(",")[column] for line in lines[1:]]
    values = np.array([float(cell) if cell else np.nan for cell in cells])
    test = len(values) - round(len(values) * data.split.test)
    lags = np.lib.stride_tricks.sliding_window_view(values[:-1], length)
    x, y = np.column_stack([lags, np.ones(len(lags))]), values[length:]
    sound = ~(np.isnan(x).any(axis=1) | np.isnan(y))
    early = np.arange(length, len(values)) < test
    weights = np.linalg.lstsq(x[early & sound], y[early & sound], rcond=None)[0]
    errors = x[~early & sound] @ weights - y[~early & sound]
    return float(np.sqrt(np.mean(np.square(errors))))


def row(name: str, found: list[Trained]) -> str:
    """A line of the table."""
    metric = CASES[name].metric
    mean, error = mean_and_error([one.score for one in found])
    shown = f"{mean:.4f}" + (f" ± {error:.4f}" if len(found) > 1 else "")
    means = [statistics.mean(values) for values in zip(*(one.peers for one in found), strict=True)]
    best = "–"
    if means and metric in LOWER_IS_BETTER:
        best = f"{(mean / means[0] - 1):+.1%}"
    elif means:
        best = f"{100 * (mean - max(means)):+.1f} points"
    columns = [f"{value:.4f}" for value in means] + ["–"] * (2 - len(means))
    seconds = statistics.mean(one.seconds for one in found)
    cells = [name, metric, str(len(found)), shown, *columns, best, f"{seconds:.0f}"]
    return f"| {' | '.join(cells)} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("names", nargs="*", default=list(CASES))
    parser.add_argument("--seeds", type=int, help="how many, instead of those of the table")
    parser.add_argument("--more", type=Path, help="a folder for the data sets that are not shipped")
    parser.add_argument("--sklearn-python", default="", help="an interpreter with scikit-learn")
    given = parser.parse_args()
    if given.more:
        more_data.make(given.more)
    print(
        "| data | metric | seeds | init, then fit | peer | peer, more rows | difference | seconds |"
    )
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for name in given.names:
        case = CASES[name]
        path = SHIPPED / case.file
        if not path.exists():
            path = (given.more or Path()) / case.file
        if not path.exists():
            print(f"{name}: needs --more FOLDER", file=sys.stderr)
            continue
        seeds = range(given.seeds or case.seeds)
        found = [train(path, case, seed, given.sklearn_python) for seed in seeds]
        print(row(name, found), flush=True)


if __name__ == "__main__":
    main()
