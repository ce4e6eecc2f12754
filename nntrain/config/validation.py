"""From a tree to the sections of an experiment, or to the problems that keep it from being one.

pydantic decides what is right and makes the dataclasses; what is wrong is told in our own words,
at its place (`explain.py`).  Each section is judged by itself, so that the rules between sections
can look at those that are sound although others are not.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from nntrain.config.experiment import Experiment
from nntrain.config.explain import explain, missing, no_mapping, unknown_key
from nntrain.config.grammar import default, fields, is_family, is_spec, required
from nntrain.config.tree import MappingNode, Node, plain
from nntrain.errors import Problem
from nntrain.families import Spec

if TYPE_CHECKING:
    from pydantic import ConfigDict, GetCoreSchemaHandler, TypeAdapter
    from pydantic_core import CoreSchema

_PLUGINS = "PYDANTIC_DISABLE_PLUGINS"
_CONFIG: ConfigDict = {"extra": "forbid", "strict": True, "allow_inf_nan": False}


class Validated(NamedTuple):
    """The sections that are sound, defaults included, and the problems of the others."""

    sections: dict[str, Any]
    problems: list[Problem]


def validate(root: Node) -> Validated:
    """Judge a tree as an experiment."""
    if not isinstance(root, MappingNode):
        return Validated({}, [no_mapping(root)])
    problems = [
        unknown_key(root, (key,), Experiment) for key in root.items if key not in fields(Experiment)
    ]
    sections: dict[str, Any] = {}
    for name in fields(Experiment):
        if name in root.items:
            problems += _section(name, root, sections)
        elif required(Experiment, name):
            problems.append(missing(root, (name,), Experiment))
        else:
            sections[name] = default(Experiment, name)
    return Validated(sections, problems)


def _section(name: str, root: MappingNode, sections: dict[str, Any]) -> list[Problem]:
    from pydantic import ValidationError

    try:
        sections[name] = adapter(name).validate_python(plain(root.items[name]))
    except ValidationError as error:
        return explain(error.errors(include_url=False, include_input=False), name, root)
    return []


@cache
def adapter(name: str) -> TypeAdapter[Any]:
    """What judges one section.  Made when first needed: pydantic takes longer to load than YAML."""
    from pydantic import TypeAdapter

    annotation = fields(Experiment)[name]
    _teach()
    _met.clear()
    with _no_plugins():
        return TypeAdapter(annotation, config=None if is_spec(annotation) else _CONFIG)


@contextmanager
def _no_plugins() -> Iterator[None]:
    """Keep pydantic from asking every installed package for plugins, a third of the time here."""
    before = os.environ.get(_PLUGINS)
    os.environ[_PLUGINS] = "__all__"
    try:
        yield
    finally:
        os.environ.pop(_PLUGINS)
        if before is not None:
            os.environ[_PLUGINS] = before


_met: set[str] = set()


def _teach() -> None:
    """Tell pydantic how to read a `Spec`, which itself must not know pydantic."""
    Spec.__pydantic_config__ = _CONFIG  # type: ignore[attr-defined]
    Spec.__get_pydantic_core_schema__ = classmethod(_schema)  # type: ignore[attr-defined]


def _schema(cls: type[Spec], source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
    if is_family(cls):
        return _family_schema(cls, handler)
    schema = handler(source)
    node: Any = schema
    while node["type"] != "dataclass":
        node = node["schema"] if "schema" in node else handler.resolve_ref_schema(node)
    node["strict"] = False  # a mapping is enough; the values in it stay strict
    return schema


def _family_schema(family: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
    from pydantic_core import core_schema

    ref = f"family-{family.__name__}"
    if ref in _met:
        return core_schema.definition_reference_schema(ref)
    _met.add(ref)
    choices: dict[Any, Mapping[str, Any]] = {
        name: core_schema.no_info_before_validator_function(
            _without_type, handler.generate_schema(kind)
        )
        for name, kind in family.kinds.items()
    }
    return core_schema.tagged_union_schema(choices, discriminator="type", ref=ref)


def _without_type(value: dict[str, Any]) -> dict[str, Any]:
    return {key: item for key, item in value.items() if key != "type"}
