"""The layers; importing this registers every kind."""

from nntrain.layers.activations import Elu, Identity, Relu, Sigmoid, Softmax, Tanh
from nntrain.layers.dense import Dense
from nntrain.layers.dropout import Dropout
from nntrain.layers.shaping import ActivationLayer, Flatten

__all__ = [
    "ActivationLayer", "Dense", "Dropout", "Elu", "Flatten", "Identity", "Relu", "Sigmoid",
    "Softmax", "Tanh",
]  # fmt: skip
