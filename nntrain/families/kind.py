"""What a kind is: a dataclass that a mapping in a config file describes.

Subclasses of a family register themselves; so adding a kind is writing one class.
"""

from __future__ import annotations

import re
from dataclasses import fields, replace
from typing import Annotated, Any, ClassVar, TypeVar

from nntrain.limits import Ge, Gt, Le, Lt

PositiveInt = Annotated[int, Gt(0)]
NonNegativeInt = Annotated[int, Ge(0)]
Seed = Annotated[int, Ge(0), Lt(2**32)]  # one word, so that no two seeds give one stream
PositiveFloat = Annotated[float, Gt(0)]
NonNegativeFloat = Annotated[float, Ge(0)]
Rate = Annotated[float, Ge(0), Lt(1)]  # a share that must leave something over
Share = Annotated[float, Gt(0), Le(1)]


class Spec:
    """Anything that a mapping in a config file describes: a frozen dataclass."""


class Family(Spec):
    """A set of kinds that one place in the config may choose from by `type`."""

    kinds: ClassVar[dict[str, type[Family]]]
    kind: ClassVar[str]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if Family in cls.__bases__:
            cls.kinds = {}
        else:
            cls.kind = (
                cls.__dict__.get("kind")
                or re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", cls.__name__).lower()
            )
            cls.kinds[cls.kind] = cls


K = TypeVar("K")


def knowing(kind: K, **facts: Any) -> K:
    """A copy of a kind that also knows what only the data tells, which is no key of the config."""
    copy = replace(kind)  # type: ignore[type-var]
    for name, fact in facts.items():
        object.__setattr__(copy, name, fact)
    return copy


def to_plain(value: Any) -> Any:
    """The YAML form of a kind, a section or anything made of them: mappings, lists, scalars."""
    if isinstance(value, Spec):
        own = {each.name: to_plain(getattr(value, each.name)) for each in fields(value)}  # type: ignore[arg-type]
        return {"type": value.kind, **own} if isinstance(value, Family) else own
    if isinstance(value, (tuple, list)):
        return [to_plain(item) for item in value]
    if isinstance(value, dict):
        return {key: to_plain(item) for key, item in value.items()}
    return value
