"""Packages that only some formats need, imported when they are needed."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from nntrain.errors import MachineError


def extra(module: str, package: str, name: str, what: str) -> Any:
    """A module of an optional package, which the extra `name` of nntrain installs."""
    try:
        return import_module(module)
    except ImportError:
        hint = f'python -m pip install "nntrain[{name}]"'
        raise MachineError(f"{what} with {package}, which is not here: {hint}") from None
