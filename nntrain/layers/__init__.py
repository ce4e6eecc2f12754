"""The layers; importing this registers every kind."""

from nntrain.layers.activations import Elu, Identity, Relu, Sigmoid, Softmax, Tanh
from nntrain.layers.convolution import Conv1d, Conv2d, Conv2dTranspose
from nntrain.layers.dense import Dense
from nntrain.layers.drop_connect import DropConnect
from nntrain.layers.dropout import Dropout
from nntrain.layers.global_pooling import (
    GlobalAveragePool1d,
    GlobalAveragePool2d,
    GlobalMaxPool1d,
    GlobalMaxPool2d,
)
from nntrain.layers.noise import GaussianNoise
from nntrain.layers.normalization import BatchNorm, GroupNorm, InstanceNorm, LayerNorm, RmsNorm
from nntrain.layers.pooling import AveragePool1d, AveragePool2d, MaxPool1d, MaxPool2d
from nntrain.layers.shaping import ActivationLayer, Flatten, Permute, Reshape, ZeroPadding2d
from nntrain.layers.upsampling import Upsample2d

__all__ = [
    "ActivationLayer", "AveragePool1d", "AveragePool2d", "BatchNorm", "Conv1d", "Conv2d",
    "Conv2dTranspose", "Dense", "DropConnect", "Dropout", "Elu", "Flatten", "GaussianNoise",
    "GlobalAveragePool1d", "GlobalAveragePool2d", "GlobalMaxPool1d", "GlobalMaxPool2d",
    "GroupNorm", "Identity", "InstanceNorm", "LayerNorm", "MaxPool1d", "MaxPool2d", "Permute",
    "Relu", "Reshape", "RmsNorm", "Sigmoid", "Softmax", "Tanh", "Upsample2d", "ZeroPadding2d",
]  # fmt: skip
