"""pydantic-core, the half of it that judges values.

Its other half tells type checkers what a schema may say: it takes twice as long to load as a config
takes to be read, and no value is judged by it.
"""

from __future__ import annotations

import sys
from importlib.machinery import PathFinder
from importlib.util import find_spec, module_from_spec
from types import ModuleType
from typing import TYPE_CHECKING

_COMPILED = "pydantic_core._pydantic_core"


def _compiled() -> ModuleType:
    """The module by itself; its name is its own, so it is the same one for whoever loads all."""
    if _COMPILED in sys.modules:
        return sys.modules[_COMPILED]
    package = find_spec("pydantic_core")
    places = package.submodule_search_locations if package else None
    spec = PathFinder.find_spec(_COMPILED, places)
    if spec is None or spec.loader is None:  # it lies otherwise than in versions so far
        import pydantic_core

        return pydantic_core
    module = sys.modules[_COMPILED] = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


if TYPE_CHECKING:
    from pydantic_core import SchemaValidator as SchemaValidator
    from pydantic_core import ValidationError as ValidationError
else:
    SchemaValidator, ValidationError = _compiled().SchemaValidator, _compiled().ValidationError
