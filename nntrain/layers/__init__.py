"""The layers; importing this registers every kind."""

from nntrain.layers.activations import Elu, Identity, Relu, Sigmoid, Softmax, Tanh
from nntrain.layers.dense import Dense
from nntrain.layers.dropout import Dropout
from nntrain.layers.gru import Gru
from nntrain.layers.lstm import Lstm
from nntrain.layers.shaping import ActivationLayer, Flatten
from nntrain.layers.simple_rnn import SimpleRnn

__all__ = [
    "ActivationLayer", "Dense", "Dropout", "Elu", "Flatten", "Gru", "Identity", "Lstm", "Relu",
    "Sigmoid", "SimpleRnn", "Softmax", "Tanh",
]  # fmt: skip
