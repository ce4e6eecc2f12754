"""Dataclasses whose classes are made quickly.

The standard library writes the methods of each dataclass as text and compiles it: 0.4 ms a frozen
class, a fifth of the time of a short training, which meets 250 of them.  Here the methods are
functions that look at the fields.  All else stays the library's own: `fields` and `replace` know
these classes, and they may inherit from its dataclasses, and be inherited by them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from types import MemberDescriptorType
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from dataclasses import dataclass
else:

    def dataclass(cls: type | None = None, /, **options: bool) -> Any:
        """`dataclasses.dataclass`, quick where nothing but `frozen` and `kw_only` is asked for."""
        if cls is None:
            return lambda cls: dataclass(cls, **options)
        if options.keys() - {"frozen", "kw_only"}:
            return dataclasses.dataclass(cls, **options)
        return _made(cls, **options)


__all__ = ["dataclass"]


@dataclasses.dataclass
class _Open:
    """The same of one that is not."""


@dataclasses.dataclass(frozen=True)
class _Frozen:
    """What any frozen dataclass has, whatever its fields, and a field of each sort."""

    value: None = None
    constant: ClassVar[None] = None


_SORTS: list[Any] = [each._field_type for each in vars(_Frozen)["__dataclass_fields__"].values()]


def _made(cls: Any, *, frozen: bool = False, kw_only: bool = False) -> Any:
    """Give `cls` what the standard library would give it."""
    inherited = (vars(base).get("__dataclass_fields__", {}) for base in cls.__mro__[:0:-1])
    known: dict[str, Any] = {}
    for those in (*inherited, _own_fields(cls, kw_only=kw_only)):
        known |= those
    cls.__dataclass_fields__ = known
    cls.__dataclass_params__ = vars(_Frozen if frozen else _Open)["__dataclass_params__"]
    chosen = dataclasses.fields(cls)
    positional = tuple(each.name for each in chosen if not each.kw_only)
    setattr(cls, "__match_args__", positional)  # noqa: B010  as mypy knows it, it can not be set
    cls.__init__ = _init(chosen, positional, hasattr(cls, "__post_init__"))
    if frozen:
        cls.__setattr__ = _refuse
        cls.__delattr__ = _refuse
    own = vars(cls)
    if "__repr__" not in own:
        cls.__repr__ = _repr
    if "__eq__" not in own:
        cls.__eq__ = _eq
    if own.get("__hash__") is None:
        cls.__hash__ = _hash if frozen else None
    return cls


def _own_fields(cls: Any, *, kw_only: bool) -> dict[str, Any]:
    """The fields that the body of a class names: read here, where all are of the usual sort."""
    body, own = vars(cls), dict[str, Any]()
    for name, annotation in body.get("__annotations__", {}).items():
        given = body.get(name, dataclasses.MISSING)
        is_field, is_constant = isinstance(given, dataclasses.Field), _is_constant(annotation)
        field = own[name] = given if is_field else dataclasses.field(default=given)
        if is_constant is None or (is_constant and is_field) or not _can_stand(field.default):
            return _fields_as_read(cls, kw_only=kw_only)
        field.name, field.type, field._field_type = name, annotation, _SORTS[is_constant]
        if field.kw_only is dataclasses.MISSING and not is_constant:
            field.kw_only = kw_only
    for name in own:
        _put_default(cls, name, own[name].default)
    return own


def _is_constant(annotation: Any) -> bool | None:
    """Whether it says ClassVar; None where that takes a closer look."""
    if not isinstance(annotation, str) or "InitVar" in annotation or "KW_ONLY" in annotation:
        return None
    is_constant = annotation.startswith("ClassVar[")
    return None if "ClassVar" in annotation and not is_constant else is_constant


def _can_stand(default: Any) -> bool:
    """Whether the library lets it be a default: no list, and no slot."""
    return type(default).__hash__ is not None and not isinstance(default, MemberDescriptorType)


def _put_default(cls: Any, name: str, default: Any) -> None:
    """In the place of a `field(…)`: its default, or nothing."""
    if not isinstance(vars(cls).get(name), dataclasses.Field):
        return
    if default is dataclasses.MISSING:
        delattr(cls, name)
    else:
        setattr(cls, name, default)


def _fields_as_read(cls: Any, *, kw_only: bool) -> dict[str, Any]:
    """The same, as the standard library reads them.

    It reads a bare class with the same body, and so makes no methods of it.
    """
    names = cls.__annotations__
    body: dict[str, Any] = {name: vars(cls)[name] for name in names if name in vars(cls)}
    bare = type(cls.__name__, (), {**body, "__doc__": "fields", "__module__": cls.__module__})
    bare.__annotations__ = names
    bare = dataclasses.dataclass(init=False, repr=False, eq=False, kw_only=kw_only)(bare)
    for name in body:
        _put_default(cls, name, vars(bare).get(name, dataclasses.MISSING))
    own: dict[str, Any] = vars(bare)["__dataclass_fields__"]
    return own


def _init(
    chosen: tuple[dataclasses.Field[Any], ...], positional: tuple[str, ...], finishes: bool
) -> Callable[..., None]:
    """The `__init__` of a class with these fields."""
    missing = dataclasses.MISSING
    blank = {each.name: each.default for each in chosen}
    makers = {e.name: e.default_factory for e in chosen if e.default_factory is not missing}
    needed = [e.name for e in chosen if e.default is missing and e.name not in makers]

    def init(self: Any, /, *values: Any, **named: Any) -> None:
        if values:
            named = _by_name(self, positional, values, named)
        filled = {**blank, **named}
        if len(filled) > len(blank):
            raise _unfit(self, "has no", filled.keys() - blank.keys())
        if any(filled[name] is missing for name in needed):
            raise _unfit(self, "needs", (name for name in needed if filled[name] is missing))
        for name, make in makers.items():
            if name not in named:
                filled[name] = make()
        vars(self).update(filled)
        if finishes:
            self.__post_init__()

    return init


def _by_name(
    self: Any, positional: tuple[str, ...], values: tuple[Any, ...], named: dict[str, Any]
) -> dict[str, Any]:
    """All that was given, by name."""
    if len(values) > len(positional):
        raise TypeError(
            f"{type(self).__qualname__}() takes {len(positional)} values by position, and was "
            f"given {len(values)}"
        )
    placed = dict(zip(positional, values, strict=False))
    if twice := placed.keys() & named.keys():
        raise _unfit(self, "was given twice", twice)
    return placed | named


def _unfit(self: Any, what: str, names: Any) -> TypeError:
    return TypeError(f"{type(self).__qualname__}() {what}: {', '.join(sorted(names))}")


def _refuse(self: Any, name: str, value: Any = None) -> None:
    raise dataclasses.FrozenInstanceError(f"{type(self).__qualname__} is frozen: {name}")


def _repr(self: Any) -> str:
    shown = (f"{e.name}={getattr(self, e.name)!r}" for e in dataclasses.fields(self) if e.repr)
    return f"{type(self).__qualname__}({', '.join(shown)})"


def _compared(self: Any) -> tuple[Any, ...]:
    return tuple(getattr(self, e.name) for e in dataclasses.fields(self) if e.compare)


def _eq(self: Any, other: Any) -> Any:
    if other.__class__ is not self.__class__:
        return NotImplemented
    return _compared(self) == _compared(other)


def _hash(self: Any) -> int:
    return hash(_compared(self))
