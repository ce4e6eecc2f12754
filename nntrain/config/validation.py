"""From a tree to the sections of an experiment, or to the problems that keep it from being one.

pydantic decides what is right and makes the dataclasses (`schema.py`); what is wrong is told in
our own words, at its place (`explain.py`).  Each section is judged by itself, so that the rules
between sections can look at those that are sound although others are not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from nntrain.config.experiment import Experiment
from nntrain.config.explain import explain, is_misspelt, missing, no_mapping, unknown_key
from nntrain.config.grammar import default, fields, required
from nntrain.config.tree import MappingNode, Node, plain
from nntrain.errors import Problem


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
            if not is_misspelt(name, root, (), Experiment):
                problems.append(missing(root, (name,), Experiment))
        else:
            sections[name] = default(Experiment, name)
    return Validated(sections, problems)


def _section(name: str, root: MappingNode, sections: dict[str, Any]) -> list[Problem]:
    from nntrain.config.judge import ValidationError  # late: only who reads a config needs it
    from nntrain.config.schema import validator

    value = plain(root.items[name])
    judge = validator(Experiment, name, frozenset(_words(value)))
    try:
        sections[name] = judge.validate_python(value)
    except ValidationError as error:
        return explain(error.errors(include_url=False, include_input=False), name, root)
    return []


def _words(value: Any) -> Iterator[str]:
    """All text in a value, keys left out."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _words(item)
    elif isinstance(value, Sequence):
        for item in value:
            yield from _words(item)
