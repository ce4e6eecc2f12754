"""The layers; importing this registers every kind."""

from nntrain.layers.activations import (
    HardSigmoid,
    Identity,
    LogSoftmax,
    Sigmoid,
    Softmax,
    Softsign,
    Tanh,
)
from nntrain.layers.attention import MultiHeadAttention
from nntrain.layers.dense import Dense
from nntrain.layers.dropout import Dropout
from nntrain.layers.embedding import Embedding
from nntrain.layers.gated import Gelu, Mish, Silu
from nntrain.layers.graph import Graph
from nntrain.layers.gru import Gru
from nntrain.layers.lstm import Lstm
from nntrain.layers.positional import PositionalEncoding
from nntrain.layers.rectifiers import Elu, LeakyRelu, Prelu, Relu, Selu, Softplus
from nntrain.layers.residual import Residual
from nntrain.layers.shaping import ActivationLayer, Flatten
from nntrain.layers.simple_rnn import SimpleRnn

__all__ = [
    "ActivationLayer", "Dense", "Dropout", "Elu", "Embedding", "Flatten", "Gelu", "Graph", "Gru",
    "HardSigmoid", "Identity", "LeakyRelu", "LogSoftmax", "Lstm", "Mish", "MultiHeadAttention",
    "PositionalEncoding", "Prelu", "Relu", "Residual", "Selu", "Sigmoid", "Silu", "SimpleRnn",
    "Softmax", "Softplus", "Softsign", "Tanh",
]  # fmt: skip
