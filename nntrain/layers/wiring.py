"""Wiring: the nodes of a graph, what is wrong with them, and the order to compute them in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal, NamedTuple

from nntrain.families import Layer, Spec
from nntrain.values import dataclass
from nntrain.wording import listed, nearest, quoted

INPUT = "input"  # what comes into a graph that names no inputs

Names = str | tuple[str, ...]


@dataclass(frozen=True)
class GraphNode(Spec):
    """One node of a graph: what it takes, and what it makes of it.

    input: an input or a node of the graph, or a list of them.
    combine: how several become one: `add` or `multiply` (equal shapes), or `concatenate` (side by
        side on the last axis).
    layers: what is then computed, one after the other.
    share: in place of `layers`, another node, whose layers and weights are used here too.
    """

    input: str | tuple[str, ...]
    combine: Literal["add", "multiply", "concatenate"] | None = None
    layers: tuple[Layer, ...] = ()
    share: str | None = None


Inputs = Mapping[str, Names]
Nodes = Mapping[str, GraphNode]


class Fault(NamedTuple):
    """What is wrong at one place of a graph; `keys` leads there, from the graph."""

    keys: tuple[str | int, ...]
    message: str
    hint: str = ""
    about_key: bool = False


def names(value: Names) -> tuple[str, ...]:
    """One name or several, as several."""
    return (value,) if isinstance(value, str) else value


def order(inputs: Inputs, nodes: Nodes, outputs: Names) -> list[str]:
    """The nodes, each after what it takes; a ValueError tells the first fault."""
    for fault in faults(inputs, nodes, outputs):
        raise ValueError(fault.message)
    return _sorted(inputs or (INPUT,), nodes)[0]


def faults(inputs: Inputs, nodes: Nodes, outputs: Names) -> Iterator[Fault]:
    """All that is wrong with the names of a graph; circles and loose ends only where all exist."""
    known = (*(inputs or (INPUT,)), *nodes)
    found = [*_wrong_names(inputs, nodes), *_wrong_columns(inputs)]
    for name, node in nodes.items():
        found += _unknown(("nodes", name, "input"), node.input, known)
        found += _wrong_node(name, node, nodes)
    found += _unknown(("outputs",), outputs, known)
    yield from found or _circle(inputs, nodes) or _loose(inputs, nodes, outputs)


def _wrong_names(inputs: Inputs, nodes: Nodes) -> Iterator[Fault]:
    if not nodes:
        yield Fault(("nodes",), "expected at least one node, got none")
    for place, given in (("inputs", inputs), ("nodes", nodes)):
        for name in given:
            if not name.strip() or "." in name:
                message = "a name needs letters and can not have a point in it"
                yield Fault((place, name), message, about_key=True)
    for name in nodes:
        if name in (inputs or (INPUT,)):
            message = f"{quoted(name)} is the name of an input already"
            yield Fault(("nodes", name), message, "give the node another name", about_key=True)


def _wrong_columns(inputs: Inputs) -> Iterator[Fault]:
    for name, columns in inputs.items():
        if not columns:
            yield Fault(("inputs", name), "expected at least one column, got none")
        for i, column in enumerate(names(columns)):
            if column in names(columns)[:i]:
                message = f"{quoted(column)} stands in this list twice"
                yield Fault(("inputs", name, i), message)


def _unknown(keys: tuple[str | int, ...], given: Names, known: Sequence[str]) -> Iterator[Fault]:
    if not given:
        yield Fault(keys, "expected the name of a node or an input, got none")
    for i, name in enumerate(names(given)):
        at = keys if isinstance(given, str) else (*keys, i)
        if name not in known:
            yield Fault(at, f"there is no node {quoted(name)}", _near(name, known))
        elif keys == ("outputs",) and name in names(given)[:i]:
            yield Fault(at, f"{quoted(name)} stands in this list twice")


def _near(name: str, known: Sequence[str]) -> str:
    near = nearest(name, known)
    return f"did you mean {listed(near)}?" if near else f"the names here are {listed(known)}"


def _wrong_node(name: str, node: GraphNode, nodes: Nodes) -> Iterator[Fault]:
    keys, count = ("nodes", name), len(names(node.input))
    if count > 1 and not node.combine:
        hint = "write `combine: concatenate`, or add or multiply"
        yield Fault((*keys, "input"), f"{count} inputs, and nothing says how to combine them", hint)
    if count == 1 and node.combine:
        message = f"one input, and so nothing to {node.combine}"
        yield Fault((*keys, "combine"), message, "name several inputs, or leave `combine` out")
    if node.share is not None:
        yield from _wrong_share((*keys, "share"), name, node, nodes)
    elif not node.layers and not node.combine:
        yield Fault(keys, "this node does nothing", "give it `layers`, `combine` or `share`")


def _wrong_share(
    keys: tuple[str | int, ...], name: str, node: GraphNode, nodes: Nodes
) -> Iterator[Fault]:
    owners = [other for other, it in nodes.items() if it.layers and other != name]
    owner = nodes.get(node.share or "")
    if node.layers:
        yield Fault(keys, "this node has `layers` of its own", "leave one of the two out")
    elif owner is None:
        yield Fault(
            keys, f"there is no node {quoted(node.share or '')}", _near(node.share or "", owners)
        )
    elif node.share == name:
        yield Fault(
            keys, "a node can not share with itself", f"others have layers: {listed(owners)}"
        )
    elif owner.share:
        message = f"{quoted(node.share or '')} shares the layers of {quoted(owner.share)} itself"
        yield Fault(keys, message, f"write `share: {owner.share}`")
    elif not owner.layers:
        yield Fault(keys, f"{quoted(node.share or '')} has no layers to share", "give it `layers`")


def _sorted(inputs: Sequence[str] | Inputs, nodes: Nodes) -> tuple[list[str], list[str]]:
    """The nodes in an order to compute them, and those that wait for themselves."""
    done, ordered, waiting = set(inputs), list[str](), list(nodes)
    while ready := [n for n in waiting if done.issuperset(names(nodes[n].input))]:
        ordered += ready
        done.update(ready)
        waiting = [name for name in waiting if name not in done]
    return ordered, waiting


def _circle(inputs: Inputs, nodes: Nodes) -> list[Fault]:
    """The first circle of nodes, named."""
    _, waiting = _sorted(inputs or (INPUT,), nodes)
    if not waiting:
        return []
    way = [waiting[0]]
    while way[-1] not in way[:-1]:
        way.append(next(name for name in names(nodes[way[-1]].input) if name in waiting))
    circle = way[way.index(way[-1]) :]
    message = f"the nodes go in a circle: {' takes '.join(map(quoted, circle))}"
    return [Fault(("nodes", circle[0], "input"), message, "a graph can not have circles")]


def _loose(inputs: Inputs, nodes: Nodes, outputs: Names) -> list[Fault]:
    """Inputs and nodes that lead to no output."""
    used, ahead = set[str](), list(names(outputs))
    while ahead:
        name = ahead.pop()
        if name not in used:
            used.add(name)
            ahead += names(nodes[name].input) if name in nodes else ()
    return [
        Fault((place, name), "it leads to no output", hint, about_key=True)
        for place, given, hint in (
            ("inputs", inputs, "take it as the `input` of a node, or leave it out"),
            ("nodes", nodes, "name it in `outputs` or as the `input` of a node, or leave it out"),
        )
        for name in given
        if name not in used
    ]
