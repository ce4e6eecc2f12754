"""Space: the keys that a sweep changes, as changes of the config's tree.

A value stays the node that it was read as, so that whatever is wrong with it is found by the same
rules as everywhere, and told at its place in the `sweep:` block.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field
from itertools import islice, product
from typing import Any, cast

from nntrain.config.experiment import Experiment
from nntrain.config.grammar import below, options
from nntrain.config.layering import key_path, put, without
from nntrain.config.rules import check
from nntrain.config.sweep import Value, noted
from nntrain.config.tree import (
    KeyPath,
    ListNode,
    MappingNode,
    Node,
    Place,
    ScalarNode,
    child,
    find,
    plain,
)
from nntrain.config.validation import validate
from nntrain.errors import ConfigError, Problem
from nntrain.values import dataclass
from nntrain.wording import quoted

MOST_COMBINATIONS = 500  # of keys that depend on each other, which are all looked at


@dataclass(frozen=True)
class Dimension:
    """One key that a sweep changes.

    choices: its values by what stands for them; empty for a range.
    low, high: the range; step: between its values, None for any; whole: they are whole numbers.
    when: the conditions: a path, and the values of which one must stand there.
    ends: where those of the range were written.
    """

    key: str
    path: KeyPath
    place: Place
    choices: Mapping[Value, Node] = field(default_factory=dict)
    low: float = 0.0
    high: float = 0.0
    step: float | None = None
    log: bool = False
    whole: bool = False
    when: tuple[tuple[KeyPath, tuple[Any, ...]], ...] = ()
    ends: tuple[Place, ...] = ()

    def node(self, value: Value) -> Node:
        """The value as a part of the tree."""
        if self.choices:
            return self.choices[value]
        number = self.exact(cast(float, value))
        return ScalarNode(number, self.place, str(number))

    def holds(self, root: Node) -> bool:
        """Whether all conditions are met."""
        return all(_stands(find(root, path), values) for path, values in self.when)

    def put(self, root: Node, node: Node) -> Node:
        return put(root, self.path, node, self.place)

    def some(self) -> list[Node]:
        """The choices, or the ends of the range."""
        ends = zip(map(self.exact, (self.low, self.high)), self.ends, strict=False)
        return list(self.choices.values()) or [ScalarNode(n, at, str(n)) for n, at in ends]

    def every(self) -> list[Value]:
        """All values, for a grid; empty where they can not be counted."""
        if self.choices:
            return list(self.choices)
        if self.step is None:
            return []
        count = round((self.high - self.low) / self.step) + 1
        return [self.exact(self.low + number * self.step) for number in range(count)]

    def standing(self, root: Node) -> list[Value]:
        """The value that stands in the tree, if it is one of this dimension: none or one."""
        node = find(root, self.path)
        if node is None:
            return []
        if self.choices:
            found = [v for v, choice in self.choices.items() if _stands(node, (plain(choice),))]
            return found[:1]
        value = node.value if isinstance(node, ScalarNode) else None
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return []
        steps = (value - self.low) / self.step if self.step else 0.0
        inside = self.low <= value <= self.high and abs(steps - round(steps)) < 1e-9
        return [self.exact(value)] if inside else []

    def exact(self, number: float) -> float:
        """A number of the range as a person would write it: without what rounding has added to a
        step, and with six digits where it was drawn."""
        if self.whole:
            return round(number)
        digits = 12 if self.step else 6
        return min(max(float(f"{number:.{digits}g}"), self.low), self.high)


def _stands(node: Node | None, values: tuple[Any, ...]) -> bool:
    """Whether one of the values stands there; the name of a kind stands for each of its kind."""
    if node is None:
        return False
    named = child(node, "type")
    kind = named.value if isinstance(named, ScalarNode) else None
    found = plain(node)
    return any(_same(found, value) or (kind is not None and kind == value) for value in values)


def _same(found: Any, asked: Any) -> bool:
    """Whether they are equal; of a mapping only the keys that are asked for count."""
    if isinstance(asked, dict) and isinstance(found, dict):
        return all(key in found and _same(found[key], item) for key, item in asked.items())
    return bool(found == asked) and isinstance(found, bool) == isinstance(asked, bool)


def dimensions(root: Node) -> tuple[Dimension, ...]:
    """Those of the `sweep:` block in a tree that was found to be right."""
    space = cast(MappingNode, find(root, ("sweep", "space")))
    return tuple(_dimension(key, node, space.keys[key], root) for key, node in space.items.items())


def _dimension(key: str, node: Node, place: Place, root: Node) -> Dimension:
    path, conditions = key_path(key), child(node, "when")
    when = tuple(
        (key_path(other), plain(v) if isinstance(v, ListNode) else (plain(v),))
        for other, v in (conditions.items.items() if isinstance(conditions, MappingNode) else ())
    )
    listed = node if isinstance(node, ListNode) else child(node, "values")
    if isinstance(listed, ListNode):
        choices = {noted(plain(item)): item for item in listed.items}
        return Dimension(key, path, place, choices, when=when)
    given, ends = plain(node), cast(MappingNode, node).items
    low, high, step = given["min"], given["max"], given.get("step")
    whole = _is_whole(root, path, low, high, step)
    log = given.get("log", False)
    if whole and step is None and not log:
        step = 1
    if step is not None:  # the last value that the steps come to
        high = low + math.floor((high - low) / step + 1e-9) * step
    written = (ends["min"].place, ends["max"].place)
    return Dimension(key, path, place, {}, low, high, step, log, whole, when, written)


def _is_whole(root: Node, path: KeyPath, *numbers: float | None) -> bool:
    """Whether a range is one of whole numbers: all of it is, and the key does not say otherwise."""
    annotation: Any = Experiment
    node: Node | None = root
    for key in path:
        if node is None or annotation is None:
            break
        annotation, node = below(annotation, node, key), child(node, key)
    kinds = {getattr(option, "__origin__", option) for option in options(annotation)}
    if float in kinds and int not in kinds:
        return False
    return all(number is None or float(number).is_integer() for number in numbers)


def settled(
    root: Node, space: Sequence[Dimension], chosen: Mapping[str, Value]
) -> tuple[Node, dict[str, Value]]:
    """The tree with the chosen values where their conditions hold, and those that were used."""
    used: dict[str, Value] = {}
    for dimension in space:
        if dimension.key in chosen and dimension.holds(root):
            used[dimension.key] = chosen[dimension.key]
            root = dimension.put(root, dimension.node(used[dimension.key]))
    return root, used


def grid(root: Node, space: Sequence[Dimension]) -> Iterator[dict[str, Value]]:
    """All settings of a grid, each once, the last key changing first."""
    seen = set[tuple[tuple[str, str], ...]]()
    for values in product(*(dimension.every() for dimension in space)):
        chosen = dict(zip((dimension.key for dimension in space), values, strict=True))
        used = settled(root, space, chosen)[1]
        mark = tuple((key, repr(value)) for key, value in used.items())
        if mark not in seen:
            seen.add(mark)
            yield used


def check_space(root: Node, method: str) -> list[Problem]:
    """What is wrong with the keys and values of a space, in a config that is right without it."""
    space = dimensions(root)
    base = without(root, "sweep") if isinstance(root, MappingNode) else root
    problems: dict[tuple[str, str, int, int], Problem] = {}
    for number, dimension in enumerate(space):
        for problem in _of_one(base, dimension, space[:number], method):
            place = (problem.message, problem.file, problem.line, problem.column)
            problems.setdefault(place, problem)
    return list(problems.values())


def _of_one(
    base: Node, dimension: Dimension, before: Sequence[Dimension], method: str
) -> Iterator[Problem]:
    here, path = dimension.place, ("sweep", "space", dimension.key)
    if odd := [other.key for other in before if _is_above(dimension.path, other.path)]:
        message = f"this would replace {quoted(odd[0])}, which stands before it"
        yield here.problem(path, message, "write it before that key")
        return
    for other, _ in dimension.when:
        if not any(_related(other, one.path) for one in before):
            name = quoted(".".join(map(str, other)))
            message = f"the condition is about {name}, which no key before it in the space changes"
            yield here.problem((*path, "when"), message, "write that key before this one")
            return
    if method == "grid" and not dimension.every():
        message = "a grid needs a `step`, or a list of values"
        yield here.problem(path, message, "or take `method: random`")
        return
    yield from _of_values(base, dimension, before)


def _of_values(base: Node, dimension: Dimension, before: Sequence[Dimension]) -> Iterator[Problem]:
    """What is wrong with the values, below everything that may stand above and beside them."""
    reached = False
    for root in _grounds(base, dimension, before):
        if not dimension.holds(root):
            continue
        reached = True
        known = {str(problem) for problem in problems_of(root)}
        for node in dimension.some():
            try:
                found = problems_of(dimension.put(root, node))
            except ConfigError as error:
                found = error.problems
            yield from (problem for problem in found if str(problem) not in known)
    if not reached:
        path = ("sweep", "space", dimension.key, "when")
        message = "the condition is never met: no value of the keys before it is the one asked for"
        yield dimension.place.problem(path, message)


def _grounds(base: Node, dimension: Dimension, before: Sequence[Dimension]) -> Iterator[Node]:
    """The trees that the dimension may be put into: one for each choice that concerns it."""
    concerned = _concerned(dimension, before)
    values = []
    for one in concerned:
        nodes = one.some()
        if not one.choices:  # a condition may ask for a value between the ends
            asked = [v for path, all_ in dimension.when if path == one.path for v in all_]
            nodes += [one.node(v) for v in asked if one.low <= v <= one.high]
        values.append(nodes)
    for chosen in islice(product(*values), MOST_COMBINATIONS):
        root = base
        try:
            for one, node in zip(concerned, chosen, strict=True):
                if one.holds(root):
                    root = one.put(root, node)
        except ConfigError:  # told where that key itself is looked at
            continue
        yield root


def _concerned(dimension: Dimension, before: Sequence[Dimension]) -> list[Dimension]:
    """The keys before it that stand above it or decide whether it is set, and theirs."""
    wanted = [dimension.path, *(path for path, _ in dimension.when)]
    found: list[Dimension] = []
    for one in reversed(before):
        if any(_related(path, one.path) for path in wanted):
            found.insert(0, one)
            wanted += [one.path, *(path for path, _ in one.when)]
    return found


def problems_of(root: Node) -> list[Problem]:
    """All that is wrong with a config."""
    validated = validate(root)
    return [*validated.problems, *check(validated.sections, root)]


def _is_above(one: KeyPath, other: KeyPath) -> bool:
    """Whether `one` is `other`, or holds it."""
    return other[: len(one)] == one


def _related(one: KeyPath, other: KeyPath) -> bool:
    return _is_above(one, other) or _is_above(other, one)
