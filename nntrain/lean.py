"""NumPy without its words: loaded at the start of a command in five sixths of the time.

NumPy makes hundreds of types for type checkers, which one of its own modules names in annotations,
and puts docstrings onto what is compiled.  No number depends on either, as little as under
`python -OO`, where it has no docstrings.  Who asks for `numpy.typing` later gets the whole of it.
Versions in which this has not been tried are loaded as they are.
"""

from __future__ import annotations

import re
import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

WORDS = ("numpy._typing", "numpy._core._add_newdocs", "numpy._core._add_newdocs_scalars")
KNOWN = ("2.0", "2.1", "2.2", "2.3", "2.4")


def load_numpy() -> None:
    """Load it, unless it is there already."""
    if "numpy" in sys.modules or sys.flags.dev_mode or _series() not in KNOWN:
        return
    sys.modules.update((name, _StandIn(name)) for name in WORDS)
    try:
        import_module("numpy")
    finally:
        for name in WORDS:
            del sys.modules[name]


def _series() -> str:
    """The first two numbers of the version that would be loaded; empty if they are not found."""
    spec = find_spec("numpy")
    if spec is None or spec.origin is None:
        return ""
    try:
        text = Path(spec.origin).with_name("version.py").read_text(encoding="utf-8")
    except OSError:
        return ""
    found = re.search(r'^(?:full_)?version = "(\d+\.\d+)', text, re.MULTILINE)
    return found[1] if found else ""


class _StandIn(ModuleType):
    """In the place of a module, of which only names of types are wanted, to stand in brackets."""

    def __getattr__(self, name: str) -> type:
        if name.startswith("__"):
            raise AttributeError(name)
        return list
