"""Backpropagate: the loss of some rows, and the gradient of all weights that it leaves behind."""

from __future__ import annotations

from collections.abc import Callable

from nntrain.call import Call
from nntrain.families import Array
from nntrain.run.model import Model, settled_layers
from nntrain.training.straight import Line, make_straight

Backpropagate = Callable[[Array, Array, Array, Call], float]
"""`backpropagate(x, target, weights, call) -> loss`: sets `store.grad` to the loss's gradient."""


def make_backpropagate(model: Model) -> Backpropagate:
    """Forward through the network, the loss, and backward; a straight line where there is one."""
    network, loss = model.network, model.loss
    if line := _straight(model):
        return line

    def backpropagate(x: Array, target: Array, weights: Array, call: Call) -> float:
        prediction, backward = network(x, call)
        value, d_prediction = loss(prediction, target, weights)
        backward(d_prediction)
        return value

    return backpropagate


def _straight(model: Model) -> Line | None:
    known, loss = model.preprocessor, model.loss
    if known.embeddings:
        return None
    even = getattr(loss, "class_weight", None) is None and not known.weight_column
    layers = settled_layers(model.experiment, known)
    return make_straight(layers, known.shape, model.network.store, loss, even=even)
