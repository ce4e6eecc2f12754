"""Metrics: what people judge a network by.  Rows become sums; sums combine; a score reads them."""

from nntrain.metrics.classification import Accuracy, Brier, CalibrationError, LogLoss, TopK
from nntrain.metrics.confusion import (
    F1,
    BalancedAccuracy,
    F1Macro,
    F1Micro,
    F1Weighted,
    Matthews,
    Precision,
    PrecisionMacro,
    PrecisionMicro,
    PrecisionWeighted,
    Recall,
    RecallMacro,
    RecallMicro,
    RecallWeighted,
)  # fmt: skip
from nntrain.metrics.ranking import AveragePrecision, RocAuc
from nntrain.metrics.regression import R2, ExplainedVariance, Mae, Mape, Mse, Rmse
from nntrain.metrics.text import BitsPerCharacter, Perplexity

__all__ = [
    "F1", "R2", "Accuracy", "AveragePrecision", "BalancedAccuracy", "BitsPerCharacter", "Brier",
    "CalibrationError", "ExplainedVariance", "F1Macro", "F1Micro", "F1Weighted", "LogLoss", "Mae",
    "Mape", "Matthews", "Mse", "Perplexity", "Precision", "PrecisionMacro", "PrecisionMicro",
    "PrecisionWeighted", "Recall", "RecallMacro", "RecallMicro", "RecallWeighted", "Rmse",
    "RocAuc", "TopK",
]  # fmt: skip
