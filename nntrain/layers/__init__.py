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
from nntrain.layers.dense import Dense
from nntrain.layers.dropout import Dropout
from nntrain.layers.gated import Gelu, Mish, Silu
from nntrain.layers.graph import Graph
from nntrain.layers.rectifiers import Elu, LeakyRelu, Prelu, Relu, Selu, Softplus
from nntrain.layers.residual import Residual
from nntrain.layers.shaping import ActivationLayer, Flatten

__all__ = [
    "ActivationLayer", "Dense", "Dropout", "Elu", "Flatten", "Gelu", "Graph", "HardSigmoid",
    "Identity", "LeakyRelu", "LogSoftmax", "Mish", "Prelu", "Relu", "Residual", "Selu", "Sigmoid",
    "Silu", "Softmax", "Softplus", "Softsign", "Tanh",
]  # fmt: skip
