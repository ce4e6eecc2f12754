"""How good the shipped configs are: means over seeds, for the README's table.

    python bench/quality.py [NAME …] [--split validation] [--sklearn-python PATH]

Each seed is a new split, new first weights and a new order of rows, through the real command line.
`--split validation` shows no test score, for choosing settings.  With an interpreter that has
scikit-learn, iris is compared with logistic regression on the same rows, seed by seed: it learns
from the training and the validation rows, since it needs none to stop.  So do the principal
components that the autoencoder is compared with.  Seconds are processor time
of one command, from start to end, which other work on the machine changes little.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from pca import error_of

from nntrain.config import load
from nntrain.data.dataset import Dataset

ROOT = Path(__file__).parent.parent
GOALS = {
    "penguins": ("accuracy", 0.98, 5),
    "titanic": ("accuracy", 0.80, 5),
    "digits": ("accuracy", 0.97, 5),
    "auto-mpg": ("r2", 0.86, 5),
    "iris": ("accuracy", None, 10),
    "digits-cnn": ("accuracy", 0.99, 3),
    "fashion-mnist": ("accuracy", 0.84, 3),
    "japanese-vowels": ("accuracy", 0.97, 3),
    "sunspots-linear": ("rmse", 18.85, 3),
    "sunspots": ("rmse", 17.5, 3),
    "digits-autoencoder": ("mse", None, 3),
    "paradise-lost": ("bits_per_character", 2.269, 3),
}
LOWER_IS_BETTER = ("rmse", "mse", "bits_per_character")
CODE = 8  # numbers in the middle of the autoencoder
COMMAND = [sys.executable, "-c", "from nntrain.cli import main; main()"]
LOGISTIC = """
import sys, numpy as np
from sklearn.linear_model import LogisticRegression
d = np.load(sys.argv[1])
m = LogisticRegression(max_iter=1000).fit(d["x"], d["y"])
print(m.score(d["x_test"], d["y_test"]))
"""


def scores(name: str, seed: int, settings: list[str]) -> dict[str, float]:
    """The summary's metrics of one training, and its `seconds` of processor time."""
    with tempfile.TemporaryDirectory() as place:
        config = str(ROOT / "configs" / f"{name}.yaml")
        words = ["fit", config, "--json", "-q", "--seed", str(seed), "-o", f"{place}/run"]
        words += [word for setting in ["expect={}", *settings] for word in ("--set", setting)]
        before = os.times()
        done = subprocess.run([*COMMAND, *words], capture_output=True, text=True, check=True)
        after = os.times()
    found: dict[str, float] = json.loads(done.stdout)["metrics"]
    user = after.children_user - before.children_user
    return found | {"seconds": user + after.children_system - before.children_system}


def logistic(seed: int, python: str) -> float:
    """Test accuracy of scikit-learn's logistic regression on iris, on the same rows."""
    loaded = load(ROOT / "configs" / "iris.yaml", [f"seed={seed}"])
    parts = Dataset.load(loaded.experiment.data, loaded.data_path, "classes", seed).parts
    learned = [parts["train"], parts["validation"]]
    with tempfile.TemporaryDirectory() as place:
        np.savez(
            f"{place}/rows.npz",
            x=np.concatenate([part.x for part in learned]),
            y=np.concatenate([part.target for part in learned]),
            x_test=parts["test"].x,
            y_test=parts["test"].target,
        )
        words = [python, "-c", LOGISTIC, f"{place}/rows.npz"]
        return float(subprocess.run(words, capture_output=True, text=True, check=True).stdout)


def mean_and_error(values: list[float]) -> tuple[float, float]:
    spread = statistics.stdev(values) if len(values) > 1 else math.nan
    return statistics.mean(values), spread / math.sqrt(len(values))


def aim(name: str, error: float, seeds: range, given: argparse.Namespace) -> str:
    """What a mean with this error is to reach; references are measured on the seeds' own rows."""
    metric, goal, _ = GOALS[name]
    sign = "≤" if metric in LOWER_IS_BETTER else "≥"
    if name == "digits-autoencoder":
        path = ROOT / "configs" / f"{name}.yaml"
        peer, _ = mean_and_error([error_of(path, CODE, s, given.split) for s in seeds])
        return f"< {peer:.3f} ({CODE} principal components)"
    if name == "iris" and given.sklearn_python and given.split == "test":
        peer, _ = mean_and_error([logistic(s, given.sklearn_python) for s in seeds])
        return f"≥ {peer - error:.3f} (logistic regression {peer:.3f} − 1 standard error)"
    return f"{sign} {goal:g}" if goal else "–"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("names", nargs="*", default=list(GOALS))
    parser.add_argument("--split", choices=["validation", "test"], default="test")
    parser.add_argument("--seeds", type=int, help="how many")
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--set", action="append", default=[], dest="settings")
    parser.add_argument("--sklearn-python")
    given = parser.parse_args()
    print(f"| config | metric | seeds | {given.split}: mean ± standard error | goal | seconds |")
    print("| --- | --- | --- | --- | --- | --- |")
    for name in given.names:
        metric, _, count = GOALS[name]
        seeds = range(given.first_seed, given.first_seed + (given.seeds or count))
        found = [scores(name, seed, given.settings) for seed in seeds]
        mean, error = mean_and_error([one[f"{given.split}_{metric}"] for one in found])
        seconds = statistics.mean(one["seconds"] for one in found)
        row = f"| {name} | {metric} | {len(seeds)} | {mean:.4f} ± {error:.4f} | "
        print(row + f"{aim(name, error, seeds, given)} | {seconds:.0f} |", flush=True)


if __name__ == "__main__":
    main()
