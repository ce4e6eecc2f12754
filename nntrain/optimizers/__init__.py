"""Optimizers: the rule by which a gradient moves the weights.

The letters are the papers'.  What all of them share stands in `families.Optimizer`; the trace of
all of them is Ruder 2016, *An overview of gradient descent optimization algorithms*,
arXiv:1609.04747.
"""

from nntrain.optimizers.adagrad import Adadelta, Adagrad, Rmsprop
from nntrain.optimizers.adam import Adam, Adamax, Amsgrad
from nntrain.optimizers.nadam import Nadam
from nntrain.optimizers.radam import Radam
from nntrain.optimizers.sgd import Sgd
from nntrain.optimizers.sign import Lion, Rprop

__all__ = [
    "Adadelta", "Adagrad", "Adam", "Adamax", "Amsgrad", "Lion", "Nadam", "Radam", "Rmsprop",
    "Rprop", "Sgd",
]  # fmt: skip
