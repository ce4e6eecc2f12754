"""Make the peers' environments, then run every measurement and print it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
PEERS = {"torch": ["torch==2.13.0", "numpy"], "sklearn": ["scikit-learn"]}


def python_of(name: str) -> str:
    """The interpreter of a peer's own environment, made if it is missing."""
    place = ROOT / ".venv" / f"peer-{name}"
    python = place / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", place], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *PEERS[name]], check=True)
    return str(python)


def main() -> None:
    torch, sklearn = (
        ["--torch-python", python_of("torch")],
        ["--sklearn-python", python_of("sklearn")],
    )
    for script, words in {
        "quality.py": sklearn,
        "start.py": sklearn,
        "train.py": [*torch, *sklearn],
        "layers.py": torch,
    }.items():
        print(f"\n## {script}\n", flush=True)
        subprocess.run([sys.executable, str(ROOT / "bench" / script), *words], check=True)


if __name__ == "__main__":
    main()
