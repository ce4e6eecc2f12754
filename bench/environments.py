"""Where the peers' interpreters are: environments of their own, made where none is given."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
PEERS = {
    "torch": ["torch==2.13.0", "numpy"],
    "jax": ["jax==0.10.2", "keras==3.15.1"],
    "sklearn": ["scikit-learn==1.9.1"],
}
SHOWN = ("torch", "jax", "keras", "scikit-learn", "numpy")


def add_options(parser: argparse.ArgumentParser) -> None:
    """`--torch-python PATH` and so on, for environments that are there already."""
    for name in PEERS:
        parser.add_argument(f"--{name}-python", metavar="PATH", default="")


def python_of(name: str, given: argparse.Namespace) -> str:
    """The interpreter of a peer, `nntrain` being one too."""
    if name == "nntrain":
        return sys.executable
    return getattr(given, f"{name}_python") or _made(name)


def _made(name: str) -> str:
    place = ROOT / ".venv" / f"peer-{name}"
    python = place / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", place], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *PEERS[name]], check=True)
    return str(python)


def versions(python: str) -> dict[str, str]:
    """Of Python, and of what is shown in a table."""
    code = (
        "import json, platform; from importlib import metadata\n"
        "found = {d.metadata['Name'].lower(): d.version for d in metadata.distributions()}\n"
        "print(json.dumps({'python': platform.python_version(), **found}))"
    )
    done = subprocess.run([python, "-c", code], capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    return {name: found[name] for name in ("python", *SHOWN) if name in found}
