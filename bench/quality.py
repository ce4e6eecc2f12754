"""How good the shipped configs are: means over seeds, for the README's table.

    python bench/quality.py [--split validation] [--sklearn-python PATH]

Each seed is a new split, new first weights and a new order of rows, through the real command line.
`--split validation` shows no test score, for choosing settings.  With an interpreter that has
scikit-learn, iris is compared with logistic regression on the same rows, seed by seed: it learns
from the training and the validation rows, since it needs none to stop.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from nntrain.config import load
from nntrain.data.dataset import Dataset

ROOT = Path(__file__).parent.parent
GOALS = {
    "penguins": ("accuracy", 0.98, 5),
    "titanic": ("accuracy", 0.80, 5),
    "digits": ("accuracy", 0.97, 5),
    "digits-cnn": ("accuracy", 0.99, 3),
    "auto-mpg": ("r2", 0.86, 5),
    "iris": ("accuracy", None, 10),
    "sunspots-linear": ("rmse", 18.85, 3),
    "sunspots": ("rmse", 17.5, 3),
    "japanese-vowels": ("accuracy", 0.97, 3),
}
LOWER_IS_BETTER = ("rmse",)
COMMAND = [sys.executable, "-c", "from nntrain.cli import main; main()"]
LOGISTIC = """
import sys, numpy as np
from sklearn.linear_model import LogisticRegression
d = np.load(sys.argv[1])
m = LogisticRegression(max_iter=1000).fit(d["x"], d["y"])
print(m.score(d["x_test"], d["y_test"]))
"""


def scores(name: str, seed: int, settings: list[str]) -> dict[str, float]:
    """The summary's metrics of one training."""
    with tempfile.TemporaryDirectory() as place:
        config = str(ROOT / "configs" / f"{name}.yaml")
        words = ["fit", config, "--json", "-q", "--seed", str(seed), "-o", f"{place}/run"]
        words += [word for setting in ["expect={}", *settings] for word in ("--set", setting)]
        done = subprocess.run([*COMMAND, *words], capture_output=True, text=True, check=True)
    found: dict[str, float] = json.loads(done.stdout)["metrics"]
    return found


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
    return statistics.mean(values), statistics.stdev(values) / math.sqrt(len(values))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("names", nargs="*", default=list(GOALS))
    parser.add_argument("--split", choices=["validation", "test"], default="test")
    parser.add_argument("--seeds", type=int)
    parser.add_argument("--set", action="append", default=[], dest="settings")
    parser.add_argument("--sklearn-python")
    given = parser.parse_args()
    print(f"| data | metric | seeds | {given.split}: mean ± standard error | goal |")
    print("| --- | --- | --- | --- | --- |")
    for name in given.names:
        metric, goal, count = GOALS[name]
        seeds = range(given.seeds or count)
        found = [scores(name, s, given.settings)[f"{given.split}_{metric}"] for s in seeds]
        mean, error = mean_and_error(found)
        sign = "≤" if metric in LOWER_IS_BETTER else "≥"
        aim = f"{sign} {goal:.2f}" if goal else "–"
        if name == "iris" and given.sklearn_python and given.split == "test":
            peer, _ = mean_and_error([logistic(s, given.sklearn_python) for s in seeds])
            aim = f"≥ {peer - error:.3f} (logistic regression {peer:.3f} − 1 standard error)"
        row = f"| {name} | {metric} | {len(seeds)} | {mean:.4f} ± {error:.4f} | {aim} |"
        print(row, flush=True)


if __name__ == "__main__":
    main()
