"""What a config file says, where it says it, and what is wrong with it."""

from nntrain.config.experiment import EarlyStopping, Experiment, Model, Trainer
from nntrain.config.load import Loaded, check_sweep, load, of_plain, parse, plain_of, restore
from nntrain.config.plugins import Plugin, load_plugins, require, used_by, used_with
from nntrain.config.scores import Score, default_metrics, scores, sign
from nntrain.config.writing import resolved

__all__ = [
    "EarlyStopping", "Experiment", "Loaded", "Model", "Plugin", "Score", "Trainer", "check_sweep",
    "default_metrics", "load", "load_plugins", "of_plain", "parse", "plain_of", "require",
    "resolved", "restore", "scores", "sign", "used_by", "used_with",
]  # fmt: skip
