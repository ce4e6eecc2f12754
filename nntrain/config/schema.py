"""The grammar of the config in pydantic's terms: what judges values and makes the dataclasses.

Written straight for pydantic-core, because loading pydantic's own reader of annotations takes
longer than reading a config, and because `Spec` then need not know of any of it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import cache
from typing import Annotated, Any, Literal, get_args, get_origin

from nntrain.config.grammar import (
    allows_none,
    default,
    fields,
    is_family,
    is_spec,
    options,
    required,
)
from nntrain.config.judge import SchemaValidator
from nntrain.limits import Ge, Gt, Le, Len, Lt

Schema = Any
"""A mapping that pydantic-core knows: `pydantic_core.core_schema` says what may be in it."""

_SCALARS: dict[Any, Schema] = {
    Any: {"type": "any"},
    int: {"type": "int", "strict": True},
    float: {"type": "float", "strict": True, "allow_inf_nan": False},
    str: {"type": "str", "strict": True},
    bool: {"type": "bool", "strict": True},
}


@cache
def validator(spec: Any, name: str, words: frozenset[str] | None = None) -> SchemaValidator:
    """What judges the value of one key: lists are tuples, whole numbers never `3.0` or `"3"`.

    words: all text in the value.  A kind that is not among it is not named by it, so it is left
    out, which spares most of the work; without it, all kinds can be judged.
    """
    families = Families(words)
    schema = _schema(fields(spec)[name], families)
    whole: Schema = {"type": "definitions", "schema": schema}
    return SchemaValidator({**whole, "definitions": list(families.values())})


def judgeable(kind: Any) -> str:
    """What keeps the keys of a kind from being judged; nothing if all is well."""
    try:
        annotations = fields(kind)
    except (NameError, TypeError) as error:
        return f"its annotations can not be read: {error}"
    for name, annotation in annotations.items():
        try:
            _schema(annotation, Families(()))
        except (KeyError, TypeError, AttributeError, IndexError):
            return f"a config knows no values such as the annotation of `{name}` says"
    return ""


class Families(dict[str, Schema]):
    """The choice of each family, by its name.   words: those that may name a kind, if not all."""

    def __init__(self, words: Collection[str] | None):
        self.words = words


def _schema(annotation: Any, families: Families) -> Schema:
    members = [_member(option, families) for option in options(annotation)]
    schema = members[0] if len(members) == 1 else {"type": "union", "choices": members}
    return {"type": "nullable", "schema": schema} if allows_none(annotation) else schema


def _member(option: Any, families: Families) -> Schema:
    limits: dict[str, Any] = {}
    if get_origin(option) is Annotated:
        option, *metadata = get_args(option)
        limits = _limits(metadata)
    origin, args = get_origin(option), get_args(option)
    if origin is Literal:
        return {"type": "literal", "expected": list(args)}
    if origin is tuple:
        repeated = {"variadic_item_index": 0} if args[-1] is Ellipsis else {}
        items = [_schema(arg, families) for arg in args if arg is not Ellipsis]
        return {"type": "tuple", "items_schema": items, **repeated, "strict": True}
    if origin is Mapping:
        keys, values = (_schema(arg, families) for arg in args)
        return {"type": "dict", "keys_schema": keys, "values_schema": values}
    if is_family(option):
        return _family(option, families)
    if is_spec(option):
        return _mapping(option, families)
    return {**_SCALARS[option], **limits}


def _limits(metadata: list[Any]) -> dict[str, Any]:
    limits: dict[str, Any] = {}
    for limit in metadata:
        match limit:
            case Gt(gt=value):
                limits["gt"] = value
            case Ge(ge=value):
                limits["ge"] = value
            case Lt(lt=value):
                limits["lt"] = value
            case Le(le=value):
                limits["le"] = value
            case Len(min_length=least, max_length=most):
                limits |= {"min_length": least, "max_length": most}
            case _:
                raise TypeError(f"the config knows no such limit: {limit!r}")
    return limits


def _family(family: Any, families: Families) -> Schema:
    """A reference to the choice by `type`, so that kinds may hold others of their family."""
    ref = family.__name__
    if ref not in families:
        families[ref] = {"type": "any"}  # known from here on
        words = family.kinds if families.words is None else families.words
        named = [name for name in family.kinds if name in words]
        choices = {
            name: {
                "type": "function-before",
                "function": {"type": "no-info", "function": _without_type},
                "schema": _mapping(family.kinds[name], families),
            }
            for name in named or [next(iter(family.kinds))]  # pydantic wants one at least
        }
        by_type: Schema = {"type": "tagged-union", "choices": choices, "discriminator": "type"}
        families[ref] = {**by_type, "ref": ref}
    return {"type": "definition-ref", "schema_ref": ref}


def _without_type(value: dict[str, Any]) -> dict[str, Any]:
    return {key: item for key, item in value.items() if key != "type"}


def _mapping(spec: Any, families: Families) -> Schema:
    keys = []
    for name, annotation in fields(spec).items():
        schema = _schema(annotation, families)
        if not required(spec, name):
            make = lambda name=name: default(spec, name)  # noqa: E731
            schema = {"type": "default", "schema": schema, "default_factory": make}
        keys.append({"type": "dataclass-field", "name": name, "schema": schema, "kw_only": True})
    arguments = {"type": "dataclass-args", "dataclass_name": spec.__name__, "fields": keys}
    return {
        "type": "dataclass",
        "cls": spec,
        "schema": {**arguments, "extra_behavior": "forbid"},
        "fields": list(fields(spec)),
        "post_init": hasattr(spec, "__post_init__"),
        "strict": False,  # a mapping is enough
    }
