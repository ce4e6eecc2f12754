"""Prepare: the data of a config, and all that can be wrong between the two, before anything is
written."""

from __future__ import annotations

from nntrain.config import Loaded
from nntrain.data.dataset import Dataset
from nntrain.run.augmenting import check_augmentation
from nntrain.run.checks import check_layers_alone, check_loss, check_outputs
from nntrain.run.judges import check_judges
from nntrain.run.size import check_size
from nntrain.run.tokens import check_tokens

__all__ = ["check_layers_alone", "check_rows", "prepared"]


def prepared(loaded: Loaded) -> Dataset:
    """The rows that a config names; its network fits them."""
    experiment = loaded.experiment
    dataset = Dataset.load(
        experiment.data,
        loaded.data_paths,
        experiment.loss.goal,
        experiment.seed,
        test_path=loaded.test_path,
        validation_path=loaded.validation_path,
    )
    check_rows(loaded, dataset)
    return dataset


def check_rows(loaded: Loaded, dataset: Dataset) -> None:
    """The network, the loss and what judges a training fit the rows; else a located ConfigError."""
    check_judges(loaded, dataset)
    check_size(loaded, check_outputs(loaded, dataset.preprocessor, dataset.columns))
    check_augmentation(loaded, dataset.preprocessor)
    check_loss(loaded, dataset)
    check_tokens(loaded, dataset)
