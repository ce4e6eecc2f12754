"""The layers; importing this registers every kind."""

from nntrain.layers.activations import Elu, Identity, Relu, Sigmoid, Softmax, Tanh
from nntrain.layers.attention import MultiHeadAttention
from nntrain.layers.dense import Dense
from nntrain.layers.dropout import Dropout
from nntrain.layers.embedding import Embedding
from nntrain.layers.gru import Gru
from nntrain.layers.lstm import Lstm
from nntrain.layers.positional import PositionalEncoding
from nntrain.layers.shaping import ActivationLayer, Flatten
from nntrain.layers.simple_rnn import SimpleRnn

__all__ = [
    "ActivationLayer", "Dense", "Dropout", "Elu", "Embedding", "Flatten", "Gru", "Identity", "Lstm",
    "MultiHeadAttention", "PositionalEncoding", "Relu", "Sigmoid", "SimpleRnn", "Softmax", "Tanh",
]  # fmt: skip
