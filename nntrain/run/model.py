"""Model: a trained network with all that prediction needs, in one file.

What `predict` does can not drift from what `fit` did, because both read the same preprocessor,
the same layers and the same loss from here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from nntrain.config import Experiment, restore
from nntrain.data.preprocessing import Preprocessor
from nntrain.errors import ConfigError
from nntrain.families import Array, to_plain
from nntrain.layers.units import settle_units
from nntrain.network import Network, plan
from nntrain.run.archive import damaged, read_archive, write_archive
from nntrain.store import Plan


@dataclass(frozen=True)
class Model:
    """A network, and what its inputs and outputs mean."""

    experiment: Experiment
    preprocessor: Preprocessor
    network: Network

    def show(self, prediction: Array) -> Array:
        """What people are shown: probabilities (N, C), or values in their own unit (N, K)."""
        return self.preprocessor.unscale(self.experiment.loss.link(prediction))


def build_model(experiment: Experiment, preprocessor: Preprocessor) -> Model:
    """A model with its first weights."""
    return Model(experiment, preprocessor, build_network(experiment, preprocessor))


def build_network(
    experiment: Experiment, preprocessor: Preprocessor, dtype: Any = np.float32
) -> Network:
    """The network that a config describes, for the data that was met."""
    layers = settle_units(experiment.model.layers, preprocessor.outputs, preprocessor.widths)
    shape, columns = (preprocessor.inputs,), preprocessor.places
    return Network(layers, shape, experiment.seed, dtype=dtype, columns=columns)


def build_plan(experiment: Experiment, preprocessor: Preprocessor) -> Plan:
    """What that network would consist of."""
    layers = settle_units(experiment.model.layers, preprocessor.outputs, preprocessor.widths)
    return plan(layers, (preprocessor.inputs,), preprocessor.places)


def write_model(path: Path, model: Model, weights: Mapping[str, Array]) -> None:
    """Write `model` with these weights and buffers.

    No path, no name and no time goes into it, so that equal runs give equal bytes.
    """
    config = to_plain(model.experiment)
    config["name"] = config["data"]["path"] = ""
    facts = {"config": config, "preprocessor": model.preprocessor.to_plain()}
    write_archive(path, "model", weights, facts)


def read_model(path: Path) -> Model:
    """The model in a file that `write_model` wrote."""
    arrays, facts = read_archive(path, "model")
    try:
        experiment = restore(facts["config"], str(path))
        model = build_model(experiment, Preprocessor.from_plain(facts["preprocessor"]))
    except (ConfigError, KeyError, TypeError, ValueError) as error:
        raise damaged(path, f"its config can not be used ({error})") from None
    load_weights(path, model.network, arrays)
    return model


def load_weights(path: Path, network: Network, arrays: Mapping[str, Array]) -> None:
    """Fill a network's weights and buffers from `arrays`, which must be exactly these."""
    wanted = named_vectors(network)
    if arrays.keys() != wanted.keys():
        odd = sorted(arrays.keys() ^ wanted.keys())[0]
        raise damaged(path, f"`{odd}` is not where the config says")
    for name, view in wanted.items():
        if arrays[name].shape != view.shape or arrays[name].dtype != view.dtype:
            raise damaged(path, f"`{name}` is {arrays[name].shape}, the config says {view.shape}")
        np.copyto(view, arrays[name])


def named_vectors(network: Network) -> dict[str, Array]:
    """Views of all weights and buffers of a network, by name."""
    return {**network.store.weights, **network.store.buffers}
