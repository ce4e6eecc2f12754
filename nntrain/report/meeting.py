"""Meeting: the drawing of a graph, whose values part and meet.

Nodes stand in levels, each below all that it takes.  A value that passes a level on its way has a
place there too, so that its line goes between the nodes; places are ordered by where their values
come from.   Sugiyama, Tagawa, Toda 1981.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from nntrain.families import Layer
from nntrain.layers import Graph
from nntrain.layers.wiring import INPUT, names, order
from nntrain.report.boxes import Block, box, frame, moved, stacked, tip, wire
from nntrain.report.letters import shortened, words_at
from nntrain.report.markup import Html, joined

Chain = Callable[[Sequence[Layer], str, float], list[Block]]
GAP = 28.0  # between levels
PASSING = 0.12  # of a node's width, for a value that passes
END = ""  # where the outputs lead
TOP = 26.0
SIDE = 6.0


class Place(NamedTuple):
    """What stands in a level: a node, or, where it `passes`, the value of one further up."""

    node: str
    passes: bool = False


class Spot(NamedTuple):
    """Where it stands: its middle, from the left, and how wide it is."""

    middle: float
    width: float


def graph(
    layer: Graph, path: str, width: float, chain: Chain, shape: Callable[[str], str]
) -> Block:
    """A frame with the levels, one below the other.

    chain: draws layers that follow each other; shape: of what leaves a path.
    """
    takes = {name: names(layer.nodes[name].input) for name in _ordered(layer)}
    takes[END] = names(layer.outputs)
    parts, y, left = list[Html](), TOP, dict[str, tuple[float, float]]()
    for level in levels(tuple(layer.inputs or (INPUT,)), takes):
        spots = _spots(level, width)
        blocks = {
            place: _node(layer, f"{path}.nodes.{place.node}", place.node, spot.width, chain)
            for place, spot in spots.items()
            if not place.passes and place.node in (*layer.nodes, *layer.inputs)
        }
        deep = max((block.height for block in blocks.values()), default=0.0)
        for place, spot in spots.items():
            for value in _comes_from(place, takes):
                parts.append(_curve(*left[value], spot.middle, y))
            if not place.passes and takes.get(place.node):
                parts.append(tip(spot.middle, y))
            bottom = y
            if block := blocks.get(place):
                parts.append(moved(block.drawn, spot.middle - spot.width / 2, y))
                bottom += block.height
            if bottom < y + deep:
                parts.append(wire(f"M{spot.middle:.1f} {bottom:.1f}V{y + deep:.1f}"))
        left = {place.node: (spot.middle, y + deep) for place, spot in spots.items()}
        y += deep + GAP
    height = y - GAP
    if not layer.inputs:
        parts.append(wire(f"M{width / 2:.1f} 0V{TOP:.1f}"))
    parts = [frame(width, height), words_at(10, 16, f"graph → {shape(path)}"), *parts]
    return Block(height, joined(parts))


def _ordered(layer: Graph) -> list[str]:
    return order(layer.inputs, layer.nodes, layer.outputs)


def levels(inputs: Sequence[str], takes: Mapping[str, Sequence[str]]) -> list[list[Place]]:
    """Inputs first, the end last; takes: of each node, in an order to compute them."""
    depth = dict.fromkeys(inputs, 0)
    for name, values in takes.items():
        depth[name] = 1 + max(depth[value] for value in values)
    depth[END] = max(depth.values()) if len(depth) > 1 else 0
    found: list[list[Place]] = [[] for _ in range(depth[END] + 1)]
    for name, own in depth.items():
        found[own].append(Place(name))
        last = max((depth[other] for other, values in takes.items() if name in values), default=own)
        for between in range(own + 1, last):
            found[between].append(Place(name, passes=True))
    for above, level in pairwise(found):
        at = {place.node: number for number, place in enumerate(above)}
        wanted = {place: _mean([at[v] for v in _comes_from(place, takes)]) for place in level}
        level.sort(key=wanted.__getitem__)
    return found


def _comes_from(place: Place, takes: Mapping[str, Sequence[str]]) -> Sequence[str]:
    return (place.node,) if place.passes else takes.get(place.node, ())


def _mean(places: Sequence[int]) -> float:
    return sum(places) / len(places) if places else 0.0


def _spots(level: Sequence[Place], width: float) -> dict[Place, Spot]:
    """Each place of a level, from left to right."""
    shares = [PASSING if place.passes else 1.0 for place in level]
    room, x, found = width - 2 * SIDE, SIDE, dict[Place, Spot]()
    for place, share in zip(level, shares, strict=True):
        own = room * share / sum(shares)
        found[place] = Spot(x + own / 2, own - 6)
        x += own
    if len(level) == 1:
        found[level[0]] = Spot(width / 2, room)
    return found


def _node(layer: Graph, path: str, name: str, width: float, chain: Chain) -> Block:
    """Its name and how it joins what it takes, above its layers; an input is a box."""
    if name not in layer.nodes:
        columns = names(layer.inputs[name])
        return box(name, f"{len(columns)} columns" if len(columns) > 1 else columns[0], "", width)
    node, room = layer.nodes[name], width - 2 * SIDE
    title = ", ".join(filter(None, (name, node.combine, node.share and f"as {node.share}")))
    head = words_at(SIDE + 2, 15, shortened(title, int((width - 12) / 6.7)), full=title)
    if not node.layers:
        return Block(24, joined([frame(width, 24), head]))
    inner = stacked(chain(node.layers, f"{path}.layers", room), room)
    height = 24 + inner.height + SIDE
    return Block(height, joined([frame(width, height), head, moved(inner.drawn, SIDE, 24)]))


def _curve(x: float, y: float, to_x: float, to_y: float) -> Html:
    half = (y + to_y) / 2
    return wire(f"M{x:.1f} {y:.1f}C{x:.1f} {half:.1f} {to_x:.1f} {half:.1f} {to_x:.1f} {to_y:.1f}")
