"""Loss functions: what training makes small.  Importing this registers every kind.

Each returns the weighted sum over the rows and its derivative by the prediction; the weights sum
to 1 over the whole batch, so the result is the mean.
"""

from nntrain.losses.classification import BinaryCrossEntropy, CrossEntropy, Focal, Hinge
from nntrain.losses.combined import WeightedSum
from nntrain.losses.distributions import KlDivergence, Poisson
from nntrain.losses.regression import (
    CosineSimilarity,
    EuclideanDistance,
    Huber,
    LogCosh,
    MeanAbsoluteError,
    MeanSquaredError,
    Quantile,
)

__all__ = [
    "BinaryCrossEntropy", "CosineSimilarity", "CrossEntropy", "EuclideanDistance", "Focal",
    "Hinge", "Huber", "KlDivergence", "LogCosh", "MeanAbsoluteError", "MeanSquaredError",
    "Poisson", "Quantile", "WeightedSum",
]  # fmt: skip
