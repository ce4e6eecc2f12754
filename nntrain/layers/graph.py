"""Graph: layers that meet and part, where a chain is not enough."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import field, replace
from typing import NamedTuple

import numpy as np

from nntrain.call import Call
from nntrain.families import Array, Backward, Builder, Built, Forward, Layer, Shape
from nntrain.layers.chain import LayerError, chain, chain_lengths
from nntrain.layers.combining import Joined, concatenate, join
from nntrain.layers.wiring import INPUT, GraphNode, names, order
from nntrain.values import dataclass
from nntrain.wording import listed, quoted, suggestion


@dataclass(frozen=True)
class Graph(Layer):
    """Named nodes, each a function of others.   (…, D) -> (…, E), the outputs side by side.

    nodes: from names to nodes `{input, combine, layers, share}`, in any order.
    outputs: the node that gives the output; of several, their last axes side by side.
    inputs: names, each for some columns of the table; left out, one called `input`: all of them.

    A value that several nodes take gets the sum of their gradients, and so does a weight that
    several nodes share.  Keras calls this its functional API, Caffe writes `bottom` and `top`.
    Shared layers: Bromley et al. 1993, *Signature verification using a "siamese" time delay neural
    network*.
    """

    nodes: Mapping[str, GraphNode]
    outputs: str | tuple[str, ...]
    inputs: Mapping[str, str | tuple[str, ...]] = field(default_factory=dict)

    def build(self, shape: Shape, store: Builder) -> Built:
        wired, steps = order(self.inputs, self.nodes, self.outputs), list[_Step]()
        sources = _sources(self.inputs, shape, store.columns)
        shapes = {source.name: source.shape for source in sources}
        learned = dict.fromkeys(shapes, store.learns)
        store.columns = {}
        for name in wired:
            takes = names(self.nodes[name].input)
            store.learns = any(learned[other] for other in takes)
            step = self._step(name, [shapes[other] for other in takes], store)
            shapes[name], learned[name] = step.shape, store.learns
            steps.append(step)
        ends = names(self.outputs)
        store.learns = any(learned[name] for name in ends)
        heads = concatenate([shapes[name] for name in ends])
        return Built(_connect(sources, steps, ends, heads, learned), heads.shape)

    def _step(self, name: str, shapes: Sequence[Shape], store: Builder) -> _Step:
        """One node; its layers stand under the name of the node that owns them."""
        node = self.nodes[name]
        owner = node.share or name
        layers = self.nodes[owner].layers
        with store.at(f"nodes.{name}"):
            path = store.path
            try:
                joined = join(node.combine, shapes)
            except ValueError as error:
                raise LayerError(path, str(error)) from error
        with store.at(f"nodes.{owner}"):
            try:
                forward, shape = chain(layers, joined.shape, store)
            except LayerError as error:
                if not node.share:
                    raise
                message = (
                    f"the layers of {quoted(owner)} do not fit {joined.shape}: {error.message}"
                )
                raise LayerError(path, message) from error
        with store.at(f"nodes.{name}"):
            store.record(node.combine or ("shared" if node.share else "node"), shape)
        return _Step(name, path, names(node.input), joined, layers, forward, shape)

    def lengths(self, n: Array) -> Array | None:
        found: dict[str, Array | None] = dict.fromkeys(self.inputs or (INPUT,), n)
        for name in order(self.inputs, self.nodes, self.outputs):
            node = self.nodes[name]
            into = found[names(node.input)[0]]
            layers = self.nodes[node.share or name].layers
            found[name] = None if into is None else chain_lengths(layers, into)
        return found[names(self.outputs)[0]]


class _Source(NamedTuple):
    """An input of a graph: which numbers of the last axis it is, and its shape."""

    name: str
    places: slice | Array
    shape: Shape


class _Step(NamedTuple):
    """A node that stands on a store."""

    name: str
    path: str
    takes: tuple[str, ...]
    joined: Joined
    layers: tuple[Layer, ...]
    forward: Forward
    shape: Shape


def _sources(
    inputs: Mapping[str, str | tuple[str, ...]], shape: Shape, columns: Mapping[str, slice]
) -> list[_Source]:
    """The inputs of a graph, whose columns must exist."""
    if not inputs:
        return [_Source(INPUT, slice(None), shape)]
    if not columns:
        raise ValueError("`inputs` names columns, so the graph must be the first layer, on a table")
    wanted = [column for each in inputs.values() for column in names(each)]
    if unknown := [column for column in wanted if column not in columns]:
        hint = suggestion(unknown, columns, "columns")
        raise ValueError(f"`inputs`: no feature is called {listed(unknown)}; {hint}")
    found = []
    for name, each in inputs.items():
        ranges = [np.r_[columns[column]] for column in names(each)]
        places = np.concatenate(ranges)
        found.append(_Source(name, _as_slice(places), (*shape[:-1], len(places))))
    return found


def _as_slice(places: Array) -> slice | Array:
    """The same places as a slice where they are neighbours, which copies nothing."""
    first, last = int(places[0]), int(places[-1])
    together = np.array_equal(places, np.arange(first, last + 1))
    return slice(first, last + 1) if together else places


def _connect(
    sources: Sequence[_Source],
    steps: Sequence[_Step],
    ends: tuple[str, ...],
    heads: Joined,
    learned: Mapping[str, bool],
) -> Forward:
    def forward(x: Array, call: Call) -> tuple[Array, Backward]:
        values = {source.name: x[..., source.places] for source in sources}
        lengths: dict[str, Array | None] = dict.fromkeys(values, call.lengths)
        backwards: list[tuple[_Step, Callable[[Array], Sequence[Array]], Backward]] = []
        for step in steps:
            joined, apart = step.joined.forward([values[name] for name in step.takes])
            n = lengths[step.takes[0]]
            own = call if n is call.lengths else replace(call, lengths=n)
            values[step.name], back = step.forward(joined, own)
            lengths[step.name] = None if n is None else chain_lengths(step.layers, n)
            if not call.forward_only:
                backwards.append((step, apart, back))
            if call.watch:
                call.watch(step.path, values[step.name], None)
        y, split = heads.forward([values[name] for name in ends])

        def backward(dy: Array) -> Array | None:
            total: dict[str, Array] = {}
            _add(total, ends, split(dy), learned)
            for step, apart, back in reversed(backwards):
                if step.name not in total:  # nothing from here upwards learns
                    continue
                if call.watch:
                    call.watch(step.path, values[step.name], total[step.name])
                d_joined = back(total[step.name])
                if d_joined is not None:
                    _add(total, step.takes, apart(d_joined), learned)
            return _input_gradient(x, sources, total)

        return y, backward

    return forward


def _add(
    total: dict[str, Array],
    to: Sequence[str],
    gradients: Sequence[Array],
    learned: Mapping[str, bool],
) -> None:
    """Sum the gradients that come back to each value; a new array, since one may be shared."""
    for name, gradient in zip(to, gradients, strict=True):
        if learned[name]:
            total[name] = total[name] + gradient if name in total else gradient


def _input_gradient(
    x: Array, sources: Sequence[_Source], total: Mapping[str, Array]
) -> Array | None:
    reached = [source for source in sources if source.name in total]
    if not reached:
        return None
    if isinstance(reached[0].places, slice) and reached[0].places == slice(None):
        return total[reached[0].name]
    dx = np.zeros_like(x)
    for source in reached:
        dx[..., source.places] += total[source.name]
    return dx
