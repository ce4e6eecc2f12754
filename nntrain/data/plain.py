"""Values of ours as JSON types, and back again with every type checked on the way."""

from __future__ import annotations

import dataclasses
import math
from functools import cache
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from nntrain.errors import MachineError

T = TypeVar("T")


def damaged(what: str) -> MachineError:
    return MachineError(f"damaged preprocessing in the model file: {what}")


def encode(value: Any) -> dict[str, Any]:
    """The fields of a dataclass of texts, numbers and tuples of them."""
    fields = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    return {name: list(v) if isinstance(v, tuple) else v for name, v in fields.items()}


def decode(cls: type[T], plain: Any, where: str) -> T:
    """The dataclass whose fields `plain` holds; floats keep every bit in JSON."""
    hints: dict[str, Any] = _hints(cls)  # type: ignore[arg-type]
    fields = {field.name: field for field in dataclasses.fields(cls)}  # type: ignore[arg-type]
    needed = {name for name, field in fields.items() if field.default is dataclasses.MISSING}
    if not isinstance(plain, dict) or not needed <= set(plain) <= set(hints):
        raise damaged(f"{where}: expected {', '.join(hints)}")
    return cls(**{name: read(hints[name], plain[name], f"{where}.{name}") for name in plain})


def read(hint: Any, value: Any, where: str) -> Any:
    """The value, if it is of that type: text, finite number, truth, tuple of them or None."""
    if get_origin(hint) is tuple:
        if isinstance(value, list):
            return tuple(read(get_args(hint)[0], item, where) for item in value)
    elif type(None) in get_args(hint):
        return None if value is None else read(get_args(hint)[0], value, where)
    elif hint is float:
        if type(value) in (int, float) and math.isfinite(value):
            return float(value)
    elif type(value) is hint:
        return value
    raise damaged(f"{where}: {value!r:.60}")


@cache
def _hints(cls: Any) -> dict[str, Any]:
    """The types of the fields; found once, for there may be thousands of columns."""
    return {name: hint for name, hint in get_type_hints(cls).items() if not _is_class_var(hint)}


def _is_class_var(hint: Any) -> bool:
    return "ClassVar" in str(hint)
