"""Random networks: layers that are drawn so that each fits what leaves the one before it.

A drawer is a function `(draw, place) -> layer`; a `Place` says what a layer there gets, and what it
must leave alone.  Shapes are small, so that a network of ten layers runs in a millisecond.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeVar

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from nntrain.families import Activation, Layer, Shape
from nntrain.initializers import UnitForget
from nntrain.layers import (
    ActivationLayer,
    AveragePool1d,
    AveragePool2d,
    BatchNorm,
    Conv1d,
    Conv2d,
    Conv2dTranspose,
    Dense,
    DropConnect,
    Dropout,
    Embedding,
    Flatten,
    GaussianNoise,
    GlobalAveragePool1d,
    GlobalAveragePool2d,
    GlobalMaxPool1d,
    GlobalMaxPool2d,
    Graph,
    GroupNorm,
    Gru,
    InstanceNorm,
    LayerNorm,
    Lstm,
    MaxPool1d,
    MaxPool2d,
    MultiHeadAttention,
    Permute,
    PositionalEncoding,
    Reshape,
    Residual,
    RmsNorm,
    SimpleRnn,
    Upsample2d,
    ZeroPadding2d,
)
from nntrain.layers.wiring import GraphNode
from nntrain.network import plan
from tests.cases import ACTIVATIONS, INITIALIZERS

T = TypeVar("T")

EXAMPLES = int(os.environ.get("NNTRAIN_EXAMPLES", "0"))
EPS = (1e-2, 0.1)  # of norms: smaller ones bend too sharply for finite differences
LARGEST = 120  # numbers of one row: what makes more is not drawn
PADDING: tuple[Literal["same", "valid"], ...] = ("same", "valid")
NAMES = ("left", "no", "1", "é b", "null", "3e2", "end")  # some look like other things in YAML


def drawn(examples: int) -> settings:
    """So many networks, the same at each run."""
    return settings(
        max_examples=EXAMPLES or examples,
        derandomize=True,
        deadline=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=[*HealthCheck],
    )


class Draw:
    """Hypothesis's `draw`, with the few things that are drawn all the time."""

    def __init__(self, draw: Callable[[SearchStrategy[Any]], Any]):
        self._draw = draw

    def one(self, choices: Sequence[T]) -> T:
        chosen: T = self._draw(st.sampled_from(choices))
        return chosen

    def number(self, least: int, most: int) -> int:
        return int(self._draw(st.integers(least, most)))

    def yes(self) -> bool:
        return bool(self._draw(st.booleans()))

    def order(self, items: Sequence[T]) -> list[T]:
        return list(self._draw(st.permutations(items)))


@dataclass(frozen=True)
class Place:
    """Where a layer is to stand.

    shape: what it gets.
    keeps: it may change the last axis alone.
    series: rows have lengths along axis 1, so steps must stay steps until they are gone.
    depth: how many layers inside of layers there may be from here.
    columns: names of the table's columns, each one number, which the first layer may choose from.
    """

    shape: Shape
    keeps: bool = False
    series: bool = False
    depth: int = 3
    columns: tuple[str, ...] = ()

    @property
    def steps_count(self) -> bool:
        return self.series and len(self.shape) > 1

    def after(self, layers: Sequence[Layer]) -> Place:
        shape = shape_after(layers, self)
        return replace(self, shape=shape, columns=() if layers else self.columns)

    def inside(self, **changes: Any) -> Place:
        return replace(self, depth=self.depth - 1, **changes)


def shape_after(layers: Sequence[Layer], place: Place) -> Shape:
    if not layers:
        return place.shape
    return plan(layers, place.shape, columns_of(place.columns)).layers[-1].shape


def columns_of(names: Sequence[str]) -> dict[str, slice]:
    return {name: slice(i, i + 1) for i, name in enumerate(names)}


Drawer = Callable[[Draw, Place], Layer]


def _activation(draw: Draw) -> Activation:
    return draw.one(ACTIVATIONS)


def _initializer(draw: Draw, name: str = "kernel_initializer") -> dict[str, Any]:
    return {name: draw.one(INITIALIZERS)} if draw.yes() else {}


def _bias(draw: Draw) -> dict[str, Any]:
    """With a bias that begins in some way, or without one."""
    return draw.one([{}, {"use_bias": False}, {"bias_initializer": draw.one(INITIALIZERS)}])


def dense(draw: Draw, place: Place) -> Layer:
    options = _initializer(draw) | _bias(draw)
    return Dense(draw.number(1, 4), activation=_activation(draw), **options)


def drop_connect(draw: Draw, place: Place) -> Layer:
    rate = draw.one([0.0, 0.25, 0.6])
    options = _initializer(draw) | _bias(draw)
    return DropConnect(draw.number(1, 4), activation=_activation(draw), rate=rate, **options)


def disturbing(draw: Draw, place: Place) -> Layer:
    return draw.one([Dropout(0.3), Dropout(0.75), GaussianNoise(0.5)])


def activation(draw: Draw, place: Place) -> Layer:
    return ActivationLayer(_activation(draw))


def norm(draw: Draw, place: Place) -> Layer:
    eps = draw.one(EPS)
    groups = draw.one([n for n in (1, 2, 3, 4) if place.shape[-1] % n == 0])
    momentum = draw.one([0.5, 0.9])
    return draw.one(
        [BatchNorm(momentum, eps), LayerNorm(eps), RmsNorm(eps), GroupNorm(groups, eps)]
    )


def instance_norm(draw: Draw, place: Place) -> Layer:
    return InstanceNorm(draw.one(EPS))


def recurrent(draw: Draw, place: Place) -> Layer:
    kind = draw.one([SimpleRnn, Gru, Lstm])
    options: dict[str, Any] = {"return_sequences": place.keeps or draw.yes()}
    options |= _initializer(draw) | _initializer(draw, "recurrent_initializer")
    if draw.yes():
        options["bias_initializer"] = draw.one([*INITIALIZERS, UnitForget()])
    return kind(draw.number(1, 3), bidirectional=draw.yes(), **options)


def attention(draw: Draw, place: Place) -> Layer:
    heads = draw.one([n for n in (1, 2, 3) if place.shape[-1] % n == 0])
    key_dim = draw.one([None, 1, 2])
    options = _initializer(draw) | _initializer(draw, "bias_initializer")
    return MultiHeadAttention(heads, key_dim=key_dim, causal=draw.yes(), **options)


def positional(draw: Draw, place: Place) -> Layer:
    return PositionalEncoding(learned=draw.yes())


def conv1d(draw: Draw, place: Place) -> Layer:
    ways: list[Literal["same", "causal", "valid"]] = ["same", "causal"]
    size, dilation = draw.number(1, 3), draw.number(1, 2)
    if not place.keeps and (size - 1) * dilation < place.shape[0]:
        ways.append("valid")
    return Conv1d(
        draw.number(1, 3),
        size,
        strides=1 if place.keeps else draw.number(1, 2),
        padding=draw.one(ways),
        dilation_rate=dilation,
        activation=_activation(draw),
        **_initializer(draw),
        **_bias(draw),
    )


def pool1d(draw: Draw, place: Place) -> Layer:
    kind = draw.one([MaxPool1d, AveragePool1d])
    size = draw.number(1, 3)
    if place.keeps:
        return kind(size, strides=1, padding="same")
    strides, padding = draw.one([None, 1, 2]), draw.one(PADDING)
    return kind(size, strides=strides, padding="same" if size > place.shape[0] else padding)


def global_pool1d(draw: Draw, place: Place) -> Layer:
    return draw.one([GlobalAveragePool1d(), GlobalMaxPool1d()])


def _two(draw: Draw, least: int, most: int) -> int | tuple[int, int]:
    """One number for height and width, or a number for each."""
    one = draw.number(least, most)
    return one if draw.yes() else (one, draw.number(least, most))


def _both(value: int | tuple[int, int]) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else value


def conv2d(draw: Draw, place: Place) -> Layer:
    size, dilation = _two(draw, 1, 3), _two(draw, 1, 2)
    reach = [(k - 1) * d for k, d in zip(_both(size), _both(dilation), strict=True)]
    ways: list[Literal["same", "reflect", "valid"]] = ["same"]
    if all(n > (extra + 1) // 2 for n, extra in zip(place.shape, reach, strict=False)):
        ways.append("reflect")
    if not place.keeps and all(n > extra for n, extra in zip(place.shape, reach, strict=False)):
        ways.append("valid")
    return Conv2d(
        draw.number(1, 3),
        size,
        strides=1 if place.keeps else _two(draw, 1, 2),
        padding=draw.one(ways),
        dilation_rate=dilation,
        activation=_activation(draw),
        **_initializer(draw),
        **_bias(draw),
    )


def conv2d_transpose(draw: Draw, place: Place) -> Layer:
    small = not place.keeps and math.prod(place.shape[:2]) <= 9
    return Conv2dTranspose(
        draw.number(1, 2),
        _two(draw, 1, 3),
        strides=_two(draw, 1, 2) if small else 1,
        padding=draw.one(PADDING) if small else "same",
        activation=_activation(draw),
        **_initializer(draw),
        **_bias(draw),
    )


def pool2d(draw: Draw, place: Place) -> Layer:
    kind = draw.one([MaxPool2d, AveragePool2d])
    size = _two(draw, 1, 3)
    if place.keeps:
        return kind(size, strides=1, padding="same")
    fits = all(k <= n for k, n in zip(_both(size), place.shape, strict=False))
    strides, padding = draw.one([None, 1, 2, (2, 1)]), draw.one(PADDING)
    return kind(size, strides=strides, padding=padding if fits else "same")


def global_pool2d(draw: Draw, place: Place) -> Layer:
    return draw.one([GlobalAveragePool2d(), GlobalMaxPool2d()])


def zero_padding2d(draw: Draw, place: Place) -> Layer:
    return ZeroPadding2d(_two(draw, 0, 1))


def upsample2d(draw: Draw, place: Place) -> Layer:
    size = _two(draw, 1, 2 if 4 * math.prod(place.shape) <= LARGEST else 1)
    return Upsample2d(size, interpolation=draw.one(["nearest", "bilinear"]))


def reshape(draw: Draw, place: Place) -> Layer:
    """Another shape of one, two or three axes, or a flat one."""
    size = math.prod(place.shape)
    first = draw.one([n for n in (1, 2, 3, 4, 5) if size % n == 0])
    second = draw.one([n for n in (1, 2, 3) if (size // first) % n == 0])
    shapes = [(-1,), (first, -1), (-1, first), (first, second, -1), (size,)]
    return draw.one([Flatten(), *map(Reshape, shapes)])


def permute(draw: Draw, place: Place) -> Layer:
    axes = range(1, len(place.shape) + 1)
    return Permute(tuple(draw.order(axes)))


def residual(draw: Draw, place: Place) -> Layer:
    repeat = draw.one([1, 1, 2])
    inner = place.inside(keeps=True, columns=() if repeat > 1 else place.columns)
    layers = draw_layers(draw, inner, 1, 3)
    if repeat > 1 and shape_after(layers, inner) != place.shape:
        layers = (*layers, Dense(place.shape[-1]))  # each block gets what the one before gives
    return Residual(layers, repeat=repeat, activation=_activation(draw))


def graph(draw: Draw, place: Place) -> Layer:
    """Up to four nodes that keep the axes but the last, and one that joins what is left over."""
    drawing = Drawing(draw, place)
    for name in NAMES[: draw.number(1, 4)]:
        drawing.add(name)
    return drawing.graph()


@dataclass
class Drawing:
    """A graph that is being drawn.

    shapes: of every value.  entries: what the layers of a node get.  unused: what no node takes.
    """

    draw: Draw
    place: Place
    inputs: dict[str, str | tuple[str, ...]] = field(default_factory=dict)
    nodes: dict[str, GraphNode] = field(default_factory=dict)
    shapes: dict[str, Shape] = field(default_factory=dict)
    entries: dict[str, Shape] = field(default_factory=dict)
    unused: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        columns = self.place.columns
        if columns and self.draw.yes():
            some = tuple(self.draw.order(columns)[: self.draw.number(1, len(columns))])
            self.inputs = {"some": some, "one": self.draw.one(columns)}
            self.shapes = {"some": (len(some),), "one": (1,)}
        else:
            self.shapes = {"input": self.place.shape}
        self.unused = list(self.shapes)

    def add(self, name: str) -> None:
        """A node: layers, or a combination, or both, or the layers of another node."""
        way = self.draw.one(["layers", "add", "multiply", "concatenate", "share"])
        sharing = [
            (owner, value)
            for owner, entry in self.entries.items()
            for value, shape in self.shapes.items()
            if shape == entry
        ]
        if way == "share" and sharing:
            owner, value = self.draw.one(sharing)
            out = shape_after(self.nodes[owner].layers, self._inside(self.entries[owner]))
            self._put(name, GraphNode(value, share=owner), (value,), out)
            return
        takes, joined = self._joined(way)
        layers: tuple[Layer, ...] = ()
        if len(takes) == 1 or self.draw.yes():
            layers = draw_layers(self.draw, self._inside(joined), 1, 2)
            self.entries[name] = joined
        out = shape_after(layers, self._inside(joined))
        self._put(name, _node(takes, way, layers), takes, out)

    def _joined(self, way: str) -> tuple[tuple[str, ...], Shape]:
        """What a node takes, and the shape of it together; a value may be taken twice."""
        first = self.draw.one(list(self.shapes))
        if way not in ("add", "multiply", "concatenate"):
            return (first,), self.shapes[first]
        like = [n for n, s in self.shapes.items() if s == self.shapes[first]]
        others = list(self.shapes) if way == "concatenate" else like
        takes = (first, *(self.draw.one(others) for _ in range(self.draw.number(1, 2))))
        width = sum(self.shapes[n][-1] for n in takes) if way == "concatenate" else None
        shape = self.shapes[first]
        return takes, shape if width is None else (*shape[:-1], width)

    def _inside(self, shape: Shape) -> Place:
        return self.place.inside(shape=shape, keeps=True, columns=())

    def _put(self, name: str, node: GraphNode, takes: tuple[str, ...], shape: Shape) -> None:
        self.nodes[name], self.shapes[name] = node, shape
        self.unused = [each for each in self.unused if each not in takes] + [name]

    def graph(self) -> Graph:
        ends = self.unused
        if self.draw.yes():
            width = sum(self.shapes[name][-1] for name in ends)
            joined = (*self.place.shape[:-1], width)
            place = self.place.inside(shape=joined, columns=())
            layers = draw_layers(self.draw, place, 1, 2)
            self.nodes["end"] = _node(tuple(ends), "concatenate", layers)
            ends = ["end"]
        nodes = {name: self.nodes[name] for name in self.draw.order(list(self.nodes))}
        outputs = ends[0] if len(ends) == 1 else tuple(ends)
        return Graph(nodes, outputs, self.inputs)


def _node(takes: tuple[str, ...], way: str, layers: tuple[Layer, ...]) -> GraphNode:
    if len(takes) == 1:
        return GraphNode(takes[0], layers=layers)
    return GraphNode(takes, combine=way, layers=layers)  # type: ignore[arg-type]


ANYWHERE: tuple[Drawer, ...] = (dense, drop_connect, disturbing, activation, norm)
NESTED: tuple[Drawer, ...] = (residual, graph)
OF_SIGNALS: tuple[Drawer, ...] = (
    conv1d, pool1d, recurrent, attention, positional, instance_norm,
)  # fmt: skip
OF_IMAGES: tuple[Drawer, ...] = (conv2d, conv2d_transpose, pool2d, instance_norm)
CHANGE_IMAGES: tuple[Drawer, ...] = (zero_padding2d, upsample2d, global_pool2d)


def drawers(place: Place) -> list[Drawer]:
    """What may stand here; what is special to the place counts three times."""
    rank = len(place.shape)
    found = list({1: (), 2: OF_SIGNALS, 3: OF_IMAGES}[rank] * 3)
    if not place.keeps:
        found += {1: (), 2: (global_pool1d,), 3: CHANGE_IMAGES}[rank]
        if not place.steps_count:
            found += (reshape, permute)
    return [*found, *(NESTED * min(rank, 2) if place.depth > 0 else ()), *ANYWHERE]


def draw_layers(draw: Draw, place: Place, least: int, most: int) -> tuple[Layer, ...]:
    """Layers, one after the other."""
    layers: list[Layer] = []
    for _ in range(draw.number(least, most)):
        layer = draw.one(drawers(place))(draw, place)
        after = place.after([layer])
        if math.prod(after.shape) > LARGEST:
            layer = Dense(1)
            after = place.after([layer])
        layers.append(layer)
        place = after
    return tuple(layers)


def _ending(draw: Draw, place: Place, units: int | Literal["auto"]) -> tuple[Layer, ...]:
    """Layers that end with `units` numbers on the last axis, as a loss takes them."""
    last = draw.one([Dense(units), DropConnect(units, rate=0.3), Dense(units, use_bias=False)])
    way = draw.one(["plain", "plain", "residual", "graph"])
    if way == "residual":
        return (Residual((*draw_layers(draw, place.inside(keeps=True), 0, 2), last)),)
    if way == "graph":
        return (Graph({"end": GraphNode("input", layers=(last,))}, "end"),)
    return (last,)


def _flattening(draw: Draw, place: Place) -> tuple[Layer, ...]:
    """What makes one axis of several."""
    if len(place.shape) == 1:
        return ()
    if len(place.shape) == 3:
        return (draw.one([Flatten(), GlobalAveragePool2d(), GlobalMaxPool2d()]),)
    found: list[Layer] = [GlobalAveragePool1d(), GlobalMaxPool1d(), SimpleRnn(2), Gru(2), Lstm(2)]
    return (draw.one(found if place.steps_count else [*found, Flatten()]),)


def _first(
    draw: Draw, shape: Shape, tokens: int | Literal["auto"]
) -> tuple[tuple[Layer, ...], Shape]:
    """Where tokens come in: one embedding, or two in a graph, which may be the same."""
    width = draw.number(1, 4)
    one, two = (
        Embedding(tokens, width, **_initializer(draw, "embeddings_initializer")) for _ in "ab"
    )
    if draw.yes():
        return (one,), (*shape, width)
    other = draw.one([GraphNode("input", share="a"), GraphNode("input", layers=(two,))])
    nodes = {"a": GraphNode("input", layers=(one,)), "b": other}
    return (Graph(nodes, ("a", "b")),), (*shape, 2 * width)


@st.composite
def networks(
    draw: Callable[[SearchStrategy[Any]], Any],
    shape: Shape,
    units: int | Literal["auto"] = 3,
    *,
    series: bool = False,
    tokens: int | Literal["auto"] | None = None,
    each_step: bool = False,
    columns: tuple[str, ...] = (),
    most: int = 4,
) -> tuple[Layer, ...]:
    """Layers for inputs of `shape` that end with `units` outputs a row (or a step).

    series: rows will come with lengths.
    tokens: the input is whole numbers below this.
    each_step: no step is lost, each has its outputs.
    columns: names of a table's columns.
    most: layers between the first and the last.
    """
    drawing, layers = Draw(draw), list[Layer]()
    place = Place(shape, keeps=each_step, series=series, columns=columns)
    if tokens is not None:
        first, shape = _first(drawing, shape, tokens)
        layers += first
        place = replace(place, shape=shape)
    body = draw_layers(drawing, place, 1, most)
    place = place.after(body)
    if not each_step:
        flat = _flattening(drawing, place)
        body, place = (*body, *flat), place.after(flat)
    return (*layers, *body, *_ending(drawing, place, units))


SHAPES: Mapping[str, SearchStrategy[Shape]] = {
    "table": st.tuples(st.integers(1, 5)),
    "signals": st.tuples(st.integers(1, 6), st.integers(1, 3)),
    "series": st.tuples(st.integers(1, 6), st.integers(1, 3)),
    "images": st.tuples(st.integers(1, 5), st.integers(1, 5), st.integers(1, 3)),
    "tokens": st.tuples(st.integers(1, 6)),
}
