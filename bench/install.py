"""How long installing takes and how much it leaves on the disk, beside other libraries.

    python bench/install.py [--rounds 3] [nntrain scikit-learn torch …]

Each goes into a new virtual environment, without pip's cache; sizes are those of the environment
less those of an empty one.  Times depend on the way to the package index: compare them within one
table only.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path

ROOT = Path(__file__).parent.parent
WHAT = {
    "nntrain": [str(ROOT)],
    "scikit-learn": ["scikit-learn"],
    "jax": ["jax"],
    "keras on jax": ["keras", "jax"],
    "torch": ["torch==2.13.0", "numpy"],
}


def size(place: Path) -> int:
    """Bytes of all files below a folder."""
    return sum(file.stat().st_size for file in place.rglob("*") if file.is_file())


def install(packages: list[str]) -> tuple[float, int]:
    """Seconds and bytes of one installation."""
    with tempfile.TemporaryDirectory() as made:
        place = Path(made)
        venv.create(place, with_pip=True)
        python = place / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
        empty, began = size(place), time.perf_counter()
        words = ["-m", "pip", "install", "--quiet", "--no-cache-dir", *packages]
        subprocess.run([str(python), *words], check=True)
        return time.perf_counter() - began, size(place) - empty


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("names", nargs="*", choices=[[], *WHAT], default=[])
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    names = given.names or list(WHAT)
    rounds = [{name: install(WHAT[name]) for name in names} for _ in range(given.rounds)]
    print("| installed | seconds | MB on disk |\n| --- | --- | --- |")
    for name in names:
        seconds = statistics.median(found[name][0] for found in rounds)
        megabytes = rounds[-1][name][1] / 1e6
        print(f"| {name} | {seconds:.1f} | {megabytes:.0f} |")


if __name__ == "__main__":
    main()
