"""Backpropagate: the loss of some rows, and the gradient of all weights that it leaves behind."""

from __future__ import annotations

from collections.abc import Callable

from nntrain.call import Call
from nntrain.families import Array
from nntrain.run.model import Model

Backpropagate = Callable[[Array, Array, Array, Call], float]
"""`backpropagate(x, target, weights, call) -> loss`: sets `store.grad` to the loss's gradient."""


def make_backpropagate(model: Model) -> Backpropagate:
    """Forward through the network, the loss, and backward."""
    network, loss = model.network, model.loss

    def backpropagate(x: Array, target: Array, weights: Array, call: Call) -> float:
        prediction, backward = network(x, call)
        value, d_prediction = loss(prediction, target, weights)
        backward(d_prediction)
        return value

    return backpropagate
