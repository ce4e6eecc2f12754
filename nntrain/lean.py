"""NumPy without its words: loaded at the start of a command in five sixths of the time.

NumPy makes hundreds of types for type checkers, which one of its own modules names in annotations,
and puts docstrings onto what is compiled.  No number depends on either, as little as under
`python -OO`, where it has no docstrings.  Who asks for `numpy.typing` later gets the whole of it.
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType

WORDS = ("numpy._typing", "numpy._core._add_newdocs", "numpy._core._add_newdocs_scalars")


def load_numpy() -> None:
    """Load it, unless it is there already."""
    if "numpy" in sys.modules or sys.flags.dev_mode:
        return
    sys.modules.update((name, _StandIn(name)) for name in WORDS)
    try:
        import_module("numpy")
    finally:
        for name in WORDS:
            del sys.modules[name]


class _StandIn(ModuleType):
    """In the place of a module, of which only names of types are wanted, to stand in brackets."""

    def __getattr__(self, name: str) -> type:
        if name.startswith("__"):
            raise AttributeError(name)
        return list
