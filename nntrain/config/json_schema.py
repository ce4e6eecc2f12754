"""The grammar of the config as a JSON Schema, for editors that complete and underline.

It says less than `nntrain check`: what must be true between keys is not in it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Any, Literal, get_args, get_origin

from nntrain.config.docstrings import meaning, summary
from nntrain.config.examples import example
from nntrain.config.experiment import Experiment
from nntrain.config.grammar import (
    allows_none,
    default,
    fields,
    is_family,
    is_spec,
    nouns,
    options,
    required,
)
from nntrain.config.reference import EXTENDS
from nntrain.families import Family, to_plain
from nntrain.limits import Ge, Gt, Le, Len, Lt

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_TYPES = {int: "integer", float: "number", str: "string", bool: "boolean"}

Schema = dict[str, Any]


def json_schema() -> Schema:
    """The schema of a config file: every key, every kind, what each means and its default."""
    definitions: dict[str, Schema] = {}
    root = _spec(Experiment, definitions)
    extends = {
        "type": "string",
        "description": EXTENDS,
        "examples": ["base.yaml"],
    }
    root["properties"] = {"extends": extends, **root["properties"]}
    needed = root.pop("required")
    root["anyOf"] = [{"required": needed}, {"required": ["extends"]}]
    return {"$schema": DIALECT, "title": "A config of nntrain", **root, "$defs": definitions}


def _spec(spec: Any, definitions: dict[str, Schema], kind: str = "") -> Schema:
    """A mapping with the keys of a dataclass; `kind` is what its `type` says."""
    properties: dict[str, Schema] = {"type": {"const": kind}} if kind else {}
    for name, annotation in fields(spec).items():
        about: Schema = {"description": meaning(spec, name), "examples": [example(spec, name)]}
        if not required(spec, name):
            about["default"] = to_plain(default(spec, name))
        properties[name] = {**_value(annotation, definitions), **about}
    needed = ["type"] * bool(kind) + [name for name in fields(spec) if required(spec, name)]
    return {
        "type": "object",
        "description": summary(spec),
        "properties": properties,
        "required": needed,
        "additionalProperties": False,
    }


def _value(annotation: Any, definitions: dict[str, Schema]) -> Schema:
    if annotation is Any:
        return {}
    members = [_member(option, definitions) for option in options(annotation)]
    if allows_none(annotation):
        members.append({"type": "null"})
    return members[0] if len(members) == 1 else {"anyOf": members}


def _member(option: Any, definitions: dict[str, Schema]) -> Schema:
    limits: Schema = {}
    if get_origin(option) is Annotated:
        option, *metadata = get_args(option)
        limits = {key: value for limit in metadata for key, value in _limit(limit).items()}
    origin, args = get_origin(option), get_args(option)
    if option is Any:
        return {}
    if origin is Literal:
        return {"enum": list(args)}
    if origin is tuple and args[-1] is Ellipsis:
        return {"type": "array", "items": _value(args[0], definitions)}
    if origin is tuple:
        items = [_value(arg, definitions) for arg in args]
        return {"type": "array", "prefixItems": items, "items": False, "minItems": len(items)}
    if origin is Mapping:
        return {"type": "object", "additionalProperties": _value(args[1], definitions)}
    if is_family(option):
        return _family(option, definitions)
    if is_spec(option):
        return _spec(option, definitions)
    return {"type": _TYPES[option], **limits}


def _limit(limit: Any) -> Schema:
    match limit:
        case Gt(gt=value):
            return {"exclusiveMinimum": value}
        case Ge(ge=value):
            return {"minimum": value}
        case Lt(lt=value):
            return {"exclusiveMaximum": value}
        case Le(le=value):
            return {"maximum": value}
        case Len(min_length=least, max_length=most):
            return {"minLength": least, **({} if most is None else {"maxLength": most})}
    raise TypeError(f"the schema knows no such limit: {limit!r}")


def _family(family: type[Family], definitions: dict[str, Schema]) -> Schema:
    """A reference to the choice between kinds: a mapping with `type`, or the bare word."""
    name = family.__name__
    if name not in definitions:
        definitions[name] = {}  # known from here on: kinds hold others of their family
        words = [k for k, kind in family.kinds.items() if not _needs_keys(kind)]
        for word, kind in family.kinds.items():
            definitions[f"{name}.{word}"] = _spec(kind, definitions, word)
        mappings = [{"$ref": f"#/$defs/{name}.{word}"} for word in family.kinds]
        about = f"one of the {nouns(family)}: a bare word, or a mapping with `type`"
        definitions[name] = {"description": about, "anyOf": [{"enum": words}, *mappings]}
    return {"$ref": f"#/$defs/{name}"}


def text() -> str:
    """The schema as a file has it."""
    return json.dumps(json_schema(), indent=1, ensure_ascii=False)


def _needs_keys(kind: Any) -> bool:
    return any(required(kind, name) for name in fields(kind))
