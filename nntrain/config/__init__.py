"""What a config file says, where it says it, and what is wrong with it."""

from nntrain.config.experiment import EarlyStopping, Experiment, Model, Trainer
from nntrain.config.load import Loaded, check_sweep, load, of_plain, parse, restore
from nntrain.config.scores import Score, default_metrics, scores, sign
from nntrain.config.writing import resolved

__all__ = [
    "EarlyStopping", "Experiment", "Loaded", "Model", "Score", "Trainer", "check_sweep",
    "default_metrics", "load", "of_plain", "parse", "resolved", "restore", "scores", "sign",
]  # fmt: skip
