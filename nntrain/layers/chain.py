"""Chain: layers one after the other.  A network is one, and so is the inside of a nested layer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields, replace
from typing import Any

from nntrain.call import Call
from nntrain.families import Array, Backward, Builder, Built, Forward, Layer, Shape, Spec, Use
from nntrain.layers.pooled import pooled

Keys = tuple[str | int, ...]
Lengths = Callable[[Array], Array | None]
Step = tuple[str, Forward, Lengths]
"""A layer of a chain: its path, what it does, and the lengths behind it."""


class LayerError(ValueError):
    """A layer that can not be built where it stands; `path` names it."""

    def __init__(self, path: str, message: str):
        super().__init__(f"{path}: {message}")
        self.path, self.message = path, message


def chain(layers: Sequence[Layer], shape: Shape, store: Builder, called: str = "layers") -> Built:
    """y = lₙ(… l₂(l₁(x))).   Layer i is called `layers.<i>` below the store's path."""
    forwards = list[Step]()
    for i, layer in enumerate(layers):
        with store.at(f"{called}.{i}"):
            takes, needs_dx = shape, store.learns
            try:
                forward, shape = layer.build(shape, store)
            except LayerError:
                raise
            except ValueError as error:
                raise LayerError(store.path, str(error)) from error
            store.columns = {}  # what leaves a layer is not made of columns any more
            activation = getattr(getattr(layer, "activation", None), "kind", "")
            use = Use(layer, takes, shape, needs_dx)
            store.record(layer.kind, shape, activation, use)
            forwards.append((store.path, forward, layer.lengths))
    return Built(_connect(forwards), shape)


def chain_lengths(layers: Sequence[Layer], n: Array) -> Array | None:
    """`Layer.lengths` of a chain: those of its layers, one after the other."""
    lengths: Array | None = n
    for layer in layers:
        lengths = None if lengths is None else layer.lengths(lengths)
    return lengths


def nested(layers: Sequence[Layer], path: Keys = ()) -> Iterator[tuple[Keys, Layer]]:
    """Every layer, those inside of layers too, and before it its keys, below `path`."""
    for i, layer in enumerate(layers):
        here = (*path, i)
        yield here, layer
        yield from _inside(layer, here)


def _inside(spec: Any, path: Keys) -> Iterator[tuple[Keys, Layer]]:
    for field in fields(spec):
        value = getattr(spec, field.name)
        if isinstance(value, tuple) and value and isinstance(value[0], Layer):
            yield from nested(value, (*path, field.name))
        elif isinstance(value, Mapping):
            for name, item in value.items():
                if isinstance(item, Spec):
                    yield from _inside(item, (*path, field.name, name))


def _connect(forwards: Sequence[Step]) -> Forward:
    joined = _joined(forwards)

    def forward(x: Array, call: Call) -> tuple[Array, Backward]:
        backwards: list[tuple[str, Array, Backward]] = []
        for path, layer, lengths in forwards if call.watch else joined:
            x, back = layer(x, call)
            if not call.forward_only:
                backwards.append((path, x, back))
            if call.watch:
                call.watch(path, x, None)
            if call.lengths is not None:
                call = replace(call, lengths=lengths(call.lengths))

        def backward(dy: Array | None) -> Array | None:
            for path, y, back in reversed(backwards):
                if dy is None:  # nothing from here upwards learns
                    break
                if call.watch:
                    call.watch(path, y, dy)
                dy = back(dy)
            return dy

        return x, backward

    return forward


def _joined(forwards: Sequence[Step]) -> list[Step]:
    """The same, with one step for a convolution and the pooling behind it: nobody sees between."""
    found = list[Step]()
    for step in forwards:
        pair = pooled(found[-1][1], step[1]) if found else None
        if pair:  # neither changes lengths
            found[-1] = (step[0], pair, step[2])
        else:
            found.append(step)
    return found
