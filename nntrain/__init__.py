"""nntrain trains neural networks from a YAML file, in NumPy.

From Python: `load_config`, `fit`, `load_model`, and for scikit-learn `NNClassifier` and
`NNRegressor`; they are loaded when they are asked for, since the command line needs none of them.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nntrain.api import (
        Config,
        NNClassifier,
        NNRegressor,
        Run,
        TrainedModel,
        fit,
        load_config,
        load_model,
        load_plugins,
    )

__version__ = "0.1.0"
__all__ = [
    "Config", "NNClassifier", "NNRegressor", "Run", "TrainedModel", "__version__", "fit",
    "load_config", "load_model", "load_plugins",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name in __all__:
        return getattr(import_module("nntrain.api"), name)
    raise AttributeError(f"module 'nntrain' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
