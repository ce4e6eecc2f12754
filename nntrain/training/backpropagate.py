"""Backpropagate: the loss of some rows, and the gradient of all weights that it leaves behind.

This is the place where it is chosen how.  Whatever is chosen comes to the same numbers, but for the
last digits, and tests compare it with `closures`.
"""

from __future__ import annotations

from nntrain.call import Call
from nntrain.families import Array, Loss
from nntrain.network import Network
from nntrain.run.model import Model, settled_layers
from nntrain.training.straight import Line as Backpropagate
from nntrain.training.straight import make_straight


def make_backpropagate(model: Model) -> Backpropagate:
    """`backpropagate(x, target, weights, call) -> loss`: sets `store.grad` to its gradient."""
    known, network, loss = model.preprocessor, model.network, model.loss
    return make_straight(
        settled_layers(model.experiment, known),
        known.shape,
        network.store,
        loss,
        closures(network, loss),
        weighted=bool(known.weight_column),
    )


def closures(network: Network, loss: Loss) -> Backpropagate:
    """Forward through the network, the loss, and backward."""

    def backpropagate(x: Array, target: Array, weights: Array, call: Call) -> float:
        prediction, backward = network(x, call)
        value, d_prediction = loss(prediction, target, weights)
        backward(d_prediction)
        return value

    return backpropagate
