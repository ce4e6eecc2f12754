"""What Python programs use; `import nntrain` offers it, and loads it when it is asked for."""

from nntrain.api.estimators import NNClassifier, NNRegressor
from nntrain.api.models import TrainedModel, load_model
from nntrain.api.training import fit, load_config
from nntrain.config import Loaded as Config
from nntrain.config import load_plugins
from nntrain.run.run import Run

__all__ = [
    "Config", "NNClassifier", "NNRegressor", "Run", "TrainedModel", "fit", "load_config",
    "load_model", "load_plugins",
]  # fmt: skip
