"""Limits of a field, as annotations: `Annotated[int, Gt(0)]` is a whole number above 0.

The words of the annotated-types package, which takes a tenth of the start to import.
"""

from __future__ import annotations

from nntrain.values import dataclass


@dataclass(frozen=True)
class Gt:
    """Greater than."""

    gt: float


@dataclass(frozen=True)
class Ge:
    """Greater than or equal to."""

    ge: float


@dataclass(frozen=True)
class Lt:
    """Less than."""

    lt: float


@dataclass(frozen=True)
class Le:
    """Less than or equal to."""

    le: float


@dataclass(frozen=True)
class Len:
    """Text or lists of a certain length."""

    min_length: int = 0
    max_length: int | None = None
