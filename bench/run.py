"""Every measurement, one after the other; `make bench` calls it.

With five rounds the comparison takes about an hour on two cores, on a machine that nobody else
uses.  `compare.py` measures one workload at a time as well, and adds it to the same table.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

import environments

ROOT = Path(__file__).parent.parent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    environments.add_options(parser)
    given = parser.parse_args()
    pythons = {name: environments.python_of(name, given) for name in environments.PEERS}
    peers = [word for name, path in pythons.items() for word in (f"--{name}-python", path)]
    sklearn = ["--sklearn-python", pythons["sklearn"]]
    scripts = [
        ("quality.py", sklearn),
        ("start.py", sklearn),
        ("compare.py", peers),
        ("compare.py", [*peers, "--beside", "--rounds", "3"]),
        ("layers.py", ["--torch-python", pythons["torch"]]),
    ]
    for script, words in scripts:
        print(f"\n## {script}\n", flush=True)
        subprocess.run([sys.executable, str(ROOT / "bench" / script), *words], check=True)


if __name__ == "__main__":
    main()
