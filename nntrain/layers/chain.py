"""Chain: layers one after the other.  A network is one, and so is the inside of a nested layer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from nntrain.call import Call
from nntrain.families import Array, Backward, Builder, Built, Forward, Layer, Shape

Lengths = Callable[[Array], Array | None]


class LayerError(ValueError):
    """A layer that can not be built where it stands; `path` names it."""

    def __init__(self, path: str, message: str):
        super().__init__(f"{path}: {message}")
        self.path, self.message = path, message


def chain(layers: Sequence[Layer], shape: Shape, store: Builder) -> Built:
    """y = lₙ(… l₂(l₁(x))).   Layer i is called `layers.<i>` below the store's path."""
    forwards: list[tuple[str, Forward, Lengths]] = []
    for i, layer in enumerate(layers):
        with store.at(f"layers.{i}"):
            try:
                forward, shape = layer.build(shape, store)
            except LayerError:
                raise
            except ValueError as error:
                raise LayerError(store.path, str(error)) from error
            store.record(layer.kind, shape)
            forwards.append((store.path, forward, layer.lengths))
    return Built(_connect(forwards), shape)


def _connect(forwards: Sequence[tuple[str, Forward, Lengths]]) -> Forward:
    def forward(x: Array, call: Call) -> tuple[Array, Backward]:
        backwards: list[tuple[str, Array, Backward]] = []
        for path, layer, lengths in forwards:
            x, back = layer(x, call)
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
