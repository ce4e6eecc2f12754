"""What an autoencoder is measured by: the error of as many principal components as its code has.

    python bench/pca.py [CONFIG] [--code 8] [--seeds 3] [--split test]

The components come from the rows that the network learns from, training and validation, and the
error is the mean square over all numbers of the rows of the split, scaled as the network sees them.
"""

from __future__ import annotations

import argparse
import statistics
from pathlib import Path

import numpy as np

from nntrain.config import load
from nntrain.data.dataset import Dataset
from nntrain.families import Array

ROOT = Path(__file__).parent.parent
CONFIG = ROOT / "configs" / "digits-autoencoder.yaml"


def reconstruction_error(learned: Array, judged: Array, code: int) -> float:
    """Mean square of x - μ - (x - μ) V Vᵀ over `judged` (M, D), with μ and V (D, code) of
    `learned` (N, D): no linear map to `code` numbers and back loses less of those."""
    learned, judged = learned.astype(np.float64), judged.astype(np.float64)
    middle = learned.mean(axis=0)
    directions = np.linalg.svd(learned - middle, full_matrices=False)[2][:code].T
    apart = judged - middle
    return float(np.mean((apart - apart @ directions @ directions.T) ** 2))


def error_of(config: Path, code: int, seed: int, split: str = "test") -> float:
    """The error on the rows that the config's split has with this seed."""
    loaded = load(config, [f"seed={seed}"])
    parts = Dataset.load(loaded.experiment.data, loaded.data_path, "numbers", seed).parts
    names = ("train",) if split == "validation" else ("train", "validation")
    learned = np.concatenate([parts[name].x for name in names])
    return reconstruction_error(learned, parts[split].x, code)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("config", nargs="?", type=Path, default=CONFIG)
    parser.add_argument("--code", type=int, default=8)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--split", choices=["validation", "test"], default="test")
    given = parser.parse_args()
    found = [error_of(given.config, given.code, s, given.split) for s in range(given.seeds)]
    print(f"PCA with {given.code} components: mse {statistics.mean(found):.4f} of {found}")


if __name__ == "__main__":
    main()
