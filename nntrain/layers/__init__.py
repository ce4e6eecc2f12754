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
from nntrain.layers.convolution import Conv1d, Conv2d, Conv2dTranspose
from nntrain.layers.dense import Dense
from nntrain.layers.drop_connect import DropConnect
from nntrain.layers.dropout import Dropout
from nntrain.layers.embedding import Embedding
from nntrain.layers.gated import Gelu, Mish, Silu
from nntrain.layers.global_pooling import (
    GlobalAveragePool1d,
    GlobalAveragePool2d,
    GlobalMaxPool1d,
    GlobalMaxPool2d,
)
from nntrain.layers.graph import Graph
from nntrain.layers.gru import Gru
from nntrain.layers.lstm import Lstm
from nntrain.layers.noise import GaussianNoise
from nntrain.layers.normalization import BatchNorm, GroupNorm, InstanceNorm, LayerNorm, RmsNorm
from nntrain.layers.pooling import AveragePool1d, AveragePool2d, MaxPool1d, MaxPool2d
from nntrain.layers.positional import PositionalEncoding
from nntrain.layers.rectifiers import Elu, LeakyRelu, Prelu, Relu, Selu, Softplus
from nntrain.layers.residual import Residual
from nntrain.layers.shaping import ActivationLayer, Flatten, Permute, Reshape, ZeroPadding2d
from nntrain.layers.simple_rnn import SimpleRnn
from nntrain.layers.upsampling import Upsample2d

__all__ = [
    "ActivationLayer", "AveragePool1d", "AveragePool2d", "BatchNorm", "Conv1d", "Conv2d",
    "Conv2dTranspose", "Dense", "DropConnect", "Dropout", "Elu", "Embedding", "Flatten",
    "GaussianNoise", "Gelu", "GlobalAveragePool1d", "GlobalAveragePool2d", "GlobalMaxPool1d",
    "GlobalMaxPool2d", "Graph", "GroupNorm", "Gru", "HardSigmoid", "Identity", "InstanceNorm",
    "LayerNorm", "LeakyRelu", "LogSoftmax", "Lstm", "MaxPool1d", "MaxPool2d", "Mish",
    "MultiHeadAttention", "Permute", "PositionalEncoding", "Prelu", "Relu", "Reshape", "Residual",
    "RmsNorm", "Selu", "Sigmoid", "Silu", "SimpleRnn", "Softmax", "Softplus", "Softsign", "Tanh",
    "Upsample2d", "ZeroPadding2d",
]  # fmt: skip
