"""A config and its data, both checked before anything is written; and what is told of them."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nntrain.config import Loaded
    from nntrain.data.dataset import Dataset
    from nntrain.display.printer import Printer


def load_config(config: Path, settings: list[str]) -> Loaded:
    """The config with `settings` on top; its layers fit onto each other."""
    from nntrain.config import load

    loaded = load(config, settings)
    from nntrain.run.checks import check_layers_alone

    check_layers_alone(loaded)
    return loaded


def load_data(loaded: Loaded, say: Printer | None = None) -> Dataset:
    """The data of a config; its network fits to it."""
    from nntrain.data.dataset import Dataset
    from nntrain.display.reading import reading

    experiment = loaded.experiment
    with reading(say) if say else nullcontext():
        dataset = Dataset.load(
            experiment.data,
            loaded.data_paths,
            experiment.loss.goal,
            experiment.seed,
            test_path=loaded.test_path,
            validation_path=loaded.validation_path,
        )
    check_fit(loaded, dataset)
    return dataset


def check_fit(loaded: Loaded, dataset: Dataset) -> None:
    """Refuse a network that does not fit to its data."""
    from nntrain.run.augmenting import check_augmentation
    from nntrain.run.checks import check_loss, check_outputs
    from nntrain.run.judges import check_judges
    from nntrain.run.size import check_size
    from nntrain.run.tokens import check_tokens

    check_judges(loaded, dataset)
    check_size(loaded, check_outputs(loaded, dataset.preprocessor, dataset.columns))
    check_augmentation(loaded, dataset.preprocessor)
    check_loss(loaded, dataset)
    check_tokens(loaded, dataset)


def describe(dataset: Dataset, say: Printer, *, every: bool) -> list[str]:
    """Tell what becomes of the columns; the log gets all of them."""
    from nntrain.display.plain import columns

    notes = list(dataset.notes)
    if not dataset.preprocessor.targets:
        notes.append("there is no target: the network learns its own input")
    for line in columns(dataset.columns, notes, every=every):
        say(line)
    return columns(dataset.columns, notes, every=True)
